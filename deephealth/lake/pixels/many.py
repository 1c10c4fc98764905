"""Looking at all frames of an object without reading each: what has been judged once is not read again."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from deephealth.lake.pixels.finder import Finding, TextFinder
from deephealth.lake.pixels.hints import Hints
from deephealth.lake.pixels.lines import Line
from deephealth.lake.pixels.stored import StoredFrames

__all__ = ["Look", "look_at_frames"]

_KNOWN = 0.8  # share of a line that lies in boxes found already
_SAME = 0.6  # share of a line that lies on one that was read before and is none
_BETTER = 0.08  # by which a line has to look more like writing to be read again
_MOST_AGAIN = 8  # lines that are read on frames after the first few
_FEW = 4


@dataclass(slots=True)
class Look:
    """What was found in all frames.

    Args:
        findings: boxes to paint on every frame.
        seen: frames on which writing was found, and the first.
        doubtful: why the object is in doubt; empty if it is not.
        masked: whether the bits above the stored ones hold a picture that has to go.
        sure: whether some line can't be anything but writing.
    """

    findings: list[Finding] = field(default_factory=list)
    seen: list[int] = field(default_factory=list)
    doubtful: str = ""
    masked: bool = False
    sure: bool = False


def look_at_frames(frames: StoredFrames, finder: TextFinder, hints: Hints, *, most_tiles: int = 48) -> Look:
    """Look at the frames of an object.

    Args:
        frames: of the object.
        finder: for one picture.
        hints: from the header.
        most_tiles: of a whole-slide level that are looked at.
    """
    look, rejected = Look(seen=[0]), list[Line]()
    count = len(frames)
    whole = {0, count // 2, count - 1} if hints.thorough else set()
    for number, index in enumerate(_picked(count, most_tiles if hints.tiles else count)):
        stored = frames.stored(index)
        look.masked = look.masked or _hidden_picture(frames, stored, finder, hints)
        picture = frames.shown(stored)
        lines = [line for line in finder.screen(picture) if not _known(line, look.findings, rejected)]
        if number >= _FEW:
            lines = lines[:_MOST_AGAIN]
        if not lines and index not in whole:
            continue
        found = finder.find(picture, lines=lines, thorough=index in whole, places=hints.places, known=look.findings)
        rejected += found.rejected
        look.sure = look.sure or found.sure
        if found.boxes:
            look.findings += found.boxes
            look.seen.append(index)
        if found.doubtful:
            look.doubtful = "something that looks like text stands in the picture and can't be read"
    return look


def _picked(count: int, most: int) -> list[int]:
    return list(range(count)) if count <= most else sorted(set(np.linspace(0, count - 1, most).astype(int).tolist()))


def _hidden_picture(frames: StoredFrames, stored: np.ndarray, finder: TextFinder, hints: Hints) -> bool:
    """Whether the bits above the stored ones hold an overlay, or anything that looks like writing."""
    planes = frames.high_bits(stored)
    return bool(planes) and (hints.overlay_bits or any(finder.screen(plane) for plane in planes))


def _known(line: Line, findings: list[Finding], rejected: list[Line]) -> bool:
    if any(_share(line, box) >= _KNOWN for box in findings):
        return True
    return any(_share(line, old) >= _SAME and line.score <= old.score + _BETTER for old in rejected)


def _share(line: Line, box: Finding | Line) -> float:
    width = min(line.x1, box.x1) - max(line.x0, box.x0)
    height = min(line.y1, box.y1) - max(line.y0, box.y0)
    return width * height / max(1, (line.x1 - line.x0) * (line.y1 - line.y0)) if width > 0 and height > 0 else 0.0
