"""Power of signals in named bands, as a transform of batches: EEG's delta to gamma, or any others."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch

from deephealth.core.errors import ConfigError
from deephealth.kernels.band_power import Rule, Scaling, band_power, band_weights

__all__ = ["EEG_BANDS", "BandPower"]

EEG_BANDS: Mapping[str, tuple[float, float]] = {
    "delta": (0.5, 4.0),
    "theta": (4.0, 8.0),
    "alpha": (8.0, 13.0),
    "beta": (13.0, 30.0),
    "gamma": (30.0, 45.0),
}
"""Hz; the edges of the IFCN glossary (Kane et al., Clinical Neurophysiology Practice 2017), gamma below the mains."""


class BandPower:
    """Power of each channel in each band, per segment or on average.

    Args:
        fs: samples per second.
        bands: name -> (low, high) in Hz.
        window_s: seconds of a segment.
        overlap: share of a segment that the next one begins before its end, 0 to below 1.
        window: its shape, by scipy's name.
        detrend: take each segment's mean away first.
        scaling: ``density`` or ``spectrum``, as in :func:`scipy.signal.welch`.
        rule: how bins make a band; see :func:`deephealth.kernels.band_power.band_weights`.
        average: return the mean over the segments (Welch) instead of each segment.
        relative: divide by the power from the lowest edge of all bands to the highest, by the same rule; not with
            ``mean``, where shares would not add up.
        log: return 10·log10, in dB; powers below 1e-30 count as that.

    Attributes:
        names: the bands, in the order of the results.

    Raises:
        ConfigError: a setting is wrong; all mistakes at once.

    Example:
        >>> time = torch.arange(2560) / 256
        >>> alpha = torch.sin(2 * torch.pi * 10 * time).expand(1, 2, -1)
        >>> powers = BandPower(256.0, relative=True)
        >>> powers.names
        ('delta', 'theta', 'alpha', 'beta', 'gamma')
        >>> powers(alpha)[0, 0].round(decimals=2)
        tensor([0., 0., 1., 0., 0.])
    """

    def __init__(  # noqa: PLR0913 - each is a setting of Welch's method or of what is reported
        self,
        fs: float,
        bands: Mapping[str, tuple[float, float]] = EEG_BANDS,
        *,
        window_s: float = 2.0,
        overlap: float = 0.5,
        window: str = "hann",
        detrend: bool = True,
        scaling: Scaling = "density",
        rule: Rule = "trapezoid",
        average: bool = True,
        relative: bool = False,
        log: bool = False,
    ) -> None:
        problems = []
        if not (0 < fs < math.inf and 0 < window_s < math.inf) or round(window_s * fs) < 2:
            problems.append(f"window_s: {window_s} s at {fs} samples per second is less than 2 samples")
        if not 0 <= overlap < 1:
            problems.append(f"overlap: {overlap} is not in 0 to below 1")
        if relative and rule == "mean":
            problems.append("relative: shares of means don't add up; set rule to 'trapezoid' or 'sum'")
        if problems:
            raise ConfigError(problems, source="BandPower")
        self.fs, self.bands, self.scaling, self.rule = float(fs), dict(bands), scaling, rule
        self.detrend, self.average, self.relative, self.log = detrend, average, relative, log
        self.size = round(window_s * fs)
        self.hop = max(1, self.size - round(overlap * self.size))
        self.names = tuple(bands)
        self._shape = _window(window, self.size)
        self._weights = self._band_weights()

    def __call__(self, signals: torch.Tensor) -> torch.Tensor:
        """Return B×C×K powers in the square of the signals' unit (per band), or B×C×S×K without ``average``.

        Args:
            signals: B×C×T floats.

        Raises:
            DataError: shape or dtype is wrong, the signals are shorter than a segment, or not finite.
        """
        shape, weights = self._shape.to(signals.device), self._weights.to(signals.device)
        found = band_power(signals, shape, weights, hop=self.hop, detrend=self.detrend, average=self.average)
        if self.relative:
            found, whole = found[..., :-1], found[..., -1:]
            found = torch.where(whole > 0, found / whole, 0.0)
        return 10 * found.clamp(min=1e-30).log10() if self.log else found

    def _band_weights(self) -> torch.Tensor:
        edges: Sequence[tuple[float, float]] = list(self.bands.values())
        if self.relative and edges:
            edges = [*edges, (min(low for low, _ in edges), max(high for _, high in edges))]
        return band_weights(self.size, self.fs, edges, window=self._shape, scaling=self.scaling, rule=self.rule)


def _window(name: str, size: int) -> torch.Tensor:
    from scipy.signal import get_window  # takes a third of a second to import

    try:
        return torch.from_numpy(get_window(name, size)).double()
    except ValueError as error:
        raise ConfigError([f"window: {error}"], source="BandPower") from error
