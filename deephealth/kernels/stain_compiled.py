"""The compiled versions of :mod:`deephealth.kernels.stain`, for one tile: its bytes as they lie in memory.

``flat`` is 3·H·W bytes, ``interleaved`` says whether they are H×W×3 or 3×H×W, ``bright`` is the logarithm of the light,
``edge`` the least density of tissue.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from deephealth.kernels.compilers import compiled, inlined
from deephealth.kernels.floats import exp32, log32

__all__ = ["angle_range", "largest", "recolour_pixels", "sum_moments"]

_CHUNK = 1024  # pixels worked on at a time: their densities stay in the first cache
_GROUP = 32  # values looked at together: most groups have none that is kept
_EVERY = 61  # one pixel in so many bounds the percentiles; a prime, so that no pattern of a tile is in step with it


@inlined
def _load(flat, first, count, interleaved, bright, mixed, rows):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202  # numba types it
    """Put the densities of a chunk of pixels into three rows; a table of 256 would keep LLVM from using vectors."""
    one = np.float32(1)
    red, green, blue = rows[0], rows[1], rows[2]
    if interleaved:
        bytes_ = flat[3 * first : 3 * (first + count)]
        for i in range(3 * count):
            mixed[i] = bright - log32(np.float32(bytes_[i]) + one)
        for i in range(count):
            red[i] = mixed[3 * i]
            green[i] = mixed[3 * i + 1]
            blue[i] = mixed[3 * i + 2]
    else:
        pixels = len(flat) // 3
        reds, greens, blues = flat[first:], flat[pixels + first :], flat[2 * pixels + first :]
        for i in range(count):
            red[i] = bright - log32(np.float32(reds[i]) + one)
        for i in range(count):
            green[i] = bright - log32(np.float32(greens[i]) + one)
        for i in range(count):
            blue[i] = bright - log32(np.float32(blues[i]) + one)


@inlined
def _keep(values, count, cut, kept, at):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Put the values of a chunk that are not below ``cut`` behind the ``at`` that are kept; return how many are now."""
    for start in range(0, count, _GROUP):
        end = min(start + _GROUP, count)
        hits = 0
        for i in range(start, end):  # vectorised; most groups have none
            hits += values[i] >= cut
        if hits:
            for i in range(start, end):
                kept[at] = values[i]
                at += values[i] >= cut
    return at


@compiled
def sum_moments(flat, interleaved, bright, edge, sums):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Count the tissue pixels of a tile, sum their densities and the products of these: ten numbers.

    The sums are float32 within a chunk and float64 over chunks.
    """
    pixels = len(flat) // 3
    mixed, rows = np.empty(3 * _CHUNK, np.float32), np.empty((3, _CHUNK), np.float32)
    red, green, blue = rows[0], rows[1], rows[2]
    sums[:] = 0
    for first in range(0, pixels, _CHUNK):
        count = min(_CHUNK, pixels - first)
        _load(flat, first, count, interleaved, bright, mixed, rows)
        zero = np.float32(0)
        n, r, g, b, rr, rg, rb, gg, gb, bb = zero, zero, zero, zero, zero, zero, zero, zero, zero, zero
        for i in range(count):
            keep = min(red[i], min(green[i], blue[i])) >= edge
            x = red[i] if keep else zero
            y = green[i] if keep else zero
            z = blue[i] if keep else zero
            n += np.float32(1) if keep else zero
            r += x
            g += y
            b += z
            rr += x * x
            rg += x * y
            rb += x * z
            gg += y * y
            gb += y * z
            bb += z * z
        sums[0] += n
        sums[1] += r
        sums[2] += g
        sums[3] += b
        sums[4] += rr
        sums[5] += rg
        sums[6] += rb
        sums[7] += gg
        sums[8] += gb
        sums[9] += bb


@compiled
def _collect_angles(flat, interleaved, bright, edge, axes, cuts, lows, highs):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Keep the turns of tissue pixels, negated and as they are, that are not below the cuts; return how many.

    A *turn* grows with the angle from -2 to 2 and costs a division, not an arc tangent.
    """
    pixels = len(flat) // 3
    mixed, rows = np.empty(3 * _CHUNK, np.float32), np.empty((3, _CHUNK), np.float32)
    red, green, blue = rows[0], rows[1], rows[2]
    turn = np.empty(_CHUNK, np.float32)
    x0, x1, x2, y0, y1, y2 = axes[0, 0], axes[0, 1], axes[0, 2], axes[1, 0], axes[1, 1], axes[1, 2]
    few, many = 0, 0
    outside = np.float32(np.nan)  # not below anything, nor above
    for first in range(0, pixels, _CHUNK):
        count = min(_CHUNK, pixels - first)
        _load(flat, first, count, interleaved, bright, mixed, rows)
        for i in range(count):
            x = x0 * red[i] + x1 * green[i] + x2 * blue[i]
            y = y0 * red[i] + y1 * green[i] + y2 * blue[i]
            part = y / max(abs(x) + abs(y), np.float32(1e-30))
            back = (np.float32(2) if y > np.float32(0) else np.float32(-2)) - part
            value = part if x >= np.float32(0) else back
            turn[i] = value if min(red[i], min(green[i], blue[i])) >= edge else outside
            red[i] = -turn[i]
        few = _keep(red, count, cuts[0], lows, few)
        many = _keep(turn, count, cuts[1], highs, many)
    return few, many


