"""Layers that cut parts out of samples."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from deephealth.eddl.errors import EddlShapeError, EddlValueError
from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.graph.names import count
from deephealth.eddl.ops.shapes import SelectOp

__all__ = ["LSelect", "LSplit", "Select", "Slice", "Split", "parse_ranges"]


def parse_ranges(indices: Sequence[str], shape: Sequence[int]) -> list[tuple[int, int]]:
    """Read EDDL's index strings.

    Args:
        indices: ``":"``, ``"a:b"``, ``"a:"``, ``":b"`` or ``"a"`` for each axis; missing axes are kept whole. Negative
            numbers count from the end; ``":0"`` means everything.
        shape: the sizes of the axes.

    Returns:
        First and one past the last index, per axis.

    Raises:
        EddlValueError: a string that is no index.
        EddlShapeError: more strings than axes, or a range that is empty or not inside its axis.

    Example:
        >>> parse_ranges(["1:3", "-1", ":0"], [4, 5, 6])
        [(1, 3), (4, 5), (0, 6)]
    """
    if len(indices) > len(shape):
        what = f"{len(indices)} indices for samples of {len(shape)} axes"
        raise EddlShapeError("utils::parse_indices", what, hint="the batch has no index")
    texts = [*indices, *[":"] * (len(shape) - len(indices))]
    return [_range(text.replace(" ", ""), size) for text, size in zip(texts, shape, strict=True)]


def _range(text: str, size: int) -> tuple[int, int]:
    first, colon, last = text.partition(":")
    try:
        low = int(first) if first or not colon else 0
        end = (int(last) if last else size) - 1 if colon else low
    except ValueError:
        raise EddlValueError(f"{text!r} is no index", allowed="':', 'a:b', 'a:', ':b' or 'a'") from None
    low, end = (number + size if number < 0 else number for number in (low, end))
    if not 0 <= low <= end < size:
        what = f"{text!r} selects nothing, or more than there is, of an axis of size {size}"
        raise EddlShapeError("utils::parse_indices", what, hint="the last index of a range is excluded")
    return low, end + 1


class LSelect(Layer):
    """A part of each sample.

    Args:
        parent: what it reads.
        indices: index strings, see :func:`parse_ranges`.
        name: its name.
    """

    prefix = "select_"

    def __init__(self, parent: Layer, indices: Sequence[str], name: str = "") -> None:
        self.indices = list(indices)
        self.ranges = parse_ranges(indices, parent.shape)
        super().__init__([parent], SelectOp(self.ranges), [end - low for low, end in self.ranges], name)


class LSplit:
    """The pieces of a layer along an axis; it is no layer itself, its pieces are.

    Args:
        parent: what is split.
        indexes: where the second and later pieces begin.
        axis: along which axis, batch excluded; -1 for the last.
        merge_sublayers: give all pieces one name.
        name: what the pieces' names begin with; ``split_1``, ``split_2``, ... when empty.

    Attributes:
        split_layers: the pieces.
    """

    def __init__(
        self, parent: Layer, indexes: Sequence[int], axis: int = -1, merge_sublayers: bool = False, name: str = ""
    ) -> None:
        self.indexes, self.axis, self.merge_sublayers = list(indexes), axis, merge_sublayers
        place = len(parent.shape) - 1 if axis == -1 else axis
        if not 0 <= place < len(parent.shape):
            what = f"axis {axis} does not exist in samples of shape {parent.shape}"
            raise EddlShapeError("layer::Split", what, allowed=f"0 to {len(parent.shape) - 1}, or -1 for the last")
        size = parent.shape[place]
        edges = [0, *indexes, size]
        if not indexes or any(low >= high for low, high in pairwise(edges)):
            what = f"indexes {list(indexes)} do not split an axis of size {size}"
            raise EddlShapeError("layer::Split", what, allowed=f"rising numbers from 1 to {size - 1}")
        self.name = name or f"split_{count('split_')}"
        self.split_layers = [
            LSelect(parent, [*[":"] * place, f"{low}:{high}"], self.name if merge_sublayers else f"{self.name}_{piece}")
            for piece, (low, high) in enumerate(pairwise(edges), 1)
        ]


def Select(l: Layer, indices: Sequence[str], name: str = "") -> Layer:
    """Cut a part out of every sample; ``Slice`` is the same.

    Args:
        l: any layer.
        indices: one string per axis, batch excluded, see :func:`parse_ranges`; a single index keeps its axis.
        name: its name.

    Raises:
        EddlShapeError: the part does not exist.
        EddlValueError: a string that is no index.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> Select(Input([3, 8, 8]), ["1", ":4", "2:-1"]).shape
        [1, 4, 5]
    """
    return LSelect(l, indices, name)


def Split(
    l: Layer,
    indexes: Sequence[int],
    axis: int = -1,
    merge_sublayers: bool = False,
    name: str = "",
) -> list[Layer]:
    """Split every sample along an axis.

    Args:
        l: any layer.
        indexes: where the second and later pieces begin.
        axis: along which axis, batch excluded; -1 for the last.
        merge_sublayers: give all pieces one name.
        name: what the pieces' names begin with.

    Returns:
        The pieces, one more than ``indexes``.

    Raises:
        EddlShapeError: the axis or the indexes do not fit.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> [piece.shape for piece in Split(Input([4, 6]), [2, 3])]
        [[4, 2], [4, 1], [4, 3]]
    """
    return list(LSplit(l, indexes, axis, merge_sublayers, name).split_layers)


Slice = Select
