"""What a use case is: a record of names, layouts, classes and facts. No code of its own to train or predict."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deephealth.data.layout import Layout

__all__ = ["UseCase"]


@dataclass(frozen=True)
class UseCase:
    """A clinical question with everything that is particular to it.

    Args:
        name: as users write it, such as ``"uc12-skin"``.
        title: one line for headings.
        summary: a few sentences: who asks what of which image.
        tasks: ``"classification"`` and/or ``"segmentation"``; the first is the default.
        layouts: folders on disk that it can read, most specific first.
        generate: draws a data set in a real layout, as ``"module:function"`` so that showing a card imports nothing.
        labels: class names of the usual data set, in the order of a network's outputs.
        label_names: class name -> full name, for every class that any layout may yield.
        mask_labels: what a segmentation's masks outline.
        positive: the class whose sensitivity and AUC are reported on their own.
        malignant: classes whose probabilities add up to the malignancy score.
        metrics: task -> names of the metrics that are reported; the first one selects the best model.
        configs: task -> name of the configuration that ships.
        licence: licence of the public data, and so of models trained on it.
        intended_use: what a trained model may be used for.
        limits: what a result must not be taken for, and known traps of the data.
        references: papers and data sets.
    """

    name: str
    title: str
    summary: str
    tasks: tuple[str, ...]
    layouts: tuple[Layout, ...]
    generate: str
    labels: tuple[str, ...]
    label_names: Mapping[str, str]
    mask_labels: tuple[str, ...] = ("foreground",)
    positive: str | None = None
    malignant: tuple[str, ...] = ()
    metrics: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    configs: Mapping[str, str] = field(default_factory=dict)
    licence: str = ""
    intended_use: str = ""
    limits: tuple[str, ...] = ()
    references: tuple[str, ...] = ()

    def generator(self) -> Callable[..., Path]:
        """Return the function ``generate(root, n, seed=0, size=(H, W), progress=None) -> root``."""
        module, _, attribute = self.generate.partition(":")
        return getattr(importlib.import_module(module), attribute)  # type: ignore[no-any-return]

    def facts(self) -> dict[str, Any]:
        """Return everything on the card as plain JSON values."""
        return {
            "name": self.name,
            "title": self.title,
            "summary": self.summary,
            "tasks": list(self.tasks),
            "layouts": {layout.name: layout.expects for layout in self.layouts},
            "labels": list(self.labels),
            "label_names": dict(self.label_names),
            "positive": self.positive,
            "malignant": list(self.malignant),
            "metrics": {task: list(names) for task, names in self.metrics.items()},
            "configs": dict(self.configs),
            "licence": self.licence,
            "intended_use": self.intended_use,
            "limits": list(self.limits),
            "references": list(self.references),
        }

    def card(self) -> str:
        """Return the card in Markdown: question, classes, data layouts, metrics, licence, limits, references."""
        sections = [
            f"# {self.title} (`{self.name}`)\n\n{self.summary}",
            f"## Tasks\n\n{self._task_lines()}",
            f"## Classes\n\n{self._class_lines()}",
            f"## Data it reads\n\n{self._layout_lines()}",
            f"## Licence\n\n{self.licence}",
            f"## Intended use\n\n{self.intended_use}",
            f"## Limits\n\n{_bullets(self.limits)}",
            f"## References\n\n{_bullets(self.references)}",
        ]
        return "\n\n".join(sections) + "\n"

    def _task_lines(self) -> str:
        lines = []
        for task in self.tasks:
            config = f"configuration `{self.configs[task]}`" if task in self.configs else "no configuration ships"
            lines.append(f"{task}: {config}; metrics {', '.join(self.metrics.get(task, ())) or 'none'}")
        return _bullets(lines)

    def _class_lines(self) -> str:
        marks = dict.fromkeys(self.malignant, " (malignant)")
        return _bullets(f"`{key}` {name}{marks.get(key, '')}" for key, name in self.label_names.items())

    def _layout_lines(self) -> str:
        return "\n\n".join(f"### `{layout.name}`\n\n```text\n{layout.expects.strip()}\n```" for layout in self.layouts)


def _bullets(lines: Any) -> str:
    return "\n".join(f"* {line}" for line in lines)