@compiled
def _collect_amounts(flat, interleaved, bright, ways, cuts, firsts, seconds):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Keep the concentrations that are not below the cuts, of each stain; return how many."""
    pixels = len(flat) // 3
    mixed, rows = np.empty(3 * _CHUNK, np.float32), np.empty((3, _CHUNK), np.float32)
    red, green, blue = rows[0], rows[1], rows[2]
    x0, x1, x2, y0, y1, y2 = ways[0, 0], ways[0, 1], ways[0, 2], ways[1, 0], ways[1, 1], ways[1, 2]
    few, many = 0, 0
    for first in range(0, pixels, _CHUNK):
        count = min(_CHUNK, pixels - first)
        _load(flat, first, count, interleaved, bright, mixed, rows)
        for i in range(count):
            x = x0 * red[i] + x1 * green[i] + x2 * blue[i]
            blue[i] = y0 * red[i] + y1 * green[i] + y2 * blue[i]
            red[i] = x
        few = _keep(red, count, cuts[0], firsts, few)
        many = _keep(blue, count, cuts[1], seconds, many)
    return few, many


@compiled
def recolour_pixels(flat, first, last, interleaved, bright, mix, add, bias, out):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Recolour some pixels of a tile; ``add`` is the logarithm of the light less the shift."""
    pixels = len(flat) // 3
    mixed, rows = np.empty(3 * _CHUNK, np.float32), np.empty((3, _CHUNK), np.float32)
    red, green, blue = rows[0], rows[1], rows[2]
    levels = np.empty((3, _CHUNK), np.float32)
    top, zero = np.float32(255), np.float32(0)
    for start in range(first, last, _CHUNK):
        count = min(_CHUNK, last - start)
        _load(flat, start, count, interleaved, bright, mixed, rows)
        for channel in range(3):
            m0, m1, m2, a = mix[channel, 0], mix[channel, 1], mix[channel, 2], add[channel]
            level = levels[channel]
            for i in range(count):
                value = exp32(a - (m0 * red[i] + m1 * green[i] + m2 * blue[i])) + bias
                level[i] = max(zero, min(top, value))
        if interleaved:
            to = out[3 * start : 3 * (start + count)]
            for i in range(count):
                to[3 * i] = np.uint8(np.int32(levels[0, i]))
                to[3 * i + 1] = np.uint8(np.int32(levels[1, i]))
                to[3 * i + 2] = np.uint8(np.int32(levels[2, i]))
        else:
            for channel in range(3):
                to = out[channel * pixels + start : channel * pixels + start + count]
                for i in range(count):
                    to[i] = np.uint8(np.int32(levels[channel, i]))


