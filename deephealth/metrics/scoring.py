"""Overlap and surface scores of every case and every class, in one pass over the label maps.

| score | of one class in one case | best | worst |
|---|---|---|---|
| ``dice`` | 2 · shared / (predicted + true) | 1 | 0 |
| ``jaccard`` | shared / union | 1 | 0 |
| ``sensitivity`` | shared / true | 1 | 0 |
| ``precision`` | shared / predicted | 1 | 0 |
| ``hausdorff`` | the larger of the two percentiles of surface distances, in mm | 0 | infinity |
| ``surface_dice`` | share of both surfaces that is within the tolerance of the other | 1 | 0 |
| ``surface_distance`` | mean distance over both surfaces, in mm | 0 | infinity |

Surfaces are those voxels of a mask that an erosion with faces (6 neighbours, 4 in 2-D) takes away; beyond the border
of the volume is background. Values equal MONAI's ``compute_dice``, ``compute_iou``, ``compute_hausdorff_distance``,
``compute_surface_dice`` and ``compute_average_surface_distance(symmetric=True)``.

Where a class is missing:

| prediction | reference | score | MONAI's |
|---|---|---|---|
| none | none | NaN, or the best with ``both_empty="perfect"`` | NaN (Dice 1 with ``ignore_empty=False``) |
| some | none | the worst, or NaN with ``reference_empty="undefined"`` | the worst (Dice NaN with ``ignore_empty``) |
| none | some | the worst | the worst |

``worst_distance`` takes the place of infinity: the diagonal of the volume, or NaN, which leaves such cases out. MONAI
has infinity for the mean distance and NaN for the Hausdorff distance of a class that one map lacks.

Source: Nikolov et al., Deep learning to achieve clinically applicable segmentation of head and neck anatomy, 2018
(surface Dice); Maier-Hein, Reinke et al., Metrics reloaded, Nature Methods 2024 (which score for what).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch

from deephealth.core.errors import ConfigError, DataError, did_you_mean
from deephealth.kernels.compilers import on_cores
from deephealth.kernels.distance import checked_spacing
from deephealth.kernels.label_pairs import LabelPairs, label_pairs
from deephealth.kernels.surface import Gaps, surface, surface_gaps
from deephealth.metrics.label_maps import FORMATS, InputFormat, label_maps

__all__ = ["SCORES", "ScoreName", "Spacing", "VolumeScoring", "volume_scores"]

ScoreName = Literal["dice", "jaccard", "sensitivity", "precision", "hausdorff", "surface_dice", "surface_distance"]
SCORES = ("dice", "jaccard", "sensitivity", "precision", "hausdorff", "surface_dice", "surface_distance")
_ON_SURFACES = ("hausdorff", "surface_dice", "surface_distance")
_DISTANCES = ("hausdorff", "surface_distance")

Spacing = float | Sequence[float] | Sequence[Sequence[float]] | torch.Tensor


@dataclass(frozen=True)
class VolumeScoring:
    """How label maps are compared; call it to compare them.

    Args:
        num_classes: with the background, which is class 0.
        scores: which ones, of the module's table.
        include_background: score class 0 too.
        input_format: ``index``, ``one-hot``, ``mixed``, ``logits`` or ``masks``, see
            :mod:`deephealth.metrics.label_maps`.
        ignore_index: number in the reference of voxels that don't count.
        percentile: of the surface distances, for ``hausdorff``; 100 is the Hausdorff distance itself.
        tolerance: of ``surface_dice``, in mm: one for all, or one per scored class.
        both_empty: ``undefined`` (NaN) or ``perfect``.
        reference_empty: ``worst`` or ``undefined``, for a class that is predicted and not there.
        worst_distance: in mm; NaN leaves out a class that one map lacks.

    Raises:
        ConfigError: with all that is wrong with the settings.
    """

    num_classes: int
    scores: Sequence[ScoreName] = SCORES  # type: ignore[assignment]
    include_background: bool = False
    input_format: InputFormat = "index"
    ignore_index: int | None = None
    percentile: float = 95.0
    tolerance: float | Sequence[float] = 1.0
    both_empty: Literal["undefined", "perfect"] = "undefined"
    reference_empty: Literal["worst", "undefined"] = "worst"
    worst_distance: float = math.inf

    def __post_init__(self) -> None:
        problems = [f"scores: no '{one}'; {did_you_mean(one, SCORES)}" for one in self.scores if one not in SCORES]
        if self.input_format not in FORMATS:
            problems.append(f"input_format: no '{self.input_format}'; {did_you_mean(self.input_format, FORMATS)}")
        if not 1 <= self.num_classes < 2**15 - 1 or not self.classes:
            problems.append(f"num_classes: {self.num_classes}; 2 to {2**15 - 2}, or 1 with the background")
        if not 0 < self.percentile <= 100:
            problems.append(f"percentile: {self.percentile}; above 0, at most 100")
        limits = [self.tolerance] if isinstance(self.tolerance, int | float) else list(self.tolerance)
        if len(limits) not in (1, len(self.classes)) or not all(0 <= limit < math.inf for limit in limits):
            problems.append(f"tolerance: {limits}; one in mm from 0, or {len(self.classes)}, one per scored class")
        if self.both_empty not in ("undefined", "perfect"):
            problems.append(f"both_empty: '{self.both_empty}'; 'undefined' or 'perfect'")
        if self.reference_empty not in ("worst", "undefined"):
            problems.append(f"reference_empty: '{self.reference_empty}'; 'worst' or 'undefined'")
        if self.worst_distance < 0:
            problems.append(f"worst_distance: {self.worst_distance}; from 0, in mm, or NaN")
        if problems:
            raise ConfigError(problems, source="the scores of volumes")

    @property
    def classes(self) -> range:
        """The classes that are scored. With ``masks`` every channel is one, the first the background."""
        return range(0 if self.include_background else 1, self.num_classes)

    def __call__(
        self, preds: torch.Tensor, target: torch.Tensor, spacing: Spacing | None = None
    ) -> dict[ScoreName, torch.Tensor]:
        """Return B×classes scores by name, float64 in main memory.

        Args:
            preds: see :func:`deephealth.metrics.label_maps.label_maps`.
            target: likewise.
            spacing: in mm, along D, H, W: one number, one per axis, or B rows of one per axis. None is 1 mm.

        Raises:
            DataError: maps that can't be compared, or a bad spacing.
        """
        maps = label_maps(
            preds, target, self.num_classes, input_format=self.input_format, ignore_index=self.ignore_index
        )
        apart = self.input_format == "masks"
        steps = _spacings(spacing, len(preds), maps.prediction.ndim - 1)
        table = np.full((len(preds), len(self.classes), len(self.scores)), np.nan)
        if apart:
            for case in range(len(preds)):
                for column, channel in enumerate(self.classes):
                    at = case * self.num_classes + channel
                    pair = maps.prediction[at], maps.reference[at]
                    table[case, column] = self._case(*pair, range(1, 2), 2, steps[case], column)
        else:
            for case, pair in enumerate(zip(maps.prediction, maps.reference, strict=True)):
                table[case] = self._case(*pair, self.classes, maps.void, steps[case])
        return {name: torch.from_numpy(table[..., at].copy()) for at, name in enumerate(self.scores)}

    def _case(
        self,
        prediction: torch.Tensor,
        reference: torch.Tensor,
        classes: range,
        void: int,
        steps: tuple[float, ...],
        first: int = 0,
    ) -> np.ndarray:
        """Return classes×scores of one case; ``first`` is the place of its first class among the tolerances."""
        pairs = label_pairs(prediction, reference, void + 1)
        found = np.empty((len(classes), len(self.scores)))
        edges = None
        if any(name in _ON_SURFACES for name in self.scores):
            edges = surface(prediction, void), surface(reference, void)

        def run(begin: int, end: int) -> None:
            for row in range(begin, end):
                value = classes[row]
                counts = _counts(pairs, value)
                scores = self._empty(*counts[:2])
                if scores is None:
                    gaps = None if edges is None else surface_gaps(*edges, value, pairs.boxes[value], steps)
                    scores = self._scores(counts, gaps, self._tolerance(first + row))
                found[row] = scores

        on_cores(run, len(classes), 1 if edges else len(classes))
        return found

    def _tolerance(self, row: int) -> float:
        if isinstance(self.tolerance, int | float):
            return float(self.tolerance)
        return float(self.tolerance[row if len(self.tolerance) > 1 else 0])

    def _empty(self, said: int, true: int) -> list[float] | None:
        """Return the scores of a class that is missing, or None if it is there in both maps."""
        if said and true:
            return None
        if not said and not true:
            if self.both_empty == "undefined":
                return [math.nan] * len(self.scores)
            return [0.0 if name in _DISTANCES else 1.0 for name in self.scores]
        if not true and self.reference_empty == "undefined":
            return [math.nan] * len(self.scores)
        return [self.worst_distance if name in _DISTANCES else 0.0 for name in self.scores]

    def _scores(self, counts: tuple[int, int, int], gaps: Gaps | None, tolerance: float) -> list[float]:
        said, true, shared = counts
        values = {
            "dice": 2 * shared / (said + true),
            "jaccard": shared / (said + true - shared),
            "sensitivity": shared / true,
            "precision": shared / said,
        }
        if gaps is not None:
            total = len(gaps.outward) + len(gaps.inward)
            if "hausdorff" in self.scores:
                values["hausdorff"] = max(_percentile(one, self.percentile) for one in gaps)
            if "surface_dice" in self.scores:  # float32 on both sides: 2.4 mm is within a tolerance of 2.4 mm
                values["surface_dice"] = sum(int((one <= np.float32(tolerance)).sum()) for one in gaps) / total
            if "surface_distance" in self.scores:
                values["surface_distance"] = sum(float(one.sum(dtype=np.float64)) for one in gaps) / total
        return [values[name] for name in self.scores]


def volume_scores(
    preds: torch.Tensor,
    target: torch.Tensor,
    num_classes: int,
    *,
    spacing: Spacing | None = None,
    scores: Sequence[ScoreName] = ("dice", "hausdorff", "surface_dice", "surface_distance"),
    percentile: float = 95.0,
    tolerance: float | Sequence[float] = 1.0,
    **settings: Any,
) -> dict[ScoreName, torch.Tensor]:
    """Compare label maps class by class: Dice, HD95, surface Dice and mean surface distance in one pass.

    Args:
        preds: B×D×H×W or B×H×W class numbers, or what ``input_format`` says.
        target: likewise.
        num_classes: with the background.
        spacing: in mm, along D, H, W: one number, one per axis, or B rows of one per axis. None is 1 mm.
        scores: which ones.
        percentile: of the surface distances.
        tolerance: of the surface Dice, in mm; one, or one per scored class.
        settings: the other ones of :class:`VolumeScoring`, such as ``include_background``, ``input_format``,
            ``ignore_index``, and what a class scores that is missing.

    Returns:
        Score by name, B×classes, float64; NaN where a class is in neither map.

    Raises:
        ConfigError: settings that can't be.
        DataError: maps that can't be compared.

    Example:
        >>> preds, target = torch.zeros(1, 4, 4, 4, dtype=torch.long), torch.zeros(1, 4, 4, 4, dtype=torch.long)
        >>> preds[0, 1:3, 1:3, 1:3] = target[0, 1:3, 1:3, 2:4] = 1
        >>> found = volume_scores(preds, target, 2, spacing=(3, 1, 1))
        >>> {name: round(score.item(), 3) for name, score in found.items()}
        {'dice': 0.5, 'hausdorff': 1.0, 'surface_dice': 1.0, 'surface_distance': 0.5}
    """
    scoring = VolumeScoring(num_classes, scores, percentile=percentile, tolerance=tolerance, **settings)
    return scoring(preds, target, spacing)


def _counts(pairs: LabelPairs, value: int) -> tuple[int, int, int]:
    counts = pairs.counts
    return int(counts[:, value].sum()), int(counts[value].sum()), int(counts[value, value])


def _percentile(distances: np.ndarray, percentile: float) -> float:
    return float(distances.max() if percentile == 100 else np.percentile(distances, percentile))


def _spacings(spacing: Spacing | None, batch: int, dims: int) -> list[tuple[float, ...]]:
    """Return one spacing per case; of three numbers for a plane the first is that of the slices, and is not needed."""
    table = np.asarray(1.0 if spacing is None else spacing, dtype=np.float64)
    if table.ndim > 2 or (table.ndim == 2 and len(table) != batch):
        raise DataError(f"spacing of shape {table.shape} for {batch} cases", allowed="one, or one row per case")
    rows = table if table.ndim == 2 else [table] * batch
    return [checked_spacing(row[-dims:] if np.size(row) == 3 else row, dims) for row in rows]
