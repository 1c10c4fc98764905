"""The Triton version of :mod:`deephealth.kernels.band_power`: products with the waves of the bins that are needed."""

from __future__ import annotations

import math

import torch

from deephealth.kernels.compilers import tl, triton

__all__ = ["band_power_triton"]

_SEGMENTS, _SAMPLES, _BINS = 64, 32, 32  # of one block of the product


@triton.jit
def _band_kernel(  # type: ignore[no-untyped-def]  # noqa: ANN202, PLR0913
    signals, cosines, sines, weights, out, channels, batch_step, channel_step, step, count, hop, bands,  # noqa: ANN001
    SIZE: tl.constexpr, TILES: tl.constexpr, WIDE: tl.constexpr, S: tl.constexpr, N: tl.constexpr, F: tl.constexpr,  # noqa: N803
    CENTRED: tl.constexpr,  # noqa: N803
):  # fmt: skip
    blocks = tl.cdiv(count, S)
    row = (tl.program_id(0) // blocks).to(tl.int64)
    at = (tl.program_id(0) % blocks).to(tl.int64) * S + tl.arange(0, S)
    begin = signals + row // channels * batch_step + row % channels * channel_step
    n, f, k = tl.arange(0, N), tl.arange(0, F), tl.arange(0, WIDE)
    total = tl.zeros((S, WIDE), dtype=weights.dtype.element_ty)
    base = tl.zeros((S,), dtype=weights.dtype.element_ty)
    if CENTRED:  # the waves sum to 0, so this changes nothing but the digits that a large offset would cost
        base = tl.load(begin + at * hop * step, mask=at < count, other=0)
    for tile in range(TILES):
        real = tl.zeros((S, F), dtype=weights.dtype.element_ty)
        imaginary = tl.zeros((S, F), dtype=weights.dtype.element_ty)
        for start in range(0, SIZE, N):
            inside = (at < count)[:, None] & (start + n < SIZE)[None, :]
            x = tl.load(begin + (at[:, None] * hop + start + n[None, :]) * step, mask=inside, other=0)
            x = tl.where(inside, x - base[:, None], 0)
            places = (start + n)[:, None] * (TILES * F) + tile * F + f[None, :]
            held = (start + n < SIZE)[:, None]
            real += tl.dot(x, tl.load(cosines + places, mask=held, other=0), input_precision="tf32x3")
            imaginary += tl.dot(x, tl.load(sines + places, mask=held, other=0), input_precision="tf32x3")
        power = real * real + imaginary * imaginary
        factors = tl.load(weights + (tile * F + f)[:, None] * WIDE + k[None, :])
        total += tl.dot(power, factors, input_precision="tf32x3")
    to = out + (row * count + at)[:, None] * bands + k[None, :]
    tl.store(to, total, mask=(at < count)[:, None] & (k < bands)[None, :])


def band_power_triton(
    signals: torch.Tensor, window: torch.Tensor, weights: torch.Tensor, hop: int, detrend: bool
) -> torch.Tensor:
    """B×C×S×K powers of B×C×T signals, of any strides."""
    batch, channels, length = signals.shape
    size, bands = len(window), weights.shape[1]
    count = (length - size) // hop + 1
    cosines, sines, factors = _products(window.double(), weights.double(), detrend, signals.dtype)
    out = torch.empty(batch, channels, count, bands, dtype=signals.dtype, device=signals.device)
    grid = (batch * channels * triton.cdiv(count, _SEGMENTS),)
    _band_kernel[grid](
        signals, cosines, sines, factors, out, channels, *signals.stride(), count, hop, bands,
        SIZE=size, TILES=len(factors) // _BINS, WIDE=factors.shape[1],
        S=_SEGMENTS, N=_SAMPLES, F=_BINS, CENTRED=detrend,
    )  # fmt: skip
    return out


def _products(
    window: torch.Tensor, weights: torch.Tensor, detrend: bool, dtype: torch.dtype
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Windowed, centred waves (N×bins) of the bins with a weight, and their weights."""
    used = (weights != 0).any(dim=1).nonzero().flatten()
    size, wide = len(window), max(16, triton.next_power_of_2(weights.shape[1]))
    turns = torch.arange(size, device=window.device)[:, None] * used % size * (2 * math.pi / size)
    waves = [window[:, None] * wave for wave in (turns.cos(), turns.sin())]
    if detrend:
        waves = [wave - wave.mean(dim=0) for wave in waves]
    more = -len(used) % _BINS
    pad = torch.nn.functional.pad
    factors = pad(weights[used], (0, wide - weights.shape[1], 0, more))
    cosines, sines = (pad(wave, (0, more)).to(dtype).contiguous() for wave in waves)
    return cosines, sines, factors.to(dtype).contiguous()
