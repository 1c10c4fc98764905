"""Random values, drawn with PyTorch's generator, so that ``torch.manual_seed`` repeats them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Self

import torch

from deephealth.eddl.strictness import is_strict
from deephealth.eddl.tensor.devices import DEV_CPU
from deephealth.eddl.tensor.storage import Storage

__all__ = ["Randomness"]


class Randomness(Storage):
    """Uniform, normal and binary values."""

    @classmethod
    def randu(cls, shape: Sequence[int], dev: int = DEV_CPU) -> Self:
        """Return values between 0 and 1, all equally likely.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.randu([2, 3]).max() <= 1
            True
        """
        made = cls(list(shape), dev)
        made.fill_rand_uniform_(1.0)
        return made

    @classmethod
    def randn(cls, shape: Sequence[int], dev: int = DEV_CPU) -> Self:
        """Return values of the normal distribution; see :meth:`fill_rand_normal_`.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.randn([2, 3]).shape
            [2, 3]
        """
        made = cls(list(shape), dev)
        made.fill_rand_normal_(0.0, 1.0, False)
        return made

    def fill_rand_uniform_(self, v: float) -> None:
        """Fill with values between 0 and ``v``, all equally likely."""
        with torch.no_grad():
            self.torch.copy_(torch.rand_like(self.torch).mul_(float(v)))

    def fill_rand_uniform(self, v: float) -> Self:
        """Return a tensor of the same shape with values between 0 and ``v``."""
        made = self._like()
        made.fill_rand_uniform_(v)
        return made

    def fill_rand_signed_uniform_(self, v: float) -> None:
        """Fill with values between ``-v`` and ``v``, all equally likely."""
        with torch.no_grad():
            self.torch.copy_(torch.rand_like(self.torch).mul_(2.0).sub_(1.0).mul_(float(v)))

    def fill_rand_signed_uniform(self, v: float) -> Self:
        """Return a tensor of the same shape with values between ``-v`` and ``v``."""
        made = self._like()
        made.fill_rand_signed_uniform_(v)
        return made

    def fill_rand_normal_(self, m: float, s: float, fast_math: bool = True) -> None:
        """Fill with values of the normal distribution.

        Args:
            m: mean.
            s: standard deviation. (The original's values spread only 0.707 as far; strict mode's do too.)
            fast_math: no effect: there is one way.
        """
        spread = float(s) * (math.sqrt(0.5) if is_strict() else 1.0)
        with torch.no_grad():
            self.torch.copy_(torch.randn_like(self.torch).mul_(spread).add_(float(m)))

    def fill_rand_normal(self, m: float, s: float, fast_math: bool = True) -> Self:
        """Return a tensor of the same shape with values of the normal distribution; see :meth:`fill_rand_normal_`."""
        made = self._like()
        made.fill_rand_normal_(m, s, fast_math)
        return made

    def fill_rand_binary_(self, v: float) -> None:
        """Fill with ones (with probability ``v``) and zeros."""
        with torch.no_grad():
            self.torch.copy_((torch.rand_like(self.torch) < v).to(torch.float32))

    def fill_rand_binary(self, v: float) -> Self:
        """Return a tensor of the same shape with ones (with probability ``v``) and zeros."""
        made = self._like()
        made.fill_rand_binary_(v)
        return made

    def _like(self) -> Self:
        return self._wrap(torch.empty_like(self.torch, memory_format=torch.contiguous_format))
