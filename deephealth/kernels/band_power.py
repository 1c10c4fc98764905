"""Power of signals in frequency bands, segment by segment (Welch): bands are written, spectra never.

Contract
    Signals are B×C×T float32 or float64 (float16 and bfloat16 are computed in float32); the segments of a signal begin
    every ``hop`` samples and have the window's length N; what is left at the end is not used. Each segment may lose its
    mean, is multiplied with the window and transformed; ``weights`` (N//2 + 1 bins × K bands, :func:`band_weights`)
    sums the squared moduli. The result is B×C×S×K, or B×C×K where the segments are averaged: of the signals' dtype,
    float32 for half precision.

    The compiled version works on chunks of segments that stay in the cache: numba cuts, centres and windows them, MKL
    (torch.fft) transforms them, numba sums the bins of the bands. It reads the signals once and writes S·K numbers. The
    Triton version folds window and centring into the cosines and sines of the bins that some band needs, and multiplies
    (tensor cores, three-fold TF32); spectra stay in registers. Against the float64 reference, in float32: 2e-6 of the
    geometric mean of the band's and the segment's power; in float64 1e-12.

    The reference is differentiable, and runs where gradients are asked for.

Source: Welch, "The use of fast Fourier transform for the estimation of power spectra", IEEE TAU 1967.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch

from deephealth.core.errors import ConfigError, DataError
from deephealth.kernels.band_power_triton import band_power_triton
from deephealth.kernels.compilers import compiled, on_cores, version_for

__all__ = ["band_power", "band_weights", "reference_band_power"]

Rule = Literal["trapezoid", "sum", "mean"]
Scaling = Literal["density", "spectrum"]

_CHUNK = 1 << 17  # samples of segments worked on at a time by one thread: with their spectra 1 MB of float32
_MEETING = 8  # chunks of each thread between two meetings of all: where cores are busy elsewhere, a meeting is a wait
_SLAB = 1 << 26  # samples of segments that the reference holds at a time


def band_power(
    signals: torch.Tensor,
    window: torch.Tensor,
    weights: torch.Tensor,
    *,
    hop: int,
    detrend: bool = True,
    average: bool = False,
) -> torch.Tensor:
    """Return the power of signals in bands.

    Args:
        signals: B×C×T floats, in any unit; the power has its square.
        window: N floats.
        weights: (N//2 + 1)×K, from :func:`band_weights`.
        hop: samples from the begin of one segment to the next.
        detrend: take each segment's mean away first.
        average: return the mean over the segments.

    Returns:
        B×C×S×K with S = (T - N) // hop + 1, or B×C×K.

    Raises:
        DataError: shapes or dtypes are wrong, the window is longer than the signals, or a value that is used is NaN or
            infinite (with channels and counts).

    Example:
        >>> time = torch.arange(1024) / 256
        >>> signals = torch.sin(2 * torch.pi * 10 * time)[None, None]
        >>> weights = band_weights(512, 256.0, [(8, 13), (13, 30)], window=torch.hann_window(512))
        >>> band_power(signals, torch.hann_window(512), weights, hop=256, average=True)[0, 0].round(decimals=3)
        tensor([0.5000, 0.0000])
    """
    _check(signals, window, weights, hop)
    version = version_for(signals, window, weights)
    dtype = torch.float64 if signals.dtype == torch.float64 else torch.float32
    asked = torch.is_grad_enabled() and signals.requires_grad
    if signals.shape[0] * signals.shape[1] == 0:
        found = signals.new_zeros(*signals.shape[:2], _segments(signals, window, hop), weights.shape[1], dtype=dtype)
    elif version == "triton" and not asked:
        found = band_power_triton(signals.to(dtype), window, weights, hop, detrend)
    elif version == "compiled" and not asked:
        found = _compiled_band_power(signals.detach().to(dtype), window, weights, hop, detrend)
    else:
        found = reference_band_power(signals.to(dtype), window, weights, hop=hop, detrend=detrend)
    if not bool(torch.isfinite(found.detach().sum(dtype=torch.float64))):
        _report(signals)
    return found.mean(dim=2) if average else found


def band_weights(
    size: int,
    fs: float,
    bands: Sequence[tuple[float, float]],
    *,
    window: torch.Tensor,
    scaling: Scaling = "density",
    rule: Rule = "trapezoid",
) -> torch.Tensor:
    """Return the weights that turn squared moduli of a segment's spectrum into the powers of bands.

    Args:
        size: samples of a segment.
        fs: samples per second.
        bands: (low, high) in Hz, each.
        window: ``size`` floats.
        scaling: ``density`` (per Hz) or ``spectrum``, as in :func:`scipy.signal.welch`, one-sided.
        rule: ``trapezoid``: the integral from low to high of the density, which is linear between the bins; exact also
            where an edge lies between bins. ``sum``: the rectangles of the bins with low <= f < high, so that
            neighbouring bands share none; with ``spectrum`` the plain sum. ``mean``: the mean over these bins.

    Returns:
        (size//2 + 1)×K float64.

    Raises:
        ConfigError: a band is empty, reversed or beyond the Nyquist frequency, or a setting is wrong; all mistakes at
            once.

    Example:
        >>> band_weights(8, 8.0, [(1, 2.5)], window=torch.ones(8), rule="trapezoid").flatten() * 32
        tensor([0.0000, 0.5000, 0.8750, 0.1250, 0.0000], dtype=torch.float64)
    """
    _check_bands(size, fs, bands, window, scaling, rule)
    step = fs / size
    bins = torch.arange(size // 2 + 1, dtype=torch.float64)
    columns = []
    for low, high in bands:
        if rule == "trapezoid":
            columns.append(_trapezoid(bins * step, low, high))
        else:
            inside = ((bins * step >= low) & (bins * step < high)).double()
            columns.append(inside / inside.sum() if rule == "mean" else inside * (step if scaling == "density" else 1))
    held = window.detach().double().cpu()
    scale = 1 / (fs * float((held**2).sum())) if scaling == "density" else 1 / float(held.sum()) ** 2
    sides = torch.full_like(bins, 2.0)
    sides[0] = 1.0
    if size % 2 == 0:
        sides[-1] = 1.0
    return torch.stack(columns, dim=1) * (sides * scale)[:, None]


def _trapezoid(frequencies: torch.Tensor, low: float, high: float) -> torch.Tensor:
    """Weights of the integral over [low, high] of what is linear between the bins."""
    left, right = frequencies[:-1].clamp(low, high), frequencies[1:].clamp(low, high)
    step = frequencies[1] - frequencies[0]
    part = ((left + right) / 2 - frequencies[:-1]) / step
    weights = torch.zeros_like(frequencies)
    weights[:-1] += (right - left) * (1 - part)
    weights[1:] += (right - left) * part
    return weights


# --- reference ---


def reference_band_power(
    signals: torch.Tensor, window: torch.Tensor, weights: torch.Tensor, *, hop: int, detrend: bool = True
) -> torch.Tensor:
    """Compute the powers with plain torch: the definition of :func:`band_power`, for any device; differentiable.

    Segments are taken in slabs, so that memory is bounded however long the signals are.
    """
    segments = signals.unfold(-1, len(window), hop)
    window, weights = window.to(signals), weights.to(signals)
    each = max(1, _SLAB // (signals.shape[0] * signals.shape[1] * len(window)))
    found = []
    for slab in segments.split(each, dim=2):
        centred = slab - slab.mean(dim=-1, keepdim=True) if detrend else slab
        spectrum = torch.fft.rfft(centred * window)
        found.append((spectrum.real**2 + spectrum.imag**2) @ weights)
    return torch.cat(found, dim=2)


# --- compiled ---


@compiled
def _cut(flat, begins, count, hop, window, keep, share, start, first, last, out):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, PLR0913  # numba types it
    """Put some segments after the ``start``-th (``count`` in each row), centred and windowed, into ``out``.

    ``keep`` is 1 and ``share`` 1 / N to centre, and both are 0 not to.
    """
    size = len(window)
    for at in range(first, last):
        begin = begins[(start + at) // count] + (start + at) % count * hop
        segment, row = flat[begin : begin + size], out[at]
        base = segment[0] * keep  # taken away first: a large offset would cost the sum its last digits
        total = base - base
        for i in range(size):
            total += segment[i] - base
        mean = total * share
        for i in range(size):
            row[i] = ((segment[i] - base) - mean) * window[i]


@compiled
def _sum_bands(spectra, weights, lows, highs, zero, first, last, out):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Sum the squared moduli of some segments' bins (real and imaginary parts in turns) into bands."""
    least, most = lows.min(), highs.max()
    power = np.empty(weights.shape[1], weights.dtype)
    for at in range(first, last):
        row = spectra[at]
        for i in range(least, most):
            power[i] = row[2 * i] * row[2 * i] + row[2 * i + 1] * row[2 * i + 1]
        for band in range(len(lows)):
            factors = weights[band]
            total = zero
            for i in range(lows[band], highs[band]):
                total += factors[i] * power[i]
            out[at, band] = total


def _compiled_band_power(
    signals: torch.Tensor, window: torch.Tensor, weights: torch.Tensor, hop: int, detrend: bool
) -> torch.Tensor:
    flat, begins = _rows(signals)
    size, bands, count = len(window), weights.shape[1], _segments(signals, window, hop)
    shape = window.detach().to(signals.dtype).contiguous().numpy()
    factors = weights.detach().T.to(signals.dtype).contiguous().numpy()
    used = [np.flatnonzero(row) for row in factors]
    lows = np.array([row[0] if len(row) else 0 for row in used])
    highs = np.array([row[-1] + 1 if len(row) else 0 for row in used])
    number = shape.dtype.type
    keep, share = number(detrend), number(detrend / size)
    total = len(begins) * count
    out = torch.empty(total, bands, dtype=signals.dtype)
    threads = torch.get_num_threads()
    chunk = min(total, max(1, _CHUNK // size) * (threads * _MEETING if threads > 1 else 1))
    cut = torch.empty(chunk, size, dtype=signals.dtype)
    spectra = torch.empty(chunk, size // 2 + 1, dtype=signals.dtype.to_complex())
    grain = max(1, _CHUNK // size)

    def work(start: int) -> None:
        here = min(chunk, total - start)
        rows, results = cut[:here].numpy(), out[start : start + here].numpy()
        on_cores(
            lambda first, last: _cut(flat, begins, count, hop, shape, keep, share, start, first, last, rows),
            here,
            grain,
        )
        spectrum = torch.fft.rfft(cut[:here], out=spectra[:here])
        parts = torch.view_as_real(spectrum).flatten(1).numpy()
        on_cores(
            lambda first, last: _sum_bands(parts, factors, lows, highs, number(0), first, last, results), here, grain
        )

    for start in range(0, total, chunk):
        work(start)
    return out.reshape(*signals.shape[:2], count, bands)


def _rows(signals: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """The memory that B×C×T signals span, as one row, and where each begins; copied if samples lie apart."""
    if signals.stride(-1) != 1:
        signals = signals.contiguous()
    batch, channels, length = signals.shape
    begins = [np.arange(count) * step for count, step in zip((batch, channels), signals.stride()[:2], strict=True)]
    starts = (begins[0][:, None] + begins[1]).reshape(-1)
    return signals.as_strided((int(starts.max()) + length,), (1,)).numpy(), starts


def _segments(signals: torch.Tensor, window: torch.Tensor, hop: int) -> int:
    return (signals.shape[-1] - len(window)) // hop + 1


# --- checks ---


def _check(signals: torch.Tensor, window: torch.Tensor, weights: torch.Tensor, hop: int) -> None:
    if signals.ndim != 3 or not signals.is_floating_point():
        raise DataError(
            f"signals of shape {tuple(signals.shape)} and type {signals.dtype}",
            allowed="B×C×T floats",
            hint="one recording of channels: signals[None].float()",
        )
    if window.ndim != 1 or not 1 < len(window) <= signals.shape[-1]:
        raise DataError(
            f"a window of shape {tuple(window.shape)} for signals of {signals.shape[-1]} samples",
            allowed="one dimension, 2 samples or more, and no longer than the signals",
            hint="take a shorter window, or leave signals out that are shorter than it",
        )
    if weights.ndim != 2 or len(weights) != len(window) // 2 + 1 or weights.shape[1] == 0:
        raise DataError(
            f"weights of shape {tuple(weights.shape)} for a window of {len(window)} samples",
            allowed=f"{len(window) // 2 + 1} bins × bands, one band or more",
        )
    if hop < 1:
        raise ConfigError([f"hop: {hop} is not a whole number above 0"], source="band_power")


def _check_bands(
    size: int, fs: float, bands: Sequence[tuple[float, float]], window: torch.Tensor, scaling: str, rule: str
) -> None:
    problems = []
    if size < 2 or tuple(window.shape) != (size,):
        problems.append(f"window: shape {tuple(window.shape)}; allowed: ({size},), 2 samples or more")
    if not 0 < fs < math.inf:
        raise ConfigError([*problems, f"fs: {fs} is not a number above 0"], source="the bands")
    if not bands:
        problems.append("bands: there is none")
    for at, (low, high) in enumerate(bands):
        if not 0 <= low < high <= fs / 2:
            problems.append(f"bands[{at}]: {low} to {high} Hz is not within 0 to {fs / 2} Hz (Nyquist), low below high")
        elif rule != "trapezoid" and math.ceil(low * size / fs - 1e-9) >= high * size / fs:
            problems.append(f"bands[{at}]: {low} to {high} Hz holds no bin; there is one every {fs / size} Hz")
    if scaling not in ("density", "spectrum"):
        problems.append(f"scaling: '{scaling}' is neither 'density' nor 'spectrum'")
    if rule not in ("trapezoid", "sum", "mean"):
        problems.append(f"rule: '{rule}' is not one of 'trapezoid', 'sum', 'mean'")
    if problems:
        raise ConfigError(problems, source="the bands")


def _report(signals: torch.Tensor) -> None:
    """Say which channels hold NaN or infinity."""
    wrong = (~torch.isfinite(signals)).sum(dim=(0, 2))
    channels = wrong.nonzero().flatten().tolist()
    if not channels:
        raise DataError(
            f"the power overflows {signals.dtype}; the largest value is {float(signals.abs().max()):.3g}",
            hint="scale the signals, such as V to uV, or compute in float64",
        )
    counts = ", ".join(f"channel {at}: {int(wrong[at])}" for at in channels[:10])
    raise DataError(
        f"{int(wrong.sum())} values are NaN or infinite, in {len(channels)} of {signals.shape[1]} channels ({counts})",
        allowed="finite values",
        hint="leave these stretches out, or fill them, before",
    )
