"""EDDL's padding words turned into numbers: how large an output is, and how much is added at each end of each axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from deephealth.eddl.errors import EddlError, EddlShapeError

__all__ = ["PADDINGS", "Extent", "Padded", "axis_words", "plan", "plan_transposed"]

PADDINGS = ("same", "zeros", "none", "valid", "same,none", "none,same", "custom")
"""Words for ``padding``; pairs are (all axes but the last, last axis); ``custom`` takes the numbers from ``pads``."""


@dataclass(frozen=True)
class Extent:
    """One axis of a window operation.

    Args:
        size: length of the input.
        kernel: length of the window.
        stride: step of the window.
        dilation: distance between the window's elements.
    """

    size: int
    kernel: int
    stride: int
    dilation: int = 1

    @property
    def reach(self) -> int:
        """How many input elements the window spans."""
        return (self.kernel - 1) * self.dilation + 1


@dataclass(frozen=True)
class Padded:
    """The result for all axes.

    Args:
        sizes: length of the output, per axis.
        pads: elements added before and after, per axis (cut off, for a transposed convolution).
    """

    sizes: list[int]
    pads: list[tuple[int, int]]

    @property
    def symmetric(self) -> bool:
        """Whether each axis gets as much before as after."""
        return all(low == high for low, high in self.pads)

    @property
    def lows(self) -> tuple[int, ...]:
        """What is added before, per axis."""
        return tuple(low for low, _ in self.pads)

    @property
    def for_torch(self) -> list[int]:
        """The pads in the order of ``torch.nn.functional.pad``: last axis first."""
        return [size for pair in reversed(self.pads) for size in pair]

    @property
    def flat(self) -> list[int]:
        """The pads as EDDL lists them: before, after, axis by axis."""
        return [size for pair in self.pads for size in pair]


def axis_words(title: str, padding: str, axes: int) -> list[str]:
    """Return ``"same"`` or ``"none"`` for each axis.

    Args:
        title: who asks, for the error.
        padding: one of :data:`PADDINGS` except ``custom``.
        axes: how many axes there are.

    Raises:
        EddlError: the word is not one of the allowed ones.
    """
    if padding not in PADDINGS or padding == "custom":
        raise EddlError(title, f"padding {padding!r} is unknown", allowed=", ".join(PADDINGS[:-1]))
    first, _, last = padding.partition(",")
    words = [first] * (axes - 1) + [last or first]
    return ["same" if word in ("same", "zeros") else "none" for word in words]


def _same(extent: Extent) -> tuple[int, tuple[int, int]]:
    out = math.ceil(extent.size / extent.stride)
    total = max((out - 1) * extent.stride + extent.reach - extent.size, 0)
    return out, (total // 2, total - total // 2)


def _fixed(extent: Extent, low: int, high: int) -> tuple[int, tuple[int, int]]:
    return (extent.size + low + high - extent.reach) // extent.stride + 1, (low, high)


def plan(title: str, extents: Sequence[Extent], padding: str, pads: Sequence[int] = ()) -> Padded:
    """Return output sizes and pads of a convolution or pooling.

    Args:
        title: the layer, for the error.
        extents: the axes.
        padding: a word of :data:`PADDINGS`.
        pads: for ``custom``: before and after, axis by axis.

    Raises:
        EddlError: an unknown word.
        EddlShapeError: nothing would be left of an axis.

    Example:
        >>> plan("conv", [Extent(8, 3, 2)], "same").pads
        [(0, 1)]
    """
    if padding == "custom":
        pairs = list(zip(pads[::2], pads[1::2], strict=True))
        found = [_fixed(extent, *pair) for extent, pair in zip(extents, pairs, strict=True)]
    else:
        words = axis_words(title, padding, len(extents))
        found = [_same(e) if word == "same" else _fixed(e, 0, 0) for e, word in zip(extents, words, strict=True)]
    return _checked(title, extents, found)


def plan_transposed(title: str, extents: Sequence[Extent], padding: str, pads: Sequence[int] = ()) -> Padded:
    """Return output sizes of a transposed convolution, and what is cut off before and after (negative: added).

    Args:
        title: the layer, for the error.
        extents: the axes.
        padding: a word of :data:`PADDINGS`; "same" gives ``size * stride``, "none" ``size * stride + reach - 1``.
        pads: for ``custom``: cut before and after, axis by axis.

    Example:
        >>> plan_transposed("up", [Extent(4, 3, 2)], "same")
        Padded(sizes=[8], pads=[(0, 1)])
    """
    fulls = [(e.size - 1) * e.stride + e.reach for e in extents]
    if padding == "custom":
        pairs = list(zip(pads[::2], pads[1::2], strict=True))
        found = [(full - low - high, (low, high)) for full, (low, high) in zip(fulls, pairs, strict=True)]
        return _checked(title, extents, found)
    words = axis_words(title, padding, len(extents))
    found = []
    for e, full, word in zip(extents, fulls, words, strict=True):
        out = e.size * e.stride + (0 if word == "same" else e.reach - 1)
        low = max(full - out, 0) // 2
        found.append((out, (low, full - out - low)))
    return _checked(title, extents, found)


def _checked(title: str, extents: Sequence[Extent], found: Sequence[tuple[int, tuple[int, int]]]) -> Padded:
    sizes = [size for size, _ in found]
    if min(sizes) < 1:
        given, window = [e.size for e in extents], [e.reach for e in extents]
        what = f"the window {window} is larger than the input {given}; the output would be {sizes}"
        raise EddlShapeError(title, what, hint="use padding 'same', a smaller window, or a larger input")
    return Padded(sizes, [pads for _, pads in found])
