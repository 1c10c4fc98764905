"""Layers that repeat or stretch what is in a sample."""

from __future__ import annotations

from collections.abc import Sequence

from deephealth.eddl.errors import EddlShapeError
from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.ops.shapes import BroadcastOp, ExpandOp, RepeatOp, TileOp

__all__ = ["Broadcast", "Expand", "LBroadcast", "LExpand", "LRepeat", "LTile", "Repeat", "Tile"]


class LRepeat(Layer):
    """Repeated elements of one axis.

    Args:
        parent: what it reads.
        repeats: how often each element comes: one number, or one per element.
        axis: the axis, batch excluded; -1 for the last.
        name: its name.
    """

    prefix = "repeat"

    def __init__(self, parent: Layer, repeats: int | Sequence[int], axis: int, name: str = "") -> None:
        ndim = len(parent.shape)
        place = ndim - 1 if axis == -1 else axis
        if not 0 <= place < ndim:
            what = f"axis {axis} does not exist in samples of shape {parent.shape}"
            raise EddlShapeError("LRepeat::LRepeat", what, allowed=f"0 to {ndim - 1}, or -1 for the last")
        size = parent.shape[place]
        self.repeats = [repeats] * size if isinstance(repeats, int) else list(repeats)
        self.axis = place
        if len(self.repeats) != size or min(self.repeats) < 0:
            what = f"repeats {self.repeats} for an axis of size {size}"
            raise EddlShapeError("LRepeat::LRepeat", what, allowed="one number of 0 or more per element")
        shape = [*parent.shape[:place], sum(self.repeats), *parent.shape[place + 1 :]]
        super().__init__([parent], RepeatOp(self.repeats, place + 1), shape, name)


class LTile(Layer):
    """The whole of each axis, repeated.

    Args:
        parent: what it reads.
        repeats: how often, per axis, batch excluded.
        name: its name.
    """

    prefix = "tile"

    def __init__(self, parent: Layer, repeats: Sequence[int], name: str = "") -> None:
        self.repeats = list(repeats)
        if len(self.repeats) != len(parent.shape) or min(self.repeats, default=1) < 1:
            what = f"repeats {self.repeats} for samples of shape {parent.shape}"
            raise EddlShapeError("LTile::LTile", what, allowed="one number of 1 or more per axis, batch excluded")
        shape = [size * times for size, times in zip(parent.shape, self.repeats, strict=True)]
        super().__init__([parent], TileOp(self.repeats), shape, name)


class LBroadcast(Layer):
    """The smaller of two layers, stretched to the shape of the larger; only the smaller one is read.

    Args:
        parent1: a layer.
        parent2: another layer.
        name: its name.

    Attributes:
        shapes_swapped: whether ``parent2`` is the smaller one.
    """

    prefix = "broadcast"

    def __init__(self, parent1: Layer, parent2: Layer, name: str = "") -> None:
        one, two = parent1.shape, parent2.shape
        before, self.shapes_swapped = _stretchable(one, two), False
        if before is None or len(one) > len(two):
            before, self.shapes_swapped = _stretchable(two, one), True
        if before is None:
            what = f"neither of the shapes {one} and {two} can be stretched to the other"
            raise EddlShapeError("Tensor::broadcast", what, hint="two sizes fit if they are equal or one of them is 1")
        small, large = (parent2, one) if self.shapes_swapped else (parent1, two)
        super().__init__([small], BroadcastOp(before, large), large, name)


def _stretchable(small: Sequence[int], large: Sequence[int]) -> list[int] | None:
    """Return ``small`` with axes of size 1 so that it stretches to ``large``; ``None`` if it cannot.

    A vector goes to the first axis of its size, so that one number per channel fits an image.
    """
    if len(small) > len(large):
        return None
    if len(small) == 1 and len(large) > 1 and small[0] in large:
        place = list(large).index(small[0])
        return [small[0] if axis == place else 1 for axis in range(len(large))]
    before = [1] * (len(large) - len(small)) + list(small)
    return before if all(a in (1, b) for a, b in zip(before, large, strict=True)) else None


class LExpand(Layer):
    """All axes of size 1, stretched.

    Args:
        parent: what it reads.
        size: to which size.
        name: its name.
    """

    prefix = "expand"

    def __init__(self, parent: Layer, size: int, name: str = "") -> None:
        self.size = size
        shape = [size if old == 1 else old for old in parent.shape]
        super().__init__([parent], ExpandOp(shape), shape, name)


def Repeat(parent: Layer, repeats: int | Sequence[int], axis: int, name: str = "") -> Layer:
    """Repeat the elements of an axis.

    Args:
        parent: any layer.
        repeats: how often each element comes: one number, or one per element.
        axis: the axis, batch excluded; -1 for the last.
        name: its name.

    Raises:
        EddlShapeError: the axis or the numbers do not fit.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> Repeat(Input([3, 4]), [1, 2, 3], 0).shape
        [6, 4]
    """
    return LRepeat(parent, repeats, axis, name)


def Tile(parent: Layer, repeats: Sequence[int], name: str = "") -> Layer:
    """Repeat the whole of each axis.

    Args:
        parent: any layer.
        repeats: how often, per axis, batch excluded.
        name: its name.

    Raises:
        EddlShapeError: the numbers do not fit.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> Tile(Input([3, 4]), [2, 1]).shape
        [6, 4]
    """
    return LTile(parent, repeats, name)


def Broadcast(parent1: Layer, parent2: Layer, name: str = "") -> Layer:
    """Stretch the smaller of two layers to the shape of the larger.

    A vector goes to the first axis of its size; other shapes are aligned at their last axes.

    Args:
        parent1: a layer.
        parent2: another layer.
        name: its name.

    Raises:
        EddlShapeError: neither can be stretched to the other.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> Broadcast(Input([3]), Input([3, 8, 8])).shape
        [3, 8, 8]
    """
    return LBroadcast(parent1, parent2, name)


def Expand(l: Layer, size: int, name: str = "") -> Layer:
    """Stretch all axes of size 1.

    Args:
        l: any layer.
        size: to which size.
        name: its name.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> Expand(Input([1, 4]), 3).shape
        [3, 4]
    """
    return LExpand(l, size, name)
