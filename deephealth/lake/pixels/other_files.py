"""Writing in the pixels of files that are not DICOM: pictures, TIFF pages and NIfTI slices, each as it can be turned.

Nothing is painted: a JPEG would have to be compressed again, and in a volume of numbers a black box is a value. A file
with writing in its pixels goes into quarantine. It is looked at after its metadata are gone, so that decoders meet a
file whose structure was checked and written anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from deephealth.io.limits import DEFAULT_LIMITS, Limits
from deephealth.io.raster_read import decode_raster
from deephealth.lake.identifiers import Identifiers
from deephealth.lake.pixels.decoding import decoding
from deephealth.lake.pixels.finder import Finding, TextFinder
from deephealth.lake.pixels.lines import Line
from deephealth.lake.pixels.nifti_slices import slices_of
from deephealth.lake.pixels.outcome import PixelOutcome
from deephealth.lake.pixels.tiff_pages import pages_of

__all__ = ["RASTERS", "check_pixels"]

RASTERS = frozenset({"jpeg", "png", "webp", "bmp", "gif"})
_SMALLEST = 8  # pixels; no letter fits in less
_SAME, _BETTER = 0.6, 0.08  # as for the frames of a DICOM object: what was read once and is none is not read again
_MOST_DETECTED = 3  # slices of a volume that the detector sees, each way round
_HOT = 3.5  # logit of the screen from which a place in one slice of a volume is believed to hold letters
_SLICES = 3  # slices on which letters that are not sure must stand
_WRITTEN = "text stands in the picture, and it is not painted over in this format"
_DOUBTFUL = "something that looks like text stands in the picture and can't be read"


def check_pixels(
    path: Path, kind: str, identifiers: Identifiers, *, slide: bool = False, limits: Limits = DEFAULT_LIMITS
) -> PixelOutcome:
    """Look for writing in the pixels of a file whose metadata were cleaned.

    Args:
        path: the cleaned file.
        kind: ``jpeg``, ``png``, ``webp``, ``bmp``, ``gif``, ``tiff`` or ``nifti``.
        identifiers: of the patient; a line that holds one is writing however short it is.
        slide: whether a TIFF is a whole-slide pyramid, of which small pages and a sample of tiles are looked at.
        limits: largest picture.

    Returns:
        ``kept``, or ``doubtful`` with its reason; nothing is changed.

    Raises:
        QuarantineError: the pixels can't be decoded, or claim more than the limits allow.
        OptionalDependencyError: a decoder or the reader is not installed.

    Example:
        >>> import tempfile
        >>> from deephealth.io.raster_write import write_raster
        >>> path = Path(tempfile.mkdtemp()) / "a.png"
        >>> write_raster(path, np.zeros((64, 64), np.uint8))
        >>> check_pixels(path, "png", Identifiers()).status
        'kept'
    """
    look = _Look(TextFinder(identifiers))
    look_at = {"tiff": _tiff, "nifti": _nifti}.get(kind, _raster)
    with decoding("the picture"):
        reason = look_at(path, look, slide, limits)
    return PixelOutcome("doubtful" if reason else "kept", executed=True, reason=reason)


@dataclass(slots=True)
class _Look:
    """Looks at picture after picture, and remembers what was read and is no writing.

    Args:
        finder: for one picture.
        rejected: lines of the screen that were read.
    """

    finder: TextFinder
    rejected: list[Line] = field(default_factory=list)

    def everywhere(self, picture: np.ndarray) -> str:
        """Return why one picture is in doubt, the detector asked in any case."""
        found = self.finder.find(picture, thorough=True)
        return _WRITTEN if found.boxes else _DOUBTFUL if found.doubtful else ""

    def where_it_fires(self, picture: np.ndarray) -> str:
        """Return why one of many pictures is in doubt; only what the screen sees is looked at."""
        lines = self.finder.screen(picture)
        lines = [line for line in lines if not any(_is_same(line, old) for old in self.rejected)]
        if not lines:
            return ""
        found = self.finder.find(picture, lines=lines)
        self.rejected += found.rejected
        return _WRITTEN if found.boxes else _DOUBTFUL if found.doubtful else ""


_Way = Callable[[Path, _Look, bool, Limits], str]


def _raster(path: Path, look: _Look, _slide: bool, limits: Limits) -> str:
    pixels = decode_raster(path.read_bytes(), "the picture", alpha="keep", limits=limits)
    return _first(look.everywhere(plane) for plane in _planes(pixels))


def _tiff(path: Path, look: _Look, slide: bool, limits: Limits) -> str:
    pages = pages_of(path, slide=slide, limits=limits)
    return _first(
        look.everywhere(plane) if page.whole else look.where_it_fires(plane)
        for page in pages
        for plane in _planes(page.pixels)
    )


def _nifti(path: Path, look: _Look, _slide: bool, limits: Limits) -> str:
    """Look at slices; files converted from DICOM are often mirrored, and mirrored letters can't be read."""
    volumes = (_VolumeLook(look.finder), _VolumeLook(look.finder))
    for pixels in slices_of(path, limits=limits):
        for plane in _planes(pixels):
            if not look.finder.screen(plane):
                continue
            for one, turned in zip(volumes, (plane, np.ascontiguousarray(plane[::-1])), strict=True):
                reason = one.slice(turned)
                if reason:
                    return reason
    return ""


