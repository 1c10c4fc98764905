"""The cases worth looking at: the best and the worst, drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deephealth.infer.overlay import caption_tile, draw_overlay
from deephealth.infer.prediction import Prediction
from deephealth.infer.writers import FileNames
from deephealth.io.raster import read_mask, read_rgb, write_png
from deephealth.metrics.segmentation import MaskScores

if TYPE_CHECKING:
    from deephealth.data.sample import Sample

__all__ = ["Case", "draw_cases", "pick_cases"]

_SIDE = 480


@dataclass(frozen=True, slots=True)
class Case:
    """One measured sample; its masks are dropped, so that any number of cases fits in memory.

    Args:
        sample: with its reference.
        file: what was read.
        label: what the model said.
        probabilities: class -> probability.
        scores: of the mask; ``None`` for a classification.
        area_fraction: of the predicted mask.
        mask_file: the predicted mask, relative to the evaluation's folder.
    """

    sample: Sample
    file: str
    label: str
    probabilities: Mapping[str, float]
    scores: MaskScores | None = None
    area_fraction: float | None = None
    mask_file: str | None = None

    @classmethod
    def of(cls, sample: Sample, prediction: Prediction, *, scores: MaskScores | None, mask_file: str | None) -> Case:
        """Keep the numbers of a prediction."""
        area = prediction.area_fraction
        return cls(sample, prediction.file, prediction.label, prediction.probabilities, scores, area, mask_file)

    @property
    def confidence(self) -> float:
        """Probability of what the model said."""
        return max(self.probabilities.values())

    @property
    def correct(self) -> bool:
        """Whether the label is right."""
        return self.label == self.sample.label


def pick_cases(cases: Sequence[Case], count: int = 8) -> dict[str, list[Case]]:
    """Return up to ``count`` of the worst and of the best cases, the most telling first.

    Masks are ranked by Jaccard (undefined ones are left out); labels by confidence: the surest mistakes, and the surest
    right answers.
    """
    masks = [
        (case.scores.jaccard, case) for case in cases if case.scores is not None and not isnan(case.scores.jaccard)
    ]
    if masks or any(case.scores is not None for case in cases):
        ranked = [case for _, case in sorted(masks, key=lambda pair: (pair[0], pair[1].sample.id))]
        worst = ranked[: min(count, (len(ranked) + 1) // 2)]
        return {"worst": worst, "best": ranked[len(worst) :][::-1][:count]}
    sure = sorted(cases, key=lambda case: (-case.confidence, case.sample.id))
    return {
        "worst": [case for case in sure if not case.correct][:count],
        "best": [case for case in sure if case.correct][:count],
    }


def draw_cases(picked: Mapping[str, Sequence[Case]], folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Draw the picked cases into ``folder/overlays`` and return their facts, each with the picture's relative path.

    Args:
        picked: kind -> cases.
        folder: of the evaluation; predicted masks are read from it.

    Raises:
        StorageError: it can't be written.
    """
    names = FileNames()
    drawn: dict[str, list[dict[str, Any]]] = {}
    for kind, cases in picked.items():
        drawn[kind] = []
        for number, case in enumerate(cases, 1):
            name = f"overlays/{names(f'{kind}-{number:02d}-{case.sample.id}.png')}.png"
            write_png(folder / name, _picture(case, folder))
            drawn[kind].append({**_facts(case), "overlay": name})
    return drawn


def _picture(case: Case, folder: Path) -> Any:
    image = read_rgb(case.sample.image)
    if case.scores is None:
        truth = case.sample.label or "?"
        return caption_tile(image, [f"said {case.label} {case.confidence:.2f}", f"true {truth}"])
    predicted = read_mask(folder / case.mask_file) if case.mask_file else None
    reference = read_mask(case.sample.mask) if case.sample.mask else None
    return draw_overlay(image, predicted, reference, side=_SIDE)


def _facts(case: Case) -> dict[str, Any]:
    facts: dict[str, Any] = {"id": case.sample.id, "group": case.sample.group, "label": case.label}
    if case.scores is None:
        return {**facts, "target": case.sample.label, "probability": case.confidence}
    return {**facts, "jaccard": None if isnan(case.scores.jaccard) else case.scores.jaccard}
