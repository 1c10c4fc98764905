"""CT and MR perfusion: tissue curves are deconvolved by the arterial one, and only the maps are written.

A tissue curve is the arterial input convolved with flow times residue: ``c = dt A k``. The inverse of A is made once
and applied to all voxels as one product. Its residues are as large as the input, and only their maximum and its place
are wanted, so the product goes into a buffer of the cache's size and is reduced there.

Contract:
    Shapes: curves V×T or T×D×H×W, one arterial curve T; maps V or D×H×W. Any floats, or whole numbers (HU in int16).
    Units: curves in HU or 1/s (ΔR2*), which cancel against those of the arterial curve; seconds; flow in ml/100g/min,
    volume in ml/100g.
    Types: maps are float32 (float64 for float64 curves). The matrices are made in float64. Not differentiable.
    Error: 1e-4 of the largest value against float64 for thresholds of 0.01 and more; ``osvd`` chooses another threshold
    for a voxel whose index lies within rounding of the limit.
    Bytes: each curve is read once, and 20 bytes per voxel are written.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch

from deephealth.core.errors import DataError
from deephealth.kernels import perfusion_compiled, perfusion_triton
from deephealth.kernels.compilers import version_for
from deephealth.kernels.perfusion_operator import Deconvolution, Operator, circulant, operator, pseudo_inverse

__all__ = ["Deconvolution", "PerfusionMaps", "baseline_subtracted", "perfusion_maps", "reference"]

_USUAL = Deconvolution()
_UNEVEN = 0.01  # share of the mean interval by which intervals may differ
_VOXELS = 1 << 17  # of the reference at a time


class PerfusionMaps(NamedTuple):
    """One value per voxel; 0 outside the mask.

    Args:
        cbf: flow, ml/100g/min: the largest value of the residue.
        cbv: blood volume, ml/100g: ratio of the areas under the curves.
        mtt: mean transit time, s: cbv / cbf; 0 where there is no flow.
        tmax: time of the largest value, s, 0 where it is before the artery's.
        delay: the same with its sign: block-circulant methods see tissue that is reached before the artery.
    """

    cbf: torch.Tensor
    cbv: torch.Tensor
    mtt: torch.Tensor
    tmax: torch.Tensor
    delay: torch.Tensor


@torch.no_grad()
def perfusion_maps(
    curves: torch.Tensor,
    aif: torch.Tensor,
    *,
    dt: float | None = None,
    times: torch.Tensor | None = None,
    resample: float | None = None,
    mask: torch.Tensor | None = None,
    deconvolution: Deconvolution = _USUAL,
) -> PerfusionMaps:
    """Return flow, volume and transit times of each voxel.

    Østergaard et al. 1996 (10.1002/mrm.1910360510); Wu et al. 2003 (10.1002/mrm.10522).

    Args:
        curves: V×T or T×D×H×W: enhancement (HU) or ΔR2* over time.
        aif: the arterial curve, T, in the same unit.
        dt: seconds between frames; or give ``times``.
        times: when the frames were taken, T, seconds.
        resample: seconds: frames at uneven times are interpolated linearly to this interval first.
        mask: V or D×H×W: voxels to work on.
        deconvolution: the method and its settings.

    Raises:
        DataError: shapes do not fit, values are not finite (with counts), the arterial curve is empty, times are
            uneven, or the mask is empty.

    Example:
        >>> aif = torch.tensor([0.0, 200, 100, 0, 0, 0, 0, 0])
        >>> maps = perfusion_maps(0.04 * aif.roll(1)[None], aif, dt=1.0, deconvolution=Deconvolution("bsvd", 0.01))
        >>> round(maps.cbv.item(), 2), round(maps.tmax.item(), 1)
        (2.82, 1.0)
    """
    voxels, shape = _voxels(curves)
    artery = _checked_artery(aif, voxels.shape[1])
    frames, step = _frames(voxels.shape[1], dt, times, resample)
    how = deconvolution
    if how.baseline >= len(frames):
        raise DataError(
            f"the baseline has {how.baseline} frames", allowed=f"fewer than the {len(frames)} of the curves"
        )
    prepared = frames - frames[: how.baseline].mean(0) if how.baseline else frames
    _check_area(prepared @ artery)
    chosen = _chosen(mask, shape)
    work = voxels if chosen is None else voxels[chosen.to(voxels.device)]
    ready = operator(artery, prepared, step, how)
    version = version_for(work)
    if version == "reference":
        flow, volume, place = reference(work, ready, how)
    else:
        backend = perfusion_compiled if version == "compiled" else perfusion_triton
        flow, volume, place = backend.maps(work, ready, how.oscillation)
    _check_finite(volume, work)
    return _finished((flow, volume, place), ready, chosen, shape)


def reference(
    curves: torch.Tensor, ready: Operator, how: Deconvolution = _USUAL
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return flow, volume and the place of the largest value by the definition, in float64: curves V×T.

    ``osvd`` goes through the thresholds from the lowest on and takes the first that does not oscillate too much;
    without one, the largest singular value alone is kept.
    """
    kind = torch.float64 if curves.dtype == torch.float64 else torch.float32
    tissue = 60 * 100 * how.hematocrit / how.density
    inverses = [inverse.to(curves.device) for inverse in _inverses(ready, how)]
    prepared, volume = ready.prepared.to(curves.device), ready.volume.to(curves.device)
    maps = [torch.zeros(3, 0, dtype=torch.float64, device=curves.device)]
    for part in curves.split(_VOXELS):
        wide = part.double()
        concentration = wide @ prepared.T
        flow = wide.new_zeros(len(part))
        place = flow.clone()
        open_ = torch.ones(len(part), dtype=torch.bool, device=curves.device)
        for last, inverse in enumerate(inverses, 1 - len(inverses)):
            residue = tissue * concentration @ inverse.T
            top, at = residue.max(1)
            bends = residue.diff(n=2).abs().sum(1)
            taken = open_ & ((bends < how.oscillation * residue.shape[1] * top) | (last == 0))
            flow, place = torch.where(taken, top, flow), torch.where(taken, at.double(), place)
            open_ &= ~taken
        maps.append(torch.stack([flow, wide @ volume, place]))
    flow, volume, place = torch.cat(maps, 1)
    return flow.to(kind), volume.to(kind), place.to(kind)


