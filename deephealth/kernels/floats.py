"""Exponential and logarithm of float32 that a processor's vector units can run: ten times as fast as calls to libm.

Polynomials after Cephes (Moshier); relative errors below 3e-7.
"""

from __future__ import annotations

import numpy as np

from deephealth.kernels.compilers import inlined

__all__ = ["exp32", "log32"]

_LOG2E = np.float32(1.44269504088896341)
_LN2_HIGH, _LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
_E0, _E1, _E2 = np.float32(1.9875691500e-4), np.float32(1.3981999507e-3), np.float32(8.3334519073e-3)
_E3, _E4, _E5 = np.float32(4.1665795894e-2), np.float32(1.6666665459e-1), np.float32(5.0000001201e-1)
_L0, _L1, _L2 = np.float32(7.0376836292e-2), np.float32(-1.1514610310e-1), np.float32(1.1676998740e-1)
_L3, _L4, _L5 = np.float32(-1.2420140846e-1), np.float32(1.4249322787e-1), np.float32(-1.6668057665e-1)
_L6, _L7, _L8 = np.float32(2.0000714765e-1), np.float32(-2.4999993993e-1), np.float32(3.3333331174e-1)
_ONE, _HALF = np.float32(1.0), np.float32(0.5)
_LOWEST, _HIGHEST = np.float32(-87.3), np.float32(88.37)
_SQRT_HALF = np.float32(0.70710678118654752)
_SMALLEST = np.float32(1.17549435e-38)


@inlined
def exp32(x):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201  # numba types it
    """Return e to the power of a float32: 0 to 1.7e-38 below -87.3, 2.4e38 above 88.37; NaN gives NaN."""
    held = max(x, _LOWEST) if x == x else x  # NaN alone differs from itself
    held = min(held, _HIGHEST) if held == held else held
    steps = np.floor(held * _LOG2E + _HALF)
    rest = held - steps * _LN2_HIGH - steps * _LN2_LOW
    value = ((((_E0 * rest + _E1) * rest + _E2) * rest + _E3) * rest + _E4) * rest + _E5
    value = value * rest * rest + rest + _ONE
    power = np.int32((np.int32(steps) + np.int32(127)) << np.int32(23))
    return value * power.view(np.float32)


@inlined
def log32(x):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Return the natural logarithm of a float32 above 0; not for NaN.

    What is not above 1.2e-38 gives that number's logarithm, -87.3.
    """
    bits = np.float32(max(x, _SMALLEST)).view(np.int32)
    exponent = np.float32((bits >> np.int32(23)) - np.int32(126))
    part = np.int32((bits & np.int32(0x007FFFFF)) | np.int32(0x3F000000)).view(np.float32)  # 0.5 to 1
    low = part < _SQRT_HALF
    exponent = exponent - _ONE if low else exponent
    part = part + part - _ONE if low else part - _ONE
    square = part * part
    value = (((_L0 * part + _L1) * part + _L2) * part + _L3) * part + _L4
    value = (((value * part + _L5) * part + _L6) * part + _L7) * part + _L8
    value = value * part * square
    value = value + exponent * _LN2_LOW - _HALF * square
    return part + value + exponent * _LN2_HIGH
