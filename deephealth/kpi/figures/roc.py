"""ROC curves, one small panel per class, with the bootstrap band around each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from deephealth.kpi.figures.style import Picture, Theme, name_axes, new_figure, render

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["MOST_PANELS", "roc_curves"]

MOST_PANELS = 12
_COLUMNS = 4


def roc_curves(curves: Sequence[Mapping[str, Any]], aucs: Mapping[str, str]) -> Picture | None:
    """Draw one panel per class; ``None`` when no class has a curve.

    Args:
        curves: ``roc`` of the metrics: label, fpr, tpr, band.
        aucs: label -> AUC with interval, as text.
    """
    shown = [curve for curve in curves if curve.get("fpr")][:MOST_PANELS]
    if not shown:
        return None
    columns = min(_COLUMNS, len(shown))
    rows = -(-len(shown) // columns)

    def draw(theme: Theme) -> Figure:
        figure, axes = new_figure(theme, 2.4 * columns, 2.6 * rows, rows, columns, gaps=(0.34, 0.12))
        for number, one in enumerate(axes):
            if number >= len(shown):
                one.set_visible(False)
                continue
            _panel(one, theme, shown[number], aucs)
            if number % columns:
                one.set_yticklabels([])
            else:
                one.set_ylabel("sensitivity")
            if number + columns >= len(shown):
                one.set_xlabel("1 − specificity")
            else:
                one.set_xticklabels([])
        return figure

    return render(
        draw, "ROC curves, one class against the rest: " + ", ".join(str(one["label"]) for one in shown) + "."
    )


def _panel(axes: Axes, theme: Theme, curve: Mapping[str, Any], aucs: Mapping[str, str]) -> None:
    band = curve.get("band") or {}
    points = [
        (x, low, high)
        for x, low, high in zip(band.get("fpr", []), band.get("low", []), band.get("high", []), strict=False)
        if low is not None and high is not None
    ]
    if points:
        x, low, high = zip(*sorted(points), strict=True)
        axes.fill_between(x, low, high, color=theme.first, alpha=0.2, linewidth=0)
    axes.plot([0, 1], [0, 1], color=theme.muted, linestyle=":", linewidth=1)
    axes.plot(curve["fpr"], curve["tpr"], color=theme.first, linewidth=1.6)
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    axes.set_xticks([0, 0.5, 1])
    axes.set_yticks([0, 0.5, 1])
    axes.set_aspect("equal")
    label = str(curve["label"])
    name_axes(axes, theme, label)
    axes.text(
        0.97, 0.06, f"AUC {aucs.get(label, '')}", transform=axes.transAxes, ha="right", fontsize=8, color=theme.ink
    )
