"""Reliability diagram: how often the answer was right against how sure the model was, and how many cases per bin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from deephealth.kpi.figures.style import Picture, Theme, new_figure, render

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["reliability_diagram"]


def reliability_diagram(reliability: Mapping[str, Any]) -> Picture | None:
    """Draw the equal-width bins as bars with their confidence, equal-count bins as points; ``None`` without bins."""
    rows: Sequence[Mapping[str, Any]] = reliability.get("equal") or []
    adaptive: Sequence[Mapping[str, Any]] = reliability.get("adaptive") or []
    num_bins = int(reliability.get("bins") or 15)
    if not rows:
        return None

    def draw(theme: Theme) -> Figure:
        figure, (top, bottom) = new_figure(theme, 4.4, 4.4, 2, 1, heights=(3, 1), gaps=(0.08, 0))
        centres = [(row["bin"] + 0.5) / num_bins for row in rows]
        width = 0.9 / num_bins
        accuracy = [row["accuracy"] for row in rows]
        confidence = [row["confidence"] for row in rows]
        top.bar(centres, accuracy, width, color=theme.first, alpha=0.85, label="accuracy")
        left, right = [x - width / 2 for x in centres], [x + width / 2 for x in centres]
        top.hlines(confidence, left, right, color=theme.second, linewidth=2.4, label="mean confidence")
        top.plot([0, 1], [0, 1], color=theme.muted, linestyle=":", linewidth=1.2)
        x, y = [row["confidence"] for row in adaptive], [row["accuracy"] for row in adaptive]
        top.plot(x, y, color=theme.ink, marker="o", markersize=3.5, linewidth=1, label="bins of equal counts")
        top.set_ylabel("share that was right")
        top.legend(frameon=False, fontsize=8.5, labelcolor=theme.ink, loc="upper left")
        bottom.bar(centres, [row["count"] for row in rows], width, color=theme.muted)
        bottom.set_ylabel("cases")
        bottom.set_xlabel("confidence of the answer")
        for axes in (top, bottom):
            axes.set_xlim(0, 1)
        top.set_ylim(0, 1.04)
        top.set_xticklabels([])
        return figure

    return render(draw, "Reliability diagram: accuracy against confidence, with the number of cases per bin.")
