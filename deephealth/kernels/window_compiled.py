"""Windows blended into rows on the processor: :mod:`deephealth.kernels.window` says what is computed.

Weights come as (along D, along H, along W, least), starts as (along D, along H, weights of layers along W, their
floors): the windows of a layer do not overlap, so that weights are added up over a whole line. Lines of a box are
numbered in raster order; ``planes`` is (first z, first y, lines per plane).
"""

from __future__ import annotations

import numpy as np

from deephealth.kernels.compilers import compiled

__all__ = ["accumulate", "divide", "gather", "take_average", "take_labels"]

_ZERO, _ONE = np.float32(0), np.float32(1)


@compiled
def gather(first, last, source, strides, starts, windows):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201  # numba types it
    """Copy the planes of windows, which are numbered window by window, out of a volume."""
    _, classes, depth, height, width = windows.shape
    for item in range(first, last):
        n, a = item // depth, item % depth
        volume, z, y, x = starts[n, 0], starts[n, 1], starts[n, 2], starts[n, 3]
        for k in range(classes):
            for b in range(height):
                begin = volume * strides[0] + k * strides[1] + (z + a) * strides[2] + (y + b) * strides[3] + x
                line, window = source[begin : begin + width], windows[n, k, a, b]
                for at in range(width):
                    window[at] = line[at]


@compiled
def accumulate(first, last, rows, table, planes, source, strides, starts, weights):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201  # numba types it
    """Add windows to the lines of some (class, z) pairs, which are numbered class by class."""
    z0, z1 = planes
    along_d, along_h, along_w, least = weights
    size = len(along_w)
    for item in range(first, last):
        k, z = item // (z1 - z0), z0 + item % (z1 - z0)
        for n in range(len(starts)):
            a, y, x = z - starts[n, 0], starts[n, 1], starts[n, 2]
            for b in range(len(along_h) if 0 <= a < len(along_d) else 0):
                begin = n * strides[0] + k * strides[1] + a * strides[2] + b * strides[3]
                window = source[begin : begin + size]
                line = rows[k, table[z, y + b], x : x + size]
                factor = along_d[a] * along_h[b]
                for at in range(size):
                    line[at] += window[at] * max(factor * along_w[at], least)


@compiled
def divide(first, last, rows, table, planes, weights, starts):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Divide lines in place."""
    share = np.empty(rows.shape[2], np.float32)
    for item in range(first, last):
        z, y = planes[0] + item // planes[2], planes[1] + item % planes[2]
        _shares(z, y, weights, starts, share)
        for k in range(rows.shape[0]):
            line = rows[k, table[z, y]]
            for x in range(len(share)):
                line[x] *= share[x]


@compiled
def take_average(first, last, rows, table, planes, weights, starts, out):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Divide lines into ``out`` and empty them."""
    share = np.empty(rows.shape[2], np.float32)
    for item in range(first, last):
        a, b = item // planes[2], item % planes[2]
        z, y = planes[0] + a, planes[1] + b
        _shares(z, y, weights, starts, share)
        for k in range(rows.shape[0]):
            line, found = rows[k, table[z, y]], out[k, a, b]
            for x in range(len(share)):
                found[x] = line[x] * share[x]
                line[x] = _ZERO


@compiled
def take_labels(first, last, rows, table, planes, weights, starts, out, cutting, cut):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201, PLR0913
    """Label the voxels of lines and empty them; return how many had a NaN."""
    width = rows.shape[2]
    share, best = np.empty(width, np.float32), np.empty(width, np.float32)
    label, strange = np.empty(width, np.int32), np.empty(width, np.int32)
    unknown = 0
    for item in range(first, last):
        a, b = item // planes[2], item % planes[2]
        z, y = planes[0] + a, planes[1] + b
        _shares(z, y, weights, starts, share)
        label[:] = np.int32(0)
        strange[:] = np.int32(0)
        best[:] = np.float32(-np.inf)
        for k in range(rows.shape[0]):
            line, id_cut, id_best = rows[k, table[z, y]], np.int32(k + 1), np.int32(k)
            for x in range(width):
                value = line[x] * share[x]
                line[x] = _ZERO
                strange[x] = np.int32(1) if value != value else strange[x]
                if cutting:
                    label[x] = id_cut if value > cut else label[x]
                else:
                    above = value > best[x]
                    label[x] = id_best if above else label[x]
                    best[x] = value if above else best[x]
        found = out[a, b]
        for x in range(width):
            found[x] = label[x]
            unknown += strange[x]
    return unknown


@compiled
def _shares(z, y, weights, starts, share):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Write one over the sum of the weights of the windows over each voxel of a line."""
    along_d, along_h, _, _ = weights
    share[:] = _ZERO
    for i in range(len(starts[0])):
        a = z - starts[0][i]
        for j in range(len(starts[1]) if 0 <= a < len(along_d) else 0):
            b = y - starts[1][j]
            if 0 <= b < len(along_h):
                factor = along_d[a] * along_h[b]
                for layer in range(len(starts[2])):
                    weight, floor = starts[2][layer], starts[3][layer]
                    for x in range(len(share)):
                        share[x] += max(factor * weight[x], floor[x])
    for x in range(len(share)):
        share[x] = _ONE / share[x]
