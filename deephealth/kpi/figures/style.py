"""How figures look: two themes, a palette that colour-blind readers can tell apart, SVG without scripts or fonts.

Only matplotlib's object-oriented interface is used, so that drawing a report changes nothing in the caller's program.
Palette: Okabe and Ito, Color Universal Design, 2008; lighter variants on dark pages.
"""

from __future__ import annotations

import base64
import io
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["DARK", "LIGHT", "Picture", "Theme", "name_axes", "new_figure", "plain", "render", "tidy"]


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours of a page.

    Args:
        ink: text and main lines.
        muted: ticks, reference lines.
        grid: grid lines.
        first: colour of the first series.
        second: colour of the second series.
        third: colour of the third series.
        page: background behind the figure, for gaps between marks.
    """

    ink: str
    muted: str
    grid: str
    first: str
    second: str
    third: str
    page: str


# no date: the same run gives the same figure
_NO_METADATA = {"Date": None, "Creator": None}

LIGHT = Theme("#1f2328", "#6b7280", "#e2e5ea", "#0072b2", "#d55e00", "#009e73", "#ffffff")
DARK = Theme("#e6e8eb", "#9aa2ad", "#343a43", "#56b4e9", "#f0a35e", "#3ec79d", "#16191d")


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawn figure, ready for ``<picture>``.

    Args:
        light: data URI for light pages and for print.
        dark: data URI for dark pages.
        alt: what it shows, for readers who can't see it.
    """

    light: str
    dark: str
    alt: str


def plain(text: object, limit: int = 24) -> str:
    r"""Return text that matplotlib draws letter by letter: no formulas, no control characters, not too long.

    Example:
        >>> plain("a$b"), plain("x" * 30, 5)
        ('a\\$b', 'xxxx…')
    """
    shown = "".join(letter if letter.isprintable() else "?" for letter in str(text))
    shown = shown if len(shown) <= limit else shown[: limit - 1] + "…"
    return shown.replace("$", r"\$")


def new_figure(
    theme: Theme,
    width: float,
    height: float,
    rows: int = 1,
    columns: int = 1,
    *,
    heights: Sequence[float] | None = None,
    gaps: tuple[float, float] = (0.2, 0.2),
) -> tuple[Figure, list[Axes]]:
    """Return a figure of ``width`` x ``height`` inches and its axes, row by row, in the theme's colours.

    Args:
        theme: colours.
        width: inches.
        height: inches.
        rows: of axes.
        columns: of axes.
        heights: how the rows share the height.
        gaps: between rows and between columns, in heights and widths of a panel.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height))
    figure.patch.set_alpha(0)
    spacing = {"hspace": gaps[0], "wspace": gaps[1]}
    axes = list(figure.subplots(rows, columns, squeeze=False, height_ratios=heights, gridspec_kw=spacing).ravel())
    for one in axes:
        tidy(one, theme)
    return figure, axes


def tidy(axes: Axes, theme: Theme) -> None:
    """Give axes the theme: two thin spines, a quiet grid, small text."""
    axes.patch.set_alpha(0)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(theme.muted)
        axes.spines[side].set_linewidth(0.8)
    axes.tick_params(colors=theme.muted, labelsize=8.5, width=0.8, length=3)
    axes.grid(visible=True, color=theme.grid, linewidth=0.7)
    axes.set_axisbelow(True)
    for text in (axes.xaxis.label, axes.yaxis.label):
        text.set_color(theme.ink)
        text.set_fontsize(9.5)


def name_axes(axes: Axes, theme: Theme, title: str) -> None:
    """Write a heading over axes, on the left."""
    axes.set_title(plain(title), loc="left", fontsize=10, color=theme.ink)


def render(draw: Callable[[Theme], Figure], alt: str) -> Picture:
    """Draw a figure, and give it the dark theme's colours too: in an SVG they are words that can be exchanged."""
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # letters that the font lacks are drawn as boxes: good enough for a label
        draw(LIGHT).savefig(stream, format="svg", bbox_inches="tight", pad_inches=0.05, metadata=_NO_METADATA)
    light = stream.getvalue().decode()
    exchange = {getattr(LIGHT, name): getattr(DARK, name) for name in LIGHT.__slots__}
    dark = re.sub("|".join(exchange), lambda found: exchange[found[0]], light)
    return Picture(_data_uri(light), _data_uri(dark), alt)


def _data_uri(svg: str) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
