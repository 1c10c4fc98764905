"""A patch out of a stored volume: only its own bytes are read, and they are float32 when they arrive.

One pass: each row of the patch is read from the memory map, converted, clipped, scaled and written; rows beyond the
border are filled. The GIL is free meanwhile, so threads of one process do what others need processes for.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from deephealth.core.errors import DataError
from deephealth.kernels.compilers import compiled, inlined

__all__ = ["gather_image", "gather_label"]

_AS_IT_IS = np.array([[-np.inf, np.inf, 0.0, 1.0]], dtype=np.float32)
_PLAIN, _NUMBERS, _HALF = 0, 1, 2  # how a value is converted
_HALF_TO_FLOAT = np.float32(2.0**112)  # the exponents' offsets, 127 and 15, differ by 112


def gather_image(
    source: np.ndarray,
    start: Sequence[int],
    out: npt.NDArray[np.float32],
    *,
    scale: npt.NDArray[np.float32] | None = None,
    pad: float = 0.0,
    edge: bool = False,
) -> None:
    """Copy a patch as float32: ``(clip(x, low, high) - shift) * factor``.

    Args:
        source: C×D×H×W of uint8, int8, int16, uint16, int32, float16 or float32, C-contiguous.
        start: of the patch in D, H, W; may lie outside.
        out: C×d×h×w, C-contiguous; filled.
        scale: C×4: low, high, shift, factor of each channel; the values as they are when not given.
        pad: value beyond the border, not scaled.
        edge: beyond the border stands the nearest voxel's value instead.

    Example:
        >>> out = np.empty((1, 1, 1, 4), np.float32)
        >>> gather_image(np.arange(3, dtype=np.int16).reshape(1, 1, 1, 3), (0, 0, -1), out, pad=9)
        >>> out.ravel().tolist()
        [9.0, 0.0, 1.0, 2.0]
    """
    table = np.repeat(_AS_IT_IS, len(source), axis=0) if scale is None else scale
    half = source.dtype == np.float16
    numbers = source.view(np.uint16) if half else source
    _gather(
        numbers,
        _checked(source, start, out.shape[3], edge),
        out,
        table,
        np.float32(pad),
        edge,
        _HALF if half else _NUMBERS,
    )


def gather_label(
    source: np.ndarray, start: Sequence[int], out: np.ndarray, *, pad: int = 0, edge: bool = False
) -> None:
    """Copy a patch of whole numbers; arguments as :func:`gather_image`, ``out`` of any whole-number dtype."""
    table = np.repeat(_AS_IT_IS, len(source), axis=0)
    _gather(source, _checked(source, start, out.shape[3], edge), out, table, out.dtype.type(pad), edge, _PLAIN)


def _checked(source: np.ndarray, start: Sequence[int], out_width: int, edge: bool) -> tuple[int, int, int]:
    depth, height, width = (int(at) for at in start)
    if edge and not -out_width < width < source.shape[3]:
        raise DataError(f"a patch that begins at column {width} of {source.shape[3]}", allowed="one that overlaps")
    return depth, height, width


@inlined
def _of_half(bits):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202  # numba types it
    sign = np.uint32(np.uint32(bits & np.uint16(0x8000)) << np.uint32(16))
    rest = np.uint32(np.uint32(bits & np.uint16(0x7FFF)) << np.uint32(13))
    value = np.float32(rest.view(np.float32) * _HALF_TO_FLOAT)
    return np.uint32(value.view(np.uint32) | sign).view(np.float32)


@inlined
def _scaled(value, low, high, shift, factor):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    value = low if value < low else value
    value = high if value > high else value
    return (value - shift) * factor


@inlined
def _copy_row(line, row, numbers, mode):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    low, high, shift, factor = numbers[0], numbers[1], numbers[2], numbers[3]
    if mode == _PLAIN:
        for w in range(row.size):
            row[w] = line[w]
    elif mode == _NUMBERS:
        for w in range(row.size):
            row[w] = _scaled(np.float32(line[w]), low, high, shift, factor)
    else:
        for w in range(row.size):
            row[w] = _scaled(_of_half(np.uint16(line[w])), low, high, shift, factor)


@compiled
def _gather(source, start, out, table, pad, edge, mode):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    channels, depth, height, width = source.shape
    at_d, at_h, at_w = start
    size_w = out.shape[3]
    left = min(max(-at_w, 0), size_w)
    right = max(min(width - at_w, size_w), left)
    for c in range(channels):
        numbers = table[c]
        for d in range(out.shape[1]):
            z = min(max(at_d + d, 0), depth - 1)
            for h in range(out.shape[2]):
                y = min(max(at_h + h, 0), height - 1)
                row = out[c, d, h]
                if not edge and (z != at_d + d or y != at_h + h):
                    row[:] = pad
                    continue
                line = source[c, z, y]  # cut in two steps, numba knows that both rows are contiguous
                _copy_row(line[at_w + left : at_w + right], row[left:right], numbers, mode)
                if right - left < size_w:
                    row[:left] = row[left] if edge else pad
                    row[right:] = row[right - 1] if edge else pad
