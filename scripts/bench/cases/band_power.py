"""Rows of the band power: an hour of 23 channels (P16), in float32 and float64, and a day of 64 on an accelerator.

mne's Welch is asked for the frequencies that the bands need, and the bands are the means of their bins, as mne's own
tutorials take them; scipy likewise. Both get the array as it lies, mne a second job where there is a second core.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from row import Row

from deephealth.kernels.band_power import band_power, band_weights
from deephealth.kernels.compilers import using
from deephealth.transforms.bands import BandPower

__all__ = ["ROWS"]

FS, CHANNELS, SECONDS = 256, 23, 3600
MANY, DAY = 64, 24 * 3600
BANDS = {"delta": (0.5, 4), "theta": (4, 8), "alpha": (8, 12), "sigma": (12, 16), "beta": (16, 30), "gamma": (30, 45)}
Call = Callable[[], Any]


def recording(dtype: Any) -> np.ndarray:
    """Return channels×samples: noise with a falling spectrum, in uV."""
    noise = np.random.default_rng(0).standard_normal((CHANNELS, SECONDS * FS), np.float32)
    noise[:, 1:] += 0.9 * noise[:, :-1]
    return (10 * noise).astype(dtype)


def means(spectra: np.ndarray, frequencies: np.ndarray) -> np.ndarray:
    inside = [(frequencies >= low) & (frequencies < high) for low, high in BANDS.values()]
    return np.stack([spectra[..., bins].mean(-1) for bins in inside], -1)


def processors(window_s: int, dtype: Any) -> Mapping[str, Call]:
    import mne
    import scipy.signal

    signals, size = recording(dtype), window_s * FS
    batch, ours = torch.from_numpy(signals)[None], BandPower(FS, BANDS, window_s=window_s, rule="mean")
    jobs = torch.get_num_threads()

    def by_mne() -> np.ndarray:
        return means(
            *mne.time_frequency.psd_array_welch(
                signals, FS, 0.5, 45, size, size // 2, window="hann", n_jobs=jobs if jobs > 1 else None, verbose="error"
            )
        )

    def by_scipy() -> np.ndarray:
        frequencies, spectra = scipy.signal.welch(signals, FS, "hann", size, size // 2)
        return means(spectra, frequencies)

    return {"deephealth": lambda: ours(batch)[0].numpy(), "mne": by_mne, "scipy": by_scipy}


def equal(bound: float, outputs: Mapping[str, Any]) -> str:
    ours, *others = (np.asarray(value, np.float64) for value in outputs.values())
    apart = max(float(np.abs(ours / other - 1).max()) for other in others)
    assert apart <= bound, f"{apart:.2g} apart, relative"
    return f"relative difference at most {apart:.1g}"


def plain(signals: torch.Tensor, window: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Return the same as one writes it in torch, an hour at a time so that it fits."""
    size, found = len(window), []
    segments = signals.unfold(-1, size, size // 2)
    for part in segments.split(SECONDS, dim=2):
        spectra = torch.fft.rfft((part - part.mean(-1, keepdim=True)) * window)
        found.append((spectra.real.square() + spectra.imag.square()) @ weights)
    return torch.cat(found, dim=2)


def on_accelerator() -> Mapping[str, Call]:
    size = 2 * FS
    signals = 10 * torch.randn(1, MANY, DAY * FS, device="cuda")
    window = torch.hann_window(size, dtype=torch.float64)
    weights = band_weights(size, FS, list(BANDS.values()), window=window, rule="mean").cuda()
    window = window.cuda()

    def by_triton() -> torch.Tensor:
        with using("triton"):
            return band_power(signals, window, weights, hop=size // 2)

    return {
        "deephealth": by_triton,
        "eager": partial(plain, signals, window.float(), weights.float()),
        "torch.compile": partial(torch.compile(plain), signals, window.float(), weights.float()),
    }


def equal_on_accelerator(outputs: Mapping[str, torch.Tensor]) -> str:
    return equal(1e-3, {name: value[:, :, :SECONDS].cpu().numpy() for name, value in outputs.items()})


ROWS = [
    *(
        Row(
            f"band-power-{window_s}s-{np.dtype(dtype).name}",
            f"{len(BANDS)} bands of {CHANNELS} channels × 1 h at {FS} Hz, windows of {window_s} s, half overlapping, "
            f"{np.dtype(dtype).name}",
            partial(processors, window_s, dtype),
            partial(equal, bound),
            goals={"mne": 3.0, "scipy": 3.0},
            packages=("mne", "scipy", "torch"),
            bytes_moved=CHANNELS * 3600 * FS * np.dtype(dtype).itemsize,
        )
        for window_s in (2, 4)
        for dtype, bound in ((np.float32, 1e-5), (np.float64, 1e-12))
    ),
    Row(
        "band-power-gpu",
        f"{len(BANDS)} bands of {MANY} channels × 24 h at {FS} Hz, windows of 2 s, each segment",
        on_accelerator,
        equal_on_accelerator,
        goals={"eager": 1.5, "torch.compile": 1.5},
        packages=("torch", "triton"),
        device="cuda",
        bytes_moved=4 * MANY * DAY * FS,
    ),
]
