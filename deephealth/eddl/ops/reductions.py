"""What reductions compute over some axes of every sample."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor

from deephealth.eddl.graph.op import Op
from deephealth.eddl.ops.strict_extremum import strict_extremum

__all__ = ["REDUCTIONS", "ReductionOp"]


def _mean(x: Tensor, axes: list[int]) -> Tensor:
    return x.mean(axes)


def _sum(x: Tensor, axes: list[int]) -> Tensor:
    return x.sum(axes)


def _variance(x: Tensor, axes: list[int]) -> Tensor:
    return x.var(axes, correction=0)


def _last(x: Tensor, axes: list[int]) -> Tensor:
    """Bring the axes to the end, as one."""
    return x.movedim(axes, list(range(-len(axes), 0))).flatten(-len(axes)) if len(axes) > 1 else x


def _max(x: Tensor, axes: list[int]) -> Tensor:
    # one winner gets the whole gradient, as in EDDL; torch.amax would share it among equal elements
    return _last(x, axes).max(-1 if len(axes) > 1 else axes[0]).values


def _min(x: Tensor, axes: list[int]) -> Tensor:
    return _last(x, axes).min(-1 if len(axes) > 1 else axes[0]).values


def _argmax(x: Tensor, axes: list[int]) -> Tensor:
    return _last(x, axes).argmax(-1 if len(axes) > 1 else axes[0]).to(x.dtype)


REDUCTIONS: dict[str, Callable[[Tensor, list[int]], Tensor]] = {
    "mean": _mean,
    "var": _variance,
    "sum": _sum,
    "max": _max,
    "min": _min,
    "argmax": _argmax,
}
"""Reductions by name; each removes the axes."""


class ReductionOp(Op):
    """Reduce some axes.

    Args:
        kind: one of :data:`REDUCTIONS`.
        axes: the axes, batch excluded, ascending; none leaves the input as it is.
        keepdims: keep the axes with size 1 (strict mode: with their full size, the result repeated).
    """

    def __init__(self, kind: str, axes: Sequence[int], *, keepdims: bool) -> None:
        super().__init__()
        self.kind, self.keepdims = kind, keepdims
        self.axes = [axis + 1 for axis in axes]
        self.function = REDUCTIONS[kind]

    def forward(self, x: Tensor) -> Tensor:
        """Return the reduction of ``x``."""
        if not self.axes:
            return x
        if self.strict and self.keepdims and self.kind in ("max", "min"):
            return strict_extremum(x, self.axes, largest=self.kind == "max")
        reduced = self.function(x, self.axes)
        if not self.keepdims:
            return reduced
        for axis in self.axes:
            reduced = reduced.unsqueeze(axis)
        return reduced.expand_as(x) if self.strict else reduced

    def extra_repr(self) -> str:
        """Return the settings."""
        return f"{self.kind}, axes={self.axes}, keepdims={self.keepdims}"
