"""Initializers whose width depends on the sizes of the parameter: Glorot's and He's."""

from __future__ import annotations

import math
from typing import ClassVar

import torch

from deephealth.eddl.initial.draws import EDDL_NORMAL, fill_normal, fill_uniform
from deephealth.eddl.initial.initializer import Initializer

__all__ = ["IGlorotNormal", "IGlorotUniform", "IHeNormal", "IHeUniform", "fans"]

_OTHER = 0.1  # EDDL's width where it has no formula


def fans(shape: torch.Size) -> tuple[int, int]:
    """Return how many values go in and come out, of a matrix ``[in, out]`` or a kernel ``[out, in, ...]``.

    Example:
        >>> fans(torch.Size([784, 10])), fans(torch.Size([16, 3, 5, 5]))
        ((784, 10), (75, 400))
    """
    if len(shape) == 2:
        return shape[0], shape[1]
    field = math.prod(shape[2:])
    return field * shape[1], field * shape[0]


class _Scaled(Initializer):
    """Matrices and kernels by their fans; biases (one dimension) are 0, or EDDL's draw in strict mode."""

    uniform: ClassVar[bool]

    def fill(self, tensor: torch.Tensor, generator: torch.Generator | None) -> None:
        """Fill ``tensor`` in place."""
        if tensor.dim() < 2 and not self.strict:
            tensor.zero_()
        elif tensor.dim() < 2:
            self.fill_bias(tensor)
        elif self.strict and tensor.dim() not in {2, 4}:
            fill_uniform(tensor, -_OTHER, _OTHER, None)  # EDDL has no formula for kernels of 1 or 3 dimensions
        else:
            self._spread(tensor, self.variance(*fans(tensor.shape)), generator)

    def _spread(self, tensor: torch.Tensor, variance: float, generator: torch.Generator | None) -> None:
        if self.uniform:
            limit = (3 * variance) ** 0.5
            fill_uniform(tensor, -limit, limit, generator)
        else:
            fill_normal(tensor, 0.0, variance**0.5 * (EDDL_NORMAL if self.strict else 1), generator)

    def variance(self, into: int, out: int) -> float:
        """Return the variance for a parameter of these fans."""
        raise NotImplementedError

    def fill_bias(self, tensor: torch.Tensor) -> None:
        """Fill a parameter of one dimension as EDDL does (strict mode)."""
        fill_uniform(tensor, -_OTHER, _OTHER, None)


class _Glorot(_Scaled):
    def variance(self, into: int, out: int) -> float:
        """Return ``2 / (in + out)``."""
        return 2 / max(into + out, 1)


class _He(_Scaled):
    def variance(self, into: int, out: int) -> float:
        """Return ``2 / in``."""
        return 2 / max(into, 1)


class IGlorotNormal(_Glorot):
    """Normal numbers of variance ``2 / (in + out)`` (Glorot and Bengio, 2010).

    Args:
        seed: a whole number; a negative one draws from torch's global generator.

    Example:
        >>> IGlorotNormal(1234).name
        'glorot_normal'
    """

    uniform = False

    def __init__(self, seed: int = -1) -> None:
        super().__init__("glorot_normal", seed)


class IGlorotUniform(_Glorot):
    """Numbers equally likely between plus and minus ``sqrt(6 / (in + out))`` (Glorot and Bengio, 2010).

    This is what layers have when no other initializer is set. In strict mode biases are drawn too, as if they were
    matrices ``[n, n]``.

    Args:
        seed: a whole number; a negative one draws from torch's global generator.

    Example:
        >>> weight = torch.empty(4, 2)
        >>> IGlorotUniform(1234).apply(weight)
        >>> bool(weight.abs().max() <= 1)
        True
    """

    uniform = True

    def __init__(self, seed: int = -1) -> None:
        super().__init__("glorot_uniform", seed)

    def fill_bias(self, tensor: torch.Tensor) -> None:
        """Fill a parameter of one dimension as EDDL does (strict mode)."""
        self._spread(tensor, self.variance(tensor.numel(), tensor.numel()), None)


class IHeNormal(_He):
    """Normal numbers of variance ``2 / in`` (He et al., 2015).

    Args:
        seed: a whole number; a negative one draws from torch's global generator.

    Example:
        >>> IHeNormal(1234).name
        'He_normal'
    """

    uniform = False

    def __init__(self, seed: int = -1) -> None:
        super().__init__("He_normal", seed)


class IHeUniform(_He):
    """Numbers equally likely between plus and minus ``sqrt(6 / in)`` (He et al., 2015); biases are 0.

    Args:
        seed: a whole number; a negative one draws from torch's global generator.

    Example:
        >>> IHeUniform(1234).name
        'He_uniform'
    """

    uniform = True

    def __init__(self, seed: int = -1) -> None:
        super().__init__("He_uniform", seed)

    def fill_bias(self, tensor: torch.Tensor) -> None:
        """Fill a parameter of one dimension as EDDL does (strict mode)."""
        tensor.zero_()
