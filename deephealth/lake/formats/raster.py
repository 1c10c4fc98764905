"""Pictures (JPEG, PNG, WebP, BMP, GIF): everything but the picture goes, and the coded pixels are copied as they are.

Nothing is decoded and nothing is compressed again, so pixels are equal bit by bit. The EXIF orientation stays as a tag,
because turning a JPEG is not always lossless. What is written *in* the pixels is not looked at here;
``facts["pixels"]`` is ``unchecked`` until :mod:`deephealth.lake.pixels.other_files` has seen them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from deephealth.core.errors import QuarantineError
from deephealth.lake.actions import Action, Tally
from deephealth.lake.formats.bmp_strip import strip_bmp
from deephealth.lake.formats.context import FileContext, FileOutcome, damaged, too_large, writing
from deephealth.lake.formats.gif_strip import strip_gif
from deephealth.lake.formats.jpeg_strip import strip_jpeg
from deephealth.lake.formats.png_strip import SIGNATURE, strip_png
from deephealth.lake.formats.reading import read_bounded
from deephealth.lake.formats.webp_strip import strip_webp
from deephealth.lake.reasons import Reason

__all__ = ["clean", "raster_kind"]

_Strip = Callable[[bytes, int], tuple[bytes, tuple[int, int], int, list[str]]]


def raster_kind(start: bytes) -> str:
    r"""Return ``jpeg``, ``png``, ``webp``, ``bmp`` or ``gif`` by a file's first 26 bytes, or an empty text.

    Example:
        >>> raster_kind(b"\xff\xd8\xff\xe0"), raster_kind(b"hello")
        ('jpeg', '')
    """
    if start.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if start.startswith(SIGNATURE):
        return "png"
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "webp"
    if start[:6] in (b"GIF87a", b"GIF89a"):
        return "gif"
    header = int.from_bytes(start[14:18], "little")
    return "bmp" if start[:2] == b"BM" and header in (12, 40, 52, 56, 108, 124) else ""


def clean(source: Path, target: Path, who: FileContext) -> FileOutcome:
    """Write a picture without anything beside its pixels.

    Args:
        source: the file.
        target: where the cleaned file is to be; the format stays whatever the name says.
        who: whose it is.

    Raises:
        QuarantineError: damaged, too large, animated, or no patient.
        StorageError: the target can't be written.
    """
    _ = who.subject
    data = read_bounded(source, who.limits.max_bytes)
    kind = raster_kind(data[:26])
    if not kind:
        raise QuarantineError(
            Reason.UNKNOWN_FORMAT, "no picture of a known format", allowed="JPEG, PNG, WebP, BMP, GIF"
        )
    fresh, (width, height), removed, notes = _STRIP[kind](data, who.limits.max_pixels)
    with writing(target):
        target.write_bytes(fresh)
    tally = Tally({Action.KEPT: 1})
    if removed:
        tally[Action.REMOVED] = removed
    facts = {"rows": height, "columns": width, "frames": 1, "pixels": "unchecked"}
    return FileOutcome(kind, "OT", tally, facts, tuple(notes))


def _jpeg(data: bytes, most_pixels: int) -> tuple[bytes, tuple[int, int], int, list[str]]:
    found = strip_jpeg(data)
    if not found.width or not found.height:
        raise damaged("the JPEG file holds no picture")
    if found.width * found.height > most_pixels:
        raise too_large(f"the picture claims {found.width:,} x {found.height:,} pixels")
    notes = [f"{found.trailing:,} bytes after the picture were left out"] if found.trailing else []
    return found.data, (found.width, found.height), found.removed, [*found.notes, *notes]


_STRIP: dict[str, _Strip] = {"jpeg": _jpeg, "png": strip_png, "webp": strip_webp, "bmp": strip_bmp, "gif": strip_gif}