def angle_range(
    flat: np.ndarray, mixed: bool, bright: np.float32, edge: np.float32, axes: np.ndarray, tissue: int, alpha: float
) -> tuple[float, float]:
    """Angles at the two percentiles of one tile's tissue."""

    def collect(pixels: np.ndarray, cuts: np.ndarray, kept: np.ndarray) -> tuple[int, int]:
        return _collect_angles(pixels, mixed, bright, edge, axes, cuts, kept[0], kept[1])  # type: ignore[no-any-return]

    low, high = _extremes(collect, flat, mixed, tissue, alpha, _angle)
    return -low, high


def largest(flat: np.ndarray, mixed: bool, bright: np.float32, rows: np.ndarray) -> tuple[float, float]:
    """99th percentiles of the two concentrations in one tile."""

    def collect(pixels: np.ndarray, cuts: np.ndarray, kept: np.ndarray) -> tuple[int, int]:
        return _collect_amounts(pixels, mixed, bright, rows, cuts, kept[0], kept[1])  # type: ignore[no-any-return]

    return _extremes(collect, flat, mixed, len(flat) // 3, 1, float)


def _extremes(
    collect: Callable[[np.ndarray, np.ndarray, np.ndarray], tuple[int, int]],
    flat: np.ndarray,
    mixed: bool,
    count: int,
    percent: float,
    meaning: Callable[[np.float32], float],
) -> tuple[float, float]:
    """What the largest ``percent`` of two sorts of values begin with.

    Args:
        collect: keeps the values of some pixels that are not below the two cuts, and returns how many.
        flat: the pixels of a tile.
        mixed: whether their colours are interleaved.
        count: of the values of each sort in the tile.
        percent: 100 less the percentile that is sought.
        meaning: what is interpolated.
    """
    few = (flat.reshape(-1, 3)[::_EVERY] if mixed else flat.reshape(3, -1)[:, ::_EVERY]).flatten()
    everything = np.full(2, -np.inf, np.float32)
    kept = np.empty((2, len(few) // 3 + 1), np.float32)
    counts = collect(few, everything, kept)
    cuts = np.array([_bound(kept[row, : counts[row]], percent) for row in range(2)], np.float32)
    kept = np.empty((2, len(flat) // 3 + 1), np.float32)
    counts = collect(flat, cuts, kept)
    place = (count - 1) * (1 - percent / 100)
    if min(counts) < count - math.floor(place):  # the sample misled
        counts = collect(flat, everything, kept)
    first, second = (_percentile(kept[row, : counts[row]], count, place, meaning) for row in range(2))
    return first, second


def _bound(sample: np.ndarray, percent: float) -> float:
    """A value that more than ``percent`` of all lie above, as far as a sample can tell."""
    share = percent / 100
    share += 4 * math.sqrt(share * (1 - share) / max(1, len(sample))) + 4 / max(1, len(sample))
    place = math.floor((1 - share) * len(sample))
    return float(np.partition(sample, place)[place]) if place >= 0 and len(sample) else -math.inf


def _percentile(largest: np.ndarray, count: int, place: float, meaning: Callable[[np.float32], float]) -> float:
    """The value at a place between two of ``count`` in order, of which the largest are given."""
    below = math.floor(place) - (count - len(largest))
    above = min(below + 1, len(largest) - 1)
    ordered = np.partition(largest, (below, above))
    low, high = meaning(ordered[below]), meaning(ordered[above])
    return low + (high - low) * (place - math.floor(place))


def _angle(turn: np.float32) -> float:
    """The angle of a turn; odd, as the turn is."""
    part = float(turn)
    if abs(part) <= 1:
        return math.atan2(part, 1 - abs(part))
    return math.atan2(math.copysign(2 - abs(part), part), 1 - abs(part))
