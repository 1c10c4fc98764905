"""Read the recorder's lines back: one leg per start, whatever became of it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Leg", "read_legs", "total"]


@dataclass(frozen=True, slots=True)
class Leg:
    """One leg of a run.

    Args:
        name: ``prepare``, ``train``, ...
        wall_s: wall-clock seconds.
        cpu_s: CPU seconds of the process and its workers.
        items: samples worked through, if known.
        cores: cores it could use.
        peak_rss_bytes: largest resident memory of the process up to its end.
        status: ``done``, ``interrupted``, ``failed``; ``cut off`` when its end was never written (crash, or running).
        started: time in UTC.
    """

    name: str
    wall_s: float
    cpu_s: float
    items: int | None
    cores: int | None
    peak_rss_bytes: int | None
    status: str
    started: str


def read_legs(path: Path | str) -> list[Leg]:
    """Return the legs of a ``kpi.jsonl`` in the order they started; none when there is no file.

    Lines that a crash cut short are passed over.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []
    merged: dict[str, dict[str, Any]] = {}
    for record in filter(None, map(_parsed, lines)):
        kept = merged.setdefault(str(record.get("id")), {"status": "cut off", "started": record.get("time", "")})
        kept.update({key: value for key, value in record.items() if key != "time" and value is not None})
    return [_leg(record) for record in merged.values() if "leg" in record]


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except json.JSONDecodeError:
        return None
    return record if isinstance(record, dict) else None


def _leg(record: dict[str, Any]) -> Leg:
    return Leg(
        name=str(record["leg"]),
        wall_s=float(record.get("wall_s", 0)),
        cpu_s=float(record.get("cpu_s", 0)),
        items=record.get("items"),
        cores=record.get("cores"),
        peak_rss_bytes=record.get("peak_rss_bytes"),
        status=str(record["status"]),
        started=str(record["started"]),
    )


def total(legs: Iterable[Leg], name: str) -> Leg | None:
    """Return the sum of all legs called ``name``: a resumed training is one training; ``None`` when there is none.

    Wall and CPU seconds add up; the items are those of the leg that had most, since a resumed leg covers the same data.
    """
    found = [leg for leg in legs if leg.name == name]
    if not found:
        return None
    return Leg(
        name=name,
        wall_s=sum(leg.wall_s for leg in found),
        cpu_s=sum(leg.cpu_s for leg in found),
        items=max((leg.items for leg in found if leg.items is not None), default=None),
        cores=max((leg.cores for leg in found if leg.cores is not None), default=None),
        peak_rss_bytes=max((leg.peak_rss_bytes for leg in found if leg.peak_rss_bytes is not None), default=None),
        status=found[-1].status,
        started=found[0].started,
    )
