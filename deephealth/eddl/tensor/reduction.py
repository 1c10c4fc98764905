"""Reductions: of the whole tensor to a number, or along axes to a tensor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, overload

import torch

from deephealth.eddl.errors import EddlError
from deephealth.eddl.tensor.describe import describe
from deephealth.eddl.tensor.descriptors import ReduceDescriptor2
from deephealth.eddl.tensor.reducers import REDUCERS, rows
from deephealth.eddl.tensor.storage import Storage, T, store

__all__ = ["Reduction"]


def _whole(x: Storage, name: str) -> float:
    if x.torch.numel() == 0 and name in ("max", "min", "argmax", "argmin"):
        raise EddlError(f"Tensor::{name}", "the tensor has no elements", allowed="at least one element")
    with torch.no_grad():
        return float(REDUCERS[name](x.torch.reshape(1, -1)))


def _along(x: T, name: str, axis: Sequence[int] | int, keepdims: bool) -> T:
    axes = [axis] if isinstance(axis, int) else list(axis)
    with torch.no_grad():
        values = REDUCERS[name](rows(x.torch, axes))
    reduced = {one % x.ndim for one in axes}
    sizes = [1 if at in reduced else size for at, size in enumerate(x.shape) if keepdims or at not in reduced]
    return x._wrap(values.reshape(sizes or [1]))


def _into(A: Storage, B: Storage, rd: ReduceDescriptor2, name: str) -> None:
    if rd.ishape != A.shape:
        rd.build(A.shape)
    with torch.no_grad():
        store(B, rd.spread(REDUCERS[name](rows(A.torch, rd.axis)), B.shape))


def _static(name: str) -> staticmethod[..., Any]:
    """Return the function ``(A)`` that gives a number, and ``(A, B, rd)`` that writes into ``B``."""

    def function(A: Any, B: Storage | None = None, rd: ReduceDescriptor2 | None = None) -> Any:
        if B is None:
            return getattr(A, name)()
        if rd is None:
            raise EddlError(f"Tensor::{name}", "the descriptor is missing", allowed="(A) or (A, B, ReduceDescriptor2)")
        return _into(A, B, rd, name)

    describe(
        function,
        f"static_{name}",
        f"Return ``A.{name}()``; or reduce ``A`` along the axes of ``rd`` into ``B``.",
        args={"A": "input.", "B": "result: the reduced shape, or that of ``A`` (values repeated).", "rd": "the axes."},
        raises={"EddlShapeError": "``B`` has another shape."},
        example=[
            "b = Tensor.zeros([2])",
            f"Tensor.static_{name}(Tensor.ones([2, 3]), b, ReduceDescriptor2([1])); b.shape",
            "[2]",
        ],
    )
    return staticmethod(function)


def _static_spread(name: str) -> staticmethod[..., Any]:
    """Return the same for ``std`` and ``var``, which also take ``unbiased``."""

    def function(A: Any, B: Any = True, rd: ReduceDescriptor2 | None = None, unbiased: bool = True) -> Any:
        if isinstance(B, Storage):
            if rd is None:
                raise EddlError(f"Tensor::{name}", "the descriptor is missing", allowed="(A, B, ReduceDescriptor2)")
            return _into(A, B, rd, name if unbiased else f"{name}_biased")
        return getattr(A, name)(bool(B))

    describe(
        function,
        f"static_{name}",
        f"Return ``A.{name}(unbiased)``, or reduce along axes: ``(A, B, rd, unbiased)``.",
        args={
            "A": "input.",
            "B": "result, or ``unbiased``.",
            "rd": "the axes.",
            "unbiased": "divide by the number of values less one.",
        },
        example=[f"Tensor.static_{name}(Tensor.ones([3]))", "0.0"],
    )
    return staticmethod(function)


def _number(name: str, what: str, example: str, kind: Callable[[float], Any] = float) -> Callable[..., Any]:
    def method(self: Any, axis: Sequence[int] | int | None = None, keepdims: bool = False) -> Any:
        return kind(_whole(self, name)) if axis is None else _along(self, name, axis, keepdims)

    describe(
        method,
        name,
        f"Return {what}.",
        args={
            "axis": "axes to reduce, for a tensor of results; without it the result is one number.",
            "keepdims": "the reduced axes stay, with size 1.",
        },
        raises={"EddlError": "an axis is not there, or there is no element."},
        example=[f"Tensor.fromarray([[1, 5, 3], [2, 2, 2]]).{name}()", example],
    )
    return method


class Reduction(Storage):
    """Extremes, sums, means and the like."""

    max = _number("max", "the largest value (NaN is left out)", "5.0")
    min = _number("min", "the smallest value (NaN is left out)", "1.0")
    argmax = _number("argmax", "the place of the largest value, the first of several (row by row)", "1", int)
    argmin = _number("argmin", "the place of the smallest value, the first of several (row by row)", "0", int)
    sum = _number("sum", "the sum", "15.0")
    sum_abs = _number("sum_abs", "the sum of the absolute values", "15.0")
    prod = _number("prod", "the product", "120.0")
    mean = _number("mean", "the mean", "2.5")
    median = _number("median", "the middle value, or the mean of the two in the middle", "2.0")
    mode = _number("mode", "the most frequent whole part", "2", int)

    static_max = _static("max")
    static_min = _static("min")
    static_argmax = _static("argmax")
    static_argmin = _static("argmin")
    static_sum = _static("sum")
    static_sum_abs = _static("sum_abs")
    static_prod = _static("prod")
    static_mean = _static("mean")
    static_median = _static("median")
    static_mode = _static("mode")
    static_std = _static_spread("std")
    static_var = _static_spread("var")

    @overload
    def std(self, unbiased: bool = True) -> float: ...
    @overload
    def std(self: T, axis: Sequence[int], keepdims: bool = False, unbiased: bool = True) -> T: ...
    def std(self, *args: Any, **named: Any) -> Any:
        """Return the standard deviation: ``std(unbiased=True)``, or ``std(axis, keepdims=False, unbiased=True)``.

        Args:
            args: see above; ``unbiased`` divides by the number of values less one.
            named: the same by name.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.fromarray([1, 3]).std(False)
            1.0
        """
        return _spread(self, "std", *args, **named)

    @overload
    def var(self, unbiased: bool = True) -> float: ...
    @overload
    def var(self: T, axis: Sequence[int], keepdims: bool = False, unbiased: bool = True) -> T: ...
    def var(self, *args: Any, **named: Any) -> Any:
        """Return the variance: ``var(unbiased=True)``, or ``var(axis, keepdims=False, unbiased=True)``.

        Args:
            args: see above; ``unbiased`` divides by the number of values less one.
            named: the same by name.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.fromarray([1, 3]).var()
            2.0
        """
        return _spread(self, "var", *args, **named)

    @staticmethod
    def argmax_d(D: Storage, O: Storage, PD: Storage) -> None:
        """Add each delta to the place that ``argmax`` found: the backward step of ``argmax``.

        Args:
            D: deltas, one per group.
            O: places within each group, as ``argmax`` gave them.
            PD: deltas of the input, groups x members in row-major order; changed in place.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> below = Tensor.zeros([1, 3])
            >>> Tensor.argmax_d(Tensor.ones([1]), Tensor.full([1], 2), below); below.getdata().tolist()
            [[0.0, 0.0, 1.0]]
        """
        groups = D.torch.numel()
        if groups == 0 or PD.torch.numel() % groups or O.torch.numel() != groups:
            what = f"shapes {D.shape}, {O.shape}, {PD.shape}"
            raise EddlError("Tensor::argmax_d", what, allowed="one place per delta")
        grown = PD.torch.detach().reshape(groups, -1).clone()
        places = O.torch.reshape(-1, 1).to(torch.int64)
        if bool((places < 0).any() | (places >= grown.shape[1]).any()):
            raise EddlError("Tensor::argmax_d", "a place is outside its group", allowed=f"0 to {grown.shape[1] - 1}")
        store(PD, grown.scatter_add_(1, places, D.torch.detach().reshape(-1, 1)))


def _spread(x: Storage, name: str, first: Any = None, *rest: Any, **named: Any) -> Any:
    axis = named.pop("axis", first if isinstance(first, list | tuple) else None)
    if axis is None:
        unbiased = named.get("unbiased", True if first is None else bool(first))
        return _whole(x, name if unbiased else f"{name}_biased")
    given = dict(zip(("keepdims", "unbiased"), rest if first is axis else (first, *rest), strict=False)) | named
    return _along(x, name if given.get("unbiased", True) else f"{name}_biased", axis, bool(given.get("keepdims")))
