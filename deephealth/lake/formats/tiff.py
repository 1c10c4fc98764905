"""TIFF and whole slides: pages, pixels and the tags that decoding needs are written into a new file, nothing else is.

A label or macro image of a slide is not unlinked but never copied, and the same goes for gaps between tiles, text tags,
EXIF, GPS, XMP, IPTC, maker notes and bytes after the end. Pixels are copied as coded, so they are equal bit by bit.
Of a whole slide only the pyramid stays: tiled pages with the proportions of the largest.
"""

from __future__ import annotations

from pathlib import Path

from deephealth.core.errors import QuarantineError
from deephealth.lake.actions import Action, Tally
from deephealth.lake.formats.context import FieldSweep, FileContext, FileOutcome, damaged, writing
from deephealth.lake.formats.tiff_description import clean_description, is_associated, vendor_of
from deephealth.lake.formats.tiff_pages import Directory, TiffFile, read_tiff
from deephealth.lake.formats.tiff_writer import KEPT_TAGS, TiffWriter
from deephealth.lake.reasons import Reason

__all__ = ["clean"]

_DESCRIPTION, _SOFTWARE, _SUBFILE, _TILES = 270, 305, 254, 324
_SLIDE_PIXELS = 2048 * 2048
_PROPORTION = 0.03
_REFUSED = {"hamamatsu": "Hamamatsu NDPI", "leica": "Leica SCN", "ventana": "Ventana BIF"}


def clean(source: Path, target: Path, who: FileContext) -> FileOutcome:
    """Write a TIFF without identifiers.

    Args:
        source: the file.
        target: where the cleaned file is to be.
        who: whose it is.

    Raises:
        QuarantineError: damaged, hostile, of a vendor whose layout can't be kept without its texts, or no patient.
        StorageError: the target can't be written.
    """
    _ = who.subject
    size = source.stat().st_size
    tally, notes = Tally(), list[str]()
    sweep = FieldSweep(who, tally)
    with source.open("rb") as stream:
        tiff = read_tiff(stream, size, lambda tag: tag in KEPT_TAGS or tag in (_DESCRIPTION, _SOFTWARE))
        first = tiff.pages[0]
        vendor = vendor_of(first.text(_DESCRIPTION), first.text(_SOFTWARE), first.tags)
        if vendor in _REFUSED:
            what = f"{_REFUSED[vendor]}: its pixels can't be placed without the texts that would have to go"
            raise QuarantineError(Reason.UNKNOWN_FORMAT, what, hint="convert it to DICOM, and take that in")
        slide = _is_slide(tiff, vendor)
        pages, dropped = _select(tiff.pages, slide, vendor)
        if not pages:
            raise damaged("the TIFF file has no page that may stay")
        if dropped and vendor == "ome":  # its text counts pages that are no longer there
            vendor = ""
        for page in _all(pages):
            tally[Action.REMOVED] += page.others + (_SOFTWARE in page.entries)
            page.entries.pop(_SOFTWARE, None)
        with writing(target), target.open("w+b") as out:
            writer = TiffWriter(out, tiff.order, tiff.big, stream, size, most=who.limits.max_bytes)
            writer.write(pages, lambda text: clean_description(text, vendor, sweep), notes)
    tally[Action.REMOVED] += dropped
    tally[Action.KEPT] += len(pages)
    if dropped:
        notes.append(f"{dropped:,} associated images (label, macro, thumbnail) were left out")
    facts = {
        "rows": max(page.number(257) for page in pages),
        "columns": max(page.number(256) for page in pages),
        "frames": len(pages),
        "pixels": "unchecked",
    }
    return FileOutcome("tiff", "SM" if slide else "OT", tally, facts, tuple(notes))


def _all(pages: list[Directory]) -> list[Directory]:
    return [page for top in pages for page in (top, *_all(top.children))]


def _is_slide(tiff: TiffFile, vendor: str) -> bool:
    """Return whether the file is a whole slide: of a scanner, or large, tiled and of several pages."""
    everything = _all(tiff.pages)
    large = any(_TILES in page.entries and _area(page) >= _SLIDE_PIXELS for page in everything)
    return vendor in ("aperio", "philips") or (large and len(everything) > 1)


def _area(page: Directory) -> int:
    return page.number(256) * page.number(257)


def _select(pages: list[Directory], slide: bool, vendor: str) -> tuple[list[Directory], int]:
    """Return the pages that stay, and how many do not."""
    largest = max(_all(pages), key=_area)
    if not _area(largest):
        raise damaged("the TIFF file has no pixels")
    kept, dropped = [], 0
    for page in pages:
        if _stays(page, largest, slide, vendor):
            page.children, lost = _select_children(page, largest, slide, vendor)
            kept.append(page)
            dropped += lost
        else:
            dropped += 1 + len(_all(page.children))
    return kept, dropped


def _select_children(page: Directory, largest: Directory, slide: bool, vendor: str) -> tuple[list[Directory], int]:
    kept, dropped = [], 0
    for child in page.children:
        if _stays(child, largest, slide, vendor):
            child.children, lost = _select_children(child, largest, slide, vendor)
            kept.append(child)
            dropped += lost
        else:
            dropped += 1 + len(_all(child.children))
    return kept, dropped


def _stays(page: Directory, largest: Directory, slide: bool, vendor: str) -> bool:
    if is_associated(page.text(_DESCRIPTION), vendor) or not _area(page):
        return False
    tiled = _TILES in page.entries
    if not slide:
        return tiled or page is largest or not page.number(_SUBFILE) & 1  # a small copy beside the picture
    ratio = page.number(256) * largest.number(257) / (page.number(257) * largest.number(256))
    # the smallest levels are rounded to whole pixels
    rounding = 1 / page.number(256) + 1 / page.number(257)
    return tiled and abs(ratio - 1) <= _PROPORTION + rounding
