"""The matrices of a perfusion deconvolution, in float64: they are small, and each is made once for all voxels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch

from deephealth.core.errors import ConfigError, did_you_mean

__all__ = ["Deconvolution", "Operator", "operator", "pseudo_inverse"]

_THRESHOLDS = {"ssvd": 0.2, "bsvd": 0.1, "osvd": 0.01, "tikhonov": 0.1}


@dataclass(frozen=True)
class Deconvolution:
    """How curves are deconvolved and scaled.

    Args:
        method: ``ssvd`` (Østergaard 1996: lower-triangular matrix, feels delays), ``bsvd`` (Wu 2003: block-circulant,
            does not), ``osvd`` (Wu 2003: block-circulant, for each voxel the lowest threshold at which the residue does
            not oscillate) or ``tikhonov`` (Calamante 2003, on the block-circulant matrix).
        threshold: share of the largest singular value. ``ssvd`` and ``bsvd`` drop what is below (0.2 and 0.1 if left
            out), ``osvd`` starts there (0.01), ``tikhonov`` takes it as its weight (0.1).
        oscillation: the oscillation index that ``osvd`` accepts, as in Wu 2003.
        baseline: frames before the bolus, whose mean is subtracted from every curve and from the arterial one.
        density: of brain tissue, g/ml.
        hematocrit: (1 - hematocrit of large vessels) / (1 - that of capillaries): 0.55 / 0.75.

    Raises:
        ConfigError: with all that is wrong.

    Example:
        >>> Deconvolution("ssvd").share
        0.2
    """

    method: Literal["ssvd", "bsvd", "osvd", "tikhonov"] = "osvd"
    threshold: float | None = None
    oscillation: float = 0.035
    baseline: int = 0
    density: float = 1.04
    hematocrit: float = 0.55 / 0.75

    def __post_init__(self) -> None:
        problems = []
        if self.method not in _THRESHOLDS:
            problems.append(f"method: there is no '{self.method}'; {did_you_mean(self.method, _THRESHOLDS)}")
        if self.threshold is not None and not 0 <= self.threshold <= 1:
            problems.append(f"threshold: {self.threshold} is not a share of the largest singular value, 0 to 1")
        if self.baseline < 0:
            problems.append(f"baseline: {self.baseline} frames; 0 or more are allowed")
        for name in ("oscillation", "density", "hematocrit"):
            if not 0 < getattr(self, name) < float("inf"):
                problems.append(f"{name}: {getattr(self, name)} is not a finite number above 0")
        if problems:
            raise ConfigError(problems, source="Deconvolution")

    @property
    def share(self) -> float:
        """The threshold, or the usual one of the method."""
        return _THRESHOLDS[self.method] if self.threshold is None else self.threshold


@dataclass(frozen=True)
class Operator:
    """What is applied to a curve of T frames as it was measured; the residue has ``steps`` points of ``dt`` seconds.

    Args:
        residue: steps×T: the residue, times flow, in ml/100g/min; for ``osvd`` with all terms.
        volume: T: the blood volume, in ml/100g.
        dt: seconds.
        circular: the second half of the residue stands for times before 0.
        aif: the arterial curve after resampling and baseline.
        prepared: what turns a measured curve into one like it.
        coefficients: for ``osvd``, terms×2×T: the cosine and sine part of each term of a curve, the largest singular
            value first.
        waves: for ``osvd``, terms×2×steps: the residue is the sum of coefficients times waves.
    """

    residue: torch.Tensor
    volume: torch.Tensor
    dt: float
    circular: bool
    aif: torch.Tensor
    prepared: torch.Tensor
    coefficients: torch.Tensor | None = None
    waves: torch.Tensor | None = None


def operator(aif: torch.Tensor, prepared: torch.Tensor, dt: float, how: Deconvolution) -> Operator:
    """Return the matrices for an arterial curve.

    Args:
        aif: as it was measured, T, float64.
        prepared: frames×T: resampling and baseline in one matrix.
        dt: seconds between the frames that it gives.
        how: the method and its settings.
    """
    artery = prepared @ aif
    tissue = how.hematocrit / how.density * 100
    volume = tissue * prepared.sum(0) / artery.sum()
    circular = how.method != "ssvd"
    if how.method != "osvd":
        inverse = pseudo_inverse(_convolution(artery, dt, circular), how.share, how.method == "tikhonov")
        return Operator(60 * tissue * inverse[:, : len(artery)] @ prepared, volume, dt, circular, artery, prepared)
    coefficients, waves = _terms(artery, dt, how.share)
    coefficients = 60 * tissue * coefficients @ prepared
    residue = waves.flatten(0, 1).T @ coefficients.flatten(0, 1)
    return Operator(residue, volume, dt, circular, artery, prepared, coefficients, waves)


def pseudo_inverse(matrix: torch.Tensor, share: float, tikhonov: bool = False) -> torch.Tensor:
    """Return the inverse by singular values: those below a share of the largest are dropped, or all are damped by it.

    Example:
        >>> pseudo_inverse(torch.diag(torch.tensor([2.0, 0.1])), 0.2).diag().tolist()
        [0.5, 0.0]
    """
    left, values, right = torch.linalg.svd(matrix)
    least = share * values[0]
    if tikhonov:
        weights = values / (values**2 + least**2)
    else:
        weights = torch.where((values >= least * (1 - 1e-9)) & (values > 0), 1 / values, 0.0)
    return right.mT @ (weights[:, None] * left.mT)


def circulant(artery: torch.Tensor, dt: float) -> torch.Tensor:
    """Return the block-circulant matrix of a curve followed by as many zeros."""
    return _convolution(artery, dt, True)


def _convolution(artery: torch.Tensor, dt: float, circular: bool) -> torch.Tensor:
    padded = torch.cat([artery, torch.zeros_like(artery)])
    size = 2 * len(artery) if circular else len(artery)
    steps = torch.arange(size)
    return dt * padded[(steps[:, None] - steps[None, :]) % (2 * len(artery))]


def _terms(artery: torch.Tensor, dt: float, share: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the circulant matrix's inverse as a sum over frequencies, the largest singular value first.

    A circulant matrix is diagonal in the Fourier basis, and its singular values are the magnitudes of the spectrum.
    """
    frames = len(artery)
    spectrum = dt * torch.fft.rfft(artery, 2 * frames)
    order = torch.argsort(spectrum.abs(), descending=True, stable=True)
    size = spectrum.abs()[order]
    order = order[(size >= share * size[0] * (1 - 1e-9)) & (size > 0)]
    angles = torch.pi / frames * order[:, None].to(artery) * torch.arange(2 * frames).to(artery)
    forward = torch.polar(torch.ones_like(angles), -angles)[:, :frames] / spectrum[order, None]
    twice = torch.where((order == 0) | (order == frames), 1.0, 2.0)[:, None].to(artery.dtype)
    backward = torch.stack([angles.cos(), -angles.sin()], 1) * (twice / (2 * frames))[:, None]
    return torch.stack([forward.real, forward.imag], 1), backward
