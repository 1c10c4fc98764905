"""Perfusion deconvolution for processors: BLAS's product into a buffer of the cache's size, reduced there.

The cores work on stretches of voxels of their own. BLAS is called on blocks so small that it takes no threads for them:
its threads and ours would wait for each other.
"""

from __future__ import annotations

import numpy as np
import torch

from deephealth.kernels.compilers import compiled, on_cores
from deephealth.kernels.perfusion_operator import Operator

__all__ = ["maps"]

_STRETCH = 2048  # voxels of one turn of a core
_WIDTH = 48  # voxels of one product
_ALONE = 1 << 18  # multiplications up to which OpenBLAS stays in the calling thread
_LANES = 16  # float32 numbers that are compared at once


def maps(curves: torch.Tensor, ready: Operator, oscillation: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return flow, volume, and the place of the residue's largest value: curves V×T."""
    kind = torch.float64 if curves.dtype == torch.float64 else torch.float32
    source = (curves.float() if curves.dtype in (torch.bfloat16, torch.float16) else curves).numpy()
    parts = [ready.residue, ready.volume[None]]
    parts += [] if ready.coefficients is None else [ready.coefficients.flatten(0, 1)]
    matrix = torch.cat(parts).to(kind).numpy()
    waves = np.zeros((0, 2, 0), matrix.dtype) if ready.waves is None else ready.waves.to(kind).numpy()
    steps = len(ready.residue)
    limit = matrix.dtype.type(oscillation * steps)
    rows = max(1, _ALONE // (_WIDTH * matrix.shape[1]))
    found = torch.empty(3, len(curves), dtype=kind)
    out = found.numpy()
    by_frame = source.strides[0] < source.strides[1]  # neighbours in memory are voxels
    run = _by_frame if by_frame else _by_voxel

    def turn(first: int, last: int) -> None:
        part = source[first:last].T if by_frame else source[first:last]
        wide = np.ascontiguousarray(part, matrix.dtype)  # no copy, or one that stays in the cache
        run(wide, matrix, waves, limit, rows, steps, out[:, first:last])

    on_cores(turn, len(curves), _STRETCH)
    return found[0], found[1], found[2]


@compiled
def _by_voxel(curves, matrix, waves, limit, rows, steps, out):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202  # numba types it
    """The maps of curves V×T whose frames are neighbours in memory."""
    held = np.empty((_WIDTH, matrix.shape[1]), matrix.dtype)
    product = np.empty((len(matrix), _WIDTH), matrix.dtype)
    for first in range(0, len(curves), _WIDTH):
        count = min(_WIDTH, len(curves) - first)
        for v in range(count):
            held[v] = curves[first + v]
        held[count:] = 0
        for row in range(0, len(matrix), rows):
            np.dot(matrix[row : row + rows], held.T, product[row : row + rows])
        _reduced(product, waves, limit, steps, out[:, first : first + count])


@compiled
def _by_frame(curves, matrix, waves, limit, rows, steps, out):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """The maps of curves T×V whose voxels are neighbours in memory."""
    held = np.empty((matrix.shape[1], _WIDTH), matrix.dtype)
    product = np.empty((len(matrix), _WIDTH), matrix.dtype)
    for first in range(0, curves.shape[1], _WIDTH):
        count = min(_WIDTH, curves.shape[1] - first)
        for t in range(len(held)):
            held[t, :count] = curves[t, first : first + count]
        held[:, count:] = 0
        for row in range(0, len(matrix), rows):
            np.dot(matrix[row : row + rows], held, product[row : row + rows])
        _reduced(product, waves, limit, steps, out[:, first : first + count])


@compiled
def _reduced(product, waves, limit, steps, out):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    out[1] = product[steps, : out.shape[1]]
    if len(waves):
        _smoothest(product, waves, limit, out)
    else:
        _highest(product, steps, out)


@compiled
def _highest(product, steps, out):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Of each column's first ``steps`` values: the largest, and its place."""
    top, place = product[0].copy(), np.zeros(_WIDTH, product.dtype)
    number, one = np.zeros(1, product.dtype), np.ones(1, product.dtype)  # a place takes as many bits as a value
    for step in range(1, steps):
        number[0] += one[0]
        row, here = product[step], number[0]
        for v in range(_WIDTH):
            higher = row[v] > top[v]
            top[v] = row[v] if higher else top[v]
            place[v] = here if higher else place[v]
    out[0], out[2] = top[: out.shape[1]], place[: out.shape[1]]


@compiled
def _smoothest(product, waves, limit, out):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Of each column: take terms off the residue until it does not oscillate; its largest value and the place.

    A column holds the residue with all terms, the volume, and the coefficients of the terms.
    """
    terms, _, steps = waves.shape
    padded = (steps + _LANES - 1) // _LANES * _LANES
    residue, lanes = np.empty(padded, product.dtype), np.empty(_LANES, product.dtype)
    residue[:] = -np.inf
    for v in range(out.shape[1]):
        for t in range(steps):
            residue[t] = product[t, v]
        term = terms - 1
        while True:
            top = _largest(residue, lanes)
            if term == 0 or _bends(residue, steps) < limit * top:
                break
            a, b = product[steps + 1 + 2 * term, v], product[steps + 2 + 2 * term, v]
            cosine, sine = waves[term, 0], waves[term, 1]
            for t in range(steps):
                residue[t] -= a * cosine[t] + b * sine[t]
            term -= 1
        place = 0
        while place < steps - 1 and residue[place] != top:
            place += 1
        out[0, v], out[2, v] = top, place


@compiled
def _largest(values, lanes):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """The largest value, several lanes at a time: one alone could not be vectorised where NaN counts."""
    for j in range(_LANES):
        lanes[j] = values[j]
    for at in range(_LANES, len(values), _LANES):
        group = values[at : at + _LANES]
        for j in range(_LANES):
            lanes[j] = group[j] if group[j] > lanes[j] else lanes[j]
    top = lanes[0]
    for j in range(1, _LANES):
        top = lanes[j] if lanes[j] > top else top
    return top


@compiled
def _bends(values, steps):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """The sum of the magnitudes of the second differences."""
    here, middle, after = values[: steps - 2], values[1 : steps - 1], values[2:steps]
    total = values[0] - values[0]
    for t in range(steps - 2):
        total += abs(after[t] - middle[t] - middle[t] + here[t])
    return total
