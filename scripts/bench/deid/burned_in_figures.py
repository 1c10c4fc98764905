"""The figures of burned_in.py: what became of each line and of each text-free picture."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

__all__ = ["fates_of", "summary", "wilson"]


def fates_of(row: dict[str, Any]) -> list[str]:
    """Return what became of each line of a case: hidden, quarantined with its whole object, or leaked."""
    if row["status"] == "doubtful":
        return ["quarantined"] * len(row["left"])
    return [
        "hidden" if left <= 0.02 and not read else "leaked" for left, read in zip(row["left"], row["read"], strict=True)
    ]


def wilson(count: int, of: int, z: float = 1.96) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927).

    Example:
        >>> wilson(9, 10)
        (0.5958, 0.9821)
    """
    if not of:
        return 0.0, 1.0
    share, extra = count / of, z * z / of
    middle, half = share + extra / 2, z * (share * (1 - share) / of + extra / (4 * of)) ** 0.5
    return round((middle - half) / (1 + extra), 4), round((middle + half) / (1 + extra), 4)


def _share(count: int, of: int) -> dict[str, Any]:
    return {"count": count, "of": of, "share": round(count / max(1, of), 5), "interval_95": wilson(count, of)}


def _turn(turned: str) -> str:
    if not turned:
        return "level"
    return "quarter turn" if turned in ("90 degrees", "180 degrees", "270 degrees") else "tilted"


def _height(note: str) -> str:
    height = int(note.split("px")[0])
    return next((f"{low}-{high} px" for low, high in ((10, 13), (14, 19), (20, 31)) if low <= height <= high), "32+ px")


def _table(rows: list[tuple[str, str]]) -> dict[str, dict[str, int]]:
    """Count fates by kind."""
    found: dict[str, Counter[str]] = {}
    for kind, fate in rows:
        found.setdefault(kind, Counter())[fate] += 1
    return {kind: dict(found[kind]) for kind in sorted(found)}


def _clean_fate(row: dict[str, Any]) -> str:
    if row["changed"]:
        return "painted"
    return "quarantined" if row["status"] == "doubtful" else row["status"]


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return counts, recall, false blanking, quarantine and times, also by kind of case."""
    text = [row for row in rows if row["wanted"] == "text"]
    clean = [row for row in rows if row["wanted"] == "clean"]
    lines = [(row, fate, turned) for row in text for fate, turned in zip(fates_of(row), row["turned"], strict=True)]
    fates = Counter(fate for _, fate, _ in lines)
    hidden, leaked = fates["hidden"], fates["leaked"]
    clean_fates = Counter(_clean_fate(row) for row in clean)
    written = [row for row in text if row["left"]]
    return {
        "text": {
            "cases": len(text), "cases_with_lines": len(written), "lines": len(lines), "hidden": hidden,
            "leaked": leaked, "quarantined": fates["quarantined"],
            "recall_of_all_lines": _share(hidden, len(lines)),
            "recall_of_lines_let_through": _share(hidden, hidden + leaked),
            "hidden_or_quarantined": _share(hidden + fates["quarantined"], len(lines)),
            "cases_quarantined": _share(sum(row["status"] == "doubtful" for row in written), len(written)),
            "cases_that_leak": sorted(row["number"] for row in text if "leaked" in fates_of(row)),
            "lines_read_by_another_though_covered": sum(
                read and left <= 0.02 for row in text if row["status"] != "doubtful"
                for left, read in zip(row["left"], row["read"], strict=True)
            ),
            "by_background": _table([(row["kind"], fate) for row, fate, _ in lines]),
            "by_turn": _table([(_turn(turned), fate) for _, fate, turned in lines]),
            "by_height": _table([(_height(row["note"]), fate) for row, fate, _ in lines]),
            "by_packing": _table([("jpeg" if "jpeg" in row["note"] else "plain", fate) for row, fate, _ in lines]),
        },
        "text_free": {
            "cases": len(clean), "painted": _share(clean_fates["painted"], len(clean)),
            "quarantined": _share(clean_fates["quarantined"], len(clean)),
            "painted_numbers": sorted(row["number"] for row in clean if row["changed"]),
            "by_background": _table([(row["kind"], _clean_fate(row)) for row in clean]),
        },
        "errors": sum(row["status"] == "error" for row in rows),
        "seconds": {
            kind: {
                "mean": round(float(np.mean([row["seconds"] for row in of])), 3),
                "median": round(float(np.median([row["seconds"] for row in of])), 3),
                "longest": max(row["seconds"] for row in of),
            }
            for kind, of in (("text", text), ("text_free", clean)) if of
        },
    }  # fmt: skip
