"""Ops of the image transformations: fixed ones act always, random ones in training only."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from deephealth.eddl.errors import EddlShapeError
from deephealth.eddl.graph.op import Op
from deephealth.eddl.ops.straight_through import straight_through

__all__ = ["RandomTransformation", "Resizing", "Transformation"]

Transform = Callable[[Tensor], Tensor]


class Resizing(Op):
    """A transformation with its true gradient: what networks train through (resizing, padding).

    Args:
        transform: maps [B, C, ...] to a tensor of the same batch.
        ndim: dimensions of what it takes, with the batch.
    """

    def __init__(self, transform: Transform, ndim: int = 4) -> None:
        super().__init__()
        self.transform = transform
        self.ndim = ndim
        self.label = type(self).__name__
        """What error messages call it: the layer's name."""

    def forward(self, x: Tensor) -> Tensor:
        """Transform a batch."""
        self.require(x)
        return self.transform(x)

    def require(self, x: Tensor) -> None:
        """Raise :class:`EddlShapeError` if ``x`` has not the dimensions that the transformation needs."""
        if x.ndim != self.ndim:
            what = f"it needs a {self.ndim}-D input (batch and channels first) and got shape {list(x.shape)}"
            raise EddlShapeError(self.label, what, hint="reshape to [channels, height, width] before this layer")


class Transformation(Resizing):
    """A fixed augmentation: where the shape stays, the gradient passes unchanged (the original's convention).

    Where the shape changes, which the original could not train through, the gradient is the true one.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Transform a batch."""
        self.require(x)
        return _augmented(self.transform, x)


class RandomTransformation(Resizing):
    """A random augmentation: acts in training, gradient as :class:`Transformation`.

    Args:
        transform: the random transformation.
        at_test: what is done in test mode; nothing when ``None``.
    """

    def __init__(self, transform: Transform, at_test: Transform | None = None) -> None:
        super().__init__(transform)
        self.at_test = at_test

    def forward(self, x: Tensor) -> Tensor:
        """Transform a batch."""
        if self.training:
            self.require(x)
            return _augmented(self.transform, x)
        return x if self.at_test is None else _augmented(self.at_test, x)


def _augmented(transform: Transform, x: Tensor) -> Tensor:
    changed = transform(x)
    return straight_through(x, changed.detach()) if changed.shape == x.shape else changed
