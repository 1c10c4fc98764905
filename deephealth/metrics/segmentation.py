"""Scores of masks: per image first, then their mean with an interval over groups.

Definitions: Jaccard = intersection / union; Dice = 2 intersection / (sum of areas); thresholded Jaccard = Jaccard, or
0 where it is below 0.65 (ISIC 2018 task 1); area error = (predicted - true area) / true area.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isnan, nan
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from deephealth.core.errors import DataError
from deephealth.metrics.bootstrap import bootstrap_interval

if TYPE_CHECKING:
    from deephealth.core.types import MaskHW

__all__ = ["JACCARD_FLOOR", "MaskScores", "mask_scores", "segmentation_metrics"]

# Below this a dermatologist would call the outline failed (ISIC 2018: the spread between human annotators).
JACCARD_FLOOR = 0.65
_SCORES = ("jaccard", "dice", "thresholded_jaccard", "sensitivity", "precision", "area_error", "area_error_absolute")


@dataclass(frozen=True, slots=True)
class MaskScores:
    """Scores of one predicted mask against its reference; NaN where undefined.

    Args:
        jaccard: 0 to 1.
        dice: 0 to 1.
        thresholded_jaccard: Jaccard, 0 below 0.65.
        sensitivity: share of the reference found.
        precision: share of the prediction that is right.
        area_error: signed, relative to the reference's area.
        area_fraction: share of the image that was predicted.
        reference_fraction: share of the image that is foreground in the reference.
    """

    jaccard: float
    dice: float
    thresholded_jaccard: float
    sensitivity: float
    precision: float
    area_error: float
    area_fraction: float
    reference_fraction: float

    @property
    def area_error_absolute(self) -> float:
        """Size of the area error, without its sign."""
        return abs(self.area_error)

    def as_dict(self) -> dict[str, float | None]:
        """Return the scores for JSON: undefined ones are ``None``."""
        return {name: None if isnan(value) else value for name, value in asdict(self).items()}


def mask_scores(
    prediction_hw: MaskHW, reference_hw: MaskHW, *, both_empty: Literal["undefined", "perfect"] = "undefined"
) -> MaskScores:
    """Compare two masks of one size.

    Args:
        prediction_hw: non-zero is foreground.
        reference_hw: non-zero is foreground.
        both_empty: what two empty masks score: ``"undefined"`` (NaN, left out of means and counted), or
            ``"perfect"`` (1). A mask that is empty on one side only scores 0 either way.

    Raises:
        DataError: the sizes differ.

    Example:
        >>> import numpy as np
        >>> scores = mask_scores(np.array([[1, 1, 0]]), np.array([[0, 1, 1]]))
        >>> round(scores.jaccard, 3), scores.dice, scores.thresholded_jaccard, scores.area_error
        (0.333, 0.5, 0.0, 0.0)
    """
    prediction, reference = np.asarray(prediction_hw) > 0, np.asarray(reference_hw) > 0
    if prediction.shape != reference.shape:
        msg = f"the predicted mask is {prediction.shape} and the reference {reference.shape} (height, width)"
        raise DataError(msg, hint="predict in source size, and check that image and mask belong together")
    shared = int(np.count_nonzero(prediction & reference))
    said, true = int(np.count_nonzero(prediction)), int(np.count_nonzero(reference))
    union = said + true - shared
    if union == 0:
        score = 1.0 if both_empty == "perfect" else nan
        return MaskScores(score, score, score, score, score, 0.0 if both_empty == "perfect" else nan, 0.0, 0.0)
    jaccard = shared / union
    return MaskScores(
        jaccard=jaccard,
        dice=2 * shared / (said + true),
        thresholded_jaccard=jaccard if jaccard >= JACCARD_FLOOR else 0.0,
        sensitivity=shared / true if true else nan,
        precision=shared / said if said else nan,
        area_error=(said - true) / true if true else nan,
        area_fraction=said / prediction.size,
        reference_fraction=true / reference.size,
    )


def _means(
    cases: Sequence[MaskScores], groups: Sequence[str], *, bootstrap: int, confidence: float, seed: int
) -> dict[str, dict[str, Any]]:
    settings = {"resamples": bootstrap, "confidence": confidence, "seed": seed}
    found = {}
    for name in _SCORES:
        values = [float(getattr(case, name)) for case in cases]
        found[name] = bootstrap_interval(values, groups, **settings)  # type: ignore[arg-type]
    below = [nan if isnan(case.jaccard) else float(case.jaccard < JACCARD_FLOOR) for case in cases]
    found["share_below_floor"] = bootstrap_interval(below, groups, **settings)  # type: ignore[arg-type]
    return found


def _strongest(measured: Mapping[str, Mapping[str, Any]]) -> dict[str, Any] | None:
    """The baseline with the highest Jaccard, with its name."""
    known = {name: one for name, one in measured.items() if one["scores"]["jaccard"]["value"] is not None}
    best = max(known, key=lambda name: known[name]["scores"]["jaccard"]["value"], default=None)
    return None if best is None else {"name": best, **known[best]}


def _emptiness(cases: Sequence[MaskScores]) -> dict[str, int]:
    pairs = [(case.area_fraction == 0, case.reference_fraction == 0) for case in cases]
    return {
        "both_empty": sum(said and true for said, true in pairs),
        "prediction_empty_only": sum(said and not true for said, true in pairs),
        "reference_empty_only": sum(true and not said for said, true in pairs),
    }


def segmentation_metrics(
    cases: Sequence[MaskScores],
    groups: Sequence[str],
    *,
    baselines: Mapping[str, Sequence[MaskScores]] | None = None,
    bootstrap: int = 1000,
    confidence: float = 0.95,
    threshold: float = 0.5,
    seed: int = 0,
) -> dict[str, Any]:
    """Summarise masks that were compared one by one (:func:`mask_scores`), so that no image stays in memory.

    Args:
        cases: scores of N images.
        groups: N group names, the unit of the bootstrap.
        baselines: name -> N scores of a trivial mask on the same images, such as the mean training mask or the
            all-foreground box.
        bootstrap: number of resamples; 0 gives no intervals.
        confidence: of the intervals.
        threshold: probability that made a pixel foreground; only recorded.
        seed: of the resampling.

    Returns:
        A JSON-able dictionary: ``scores`` (name -> value, low, high), ``jaccards`` and ``areas`` per case, ``empty``,
        ``baseline`` (the strongest), ``baselines``, ``interval``, ``notes``.

    Raises:
        DataError: no cases, or counts that disagree.

    Example:
        >>> import numpy as np
        >>> case = mask_scores(np.array([[1, 1]]), np.array([[1, 1]]))
        >>> segmentation_metrics([case, case], ["a", "b"], bootstrap=0)["scores"]["jaccard"]["value"]
        1.0
    """
    others = dict(baselines or {})
    if not cases or any(len(column) != len(cases) for column in (groups, *others.values())):
        counts = f"{len(cases)} cases, {len(groups)} groups, baselines of {[len(v) for v in others.values()]}"
        raise DataError(f"segmentation scores got {counts}", allowed="the same count of each, at least 1")
    empty = _emptiness(cases)
    measured = {
        name: {"scores": _means(scored, groups, bootstrap=bootstrap, confidence=confidence, seed=seed)}
        for name, scored in others.items()
    }
    notes = []
    if empty["both_empty"]:
        notes.append(f"{empty['both_empty']} images are empty in reference and prediction; see `empty`")
    if empty["reference_empty_only"]:
        notes.append(
            f"{empty['reference_empty_only']} images have an empty reference and a non-empty prediction: Jaccard 0"
        )
    if len(set(groups)) == 1:
        notes.append("all samples belong to one group: no interval can be given")
    return {
        "task": "segmentation",
        "count": len(cases),
        "groups": len(set(groups)),
        "headline": "jaccard",
        "threshold": threshold,
        "scores": _means(cases, groups, bootstrap=bootstrap, confidence=confidence, seed=seed),
        "jaccards": [None if isnan(case.jaccard) else round(case.jaccard, 5) for case in cases],
        "areas": [[round(case.reference_fraction, 5), round(case.area_fraction, 5)] for case in cases],
        "empty": empty,
        "baseline": _strongest(measured),
        "baselines": measured,
        "interval": {
            "method": "percentile bootstrap over groups",
            "resamples": bootstrap,
            "confidence": confidence,
            "seed": seed,
        },
        "notes": notes,
    }
