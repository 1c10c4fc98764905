"""New tensors: constants, ranges, identities, and others of the same shape."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Self, TypeVar

import numpy as np
import torch

from deephealth.eddl.errors import EddlShapeError, EddlValueError
from deephealth.eddl.strictness import is_strict
from deephealth.eddl.tensor.devices import DEV_CPU, torch_device
from deephealth.eddl.tensor.storage import Storage, check_same_shape, store

__all__ = ["Creation"]

_S = TypeVar("_S", bound="Creation")

_MOST = 2**31 - 1


def _steps(start: float, end: float, step: float, *, last: bool) -> np.ndarray:
    """Return ``start``, ``start + step``, … in single precision as the original adds them up.

    Args:
        start: first value.
        end: where to stop.
        step: distance; 0 counts as 1.
        last: whether ``end`` itself belongs to the values.
    """
    first, stop, apart = np.float32(start), np.float32(end), np.float32(step or 1.0)
    count = float((stop - first) / apart)
    if not math.isfinite(count) or count > _MOST:
        what = f"from {start} to {end} in steps of {step} are {count} values"
        raise EddlValueError(what, allowed=f"finite numbers and at most {_MOST} values")
    size = max(math.floor(count) + 1 if last else math.ceil(count), 0)
    steps = np.full(size, apart, dtype=np.float32)
    steps[:1] = first
    return np.add.accumulate(steps, dtype=np.float32)


class Creation(Storage):
    """Ways to make a tensor."""

    @classmethod
    def empty(cls, shape: Sequence[int], dev: int = DEV_CPU) -> Self:
        """Return a tensor of the given shape whose values don't matter (they are 0)."""
        return cls(list(shape), dev)

    @classmethod
    def zeros(cls, shape: Sequence[int], dev: int = DEV_CPU) -> Self:
        """Return a tensor of zeros.

        Args:
            shape: sizes.
            dev: device number.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.zeros([2, 3]).sum()
            0.0
        """
        return cls(list(shape), dev)

    @classmethod
    def ones(cls, shape: Sequence[int], dev: int = DEV_CPU) -> Self:
        """Return a tensor of ones.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.ones([2, 3]).sum()
            6.0
        """
        return cls.full(shape, 1.0, dev)

    @classmethod
    def full(cls, shape: Sequence[int], value: float, dev: int = DEV_CPU) -> Self:
        """Return a tensor with ``value`` everywhere.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.full([2, 3], 0.5).sum()
            3.0
        """
        made = cls(list(shape), dev)
        made.torch.fill_(float(value))
        return made

    @staticmethod
    def empty_like(A: _S) -> _S:
        """Return a tensor of the shape of ``A`` whose values don't matter."""
        return A._wrap(torch.zeros_like(A.torch, memory_format=torch.contiguous_format))

    @staticmethod
    def zeros_like(A: _S) -> _S:
        """Return a tensor of zeros of the shape of ``A``.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.zeros_like(Tensor([2, 3])).shape
            [2, 3]
        """
        return A._wrap(torch.zeros_like(A.torch, memory_format=torch.contiguous_format))

    @staticmethod
    def ones_like(A: _S) -> _S:
        """Return a tensor of ones of the shape of ``A``."""
        return A._wrap(torch.ones_like(A.torch, memory_format=torch.contiguous_format))

    @staticmethod
    def full_like(A: _S, value: float) -> _S:
        """Return a tensor with ``value`` everywhere, of the shape of ``A``."""
        return A._wrap(torch.full_like(A.torch, float(value), memory_format=torch.contiguous_format))

    @classmethod
    def arange(cls, start: float, end: float, step: float = 1.0, dev: int = DEV_CPU) -> Self:
        """Return ``start``, ``start + step``, … up to but without ``end``.

        Args:
            start: first value.
            end: where to stop.
            step: distance; 0 counts as 1.
            dev: device number.

        Raises:
            EddlValueError: infinitely many values.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.arange(0, 3).getdata().tolist()
            [0.0, 1.0, 2.0]
        """
        return cls.fromarray(_steps(start, end, step, last=False), dev)

    @classmethod
    def range(cls, start: float, end: float, step: float = 1.0, dev: int = DEV_CPU) -> Self:
        """Return ``start``, ``start + step``, … up to ``end``, which is included.

        Args:
            start: first value.
            end: last value, if a step hits it.
            step: distance; 0 counts as 1.
            dev: device number.

        Raises:
            EddlValueError: infinitely many values.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.range(0, 3).getdata().tolist()
            [0.0, 1.0, 2.0, 3.0]
        """
        return cls.fromarray(_steps(start, end, step, last=True), dev)

    @classmethod
    def linspace(cls, start: float, end: float, steps: int = 100, dev: int = DEV_CPU) -> Self:
        """Return ``steps`` values at equal distances, from ``start`` to ``end``.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.linspace(0, 1, 3).getdata().tolist()
            [0.0, 0.5, 1.0]
        """
        if steps < 1:
            raise EddlValueError(f"linspace with {steps} steps", allowed="a whole number of at least 1")
        if is_strict():  # rounding may lose the last value
            apart = (np.float32(end) - np.float32(start)) / (np.float32(steps) - np.float32(1) + np.float32(10e-8))
            return cls.fromarray(_steps(start, end, float(apart), last=True), dev)
        apart = (np.float32(end) - np.float32(start)) / np.float32(max(steps - 1, 1))
        values = np.float32(start) + apart * np.arange(steps, dtype=np.float32)
        if steps > 1:
            values[-1] = end
        return cls.fromarray(values, dev)

    @classmethod
    def logspace(cls, start: float, end: float, steps: int = 100, base: float = 10.0, dev: int = DEV_CPU) -> Self:
        """Return ``base`` raised to ``steps`` exponents at equal distances, from ``start`` to ``end``.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.logspace(0, 2, 3).getdata().tolist()
            [1.0, 10.0, 100.0]
        """
        made = cls.linspace(start, end, steps, dev)
        made.torch = torch.pow(float(base), made.torch)
        return made

    @classmethod
    def geomspace(cls, start: float, end: float, steps: int = 100, dev: int = DEV_CPU) -> Self:
        """Return ``steps`` values from ``start`` to ``end``, each the same multiple of the one before.

        Raises:
            EddlValueError: ``start`` or ``end`` is not above 0.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.geomspace(1, 100, 3).getdata().tolist()
            [1.0, 10.0, 100.0]
        """
        if start <= 0 or end <= 0:
            raise EddlValueError(f"geomspace from {start} to {end}", allowed="numbers above 0")
        return cls.logspace(math.log10(start), math.log10(end), steps, 10.0, dev)

    @classmethod
    def eye(cls, rows: int, offset: int = 0, dev: int = DEV_CPU) -> Self:
        """Return a square matrix with ones on one diagonal.

        Args:
            rows: number of rows and columns.
            offset: 0 for the main diagonal, above 0 for one to its right, below 0 to its left.
            dev: device number.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.eye(2, 1).getdata().tolist()
            [[0.0, 1.0], [0.0, 0.0]]
        """
        if rows < 0:
            raise EddlValueError(f"a matrix with {rows} rows", allowed="a whole number of at least 0")
        return cls.from_torch(torch.ones(rows, rows, device=torch_device(dev)).triu(offset).tril(offset))

    @classmethod
    def identity(cls, rows: int, dev: int = DEV_CPU) -> Self:
        """Return a square matrix with ones on the main diagonal.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.identity(3).sum()
            3.0
        """
        return cls.eye(rows, 0, dev)

    @staticmethod
    def onehot(in_: _S, vocs: int) -> _S:
        """Return whole numbers as rows of zeros with a one.

        Args:
            in_: whole numbers from 0 to ``vocs - 1``, any shape.
            vocs: how many different numbers there are.

        Returns:
            The shape of ``in_`` with ``vocs`` as a further dimension.

        Raises:
            EddlValueError: a number is outside.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.onehot(Tensor.fromarray([[1], [0]]), 2).getdata().tolist()
            [[[0.0, 1.0]], [[1.0, 0.0]]]
        """
        words = in_.torch.detach().to(torch.int64)
        if words.numel() and not 0 <= int(words.min()) <= int(words.max()) < vocs:
            what = f"onehot of numbers from {int(words.min())} to {int(words.max())} with {vocs} words"
            raise EddlValueError(what, allowed=f"whole numbers from 0 to {vocs - 1}")
        return in_._wrap(torch.nn.functional.one_hot(words, vocs).to(torch.float32))

    def fill_(self, v: float) -> None:
        """Set all elements to ``v``.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> a = Tensor([2]); a.fill_(3); a.sum()
            6.0
        """
        with torch.no_grad():
            self.torch.fill_(float(v))

    def fill(self, v: float) -> Self:
        """Return a tensor of the same shape with ``v`` everywhere."""
        return self._wrap(torch.full_like(self.torch, float(v), memory_format=torch.contiguous_format))

    @staticmethod
    def static_fill(A: Creation, aini: float, aend: int = 0, B: Storage | None = None, *rest: int) -> None:
        """Set all elements of ``A``: ``(A, v)``; or copy part of it: ``(A, aini, aend, B, bini, bend, inc)``.

        The second form copies what has the indices ``aini`` to ``aend - 1`` along the second dimension of ``A`` to
        the place ``bini`` along the second dimension of ``B``, or adds it there if ``inc`` is 1.

        Raises:
            EddlShapeError: the part does not fit.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> b = Tensor.zeros([1, 3]); Tensor.static_fill(Tensor.ones([1, 2]), 0, 1, b, 2, 3, 0)
            >>> b.getdata().tolist()
            [[0.0, 0.0, 1.0]]
        """
        if B is None:
            A.fill_(aini)
            return
        bini, _bend, inc = rest
        part = A.torch.detach()[:, int(aini) : aend]
        target = B.torch.detach()[:, bini : bini + part.shape[1]]
        if A.ndim != B.ndim or part.shape != target.shape or part.shape[1] != aend - int(aini):
            what = f"indices {aini} to {aend - 1} of {A.shape} to place {bini} of {B.shape}"
            raise EddlShapeError("Tensor::fill", what, allowed="indices that both tensors have")
        with torch.no_grad():
            target.copy_(target + part if inc else part)

    @staticmethod
    def copy(A: Storage, B: Storage) -> None:
        """Copy the values of ``A`` into ``B``, in row-major order; they may be on different devices.

        Raises:
            EddlShapeError: not as many elements.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> b = Tensor([3, 2]); Tensor.copy(Tensor.ones([2, 3]), b); b.sum()
            6.0
        """
        if A.torch.numel() != B.torch.numel():
            check_same_shape("Tensor::copy", A, B)
        store(B, A.torch.detach())
