"""Free-response ROC: sensitivity against false alarms per scan, for candidates with scores.

**Matching.** With a map of lesions, a candidate hits the lesion that its point lies in (CAMELYON16), or, if a reach is
set, the nearest lesion whose closest voxel is not farther than that. With spheres, it hits the nearest sphere that it
lies in (LUNA16: nodules with centre and radius). A lesion counts as found at every threshold up to the highest score
among its hits; further hits of the same lesion are neither hits nor false alarms. A candidate without a lesion is a
false alarm.

**Curve.** At each score that occurs as threshold: found lesions / lesions, false alarms / scans. Sensitivities between
two points of the curve are interpolated linearly, and beyond its end the last one holds.

Source: Setio et al., LUNA16, Medical Image Analysis 2017 (1/8 to 8 false alarms per scan); Ehteshami Bejnordi et al.,
CAMELYON16, JAMA 2017.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.spatial import KDTree
from torchmetrics import Metric

from deephealth.core.errors import ConfigError, DataError
from deephealth.kernels.components import connected_components
from deephealth.kernels.distance import checked_spacing

__all__ = ["RATES", "Froc", "Matches", "Spheres", "froc_curve", "match_candidates"]

RATES = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)


@dataclass(frozen=True)
class Spheres:
    """Lesions as spheres.

    Args:
        centres: L×dims, in the unit of the candidates' points.
        radii: L, in the same unit.
    """

    centres: Any
    radii: Any


@dataclass(frozen=True)
class Matches:
    """What the candidates of one scan found.

    Args:
        alarms: scores of the false alarms.
        best: highest score among the hits of each lesion, minus infinity where it was missed.
    """

    alarms: np.ndarray
    best: np.ndarray


def match_candidates(
    points: Any,
    scores: Any,
    lesions: torch.Tensor | np.ndarray | Spheres,
    *,
    instances: bool = False,
    spacing: float | Sequence[float] | None = None,
    reach: float = 0.0,
) -> Matches:
    """Match the candidates of one scan with its lesions.

    Args:
        points: N×dims: voxel indices (centres at whole numbers) for a map, the spheres' unit for spheres.
        scores: N finite numbers, higher is surer.
        lesions: a map D×H×W or H×W of whole numbers, or :class:`Spheres`.
        instances: the map holds a number per lesion; otherwise its connected components are the lesions.
        spacing: of the map, in mm.
        reach: how far from a lesion of the map a candidate may lie and still hit it, in mm.

    Raises:
        DataError: counts or dimensions that disagree, scores or points that are not finite, points outside the map.

    Example:
        >>> found = match_candidates([[0, 0], [0, 3]], [0.9, 0.4], torch.tensor([[1, 1, 0, 0, 1]]))
        >>> found.alarms.tolist(), found.best.tolist()
        ([0.4], [0.9, -inf])
    """
    spheres = isinstance(lesions, Spheres)
    dims = np.shape(lesions.centres)[-1] if isinstance(lesions, Spheres) else lesions.ndim
    places, sureness = _candidates(points, scores, dims)
    if not 0 <= reach < math.inf or (spheres and reach):
        raise DataError(f"reach {reach}", allowed="0 for spheres; from 0, in mm, for a map")
    if isinstance(lesions, Spheres):
        hit, count = _in_spheres(places, lesions)
    else:
        numbers, count = _lesion_map(lesions, instances=instances)
        hit = _in_map(places, numbers, checked_spacing(spacing, dims), reach)
    best = np.full(count, -np.inf)
    np.maximum.at(best, hit[hit > 0] - 1, sureness[hit > 0])
    return Matches(sureness[hit == 0], best)


def froc_curve(alarms: np.ndarray, best: np.ndarray, scans: int) -> tuple[np.ndarray, np.ndarray]:
    """Return false alarms per scan and sensitivity at falling thresholds, from (0, 0) on.

    Args:
        alarms: scores of all false alarms.
        best: highest score of each lesion, minus infinity where it was missed.
        scans: how many there were.

    Raises:
        DataError: no scan, or no lesion.

    Example:
        >>> rates, sensitivity = froc_curve(np.array([0.4]), np.array([0.9, -np.inf]), 2)
        >>> rates.tolist(), sensitivity.tolist()
        ([0.0, 0.0, 0.5], [0.0, 0.5, 0.5])
    """
    if scans < 1 or not len(best):
        raise DataError(f"an FROC curve of {scans} scans with {len(best)} lesions", allowed="at least one of each")
    thresholds = np.unique(np.concatenate([alarms, best[np.isfinite(best)]]))[::-1]
    rates, shares = (
        np.concatenate([[0], len(one) - np.searchsorted(np.sort(one), thresholds, side="left")])
        for one in (alarms, best)
    )
    return rates / scans, shares / len(best)


class Froc(Metric):
    """Sensitivity at given false alarms per scan, and their mean (the LUNA16 score).

    The state is the scores of the false alarms and the best score of each lesion: exact, however the scans are shared
    out. How candidates and lesions are matched, and how the curve is read: see the module.

    Args:
        rates: false alarms per scan.
        instances: maps hold a number per lesion; otherwise their connected components are the lesions.
        reach: how far from a lesion of a map a candidate may lie and still hit it, in mm.
        kwargs: torchmetrics' own settings.

    Raises:
        ConfigError: no rates, or rates that are not above 0.

    Example:
        >>> metric = Froc()
        >>> metric.update([[0, 0], [0, 3]], [0.9, 0.4], torch.tensor([[1, 1, 0, 0, 1]]))
        >>> metric.compute()["froc"].item()
        0.5
    """

    full_state_update = False
    is_differentiable = False
    higher_is_better = True

    alarms: list[torch.Tensor]
    best: list[torch.Tensor]
    scans: torch.Tensor

    def __init__(
        self, rates: Sequence[float] = RATES, *, instances: bool = False, reach: float = 0.0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if not rates or not all(0 < rate < math.inf for rate in rates):
            raise ConfigError([f"rates: {list(rates)}; at least one, above 0"], source="Froc")
        self.rates, self.instances, self.reach = tuple(rates), instances, reach
        self.set_dtype(torch.float64)  # a process without scans sends empty tensors of this type
        self.add_state("alarms", default=[], dist_reduce_fx="cat")
        self.add_state("best", default=[], dist_reduce_fx="cat")
        self.add_state("scans", default=torch.tensor(0), dist_reduce_fx="sum")

    def update(
        self,
        points: Any,
        scores: Any,
        lesions: torch.Tensor | np.ndarray | Spheres,
        spacing: float | Sequence[float] | None = None,
    ) -> None:
        """Match the candidates of one scan.

        Args:
            points: N×dims; N may be 0.
            scores: N.
            lesions: a map D×H×W or H×W, or :class:`Spheres`; there may be none in a scan.
            spacing: of the map, in mm.

        Raises:
            DataError: see :func:`match_candidates`.
        """
        reach, given = self.reach, self.instances
        found = match_candidates(points, scores, lesions, instances=given, spacing=spacing, reach=reach)
        self.alarms.append(torch.from_numpy(found.alarms).to(self.device))
        self.best.append(torch.from_numpy(found.best).to(self.device))
        self.scans += 1

    def curve(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return false alarms per scan and sensitivity at falling thresholds, from (0, 0) on, of this process' scans.

        Raises:
            DataError: no scan, or no lesion in any of them.
        """
        kept = [one if isinstance(one, list) else [one] for one in (self.alarms, self.best)]
        alarms, best = (torch.cat([torch.zeros(0, dtype=torch.float64), *(x.cpu() for x in one)]) for one in kept)
        rates, shares = froc_curve(alarms.numpy(), best.numpy(), int(self.scans))
        return torch.from_numpy(rates), torch.from_numpy(shares)

    def compute(self) -> dict[str, torch.Tensor]:
        """Return ``froc``, the mean of ``sensitivities``, which are one per rate."""
        rates, shares = self.curve()
        found = torch.from_numpy(np.interp(self.rates, rates.numpy(), shares.numpy())).to(self.device)
        return {"froc": found.mean(), "sensitivities": found}


