"""Stains of a slide: which two colours are in a tile and how much of each (Macenko), and tiles recoloured by a mixture.

Contract
    Tiles are B×3×H×W uint8 RGB, in either memory layout: B×H×W×3 pixels come in as ``pixels.permute(0, 3, 1, 2)``,
    without a copy, and the result has the same layout. Other strides are copied once. Whole numbers in and out: nothing
    here has gradients.

    *Optical density* of a level v is ``-log((v + 1) / io)``. A pixel is *tissue* where all three densities are at least
    ``beta``.

    :func:`estimate_stains` reads each tile three times while it is in the processor's cache (moments; angles;
    concentrations) and writes nothing of its size. Its percentiles are exact: a sample bounds them, the few values
    beyond the bound are kept and selected, so they are ``numpy.percentile`` of the float32 values. Against the float64
    reference: stain vectors within 1e-5, maxima within 1e-5 of their size. A tile with fewer than two tissue pixels, or
    with one stain alone, gives NaN.

    :func:`recolour` is one read and one write (6 bytes per pixel): ``io * exp(-(mix @ density + shift)) + bias``, cut
    to 0..255 and truncated. Against the float64 reference: 1 level at most, equal in more than 99.9 % of values.

    The Triton versions are :func:`recolour` and the moments of :func:`estimate_stains`; its percentiles are sorted by
    torch.

Source: Macenko et al., "A method for normalizing histology slides for quantitative analysis", ISBI 2009.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch

from deephealth.core.errors import ConfigError, DataError
from deephealth.kernels.compilers import on_cores, version_for
from deephealth.kernels.stain_compiled import angle_range, largest, recolour_pixels, sum_moments
from deephealth.kernels.stain_triton import moments_triton, recolour_triton

__all__ = ["Stains", "estimate_stains", "recolour", "reference_recolour", "reference_stains", "tissue_mask", "unmixing"]

_GRAIN = 32_768  # pixels recoloured by one thread at a time
_SLAB = 16  # tiles whose densities the reference holds at a time
_PARALLEL = 1e-3  # sine of the angle below which two stain vectors are one


class Stains(NamedTuple):
    """What :func:`estimate_stains` found in each tile.

    Attributes:
        matrix: B×3×2 float64: optical densities of haematoxylin and of eosin, each of length 1. NaN where not found.
        maxima: B×2 float64: 99th percentiles of their concentrations. NaN where not found.
        tissue: B int64: pixels that were tissue.
    """

    matrix: torch.Tensor
    maxima: torch.Tensor
    tissue: torch.Tensor

    @property
    def found(self) -> torch.Tensor:
        """B bool: both stains are there."""
        return torch.isfinite(self.matrix).all(dim=(1, 2)) & torch.isfinite(self.maxima).all(dim=1)


def estimate_stains(tiles: torch.Tensor, *, io: float = 240.0, beta: float = 0.15, alpha: float = 1.0) -> Stains:
    """Find the two stains of each tile.

    The plane of the two largest eigenvalues of the covariance of the tissue's densities is taken, and in it the
    directions at the ``alpha``-th and the (100 - ``alpha``)-th percentile of the angle. Angles are counted from the
    mean density, so that they can't jump by a full turn (torchstain counts them from an eigenvector, whose sign is
    arbitrary; the results differ only where its angles do jump).

    Args:
        tiles: B×3×H×W uint8.
        io: level of the light without a tissue.
        beta: least optical density of tissue, in each channel.
        alpha: percentile, 0 to 50.

    Raises:
        DataError: the tiles are not B×3×H×W uint8.
        ConfigError: a setting is out of its range.

    Example:
        >>> tile = torch.randint(60, 180, (1, 3, 64, 64), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
        >>> stains = estimate_stains(tile)
        >>> tuple(stains.matrix.shape), tuple(stains.maxima.shape), bool(stains.found.all())
        ((1, 3, 2), (1, 2), True)
    """
    _check_tiles(tiles)
    _check_settings(io, beta, alpha)
    version = version_for(tiles)
    if version == "compiled" and tiles.numel():
        return _compiled_stains(tiles, io, beta, alpha)
    return reference_stains(
        tiles, io=io, beta=beta, alpha=alpha, moments=moments_triton if version == "triton" else None
    )


def recolour(
    tiles: torch.Tensor, mix: torch.Tensor, shift: torch.Tensor | None = None, *, io: float = 240.0, bias: float = 0.0
) -> torch.Tensor:
    """Return tiles whose optical densities were mixed anew.

    Args:
        tiles: B×3×H×W uint8.
        mix: B×3×3, new densities from old ones.
        shift: B×3, added to the new densities.
        io: level of the light without a tissue.
        bias: added to the level before it is truncated. 0 is what torchstain does, and makes the identity's result 1
            too bright; -0.5 makes the identity exact and all levels unbiased.

    Returns:
        B×3×H×W uint8, in the memory layout of ``tiles``.

    Raises:
        DataError: shapes or dtypes are wrong, or the mixture is not finite.

    Example:
        >>> tile = torch.arange(48, dtype=torch.uint8).reshape(1, 3, 4, 4)
        >>> torch.equal(recolour(tile, torch.eye(3)[None], bias=-0.5), tile)
        True
    """
    _check_tiles(tiles)
    _check_settings(io, 0.0, 1.0)
    shift = mix.new_zeros(len(mix), 3) if shift is None else shift
    if tuple(mix.shape) != (len(tiles), 3, 3) or tuple(shift.shape) != (len(tiles), 3):
        raise DataError(
            f"{len(tiles)} tiles with a mixture of shape {tuple(mix.shape)} and a shift of {tuple(shift.shape)}",
            allowed="B×3×3 and B×3",
        )
    version = version_for(tiles, mix, shift)
    if mix.device.type == "cpu" and not (torch.isfinite(mix).all() and torch.isfinite(shift).all()):
        wrong = ~(torch.isfinite(mix).all(dim=(1, 2)) & torch.isfinite(shift).all(dim=1))
        first = wrong.nonzero().flatten().tolist()[:10]
        raise DataError(
            f"the mixtures of tiles {first} ({int(wrong.sum())} in all) hold NaN or Inf",
            hint="tiles without both stains have no mixture: see Stains.found",
        )
    if tiles.numel() == 0:
        return torch.empty_like(tiles)
    if version == "compiled":
        return _compiled_recolour(tiles, mix, shift, io, bias)
    if version == "triton":
        return recolour_triton(_dense(tiles), mix, shift, io, bias)
    if tiles.device.type != "cpu":  # an accelerator's float64 is slow, and no level is the better for it
        mix, shift = mix.float(), shift.float()
    return reference_recolour(tiles, mix, shift, io=io, bias=bias)


def tissue_mask(tiles: torch.Tensor, *, io: float = 240.0, beta: float = 0.15) -> torch.Tensor:
    """Return B×H×W bool: where the optical density is at least ``beta`` in each channel.

    Example:
        >>> tissue_mask(torch.tensor([100, 250]).to(torch.uint8).expand(1, 3, 1, 2))
        tensor([[[ True, False]]])
    """
    _check_tiles(tiles)
    _check_settings(io, beta, 1.0)
    brightest = _brightest(io, beta)
    if brightest < 0:  # a byte can't be compared with a negative number
        return torch.zeros(len(tiles), *tiles.shape[2:], dtype=torch.bool, device=tiles.device)
    return tiles.amax(dim=1) <= brightest


def unmixing(matrix: torch.Tensor) -> torch.Tensor:
    """Return B×2×3, concentrations from densities by least squares, of B×3×2 stains; 0 where the two are one.

    Example:
        >>> unmixing(torch.eye(3)[None, :, :2])
        tensor([[[1., 0., 0.],
                 [0., 1., 0.]]])
    """
    first, second = matrix.unbind(2)
    one, other, both = (first**2).sum(1), (second**2).sum(1), (first * second).sum(1)
    apart = one * other - both**2
    rows = [other[:, None] * first - both[:, None] * second, one[:, None] * second - both[:, None] * first]
    enough = apart > _PARALLEL**2 * one * other
    return torch.where(enough[:, None, None], torch.stack(rows, dim=1) / apart[:, None, None], 0.0)


# --- reference ---


def reference_stains(
    tiles: torch.Tensor,
    *,
    io: float = 240.0,
    beta: float = 0.15,
    alpha: float = 1.0,
    dtype: torch.dtype = torch.float64,
    moments: Callable[..., torch.Tensor] | None = None,
) -> Stains:
    """Find the stains with plain torch: the definition of :func:`estimate_stains`, for any device.

    Args:
        tiles: B×3×H×W uint8.
        io: level of the light without a tissue.
        beta: least optical density of tissue.
        alpha: percentile.
        dtype: of the densities.
        moments: what computes them from (tiles, io, brightest level of tissue), B×10; default: plain torch.
    """
    if tiles.numel() == 0:
        return _nothing(tiles)
    table = torch.as_tensor(_levels(io), device=tiles.device).to(dtype)
    found = []
    for slab in tiles.split(_SLAB):
        density = table[slab.flatten(2).int()]
        keep = tissue_mask(slab, io=io, beta=beta).flatten(1)
        sums = _moments(density, keep) if moments is None else moments(_dense(slab), io, _brightest(io, beta))
        axes = _axes(sums)
        across = axes.to(dtype) @ density
        angles = _percentiles(torch.atan2(across[:, 1], across[:, 0]), keep, (alpha, 100 - alpha))
        matrix = _matrix(axes, angles)
        amounts = unmixing(matrix).to(dtype) @ density
        every = torch.ones_like(keep)
        maxima = torch.cat([_percentiles(amount, every, (99,)) for amount in amounts.unbind(1)], dim=1)
        found.append(_checked(matrix, maxima, sums[:, 0]))
    return Stains(*(torch.cat(parts) for parts in zip(*found, strict=True)))


def reference_recolour(
    tiles: torch.Tensor, mix: torch.Tensor, shift: torch.Tensor, *, io: float = 240.0, bias: float = 0.0
) -> torch.Tensor:
    """Recolour with plain torch in the dtype of ``mix``: the definition of :func:`recolour`, for any device."""
    out = torch.empty_like(tiles)
    for first in range(0, len(tiles), _SLAB):
        here = slice(first, first + _SLAB)
        density = -torch.log((tiles[here].flatten(2).to(mix.dtype) + 1) / io)
        level = io * torch.exp(-(mix[here] @ density + shift[here, :, None])) + bias
        out[here] = level.clamp(0, 255).to(torch.uint8).reshape(tiles[here].shape)
    return out


def _moments(density: torch.Tensor, keep: torch.Tensor) -> torch.Tensor:
    """B×10: the number of tissue pixels, the sums of their densities, and of their products (upper triangle)."""
    held = (density * keep[:, None]).double()
    products = held @ held.mT
    upper = torch.triu_indices(3, 3, device=density.device)
    return torch.cat([keep.sum(1, keepdim=True), held.sum(2), products[:, upper[0], upper[1]]], dim=1)


def _percentiles(values: torch.Tensor, keep: torch.Tensor, percents: tuple[float, ...]) -> torch.Tensor:
    """B×len(percents) float64 of the values that are kept, interpolated like ``numpy.percentile``; 0 where none is."""
    ordered = values.masked_fill(~keep, math.inf).sort(dim=1).values
    last = (keep.sum(1) - 1).clamp(min=0)
    found = []
    for percent in percents:
        place = last.double() * (percent / 100)
        below = place.floor().long()
        pair = ordered.gather(1, torch.stack([below, torch.minimum(below + 1, last)], dim=1)).double()
        found.append(torch.lerp(pair[:, 0], pair[:, 1], place - below))
    return torch.stack(found, dim=1).nan_to_num(posinf=0.0)


# --- what is done once per tile, in float64, whatever the version ---


def _axes(sums: torch.Tensor) -> torch.Tensor:
    """B×2×3: an orthonormal basis of the plane of the tissue's densities; the first points along their mean."""
    count = sums[:, :1].clamp(min=2)
    mean = sums[:, 1:4] / count
    upper = torch.tensor([[0, 1, 2], [1, 3, 4], [2, 4, 5]], device=sums.device)
    covariance = (sums[:, 4:][:, upper] - count[:, :, None] * mean[:, :, None] * mean[:, None]) / (
        count[:, :, None] - 1
    )
    plane = torch.linalg.eigh(covariance).eigenvectors[:, :, 1:].mT
    along = torch.nn.functional.normalize((plane @ mean[:, :, None]).squeeze(2), dim=1)
    turn = torch.stack([along, torch.stack([-along[:, 1], along[:, 0]], dim=1)], dim=1)
    return turn @ plane


def _matrix(axes: torch.Tensor, angles: torch.Tensor) -> torch.Tensor:
    """B×3×2: the stain vectors at two angles; haematoxylin absorbs more red, and comes first."""
    angles = angles.double()
    vectors = torch.stack([angles.cos(), angles.sin()], dim=2) @ axes
    swap = vectors[:, :1, :1] <= vectors[:, 1:, :1]
    return torch.where(swap, vectors.flip(1), vectors).mT


def _checked(matrix: torch.Tensor, maxima: torch.Tensor, tissue: torch.Tensor) -> Stains:
    maxima = maxima.double()
    good = (tissue >= 2) & (maxima > 0).all(dim=1)
    return Stains(
        torch.where(good[:, None, None], matrix, math.nan), torch.where(good[:, None], maxima, math.nan), tissue.long()
    )


def _nothing(tiles: torch.Tensor) -> Stains:
    """What is found in tiles without a pixel, or in no tile."""
    empty = torch.full((len(tiles), 8), math.nan, dtype=torch.float64, device=tiles.device)
    none = torch.zeros(len(tiles), dtype=torch.int64, device=tiles.device)
    return Stains(empty[:, :6].reshape(-1, 3, 2), empty[:, 6:], none)


@lru_cache(maxsize=16)
def _levels(io: float) -> np.ndarray:
    """Optical density of each level, float64."""
    return -np.log((np.arange(256) + 1.0) / io)


def _brightest(io: float, beta: float) -> int:
    """The brightest level of tissue; -1: there is none."""
    return int((_levels(io) >= beta).sum()) - 1


def _edge(io: float, beta: float) -> np.float32:
    """A density between those of the brightest level of tissue and the next, so that no rounding matters."""
    return np.float32(math.log(io) - math.log(_brightest(io, beta) + 1.5))


# --- compiled ---


def _compiled_stains(tiles: torch.Tensor, io: float, beta: float, alpha: float) -> Stains:
    bright, edge = np.float32(math.log(io)), _edge(io, beta)
    count = len(tiles)
    sums, angles, maxima = np.zeros((count, 10)), np.zeros((count, 2)), np.zeros((count, 2))

    def each(act: Callable[[int, np.ndarray, bool], None]) -> None:
        on_cores(lambda at, _: act(at, *_flat(tiles[at])), count, 1)

    each(lambda at, flat, mixed: sum_moments(flat, mixed, bright, edge, sums[at]))
    axes = _axes(torch.from_numpy(sums))
    places = axes.float().numpy()

    def turn(at: int, flat: np.ndarray, mixed: bool) -> None:
        if sums[at, 0] >= 2:
            angles[at] = angle_range(flat, mixed, bright, edge, places[at], int(sums[at, 0]), alpha)

    each(turn)
    matrix = _matrix(axes, torch.from_numpy(angles))
    rows = unmixing(matrix).float().numpy()

    def measure(at: int, flat: np.ndarray, mixed: bool) -> None:
        if sums[at, 0] >= 2:
            maxima[at] = largest(flat, mixed, bright, rows[at])

    each(measure)
    return _checked(matrix, torch.from_numpy(maxima), torch.from_numpy(sums[:, 0]))


def _compiled_recolour(
    tiles: torch.Tensor, mix: torch.Tensor, shift: torch.Tensor, io: float, bias: float
) -> torch.Tensor:
    tiles = _dense(tiles)
    out = torch.empty_like(tiles)
    bright = np.float32(math.log(io))
    mixes = mix.detach().float().numpy()
    adds = (math.log(io) - shift.detach().double()).float().numpy()
    pixels = tiles.shape[2] * tiles.shape[3]
    pieces = -(-pixels // _GRAIN)

    def run(first: int, last: int) -> None:
        for piece in range(first, last):
            tile, start = piece // pieces, piece % pieces * _GRAIN
            flat, mixed = _flat(tiles[tile])
            end = min(start + _GRAIN, pixels)
            recolour_pixels(
                flat, start, end, mixed, bright, mixes[tile], adds[tile], np.float32(bias), _flat(out[tile])[0]
            )

    on_cores(run, len(tiles) * pieces, max(1, _GRAIN // max(1, pixels)))
    return out


# --- layouts and checks ---


def _dense(tiles: torch.Tensor) -> torch.Tensor:
    """The tiles with channels first or channels last and without gaps; others are copied."""
    if tiles.is_contiguous() or tiles.is_contiguous(memory_format=torch.channels_last):
        return tiles
    return tiles.contiguous()


def _flat(tile: torch.Tensor) -> tuple[np.ndarray, bool]:
    """The bytes of a 3×H×W tile as they lie in memory, and whether its colours are interleaved."""
    if tile.is_contiguous():
        return tile.reshape(-1).numpy(), False
    last = tile.permute(1, 2, 0)
    if last.is_contiguous():
        return last.reshape(-1).numpy(), True
    return tile.contiguous().reshape(-1).numpy(), False


def _check_tiles(tiles: torch.Tensor) -> None:
    if tiles.ndim != 4 or tiles.shape[1] != 3 or tiles.dtype != torch.uint8:
        raise DataError(
            f"tiles of shape {tuple(tiles.shape)} and type {tiles.dtype}",
            allowed="B×3×H×W uint8, RGB",
            hint="B×H×W×3 pixels: pixels.permute(0, 3, 1, 2), which copies nothing",
        )


def _check_settings(io: float, beta: float, alpha: float) -> None:
    problems = []
    if not 0 < io < math.inf:
        problems.append(f"io: {io} is not a number above 0")
    if not 0 <= beta < math.inf:
        problems.append(f"beta: {beta} is not a number from 0")
    if not 0 <= alpha < 50:
        problems.append(f"alpha: {alpha} is not a percentile from 0 to below 50")
    if problems:
        raise ConfigError(problems, source="the stains")
