"""Segmentation: how the Jaccard scores are spread, and predicted against true area."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from deephealth.kpi.figures.style import Picture, Theme, new_figure, render

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["area_scatter", "jaccard_histogram"]

# More marks than this only make the report heavier.
_MOST_POINTS = 1000


def jaccard_histogram(jaccards: Sequence[float | None], *, floor: float = 0.65) -> Picture | None:
    """Draw how many images reach which Jaccard score, with the median and the failure floor; ``None`` without any."""
    known = sorted(value for value in jaccards if value is not None)
    if not known:
        return None
    median = known[len(known) // 2] if len(known) % 2 else (known[len(known) // 2 - 1] + known[len(known) // 2]) / 2

    def draw(theme: Theme) -> Figure:
        figure, (axes,) = new_figure(theme, 4.4, 3.3)
        axes.hist(known, bins=[step / 40 for step in range(41)], color=theme.first, alpha=0.85)
        axes.axvline(floor, color=theme.second, linewidth=1.4, linestyle="--", label=f"counts as failed below {floor}")
        axes.axvline(median, color=theme.ink, linewidth=1.4, label=f"median {median:.3f}")
        axes.set_xlim(0, 1)
        axes.set_xlabel("Jaccard")
        axes.set_ylabel("images")
        axes.legend(frameon=False, fontsize=8.5, labelcolor=theme.ink, loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
        return figure

    return render(draw, f"Histogram of the Jaccard scores of {len(known)} images, median {median:.3f}.")


def area_scatter(areas: Sequence[Sequence[float]]) -> Picture | None:
    """Draw predicted against true area, as shares of the image; ``None`` without areas."""
    if not areas:
        return None
    step = -(-len(areas) // _MOST_POINTS)
    true, predicted = zip(*((100 * pair[0], 100 * pair[1]) for pair in areas[::step]), strict=True)

    def draw(theme: Theme) -> Figure:
        figure, (axes,) = new_figure(theme, 3.6, 3.3)
        top = min(100.0, max(*true, *predicted) * 1.05 + 1)
        axes.plot([0, top], [0, top], color=theme.muted, linestyle=":", linewidth=1.2)
        axes.scatter(true, predicted, s=9, color=theme.first, alpha=0.45, linewidths=0)
        axes.set_xlim(0, top)
        axes.set_ylim(0, top)
        axes.set_aspect("equal")
        axes.set_xlabel("true area (% of the image)")
        axes.set_ylabel("predicted area (%)")
        return figure

    return render(draw, "Predicted against true area of each image.")
