"""Curves over the epochs: loss, validation score, learning rate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from deephealth.kpi.figures.style import Picture, Theme, name_axes, new_figure, render

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["training_curves"]

_SCORE = "validation score"


def training_curves(rows: Sequence[dict[str, Any]], score_column: str = "val_score") -> Picture | None:
    """Draw the rows of ``metrics.csv``; ``None`` when no column can be drawn.

    Args:
        rows: one per epoch.
        score_column: the column with the validation score.
    """
    panels = [
        ("loss", [("train_loss", "training"), ("val_loss", "validation")]),
        (_SCORE, [(score_column, "validation")]),
        ("learning rate", [("lr", "learning rate")]),
    ]
    drawable = [(title, [one for one in lines if _column(rows, one[0])]) for title, lines in panels]
    drawable = [(title, lines) for title, lines in drawable if lines]
    if not drawable:
        return None

    def draw(theme: Theme) -> Figure:
        figure, axes = new_figure(theme, 3.2 * len(drawable), 2.7, 1, len(drawable), gaps=(0, 0.25))
        for one, (title, lines) in zip(axes, drawable, strict=True):
            _panel(one, theme, rows, title, lines)
        return figure

    return render(draw, f"Training curves over {len(rows)} epochs: {', '.join(title for title, _ in drawable)}.")


def _column(rows: Sequence[dict[str, Any]], name: str) -> list[tuple[float, float]]:
    points = []
    for number, row in enumerate(rows):
        if isinstance(row.get(name), float):
            epoch = row["epoch"] if isinstance(row.get("epoch"), float) else float(number)
            points.append((epoch, row[name]))
    return points


def _panel(
    axes: Axes, theme: Theme, rows: Sequence[dict[str, Any]], title: str, lines: Sequence[tuple[str, str]]
) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    marker = "o" if len(rows) < 40 else ""
    for (column, label), colour, dash in zip(lines, (theme.first, theme.second), ("-", "--"), strict=False):
        x, y = zip(*_column(rows, column), strict=True)
        axes.plot(x, y, color=colour, linestyle=dash, marker=marker, markersize=3, linewidth=1.6, label=label)
    if title == _SCORE:
        x, y = zip(*_column(rows, lines[0][0]), strict=True)
        best = max(range(len(y)), key=y.__getitem__)
        axes.plot([x[best]], [y[best]], marker="o", markersize=8, markerfacecolor="none", color=theme.second)
        note = f"best {y[best]:.3f}, epoch {x[best]:g}"
        axes.text(0.97, 0.05, note, transform=axes.transAxes, ha="right", fontsize=8.5, color=theme.ink)
    if len(lines) > 1:
        legend = axes.legend(frameon=False, fontsize=8.5, labelcolor=theme.ink)
        legend.set_zorder(3)
    name_axes(axes, theme, title)
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if lines[0][0] == "lr":
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.2g}"))
