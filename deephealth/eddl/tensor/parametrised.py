"""Functions of one number that take further numbers: limits, bases, divisors."""

from __future__ import annotations

import torch

from deephealth.eddl.tensor import kernels
from deephealth.eddl.tensor.methods_with_numbers import Function, function_in_place, function_into, function_new
from deephealth.eddl.tensor.storage import Storage, check_same_shape, store

__all__ = ["Parametrised"]

_LARGEST = torch.finfo(torch.float32).max
_DIVISOR = {"v": "divisor."}


def _clampmax(x: torch.Tensor, max: float) -> torch.Tensor:
    return kernels.clamp(x, -_LARGEST, max)


def _clampmin(x: torch.Tensor, min: float) -> torch.Tensor:
    return kernels.clamp(x, min, _LARGEST)


_CLAMP = Function(
    "clamp",
    kernels.clamp,
    "each element limited to [``min``, ``max``]",
    {"min": "lower bound.", "max": "upper bound."},
    ("-1.0, 1.0", "1.0"),
)
_CLAMPMAX = Function("clampmax", _clampmax, "each element, at most ``max``", {"max": "upper bound."}, ("2.0", "2.0"))
_CLAMPMIN = Function("clampmin", _clampmin, "each element, at least ``min``", {"min": "lower bound."}, ("4.0", "4.0"))
_INV = Function("inv", kernels.inverse, "``v`` divided by each element", {"v": "what is divided."}, ("6.0", "2.0"))
_LOGN = Function("logn", kernels.log_of_base, "the logarithm of each element to a base", {"n": "base."}, ("3.0", "1.0"))
_MOD = Function("mod", kernels.modulo, "the rest of a division, with the sign of the element", _DIVISOR, ("2.0", "1.0"))
_NORMALIZE = Function(
    "normalize",
    kernels.normalize,
    "each element, scaled so that the smallest is ``min`` and the largest ``max``",
    {
        "min": "new smallest value; all elements get it if they are equal (NaN in strict mode).",
        "max": "new largest value.",
    },
    ("-1.0, 1.0", "-1.0"),
)
_POW = Function("pow", kernels.power, "each element raised to ``exp``", {"exp": "exponent."}, ("2.0", "9.0"))
_POWB = Function("powb", kernels.power_of_base, "``base`` raised to each element", {"base": "base."}, ("2.0", "8.0"))
_REMAINDER = Function(
    "remainder", kernels.remainder, "the rest of a division, with the sign of the divisor", _DIVISOR, ("2.0", "1.0")
)
_SIGN = Function(
    "sign",
    kernels.sign,
    "1 for each positive element, -1 for each negative one, ``zero_sign`` for zero",
    {"zero_sign": "what zero becomes."},
    ("", "1.0"),
)


class Parametrised(Storage):
    """Functions of one number with further arguments."""

    clamp = function_new(_CLAMP)
    clamp_ = function_in_place(_CLAMP)
    static_clamp = function_into(_CLAMP)
    clampmax = function_new(_CLAMPMAX)
    clampmax_ = function_in_place(_CLAMPMAX)
    static_clampmax = function_into(_CLAMPMAX)
    clampmin = function_new(_CLAMPMIN)
    clampmin_ = function_in_place(_CLAMPMIN)
    static_clampmin = function_into(_CLAMPMIN)
    inv = function_new(_INV)
    inv_ = function_in_place(_INV)
    static_inv = function_into(_INV)
    logn = function_new(_LOGN)
    logn_ = function_in_place(_LOGN)
    static_logn = function_into(_LOGN)
    mod = function_new(_MOD)
    mod_ = function_in_place(_MOD)
    static_mod = function_into(_MOD)
    normalize = function_new(_NORMALIZE)
    normalize_ = function_in_place(_NORMALIZE)
    static_normalize = function_into(_NORMALIZE)
    pow = function_new(_POW)
    pow_ = function_in_place(_POW)
    static_pow = function_into(_POW)
    powb = function_new(_POWB)
    powb_ = function_in_place(_POWB)
    static_powb = function_into(_POWB)
    remainder = function_new(_REMAINDER)
    remainder_ = function_in_place(_REMAINDER)
    static_remainder = function_into(_REMAINDER)
    sign = function_new(_SIGN)
    sign_ = function_in_place(_SIGN)
    static_sign = function_into(_SIGN)

    @staticmethod
    def d_clamp(D: Storage, I: Storage, PD: Storage, min: float, max: float) -> None:
        """Add the delta ``D`` to ``PD`` where ``I`` lies in [``min``, ``max``]: the backward step of ``clamp``.

        Args:
            D: delta of the result.
            I: input of ``clamp``.
            PD: delta of the input; changed in place.
            min: lower bound.
            max: upper bound.

        Raises:
            EddlShapeError: the shapes or devices differ.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> below = Tensor.zeros([2])
            >>> Tensor.d_clamp(Tensor.ones([2]), Tensor.fromarray([0, 5]), below, -1, 1); below.getdata().tolist()
            [1.0, 0.0]
        """
        check_same_shape("Tensor::d_clamp", D, I, PD)
        outside = (I.torch < min) | (I.torch > max)
        store(PD, PD.torch.detach() + D.torch.detach().masked_fill(outside, 0.0))
