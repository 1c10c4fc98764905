"""Sensitivity at fixed specificity, class by class; and accuracy when unsure cases are left to people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from deephealth.kpi.figures.style import Picture, Theme, new_figure, plain, render

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["abstention", "sensitivity_points"]

_MARKERS = ("o", "s", "D", "^", "v")
_MOST_CLASSES = 30


def sensitivity_points(per_class: Sequence[Mapping[str, Any]]) -> Picture | None:
    """Draw one row per class and one mark per specificity; ``None`` when no sensitivity is defined."""
    shown = [row for row in per_class if _points(row)][:_MOST_CLASSES]
    if not shown:
        return None
    names = list(shown[0]["sensitivity_at_specificity"])

    def draw(theme: Theme) -> Figure:
        figure, (axes,) = new_figure(theme, 4.8, 0.9 + 0.46 * len(shown))
        colours = (theme.first, theme.second, theme.third, theme.ink, theme.muted)
        for index, name in enumerate(names):
            offset = (index - (len(names) - 1) / 2) * 0.22
            colour, marker = colours[index % 5], _MARKERS[index % 5]
            rows = [(y + offset, _points(row).get(name)) for y, row in enumerate(shown)]
            known = [(y, score) for y, score in rows if score is not None]
            axes.plot([score["value"] for _, score in known], [y for y, _ in known], color=colour, marker=marker,
                      markersize=4.5, linestyle="", label=f"at specificity {name}")  # fmt: skip
            spans = [(y, score) for y, score in known if score.get("low") is not None]
            lows, highs = [score["low"] for _, score in spans], [score["high"] for _, score in spans]
            axes.hlines([y for y, _ in spans], lows, highs, color=colour, linewidth=1.3)
        axes.set_yticks(range(len(shown)), [plain(row["label"]) for row in shown])
        axes.invert_yaxis()
        axes.set_xlim(-0.02, 1.02)
        axes.set_xlabel("sensitivity")
        place = {"loc": "lower left", "bbox_to_anchor": (0, 1), "ncols": len(names)}
        axes.legend(frameon=False, fontsize=8.5, labelcolor=theme.ink, handletextpad=0.1, **place)
        return figure

    return render(draw, "Sensitivity of each class at fixed specificities, with intervals.")


def _points(row: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    found = row.get("sensitivity_at_specificity") or {}
    return {name: score for name, score in found.items() if score.get("value") is not None}


def abstention(rows: Sequence[Mapping[str, Any]]) -> Picture | None:
    """Draw accuracy and balanced accuracy of the most confident answers against their share; ``None`` without rows."""
    if not rows:
        return None

    def draw(theme: Theme) -> Figure:
        figure, (axes,) = new_figure(theme, 4.4, 2.9)
        x = [100 * row["coverage"] for row in rows]
        axes.plot(x, [row["accuracy"] for row in rows], color=theme.first, linewidth=1.7, label="accuracy")
        balanced = [row["balanced_accuracy"] for row in rows]
        axes.plot(x, balanced, color=theme.second, linestyle="--", linewidth=1.7, label="balanced accuracy")
        axes.set_xlabel("share of cases answered, most confident first (%)")
        axes.set_xlim(102, 8)
        axes.set_ylim(min(0.5, *balanced) - 0.03, 1.02)
        axes.legend(frameon=False, fontsize=8.5, labelcolor=theme.ink)
        return figure

    return render(draw, "Accuracy against the share of cases that the model answers.")
