"""Floor 6: what a run cost and what it is worth: recorder, KPI definitions, comparison, report.html."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deephealth.kpi.compare import compare_runs, format_table
    from deephealth.kpi.definitions import Kpi, run_kpis
    from deephealth.kpi.legs import Leg, read_legs
    from deephealth.kpi.recorder import LEGS, Recorder
    from deephealth.kpi.report import write_report

__all__ = ["LEGS", "Kpi", "Leg", "Recorder", "compare_runs", "format_table", "read_legs", "run_kpis", "write_report"]

_HOMES = {
    "LEGS": "recorder",
    "Kpi": "definitions",
    "Leg": "legs",
    "Recorder": "recorder",
    "compare_runs": "compare",
    "format_table": "compare",
    "read_legs": "legs",
    "run_kpis": "definitions",
    "write_report": "report",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
