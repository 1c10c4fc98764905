"""What the layers compute that only move elements: every one is one torch call on [B, ...]."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from deephealth.eddl.graph.op import Op, Slot

__all__ = [
    "BroadcastOp",
    "ExpandOp",
    "IdentityOp",
    "PermuteOp",
    "RepeatOp",
    "ReshapeOp",
    "SelectOp",
    "ShapeOp",
    "SqueezeOp",
    "TileOp",
    "UnsqueezeOp",
]


class ReshapeOp(Op):
    """Give every sample another shape.

    Args:
        shape: the new shape without the batch, all sizes known.
    """

    def __init__(self, shape: Sequence[int]) -> None:
        super().__init__()
        self.shape = tuple(shape)

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x`` as [B, *shape]."""
        return x.reshape(x.shape[0], *self.shape)

    def extra_repr(self) -> str:
        """Return the shape."""
        return str(list(self.shape))


class SqueezeOp(Op):
    """Drop axes of size 1.

    Args:
        axes: the axes, batch included.
    """

    def __init__(self, axes: Sequence[int]) -> None:
        super().__init__()
        self.axes = tuple(axes)

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x`` without the axes."""
        return x.squeeze(self.axes)


class UnsqueezeOp(Op):
    """Add an axis of size 1.

    Args:
        axis: where, batch included.
    """

    def __init__(self, axis: int) -> None:
        super().__init__()
        self.axis = axis

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x`` with the axis."""
        return x.unsqueeze(self.axis)


class PermuteOp(Op):
    """Reorder the axes.

    Args:
        dims: the old axis of each new one, batch excluded.
    """

    def __init__(self, dims: Sequence[int]) -> None:
        super().__init__()
        self.dims = (0, *(dim + 1 for dim in dims))

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x`` with its axes reordered."""
        return x.permute(self.dims)


class RepeatOp(Op):
    """Repeat the elements of one axis, each its own number of times.

    Args:
        repeats: how often each element comes.
        axis: which axis, batch included.
    """

    index: Tensor

    def __init__(self, repeats: Sequence[int], axis: int) -> None:
        super().__init__()
        self.axis = axis
        index = [place for place, times in enumerate(repeats) for _ in range(times)]
        self.register_buffer("index", torch.tensor(index, dtype=torch.int64), persistent=False)

    def slots(self) -> list[Slot]:
        """Return no parameters: the index is a constant."""
        return []

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x`` with repeated elements."""
        return x.index_select(self.axis, self.index)


class TileOp(Op):
    """Repeat the whole of each axis.

    Args:
        repeats: how often, per axis, batch excluded.
    """

    def __init__(self, repeats: Sequence[int]) -> None:
        super().__init__()
        self.repeats = (1, *repeats)

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x`` tiled."""
        return x.repeat(self.repeats)


class BroadcastOp(Op):
    """Stretch every sample to a larger shape.

    Args:
        before: the sample's shape with axes of size 1 where it is stretched.
        shape: the larger shape.
    """

    def __init__(self, before: Sequence[int], shape: Sequence[int]) -> None:
        super().__init__()
        self.before, self.shape = tuple(before), tuple(shape)

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x`` as [B, *shape]."""
        return x.reshape(x.shape[0], *self.before).expand(x.shape[0], *self.shape)


class ExpandOp(Op):
    """Stretch the axes of size 1.

    Args:
        shape: the shape afterwards, batch excluded.
    """

    def __init__(self, shape: Sequence[int]) -> None:
        super().__init__()
        self.shape = tuple(shape)

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x`` as [B, *shape]."""
        return x.expand(x.shape[0], *self.shape)


class SelectOp(Op):
    """Cut a range out of every axis.

    Args:
        ranges: first and one past the last index of each axis, batch excluded.
    """

    def __init__(self, ranges: Sequence[tuple[int, int]]) -> None:
        super().__init__()
        self.ranges = tuple(ranges)
        self._index = (slice(None), *(slice(low, high) for low, high in ranges))

    def forward(self, x: Tensor) -> Tensor:
        """Return the part of ``x``."""
        return x[self._index]


class ShapeOp(Op):
    """Give each sample's shape, as numbers.

    Args:
        shape: the numbers.
    """

    numbers: Tensor

    def __init__(self, shape: Sequence[int]) -> None:
        super().__init__()
        self.register_buffer("numbers", torch.tensor(shape, dtype=torch.float32), persistent=False)

    def slots(self) -> list[Slot]:
        """Return no parameters: the numbers are constants."""
        return []

    def forward(self, x: Tensor) -> Tensor:
        """Return the numbers for every sample, [B, axes]."""
        return self.numbers.expand(x.shape[0], -1)


class IdentityOp(Op):
    """Hand the input on."""

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x``."""
        return x
