"""The KPIs of several runs side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from deephealth.kpi.definitions import run_kpis
from deephealth.kpi.run_record import RunRecord

__all__ = ["compare_runs", "format_score", "format_table"]


def format_score(score: dict[str, Any] | None, *, digits: int = 3) -> str:
    """Return a score with its interval for people.

    Example:
        >>> format_score({"value": 0.7213, "low": 0.69, "high": 0.751})
        '0.721 (0.690 to 0.751)'
        >>> format_score({"value": None, "low": None, "high": None})
        'undefined'
    """
    if not score or score.get("value") is None:
        return "undefined"
    # z: what rounds to zero has no sign
    text = f"{score['value']:z.{digits}f}"
    if score.get("low") is None or score.get("high") is None:
        return text
    return f"{text} ({score['low']:z.{digits}f} to {score['high']:z.{digits}f})"


def compare_runs(runs: Sequence[Path | str]) -> tuple[list[str], list[list[str]]]:
    """Return column titles and rows: one column per run, one row per score and KPI.

    Args:
        runs: folders of runs.

    Raises:
        MissingDataError: one of them holds no run.
    """
    records = [RunRecord.read(run) for run in runs]
    rows = [["use case", *(str(record.config.get("usecase", "")) for record in records)]]
    rows.append(["task", *(record.task for record in records)])
    for split in ("test", "val", "train"):
        if any(split in record.evaluations for record in records):
            rows.append([f"score ({split})", *(_headline(record, split) for record in records)])
    tables = [{kpi.name: kpi for kpi in run_kpis(record)} for record in records]
    for name, kpi in tables[0].items() if tables else ():
        rows.append([kpi.title, *(_cell(table[name].text, table[name].note) for table in tables)])
    return ["", *(record.name for record in records)], rows


def _cell(text: str, note: str) -> str:
    return f"{text} (incomplete)" if note.startswith("INCOMPLETE") else text


def _headline(record: RunRecord, split: str) -> str:
    metrics = record.evaluations.get(split)
    if metrics is None:
        return "not measured"
    name = str(metrics.get("headline"))
    return f"{name} {format_score(metrics['scores'].get(name))}"


def format_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table as aligned plain text.

    Example:
        >>> print(format_table(["", "a"], [["x", "1"]]))
           a
        x  1
    """
    table = [list(columns), *(list(row) for row in rows)]
    widths = [max(len(row[index]) for row in table) for index in range(len(columns))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in table)
    return "\n".join(line.rstrip() for line in lines)
