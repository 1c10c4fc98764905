"""``report.html``: one file that tells the whole run and needs nothing else, not even scripts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import metadata, resources
from pathlib import Path
from typing import Any

from deephealth.core.files import atomic_write
from deephealth.core.units import format_seconds
from deephealth.kpi.definitions import run_kpis
from deephealth.kpi.figures.training import training_curves
from deephealth.kpi.run_record import RunRecord
from deephealth.kpi.sections import crossing_groups, data_rows, evaluation_parts, flat

__all__ = ["render_report", "write_report"]


def write_report(run_dir: Path | str) -> Path:
    """Write the report of a run into its folder.

    Args:
        run_dir: the run; a part that is missing (not evaluated yet, say) is named in the report.

    Returns:
        Path of ``report.html``.

    Raises:
        MissingDataError: there is no run in the folder.
        StorageError: the folder can't be written.
    """
    path = Path(run_dir) / "report.html"
    atomic_write(path, render_report(RunRecord.read(run_dir)))
    return path


def render_report(record: RunRecord) -> str:
    """Return the report as HTML; every text out of files is escaped."""
    from jinja2 import Environment, StrictUndefined

    def source(name: str) -> str:
        return resources.files("deephealth.kpi").joinpath("templates", name).read_text(encoding="utf-8")

    # autoescape is on for every name: class names and file names come from outside
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(source("report.html.j2")).render(css=source("report.css"), **_context(record))


def _context(record: RunRecord) -> dict[str, Any]:
    evaluations = [
        evaluation_parts(metrics, split, record.path / "evaluation" / split)
        for split, metrics in record.evaluations.items()
    ]
    data_columns, data_table = data_rows(record.data, record.split_rows)
    return {
        "name": record.name,
        "usecase": str(record.config.get("usecase") or "unknown use case"),
        "task": record.task or "unknown task",
        "model": str(_at(record.config, "model", "name") or "unknown model"),
        "pretrained": str(_at(record.config, "model", "pretrained") or ""),
        "seed": record.config.get("seed"),
        "made": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "version": _version(),
        "evaluations": evaluations,
        "first": evaluations[0] if evaluations else None,
        "curves": training_curves(record.epochs, record.score_column or "val_score"),
        "num_epochs": len(record.epochs),
        "score_column": record.score_column,
        "crossing": crossing_groups(record.split_rows),
        "data_columns": data_columns,
        "data_table": data_table,
        "data_facts": [row for row in flat(_data_facts(record.data)) if row[1]],
        "data_problems": [str(problem) for problem in record.data.get("problems") or []],
        "kpis": run_kpis(record),
        # the leg that is writing this very report has no end yet
        "legs": [leg for leg in record.legs if (leg.name, leg.status) != ("report", "cut off")],
        "seconds": format_seconds,
        "config_text": record.config_text,
        "environment": flat(record.environment),
        "problems": record.problems,
    }


def _data_facts(data: Mapping[str, Any]) -> dict[str, Any]:
    names = {"layout": "layout", "split_source": "split", "licence": "licence", "citation": "citation"}
    return {shown: data[key] for key, shown in names.items() if data.get(key)}


def _at(config: Mapping[str, Any], section: str, key: str) -> Any:
    found = config.get(section)
    return found.get(key) if isinstance(found, Mapping) else None


def _version() -> str:
    try:
        return metadata.version("deephealth")
    except metadata.PackageNotFoundError:
        return "not installed"
