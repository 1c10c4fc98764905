"""What training and measuring know for the card of a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from deephealth.usecases.catalogue import USECASES

if TYPE_CHECKING:
    from deephealth.data.sample import DataIndex
    from deephealth.data.split import Split

__all__ = ["measured_facts", "training_facts"]


def training_facts(usecase: str, index: DataIndex, split: Split) -> dict[str, Any]:
    """Return title, intended use, data, licence and limits for the card."""
    card = USECASES.get(usecase)
    groups = len({sample.group for sample in split.train})
    return {
        "title": card.title,
        "intended_use": card.intended_use,
        "training_data": f"{len(split.train)} samples of {groups} patients or lesions, layout {index.layout}",
        "data_licence": index.licence or card.licence,
        "data_citation": index.citation or "none given by the data set",
        "limits": "\n".join(f"- {limit}" for limit in card.limits),
    }


def measured_facts(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Return the measured scores for the card, each with its interval, and the baseline of the headline."""
    split, headline = metrics["split"], metrics["headline"]
    shown = {f"{name} ({split})": _value(score) for name, score in metrics["scores"].items() if _is_number(score)}
    if metrics["baseline"]:
        shown[f"{headline} of the trivial baseline"] = metrics["baseline"]["scores"][headline]["value"]
    return {"metrics": shown}


def _is_number(score: Any) -> bool:
    return isinstance(score, Mapping) and isinstance(score.get("value"), float)


def _value(score: Mapping[str, Any]) -> str:
    interval = "" if score.get("low") is None else f" ({score['low']:.3f} to {score['high']:.3f})"
    return f"{score['value']:.3f}{interval}"