@dataclass(slots=True)
class _VolumeLook:
    """Looks at the slices of a volume, all turned the same way.

    Vessels and folds read as two or three letters now and then, and a volume has hundreds of slices. So letters count
    when the reading is beyond doubt, when the screen is sure of the place, or when they stand there on several slices.

    Args:
        finder: for one slice.
        rejected: lines that were read and are none.
        seen: places where a slice seemed to hold letters.
        detected: slices that the detector saw.
    """

    finder: TextFinder
    rejected: list[Line] = field(default_factory=list)
    seen: list[Finding] = field(default_factory=list)
    detected: int = 0

    def slice(self, picture: np.ndarray) -> str:
        """Return why the volume is in doubt after one slice more."""
        lines = self.finder.screen(picture)
        left = [line for line in lines if not any(_is_same(line, old) for old in self.rejected)]
        if not left:
            return ""
        self.detected += 1
        found = self.finder.find(picture, lines=left, thorough=self.detected <= _MOST_DETECTED)
        self.rejected += found.rejected
        if found.doubtful:
            return _DOUBTFUL
        for box in found.boxes:
            before = sum(_overlap(box, other) >= _SAME for other in self.seen)
            if found.sure or before + 1 >= _SLICES or any(_overlap(box, line) and line.heat >= _HOT for line in lines):
                return _WRITTEN
        self.seen += found.boxes
        return ""


def _planes(pixels: np.ndarray) -> Iterator[np.ndarray]:
    """Yield a picture as grey or colour planes that hold anything: alpha by itself, other channels each by itself."""
    parts = [pixels]
    if pixels.ndim == 3 and pixels.shape[2] != 3:
        colours = 3 if pixels.shape[2] == 4 else 0
        parts = [pixels[..., :3]] if colours else []
        parts += [pixels[..., channel] for channel in range(colours, pixels.shape[2])]
    for part in parts:
        if part.dtype.kind == "c":
            part = np.abs(part)
        if min(part.shape[:2]) >= _SMALLEST and bool((part != part[:1, :1]).any()):
            yield np.ascontiguousarray(part)


def _first(reasons: Iterator[str]) -> str:
    return next((reason for reason in reasons if reason), "")


def _is_same(line: Line, old: Line) -> bool:
    return _overlap(line, old) >= _SAME and line.score <= old.score + _BETTER


def _overlap(box: Line | Finding, other: Line | Finding) -> float:
    """Return the share of a box that lies in another."""
    width = min(box.x1, other.x1) - max(box.x0, other.x0)
    height = min(box.y1, other.y1) - max(box.y0, other.y0)
    area = max(1, (box.x1 - box.x0) * (box.y1 - box.y0))
    return width * height / area if width > 0 and height > 0 else 0.0
