"""What merging layers compute over several tensors of one shape."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from itertools import pairwise

import torch
from torch import Tensor

from deephealth.eddl.errors import EddlShapeError
from deephealth.eddl.graph.op import Op

__all__ = ["MERGES", "ConcatOp", "MatMulOp", "MergeOp"]


def _add(*xs: Tensor) -> Tensor:
    return reduce(torch.add, xs)


def _average(*xs: Tensor) -> Tensor:
    return reduce(torch.add, xs) / len(xs)


def _maximum(*xs: Tensor) -> Tensor:
    return reduce(torch.maximum, xs)


def _minimum(*xs: Tensor) -> Tensor:
    return reduce(torch.minimum, xs)


def _subtract(*xs: Tensor) -> Tensor:
    return reduce(torch.sub, xs)


MERGES: dict[str, Callable[..., Tensor]] = {
    "add": _add,
    "average": _average,
    "maximum": _maximum,
    "minimum": _minimum,
    "subtract": _subtract,
}
"""Merges by name."""


class MergeOp(Op):
    """Merge tensors element by element.

    Args:
        kind: one of :data:`MERGES`; in strict mode all of them add, as the original does.
    """

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self.function = _add if self.strict else MERGES[kind]

    def forward(self, *xs: Tensor) -> Tensor:
        """Return the merge."""
        return self.function(*xs)

    def extra_repr(self) -> str:
        """Return the kind."""
        return self.kind


class MatMulOp(Op):
    """Multiply matrices, the last two axes of each sample; in strict mode equal shapes are added, as in the original.

    Args:
        layer: name of the layer, for the error.
    """

    def __init__(self, layer: str) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, *xs: Tensor) -> Tensor:
        """Return the product, from left to right."""
        if self.strict and all(x.shape == xs[0].shape for x in xs):
            return _add(*xs)
        for left, right in pairwise(xs):
            if left.dim() < 3 or right.dim() < 3:
                shapes = f"{list(left.shape[1:])} and {list(right.shape[1:])}"
                what = f"wants matrices [rows, columns] per sample, got {shapes}"
                raise EddlShapeError(self.layer, what, hint="Reshape the inputs to matrices first")
        return reduce(torch.matmul, xs)


class ConcatOp(Op):
    """Join tensors along an axis.

    Args:
        layer: name of the layer, for the error.
        axis: which axis, batch excluded.
    """

    def __init__(self, layer: str, axis: int) -> None:
        super().__init__()
        self.layer, self.axis = layer, axis + 1

    def forward(self, *xs: Tensor) -> Tensor:
        """Return the joined tensor."""
        if self.axis >= xs[0].dim():
            what = f"axis {self.axis - 1} does not exist in samples of shape {list(xs[0].shape[1:])}"
            raise EddlShapeError(self.layer, what, allowed=f"0 to {xs[0].dim() - 2}, or -1 for the last")
        return torch.cat(xs, self.axis)