def _candidates(points: Any, scores: Any, dims: int) -> tuple[np.ndarray, np.ndarray]:
    sureness = np.asarray(_plain(scores), dtype=np.float64).reshape(-1)
    places = np.asarray(_plain(points), dtype=np.float64)
    places = places.reshape(0, dims) if not len(sureness) and not places.size else places
    if places.shape != (len(sureness), dims):
        raise DataError(f"points of shape {places.shape} with {len(sureness)} scores", allowed=f"N×{dims} and N")
    strange = int((~np.isfinite(sureness)).sum() + (~np.isfinite(places)).any(1).sum())
    if strange:
        raise DataError(f"{strange} candidates have scores or points that are not finite", allowed="finite numbers")
    return places, sureness


def _plain(values: Any) -> Any:
    return values.detach().cpu().numpy() if isinstance(values, torch.Tensor) else values


def _lesion_map(lesions: torch.Tensor | np.ndarray, *, instances: bool) -> tuple[np.ndarray, int]:
    numbers = np.asarray(_plain(lesions))
    if not instances:
        return connected_components(numbers, foreground=True)
    names, ranks = np.unique(numbers, return_inverse=True)
    first = int(np.searchsorted(names, 1))  # what is not above 0 is background
    return np.maximum(ranks.reshape(numbers.shape) - first + 1, 0), len(names) - first


def _in_map(places: np.ndarray, numbers: np.ndarray, steps: tuple[float, ...], reach: float) -> np.ndarray:
    """Return the lesion that each point hits, 0 for none."""
    voxels = np.floor(places + 0.5).astype(np.int64)
    outside = ((voxels < 0) | (voxels >= numbers.shape)).any(1)
    if outside.any():
        worst = places[outside][0].tolist()
        raise DataError(
            f"{int(outside.sum())} points lie outside the map of {numbers.shape}, such as {worst}",
            allowed="voxel indices, in the order of the map's axes",
        )
    hit = numbers[tuple(voxels.T)].astype(np.int64)
    away = np.flatnonzero(hit == 0)
    inside = np.argwhere(numbers > 0)
    if reach and len(away) and len(inside):
        near, which = KDTree(inside * steps).query(places[away] * steps, distance_upper_bound=reach * (1 + 1e-9))
        close = np.isfinite(near)
        hit[away[close]] = numbers[tuple(inside[which[close]].T)]
    return hit


def _in_spheres(places: np.ndarray, spheres: Spheres) -> tuple[np.ndarray, int]:
    """Return the nearest sphere that each point lies in, from 1, 0 for none; and how many spheres there are."""
    radii = np.asarray(_plain(spheres.radii), dtype=np.float64).reshape(-1)
    centres = np.asarray(_plain(spheres.centres), dtype=np.float64).reshape(len(radii), places.shape[1])
    if not np.isfinite(centres).all() or not (np.isfinite(radii) & (radii > 0)).all():
        raise DataError("lesions have centres or radii that are not finite, or radii of 0", allowed="radii above 0")
    if not len(radii) or not len(places):
        return np.zeros(len(places), dtype=np.int64), len(radii)
    away = np.linalg.norm(places[:, None] - centres[None], axis=2)
    away[away > radii] = np.inf
    return np.where(np.isfinite(away).any(1), away.argmin(1) + 1, 0), len(radii)
