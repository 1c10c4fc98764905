"""Stored integers -> values: slope and intercept, in one pass over the memory."""

from __future__ import annotations

import numpy as np

__all__ = ["apply_scaling", "scaled_dtype"]

_CHUNK = 64 * 1024  # elements: what is being worked on stays in the second-level cache


def scaled_dtype(stored: np.dtype) -> np.dtype:
    """Return the smallest float that holds ``slope * value + intercept`` as exactly as the file does.

    Example:
        >>> scaled_dtype(np.dtype("int16")), scaled_dtype(np.dtype("int32"))
        (dtype('float32'), dtype('float64'))
    """
    if stored.kind in "iu":
        return np.dtype(np.float32 if stored.itemsize <= 2 else np.float64)
    return stored


def apply_scaling(values: np.ndarray, slope: float, inter: float) -> np.ndarray:
    """Return ``slope * values + inter``, computed in double precision and rounded once.

    Args:
        values: stored numbers, contiguous.
        slope: factor.
        inter: what is added.

    Example:
        >>> apply_scaling(np.array([1, 2], np.int16), 0.5, -1.0).tolist()
        [-0.5, 0.0]
    """
    out = np.empty(values.shape, scaled_dtype(values.dtype))
    source, target = values.reshape(-1), out.reshape(-1)
    wide = np.result_type(out.dtype, np.float64)
    buffer = np.empty(min(_CHUNK, source.size), wide)
    with np.errstate(over="ignore", invalid="ignore"):  # beyond the type: infinite, as any reader with floats gets it
        for at in range(0, source.size, _CHUNK):
            part = source[at : at + _CHUNK]
            work = buffer[: part.size]
            np.multiply(part, slope, out=work, casting="unsafe")
            work += inter
            target[at : at + part.size] = work
    return out