def baseline_subtracted(curves: torch.Tensor, frames: int) -> torch.Tensor:
    """Return enhancement: curves minus the mean of their first frames.

    Args:
        curves: V×T, or T×D×H×W, such as HU.
        frames: how many were taken before the bolus.

    Raises:
        DataError: there are not so many frames.

    Example:
        >>> baseline_subtracted(torch.tensor([[38.0, 42.0, 50.0]]), 2).tolist()
        [[-2.0, 2.0, 10.0]]
    """
    time = 1 if curves.ndim == 2 else 0
    if not 0 < frames <= curves.shape[time]:
        raise DataError(f"the baseline has {frames} frames", allowed=f"1 to {curves.shape[time]}")
    return curves - curves.narrow(time, 0, frames).mean(time, keepdim=True)


def _inverses(ready: Operator, how: Deconvolution) -> list[torch.Tensor]:
    """The inverses to try in turn."""
    frames = len(ready.aif)
    if how.method != "osvd":
        matrix = circulant(ready.aif, ready.dt)
        matrix = matrix if ready.circular else matrix[:frames, :frames].tril()
        return [pseudo_inverse(matrix, how.share, how.method == "tikhonov")[:, :frames]]
    matrix = circulant(ready.aif, ready.dt)
    values = (ready.dt * torch.fft.rfft(ready.aif, 2 * frames)).abs().sort().values
    shares = values[values >= how.share * values[-1] * (1 - 1e-9)] / values[-1]
    return [pseudo_inverse(matrix, share.item())[:, :frames] for share in shares]


def _finished(
    found: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
    ready: Operator,
    chosen: torch.Tensor | None,
    shape: torch.Size,
) -> PerfusionMaps:
    flow, volume, place = found
    if ready.circular:
        frames = len(ready.aif)
        place = torch.where(place >= frames, place - 2 * frames, place)
    delay = place * ready.dt
    transit = torch.where(flow > 0, 60 * volume / flow, 0.0)
    maps = (flow, volume, transit, delay.clamp(min=0), delay)
    if chosen is None:
        return PerfusionMaps(*(each.reshape(shape) for each in maps))
    whole = [each.new_zeros(math.prod(shape)) for each in maps]
    for each, part in zip(whole, maps, strict=True):
        each[chosen.to(part.device)] = part
    return PerfusionMaps(*(each.reshape(shape) for each in whole))


def _voxels(curves: torch.Tensor) -> tuple[torch.Tensor, torch.Size]:
    """View the curves as V×T, whatever their order in memory, and give the shape of a map."""
    if curves.ndim not in (2, 4) or curves.is_complex() or curves.dtype == torch.bool:
        raise DataError(
            f"curves are {curves.dtype} of shape {tuple(curves.shape)}",
            allowed="numbers of shape V×T or T×D×H×W",
            hint="bring time to the front with curves.movedim(-1, 0)",
        )
    frames = curves.shape[1] if curves.ndim == 2 else curves.shape[0]
    if frames < 2:
        raise DataError(f"the curves have {frames} frames", allowed="2 or more")
    if curves.ndim == 2:
        return curves, curves.shape[:1]
    return curves.reshape(frames, -1).T, curves.shape[1:]


