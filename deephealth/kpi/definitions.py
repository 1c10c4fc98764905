"""The project's KPIs: what each means, in words that are printed with the number, and how it follows from the files.

The names are those of the DeepHealth project (group 1: times). Its formal definitions were never published; those below
are this toolkit's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deephealth.core.units import format_bytes, format_seconds
from deephealth.kpi.legs import Leg, total
from deephealth.kpi.run_record import RunRecord

__all__ = ["Kpi", "run_kpis", "time_to_score"]

# Time-to-accuracy needs a target; without one, this share of the run's own best score is taken.
_NEARLY_BEST = 0.99
_TO_PRODUCTION = ("prepare", "train", "evaluate", "export")
_IF_THERE = ("tune", "deploy")


@dataclass(frozen=True, slots=True)
class Kpi:
    """One key performance indicator of a run.

    Args:
        name: short name for tables and JSON.
        title: for people.
        value: ``None`` when it can't be told; then the note says why.
        unit: ``s``, ``s/item``, ``items/s``, ``bytes`` or ``1``.
        definition: what the number means.
        note: what is particular to this run.
    """

    name: str
    title: str
    value: float | None
    unit: str
    definition: str
    note: str = ""

    @property
    def text(self) -> str:
        """The value for people."""
        if self.value is None:
            return "unknown"
        if self.unit == "bytes":
            return format_bytes(self.value)
        if self.unit in ("s", "s/item"):
            return format_seconds(self.value) + (" per image" if self.unit == "s/item" else "")
        return f"{self.value:.3g}" + (f" {self.unit}" if self.unit != "1" else "")


def run_kpis(run: Path | str | RunRecord, *, target: float | None = None) -> list[Kpi]:
    """Return the KPIs of a run, from ``kpi.jsonl`` and ``metrics.csv``.

    Args:
        run: folder of the run, or what was read from it.
        target: validation score for the time-to-target; default: 99 % of the run's own best.

    Raises:
        MissingDataError: there is no run.
    """
    record = run if isinstance(run, RunRecord) else RunRecord.read(run)
    legs = record.legs
    prepare, train, evaluate = (total(legs, name) for name in ("prepare", "train", "evaluate"))
    return [
        _topi(prepare),
        _per_item(
            "topi_per_image", "time of pre-processing, per image", prepare, "topi divided by the number of images."
        ),
        _ttm(legs, train),
        _to_target(record, train, target),
        _ttmip(legs),
        _rate(
            "preprocessing_rate", "pre-processing speed", prepare, "images of the prepare leg per second of wall time."
        ),
        _per_item(
            "evaluation_per_image",
            "evaluation time, per image",
            evaluate,
            "wall time of the evaluate leg divided by its images: reading, resizing, network, metrics, drawing.",
        ),
        _parallelism(legs),
        _memory(legs),
    ]


def _missing(leg: str) -> str:
    return f"no '{leg}' leg was recorded"


def _topi(prepare: Leg | None) -> Kpi:
    definition = (
        "topi: wall time from raw files on disk to training-ready images: decode, resize, write the cache. "
        "Legs of resumed runs add up; images that the cache held already cost nothing."
    )
    title = "time of pre-processing images"
    if prepare is None:
        return Kpi("topi", title, None, "s", definition, _missing("prepare"))
    note = f"{prepare.items if prepare.items is not None else 'unknown number of'} images, {prepare.cores} cores"
    return Kpi("topi", title, prepare.wall_s, "s", definition, note)


def _ttm(legs: Sequence[Leg], train: Leg | None) -> Kpi:
    definition = (
        "ttm: wall time of the training call, validation and checkpoints included, to the last epoch of the schedule. "
        "An interrupted training counts up to its last sign of life, and resumed parts add up."
    )
    title = "time to train models"
    if train is None:
        return Kpi("ttm", title, None, "s", definition, _missing("train"))
    parts = sum(leg.name == "train" for leg in legs)
    note = f"{train.cores} cores" + (f"; {parts} parts" if parts > 1 else "")
    return Kpi(
        "ttm", title, train.wall_s, "s", definition, note + ("" if train.status == "done" else f"; {train.status}")
    )


def _to_target(record: RunRecord, train: Leg | None, target: float | None) -> Kpi:
    definition = (
        "ttm to target: the part of ttm up to the end of the first epoch whose validation score reaches the target "
        "(time to accuracy)."
    )
    name, title = "ttm_to_target", "time to the target score"
    column = record.score_column
    scores = [row[column] for row in record.epochs if isinstance(row.get(column), float)]
    if train is None or not scores:
        why = _missing("train") if train is None else "metrics.csv holds no validation score"
        return Kpi(name, title, None, "s", definition, why)
    wanted = _NEARLY_BEST * max(scores) if target is None else target
    origin = "99 % of this run's best" if target is None else "given"
    found = time_to_score(record.epochs, wanted, train.wall_s, column=column)
    if found is None:
        return Kpi(
            name,
            title,
            None,
            "s",
            definition,
            f"target {wanted:.4f} ({origin}) was never reached; best {max(scores):.4f}",
        )
    seconds, epoch, how = found
    return Kpi(
        name, title, seconds, "s", definition, f"target {wanted:.4f} ({origin}), reached in epoch {epoch}; {how}"
    )


def time_to_score(
    rows: Sequence[dict[str, Any]], target: float, wall_s: float, *, column: str = "val_score"
) -> tuple[float, int, str] | None:
    """Return seconds, epoch and how the seconds are known, for the first epoch that reaches a score.

    Args:
        rows: of ``metrics.csv``; its column ``seconds`` holds the time since the start, else epochs share it equally.
        target: validation score; higher is better.
        wall_s: of the whole training.
        column: of the score.

    Example:
        >>> time_to_score([{"epoch": 0.0, "val_score": 0.5}, {"epoch": 1.0, "val_score": 0.7}], 0.6, 100.0)
        (100.0, 1, 'epochs taken as equally long')
    """
    for number, row in enumerate(rows, 1):
        score = row.get(column)
        if not isinstance(score, float) or score < target:
            continue
        epoch = int(row["epoch"]) if isinstance(row.get("epoch"), float) else number - 1
        if isinstance(row.get("seconds"), float):
            return row["seconds"], epoch, "as recorded"
        return wall_s * number / len(rows), epoch, "epochs taken as equally long"
    return None


def _ttmip(legs: Sequence[Leg]) -> Kpi:
    sums = {name: total(legs, name) for name in (*_TO_PRODUCTION, *_IF_THERE)}
    known = {name: leg.wall_s for name, leg in sums.items() if leg is not None}
    definition = (
        "ttmip: sum of the wall times of prepare, tune (if any), train, evaluate, export and deploy (if any): from the "
        "labelled data set to an exported, validated model. Reports are not part of it."
    )
    missing = [name for name in _TO_PRODUCTION if name not in known]
    note = " + ".join(f"{name} {format_seconds(seconds)}" for name, seconds in known.items())
    if missing:
        note = f"INCOMPLETE, no leg of: {', '.join(missing)}" + (f"; so far {note}" if note else "")
    return Kpi("ttmip", "time to model in production", sum(known.values()) if known else None, "s", definition, note)


def _per_item(name: str, title: str, leg: Leg | None, definition: str) -> Kpi:
    value = leg.wall_s / leg.items if leg is not None and leg.items else None
    return Kpi(
        name, title, value, "s/item", definition, "" if value is not None else "the leg or its item count is missing"
    )


def _rate(name: str, title: str, leg: Leg | None, definition: str) -> Kpi:
    value = leg.items / leg.wall_s if leg is not None and leg.items and leg.wall_s > 0 else None
    return Kpi(
        name, title, value, "items/s", definition, "" if value is not None else "the leg or its item count is missing"
    )


def _parallelism(legs: Sequence[Leg]) -> Kpi:
    wall, cpu = sum(leg.wall_s for leg in legs), sum(leg.cpu_s for leg in legs)
    definition = "CPU seconds divided by wall seconds, all legs: how many cores were busy on average."
    return Kpi(
        "busy_cores",
        "busy cores",
        cpu / wall if wall > 0 else None,
        "1",
        definition,
        f"{cpu:.0f} CPU s in {wall:.0f} s",
    )


def _memory(legs: Sequence[Leg]) -> Kpi:
    peak = max((leg.peak_rss_bytes for leg in legs if leg.peak_rss_bytes is not None), default=None)
    definition = "largest resident memory of the main process over all legs (worker processes not included)."
    return Kpi("peak_memory", "peak memory", peak, "bytes", definition, "" if peak is not None else "not recorded")
