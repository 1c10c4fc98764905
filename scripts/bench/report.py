"""What the benchmarks found, as one Markdown table and as a plot per row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["draw", "table"]

_HEAD = ("row", "threads", "ours, ms", "against", "times as fast (95 %)", "goal", "met", "outputs")
_MEGABYTE = 1e6


def table(found: Sequence[Mapping[str, Any]]) -> str:
    """Return all figures as one Markdown table, with what was passed over and why below it."""
    lines = ["| " + " | ".join(_HEAD) + " |", "|" + "---|" * len(_HEAD)]
    lines += [
        "| " + " | ".join(cells) + " |" for figures in found if "skipped" not in figures for cells in _cells(figures)
    ]
    lines += [""] + [f"* {one['row']} ({one['title']}): {one['skipped']}" for one in found if "skipped" in one]
    lines += [f"* {line}" for line in _groups(found)]
    return "\n".join(lines).rstrip() + "\n"


def draw(figures: Mapping[str, Any], path: Path) -> None:
    """Draw how many times as fast ours is as each peer, with intervals and goals, into a PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter

    ratios = figures["ratios"]
    if not ratios:
        return
    names = list(ratios)
    times = np.array([ratios[name]["times"] for name in names])
    spread = np.array([[ratios[name][end] for name in names] for end in ("low", "high")])
    places = np.arange(len(names))
    figure = Figure(figsize=(7, 1.4 + 0.5 * len(names)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.barh(places, times, height=0.6, color="#4477aa", xerr=np.abs(spread - times), error_kw={"capsize": 3})
    goals = [
        (place, figures["goals"][name]) for place, name in zip(places, names, strict=True) if name in figures["goals"]
    ]
    for place, goal in goals:
        axes.plot([goal, goal], [place - 0.4, place + 0.4], color="#cc6677", linewidth=2, label="goal")
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_yticks(places, names)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlabel(
        "deephealth is so many times as fast (log scale; bar: 95 % interval" + ("; red: goal)" if goals else ")")
    )
    threads = figures["threads"]
    axes.set_title(f"{figures['title']}, {threads} thread{'s' if threads > 1 else ''}", fontsize=10)
    figure.savefig(path, dpi=110)


def _groups(found: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the geometric mean of each group's ratios, peer by peer, and over the fastest peer of each row."""
    measured = [figures for figures in found if figures.get("group") and figures.get("ratios")]
    for group, threads in dict.fromkeys((figures["group"], figures["threads"]) for figures in measured):
        ratios = [one["ratios"] for one in measured if (one["group"], one["threads"]) == (group, threads)]
        if len(ratios) < 2:
            continue
        times = {peer: [one[peer]["times"] for one in ratios if peer in one] for peer in dict.fromkeys(chain(*ratios))}
        fastest = [min(ratio["times"] for ratio in one.values()) for one in ratios]
        said = [f"{_mean(values):.2f}x {peer} ({len(values)} rows)" for peer, values in times.items()]
        yield f"{group}, {threads} threads, geometric mean: {_mean(fastest):.2f}x the fastest peer, {', '.join(said)}"


def _mean(ratios: Sequence[float]) -> float:
    return float(np.exp(np.mean(np.log(ratios))))


def _cells(figures: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    ours = 1000 * float(np.median(next(iter(figures["seconds"].values()))))
    facts = (figures["title"], str(figures["threads"]), f"{ours:.3g}")
    for name, ratio in figures["ratios"].items():
        goal = figures["goals"].get(name)
        asked = ("", "") if goal is None else (f"{goal:g}", "yes" if ratio["times"] >= goal else "NO")
        span = f"{ratio['times']:.2f} ({ratio['low']:.2f} to {ratio['high']:.2f})"
        yield (*facts, name, span, *asked, figures["equal"])
    for name, goal in figures.get("memory_goals", {}).items():
        ours_bytes, theirs = (figures["peaks"][key] for key in (next(iter(figures["peaks"])), name))
        share = ours_bytes / max(theirs, 1)
        said = f"memory {share:.2f}x ({ours_bytes / _MEGABYTE:.0f} / {theirs / _MEGABYTE:.0f} MB)"
        yield (*facts, name, said, f"{goal:g}", "yes" if share <= goal else "NO", "")
    if "share_of_copy" in figures:
        yield (*facts, "copy", f"{figures['share_of_copy']:.0%} of the bandwidth of a copy", "", "", "")
