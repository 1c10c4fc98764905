"""The pixel cleaner: writing is found and painted over, then looked for again; without writing not a bit changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from deephealth.io.limits import Limits
from deephealth.lake.identifiers import Identifiers
from deephealth.lake.pixels.decoding import decoding
from deephealth.lake.pixels.finder import Finding, TextFinder
from deephealth.lake.pixels.hints import Hints, hints_of
from deephealth.lake.pixels.many import Look, look_at_frames
from deephealth.lake.pixels.outcome import Box, PixelOutcome
from deephealth.lake.pixels.pattern import is_pattern
from deephealth.lake.pixels.stored import StoredFrames

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

__all__ = ["Box", "PixelCleaner", "PixelOutcome", "PixelSettings"]

_LIMITS = Limits(max_pixels=120_000_000, max_frames=200_000)
_KEYWORDS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")


@dataclass(frozen=True, slots=True)
class PixelSettings:
    """How the pixels are looked at.

    Args:
        limits: largest frame and number of frames.
        rounds: how often a painted picture is looked at again before what is left counts as doubtful.
        most_tiles: tiles of a whole-slide level that are looked at.
        most_painted: share of a picture; where more would be painted over, a person has to look.
    """

    limits: Limits = _LIMITS
    rounds: int = 3
    most_tiles: int = 48
    most_painted: float = 0.7


class PixelCleaner:
    """Finds burned-in writing in DICOM objects and paints over it.

    Args:
        settings: how the pixels are looked at.

    Source: DICOM PS3.15 E.3.1 (clean pixel data option).

    Example:
        >>> import pydicom
        >>> from pydicom.data import get_testdata_file
        >>> dataset = pydicom.dcmread(get_testdata_file("CT_small.dcm", download=False))
        >>> PixelCleaner().clean(dataset, Identifiers()).status
        'kept'
    """

    def __init__(self, settings: PixelSettings | None = None) -> None:
        self._settings = settings or PixelSettings()

    def clean(self, dataset: Dataset, identifiers: Identifiers) -> PixelOutcome:
        """Look at the pixels of one object and paint over what is written in them.

        Args:
            dataset: its pixel element is changed in place, and only if something is painted.
            identifiers: of the patient; a line that holds one goes however short it is.

        Raises:
            QuarantineError: the pixels can't be decoded, or claim more than the object can hold.
            OptionalDependencyError: a decoder or the reader is not installed.
        """
        if not any(keyword in dataset for keyword in _KEYWORDS):
            return PixelOutcome("none")
        hints = hints_of(dataset)
        if hints.drop:
            return PixelOutcome("drop", reason=hints.drop)
        with decoding("the object"):
            return self._clean(StoredFrames(dataset, self._settings.limits), hints, identifiers)

    def _clean(self, frames: StoredFrames, hints: Hints, identifiers: Identifiers) -> PixelOutcome:
        finder = TextFinder(identifiers)
        look = look_at_frames(frames, finder, hints, most_tiles=self._settings.most_tiles)
        if look.findings:
            self._verify(frames, finder, look, hints)
        boxes = tuple(Box(-1, f.x0, f.y0, f.x1, f.y1, f.why, f.score) for f in look.findings)
        if look.doubtful:
            return PixelOutcome("doubtful", boxes, executed=True, reason=look.doubtful)
        first = frames.stored(0)
        if is_pattern(frames.shown(painted(first.copy(), look.findings, frames) if boxes else first)):
            reason = "a pattern covers the picture; letters that stand in it could not be seen"
            return PixelOutcome("doubtful", boxes, executed=True, reason=reason)
        if not boxes and not look.masked:
            return PixelOutcome("kept", executed=True)
        if _share(look.findings, frames) > self._settings.most_painted:
            return PixelOutcome("doubtful", boxes, executed=True, reason="most of the picture would be painted over")
        frames.rewrite(lambda _, frame: painted(frames.masked(frame) if look.masked else frame, look.findings, frames))
        if look.masked:
            rows, columns = frames.layout.rows, frames.layout.columns
            boxes = (*boxes, Box(-1, 0, 0, columns, rows, "overlay bits", 1.0))
        return PixelOutcome("hidden", boxes, executed=True)

    def _verify(self, frames: StoredFrames, finder: TextFinder, look: Look, hints: Hints) -> None:
        """Look again at painted pictures; paint what is left, and doubt what can't be painted away."""
        for number, index in enumerate(list(dict.fromkeys(look.seen))[:4]):
            for turn in range(self._settings.rounds):
                picture = frames.shown(painted(frames.stored(index).copy(), look.findings, frames))
                everywhere = look.sure and number == turn == 0  # later only what the screen sees is looked at
                left = finder.find(picture, written=everywhere, places=hints.places)
                again = [*left.boxes, *left.doubtful]  # where writing was found, what looks like it goes unread
                if not again:
                    break
                look.findings += again
            else:
                look.doubtful = "something that reads as text is left after painting"


def _share(findings: list[Finding], frames: StoredFrames) -> float:
    """Return the share of the picture that the boxes cover together."""
    covered = np.zeros((frames.layout.rows, frames.layout.columns), bool)
    for box in findings:
        covered[box.y0 : box.y1, box.x0 : box.x1] = True
    return float(covered.mean()) if covered.size else 0.0


def painted(frame: np.ndarray, findings: list[Finding], frames: StoredFrames) -> np.ndarray:
    """Return the frame with every box filled with its darkest value; changed in place."""
    if findings:
        black = frames.darkest(frame)
        for box in findings:
            frame[box.y0 : box.y1, box.x0 : box.x1] = black
    return frame
