"""Enlarging images by whole factors."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

from deephealth.eddl.errors import EddlShapeError
from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.layers.resize import LResize
from deephealth.eddl.ops.upsampling import UpSamplingOp

__all__ = ["LUpSampling", "UpSampling", "UpSampling2D"]


class LUpSampling(Layer):
    """Images enlarged by whole factors (the original's old class; :func:`UpSampling` makes an ``LResize``).

    Args:
        parent: what it reads, of shape [channels, height, width].
        size: factors of height and width.
        interpolation: only "nearest".
        name: its name.
    """

    prefix = "upsampling2d"

    def __init__(self, parent: Layer, size: Sequence[int], interpolation: str = "nearest", name: str = "") -> None:
        self.size, self.interpolation = list(size), interpolation
        height, width = _enlarged(parent, size)
        super().__init__([parent], UpSamplingOp(self.size), [parent.shape[0], height, width], name)


def _enlarged(parent: Layer, size: Sequence[int]) -> list[int]:
    if len(parent.shape) != 3:
        what = f"wants samples of shape [channels, height, width], got {parent.shape}"
        raise EddlShapeError("EDDL::UpSampling2D", what, hint="Reshape them first")
    if len(size) != 2 or min(size) < 1:
        raise EddlShapeError("EDDL::UpSampling2D", f"size is {list(size)}", allowed="two numbers of 1 or more")
    return [length * factor for length, factor in zip(parent.shape[1:], size, strict=True)]


def UpSampling(parent: Layer, size: Sequence[int], interpolation: str = "nearest", name: str = "") -> Layer:
    """Enlarge images by repeating every pixel; ``UpSampling2D`` is the same.

    Args:
        parent: layer of shape [channels, height, width].
        size: factors of height and width.
        interpolation: only "nearest"; anything else is taken for it, with a warning.
        name: its name.

    Raises:
        EddlShapeError: no images, or no whole factors.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> UpSampling(Input([3, 8, 8]), [2, 3]).shape
        [3, 16, 24]
    """
    if interpolation != "nearest":
        what = f"UpSampling2D: interpolation {interpolation!r} does not exist; 'nearest' is used"
        warnings.warn(what, UserWarning, stacklevel=2)
    layer = LResize(parent, _enlarged(parent, size), True, "nearest", 0.0, "asymmetric", name)
    layer.op = UpSamplingOp(size)  # whole factors have a faster kernel, with the same numbers
    return layer


UpSampling2D = UpSampling
