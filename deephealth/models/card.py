"""The model card: what a model is for, what it was made from, how good it was, and what it must not be used for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from deephealth.models.spec import ModelSpec

__all__ = ["NOT_FOR_DIAGNOSIS", "missing_fields", "write_card"]

NOT_FOR_DIAGNOSIS = (
    "**Not for diagnosis.** This is research software. It is not a medical device, no authority has cleared it, and "
    "its output must not decide on the care of a patient."
)
_UNKNOWN = "not stated"
_SECTIONS = (
    "Intended use",
    "Classes",
    "Data",
    "Measured",
    "Input and output",
    "Weights and licences",
    "Limits",
    "How to load",
)


def write_card(spec: ModelSpec) -> str:
    """Return the card as Markdown.

    What training and the use case know comes from ``spec.card``: ``title``, ``intended_use``, ``training_data``,
    ``data_licence``, ``data_citation``, ``metrics`` (names to values or to mappings), ``limits``.

    Args:
        spec: the model's facts.
    """
    card = spec.card
    texts = {
        "Intended use": f"{card.get('intended_use') or _UNKNOWN}\n\n{NOT_FOR_DIAGNOSIS}",
        "Classes": "\n".join(f"{number}. {label}" for number, label in enumerate(spec.labels)),
        "Data": _list(
            {
                "trained on": card.get("training_data"),
                "licence": card.get("data_licence"),
                "citation": card.get("data_citation"),
            }
        ),
        "Measured": _metrics(card.get("metrics") or {}),
        "Input and output": _shapes(spec),
        "Weights and licences": _weights(spec),
        "Limits": str(card.get("limits") or _UNKNOWN),
        "How to load": _LOAD,
    }
    title = card.get("title") or f"{spec.usecase or spec.network}: {spec.task}"
    sections = "\n".join(f"## {name}\n\n{texts[name]}\n" for name in _SECTIONS)
    return f"# {title}\n\n{sections}"


def missing_fields(card: str) -> list[str]:
    """Return the sections and lines of a card that are absent or say nothing; an empty list is a complete card.

    Example:
        >>> missing_fields("# A model")[:2]
        ['Intended use', 'Classes']
    """
    missing = []
    for name in _SECTIONS:
        found = re.search(rf"^## {name}\n(.*?)(?=^## |\Z)", card, flags=re.MULTILINE | re.DOTALL)
        body = found[1].strip() if found else ""
        if not body or body.startswith(_UNKNOWN):
            missing.append(name)
        else:
            missing += [f"{name}: {line}" for line in re.findall(rf"^- (.+): {_UNKNOWN}$", body, flags=re.MULTILINE)]
    if NOT_FOR_DIAGNOSIS not in card:
        missing.append("not for diagnosis")
    return missing


_LOAD = """```python
from deephealth.models import load_model

model = load_model("FOLDER")
```

Or `deephealth predict FOLDER IMAGES --out FILE.csv`."""


def _list(facts: Mapping[str, Any]) -> str:
    return "\n".join(f"- {name}: {value if value not in (None, '') else _UNKNOWN}" for name, value in facts.items())


def _metrics(metrics: Mapping[str, Any]) -> str:
    if not metrics:
        return _UNKNOWN
    lines = ["| metric | value |", "|---|---|"]
    for name, value in metrics.items():
        lines.append(f"| {name} | {_number(value)} |")
    return "\n".join(lines)


def _number(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_number(part)}" for key, part in value.items())
    if isinstance(value, list | tuple):
        return " to ".join(_number(part) for part in value)
    return str(value)


def _shapes(spec: ModelSpec) -> str:
    height, width = spec.image_size
    outputs = {
        "classification": "one probability per class",
        "segmentation": f"a map of probabilities per class, in the source's size; foreground above {spec.threshold:g}",
    }
    return _list(
        {
            "input": f"RGB images of any size, 8 bits per channel; resized to {height}×{width} pixels, antialiased",
            "normalisation": f"mean {list(spec.mean)}, standard deviation {list(spec.std)} of levels scaled to 0..1",
            "output": outputs[spec.task],
            "test-time augmentation": spec.tta,
            "temperature": f"{spec.temperature:g}",
        }
    )


def _weights(spec: ModelSpec) -> str:
    facts = spec.weights
    start = "random" if not facts else f"{facts['name']} ({facts['source']})"
    lines: dict[str, Any] = {
        "network": f"{spec.network} {dict(spec.parameters) or ''}".strip(),
        "training began from": start,
    }
    if facts:
        lines["those weights were trained on"] = facts.get("data")
        lines["their licence"] = facts.get("licence")
    return "\n".join([_list(lines), *(f"- notice: {notice}" for notice in spec.licences)])
