"""Test-time augmentation: views of a batch, each with the way back for masks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deephealth.transforms.catalogue import TTA

if TYPE_CHECKING:
    from deephealth.core.types import TensorBCHW

__all__ = ["View", "dihedral", "flips", "hflip", "none", "views"]


@dataclass(frozen=True, slots=True)
class View:
    """One way to look at a batch.

    Args:
        name: for reports.
        forward: B×C×H×W to the view.
        inverse: a map over the view back to B×C×H×W; ``inverse(forward(x))`` is ``x``.
    """

    name: str
    forward: Callable[[TensorBCHW], TensorBCHW]
    inverse: Callable[[TensorBCHW], TensorBCHW]


def views(name: str) -> tuple[View, ...]:
    """Return the views of a registered test-time augmentation; the first is the batch itself.

    Raises:
        UnknownNameError: no such name.

    Example:
        >>> [view.name for view in views("flips")]
        ['as is', 'flip W', 'flip H', 'flip H W']
    """
    return TTA.get(name)()


def none() -> tuple[View, ...]:
    """The batch itself."""
    return (_flip(),)


def hflip() -> tuple[View, ...]:
    """The batch and its mirror image, left to right."""
    return _flip(), _flip(-1)


def flips() -> tuple[View, ...]:
    """The batch, both mirror images, and the half turn."""
    return _flip(), _flip(-1), _flip(-2), _flip(-2, -1)


def dihedral() -> tuple[View, ...]:
    """The eight symmetries of a square; half of the views of an oblong image swap its height and width."""
    return flips() + tuple(_transposed(view) for view in flips())


def _flip(*axes: int) -> View:
    def flip(x_bchw: TensorBCHW) -> TensorBCHW:
        return x_bchw.flip(axes) if axes else x_bchw

    return View(" ".join(["flip", *("HW"[axis] for axis in axes)]) if axes else "as is", flip, flip)


def _transposed(view: View) -> View:
    def forward(x_bchw: TensorBCHW) -> TensorBCHW:
        return view.forward(x_bchw.transpose(-1, -2))

    def inverse(x_bchw: TensorBCHW) -> TensorBCHW:
        return view.inverse(x_bchw).transpose(-1, -2)

    return View(f"transpose, {view.name}", forward, inverse)
