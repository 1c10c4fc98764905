"""What the header says about writing in the pixels; hints only, for headers are wrong about it often."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deephealth.lake.pixels.devices import NOWHERE, Places, places_of

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

__all__ = ["Hints", "hints_of"]

_SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"
_CAPTURES = "1.2.840.10008.5.1.4.1.1.7"  # secondary capture and its multi-frame kinds
_ULTRASOUND = ("1.2.840.10008.5.1.4.1.1.6.", "1.2.840.10008.5.1.4.1.1.3.")
_WRITTEN_ON = frozenset({"US", "IVUS", "OT", "SC", "ES", "XC", "GM", "ECG", "BDUS", "OPT", "OP", "DG"})
_SCREENS = frozenset({"SCREEN SAVE", "SCREENSAVE", "SCREEN", "SNAPSHOT", "DOSE_INFO", "DOSE", "REPORT", "SUMMARY"})
_DROPPED = {
    "LABEL": "a slide's label",
    "OVERVIEW": "a slide's overview, which shows its label",
    "MACRO": "a macro image",
}


@dataclass(frozen=True, slots=True)
class Hints:
    """What the header says.

    Args:
        thorough: writing is likely: look everywhere even if the screen finds nothing.
        drop: why the object is to be left out; empty if it is not.
        tiles: the frames are tiles of a whole-slide image.
        overlay_bits: the header names overlays in the unused bits of the pixels.
        places: where the device writes: banners, and outside the regions of ultrasound data.
    """

    thorough: bool = False
    drop: str = ""
    tiles: bool = False
    overlay_bits: bool = False
    places: Places = NOWHERE


def hints_of(dataset: Dataset) -> Hints:
    """Return what a header says about writing in the pixels."""
    sop_class = str(dataset.get("SOPClassUID", "") or "")
    kinds = {str(value).strip().upper() for value in _values(dataset, "ImageType")}
    slide = sop_class == _SLIDE
    drop = next((why for kind, why in _DROPPED.items() if kind in kinds), "") if slide else ""
    modality = str(dataset.get("Modality", "") or "").strip().upper()
    burned = str(dataset.get("BurnedInAnnotation", "") or "").strip().upper()
    written = (
        burned == "YES"
        or modality in _WRITTEN_ON
        or sop_class.startswith(_ULTRASOUND)
        or sop_class == _CAPTURES
        or sop_class.startswith(_CAPTURES + ".")
        or bool(kinds & _SCREENS)
        or "ConversionType" in dataset
    )
    return Hints(written and not slide, drop, slide, _has_overlay_bits(dataset), places_of(dataset, _regions(dataset)))


def _values(dataset: Dataset, keyword: str) -> list[str]:
    value = dataset.get(keyword)
    if value is None:
        return []
    return [value] if isinstance(value, str) else [str(one) for one in value]


def _has_overlay_bits(dataset: Dataset) -> bool:
    """Whether an overlay has no data of its own, so that it stands in the pixels' high bits (PS3.5 8.1.2)."""
    groups = {int(tag) >> 16 for tag in dataset.keys()}  # noqa: SIM118 - iterating a data set decodes it
    return any(
        0x6000 <= group <= 0x60FF and (group, 0x3000) not in dataset and (group, 0x0010) in dataset for group in groups
    )


def _regions(dataset: Dataset) -> tuple[tuple[int, int, int, int], ...]:
    found = []
    for item in dataset.get("SequenceOfUltrasoundRegions") or ():
        keywords = ("RegionLocationMinX0", "RegionLocationMinY0", "RegionLocationMaxX1", "RegionLocationMaxY1")
        try:
            x0, y0, x1, y1 = (int(item[keyword].value) for keyword in keywords)
        except (KeyError, TypeError, ValueError):
            return ()
        if x1 > x0 and y1 > y0:
            found.append((x0, y0, x1 + 1, y1 + 1))
    return tuple(found)
