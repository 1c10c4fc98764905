"""Functions of numbers, element by element, with C's rules where PyTorch's differ (rounding, signs, NaN)."""

from __future__ import annotations

import math

import torch

from deephealth.eddl.strictness import is_strict

__all__ = [
    "clamp",
    "inverse",
    "log_of_base",
    "maximum",
    "minimum",
    "modulo",
    "normalize",
    "power",
    "power_of_base",
    "remainder",
    "round_half_away",
    "sign",
    "without_nan",
]


def round_half_away(x: torch.Tensor) -> torch.Tensor:
    """Return the nearest whole numbers, halves away from zero as C rounds (PyTorch rounds them to even).

    Example:
        >>> round_half_away(torch.tensor([0.5, 1.5, -2.5])).tolist()
        [1.0, 2.0, -3.0]
    """
    whole = torch.trunc(x)
    up = (x - whole).mul_(2).trunc_()  # 1 or -1 from a half on; both steps are exact
    return whole.add_(up.nan_to_num_(nan=0.0))  # infinity less infinity


def sign(x: torch.Tensor, zero_sign: float = 0.0) -> torch.Tensor:
    """Return 1 for positive numbers, -1 for negative ones, and ``zero_sign`` for the rest.

    Example:
        >>> sign(torch.tensor([-2.0, 0.0, 3.0]), 5.0).tolist()
        [-1.0, 5.0, 1.0]
    """
    rest = torch.full_like(x, zero_sign)
    return torch.where(x > 0, 1.0, torch.where(x < 0, -1.0, rest))


def clamp(x: torch.Tensor, min: float, max: float) -> torch.Tensor:
    """Return ``x`` limited to [``min``, ``max``]; when the bounds are swapped the lower one is tried first.

    Example:
        >>> clamp(torch.tensor([-2.0, 0.0, 2.0]), -1.0, 1.0).tolist()
        [-1.0, 0.0, 1.0]
    """
    if min <= max:
        return x.clamp(min, max)
    return torch.where(x < min, min, torch.where(x > max, max, x))


def inverse(x: torch.Tensor, v: float = 1.0) -> torch.Tensor:
    """Return ``v / x``.

    Example:
        >>> inverse(torch.tensor([4.0]), 2.0).tolist()
        [0.5]
    """
    return x.reciprocal() if v == 1.0 else v / x


def log_of_base(x: torch.Tensor, n: float) -> torch.Tensor:
    """Return the logarithm of ``x`` to the base ``n``.

    Example:
        >>> round(float(log_of_base(torch.tensor(9.0), 3.0)), 4)
        2.0
    """
    return x.log() / torch.tensor(float(n)).log().item()


def modulo(x: torch.Tensor, v: float) -> torch.Tensor:
    """Return what is left of ``x`` divided by ``v``, with the sign of ``x`` (C's ``fmod``).

    Example:
        >>> modulo(torch.tensor([-4.0, 5.0]), 3.0).tolist()
        [-1.0, 2.0]
    """
    return torch.fmod(x, v)


def remainder(x: torch.Tensor, v: float) -> torch.Tensor:
    """Return what is left of ``x`` divided by ``v``, with the sign of ``v``.

    Example:
        >>> remainder(torch.tensor([-4.0, 5.0]), 3.0).tolist()
        [2.0, 2.0]
    """
    return torch.fmod(v + torch.fmod(x, v), v)


def power(x: torch.Tensor, exp: float) -> torch.Tensor:
    """Return ``x`` raised to ``exp``.

    Example:
        >>> power(torch.tensor([3.0]), 2.0).tolist()
        [9.0]
    """
    return torch.pow(x, float(exp))


def power_of_base(x: torch.Tensor, base: float) -> torch.Tensor:
    """Return ``base`` raised to ``x``.

    Example:
        >>> power_of_base(torch.tensor([3.0]), 2.0).tolist()
        [8.0]
    """
    return torch.pow(float(base), x)


def without_nan(x: torch.Tensor, instead: float) -> torch.Tensor:
    """Return ``x`` with ``instead`` for NaN, and ``x`` itself when it has none.

    Example:
        >>> without_nan(torch.tensor([1.0, math.nan]), 0.0).tolist()
        [1.0, 0.0]
    """
    bad = x.isnan()
    return x.masked_fill(bad, instead) if bool(bad.any()) else x


def normalize(x: torch.Tensor, min: float = 0.0, max: float = 1.0) -> torch.Tensor:
    """Return ``x`` moved and scaled so that its smallest value is ``min`` and its largest ``max``.

    Values that are all equal become ``min`` (in strict mode NaN, as in the original). NaN is left out of the search.

    Example:
        >>> normalize(torch.tensor([1.0, 2.0, 3.0])).tolist()
        [0.0, 0.5, 1.0]
    """
    if x.numel() == 0:
        return x.clone()
    smallest = without_nan(x, math.inf).min()
    extent = without_nan(x, -math.inf).max() - smallest
    if not is_strict() and bool(extent == 0):
        return torch.full_like(x, min)
    return (max - min) / extent * (x - smallest) + min


def maximum(x: torch.Tensor, other: torch.Tensor | float) -> torch.Tensor:
    """Return the larger of two numbers; the first one when they can't be compared.

    Example:
        >>> maximum(torch.tensor([1.0, 3.0]), 2.0).tolist()
        [2.0, 3.0]
    """
    return torch.where(x < other, other, x)


def minimum(x: torch.Tensor, other: torch.Tensor | float) -> torch.Tensor:
    """Return the smaller of two numbers; the first one when they can't be compared.

    Example:
        >>> minimum(torch.tensor([1.0, 3.0]), 2.0).tolist()
        [1.0, 2.0]
    """
    return torch.where(x > other, other, x)
