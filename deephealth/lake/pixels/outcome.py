"""What became of the pixels of one object."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Box", "PixelOutcome"]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle that was painted over.

    Args:
        frame: number of the frame from 0; -1 for every frame.
        x0, y0, x1, y1: first column and row, and those after the last.
        why: ``"read"``, ``"seen"`` (looks like writing and could not be read) or ``"overlay bits"``.
        score: how sure, 0 to 1.
    """

    frame: int
    x0: int
    y0: int
    x1: int
    y1: int
    why: str
    score: float


@dataclass(frozen=True, slots=True)
class PixelOutcome:
    """What was found in the pixels of one object.

    Args:
        status: ``"none"`` no pixels to look at, ``"kept"`` nothing to hide and not a bit changed, ``"hidden"`` painted
            over, ``"doubtful"`` something is left that may be writing: into quarantine, ``"drop"`` the object is to be
            left out.
        boxes: what was painted.
        executed: whether the pixels were really looked at, so that the option may be stamped.
        reason: one sentence for ``"doubtful"`` and ``"drop"``; never holds what was read.
    """

    status: str
    boxes: tuple[Box, ...] = ()
    executed: bool = False
    reason: str = ""