def _checked_artery(aif: torch.Tensor, frames: int) -> torch.Tensor:
    if aif.shape != (frames,):
        raise DataError(
            f"the arterial curve has the shape {tuple(aif.shape)}, and the curves have {frames} frames",
            allowed=f"({frames},)",
        )
    wide = aif.detach().double().cpu()
    bad = int((~wide.isfinite()).sum())
    if bad:
        raise DataError(f"{bad} of {frames} values of the arterial curve are not finite")
    return wide


def _check_area(artery: torch.Tensor) -> None:
    if not artery.sum() > 1e-12 * artery.abs().sum():
        raise DataError(
            f"the area under the arterial curve is {float(artery.sum()):g}",
            allowed="an area above 0",
            hint="is it an enhancement (baseline subtracted), and does it lie in a vessel?",
        )


def _frames(
    count: int, dt: float | None, times: torch.Tensor | None, resample: float | None
) -> tuple[torch.Tensor, float]:
    """Return the matrix that gives even frames, and the seconds between them."""
    if (dt is None) == (times is None):
        raise DataError(f"dt is {dt} and times are {'not ' if times is None else ''}given", allowed="one of the two")
    if resample is not None and not 0 < resample < math.inf:
        raise DataError(f"resample is {resample} s", allowed="a finite number of seconds above 0")
    if times is None:
        if dt is None or not 0 < dt < math.inf:
            raise DataError(f"dt is {dt} s", allowed="a finite number of seconds above 0")
        times = torch.arange(count) * dt
    times = times.detach().double().cpu()
    if times.shape != (count,) or not bool((times.diff() > 0).all()) or not bool(times.isfinite().all()):
        raise DataError(
            f"times have the shape {tuple(times.shape)} and steps of {_range(times.diff())} s",
            allowed=f"{count} finite times in rising order",
        )
    steps = times.diff()
    if resample is not None:
        return _interpolation(times, resample), resample
    if float((steps - steps.mean()).abs().max()) > _UNEVEN * float(steps.mean()):
        raise DataError(
            f"the frames lie {_range(steps)} s apart",
            allowed="even steps",
            hint=f"resample={float(steps.min()):g} interpolates to even ones",
        )
    return torch.eye(count, dtype=torch.float64), float(steps.mean())


def _range(steps: torch.Tensor) -> str:
    return f"{float(steps.min()):g} to {float(steps.max()):g}" if steps.numel() else "no"


def _interpolation(times: torch.Tensor, step: float) -> torch.Tensor:
    """Return the matrix of linear interpolation to even times."""
    count = int((times[-1] - times[0]) / step + 1e-9) + 1
    if count < 2:
        raise DataError(f"resample is {step:g} s, and the frames span {float(times[-1] - times[0]):g} s")
    at = times[0] + step * torch.arange(count, dtype=torch.float64)
    right = torch.searchsorted(times, at).clamp(1, len(times) - 1)
    share = ((at - times[right - 1]) / (times[right] - times[right - 1])).clamp(0, 1)
    matrix = torch.zeros(count, len(times), dtype=torch.float64)
    rows = torch.arange(count)
    matrix[rows, right - 1], matrix[rows, right] = 1 - share, share
    return matrix


def _chosen(mask: torch.Tensor | None, shape: torch.Size) -> torch.Tensor | None:
    """Return the numbers of the voxels in the mask; ``None`` for all."""
    if mask is None:
        return None
    if mask.shape != shape:
        raise DataError(f"the mask has the shape {tuple(mask.shape)}", allowed=f"that of a map: {tuple(shape)}")
    chosen = mask.reshape(-1).nonzero()[:, 0]
    if not len(chosen):
        raise DataError(f"the mask of {mask.numel()} voxels is empty", allowed="one voxel or more")
    return chosen


def _check_finite(volume: torch.Tensor, curves: torch.Tensor) -> None:
    """A curve that is not finite has no finite area, so the volumes show it without another look at all curves."""
    bad = (~volume.isfinite()).nonzero()[:, 0]
    if len(bad):
        values = curves[bad]
        nans, infinite = int(values.isnan().sum()), int(values.isinf().sum())
        raise DataError(
            f"{len(bad)} of {len(curves)} curves are not finite: {nans} NaN and {infinite} infinite values",
            allowed="finite values",
            hint="leave those voxels out with mask=",
        )
