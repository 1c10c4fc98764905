"""Checks of the numbers that optimizers are made with."""

from __future__ import annotations

import math

import torch

from deephealth.eddl.errors import EddlValueError

__all__ = ["Tensors", "finite", "fraction"]

Tensors = list[torch.Tensor]


def finite(name: str, value: float) -> float:
    """Return ``value`` as a float; an error names it if it is no finite number.

    Example:
        >>> finite("lr", 1)
        1.0
    """
    if isinstance(value, int | float) and math.isfinite(value):
        return float(value)
    raise EddlValueError(f"{name} is {value!r}", allowed="a finite number", hint=f"pass {name}=0.01, for example")


def fraction(name: str, value: float) -> float:
    """Return ``value`` as a float; an error names it if it is not at least 0 and below 1.

    Example:
        >>> fraction("beta_1", 0.9)
        0.9
    """
    if 0 <= finite(name, value) < 1:
        return float(value)
    raise EddlValueError(f"{name} is {value!r}", allowed="a number from 0 up to, but not, 1", hint=f"pass {name}=0.9")
