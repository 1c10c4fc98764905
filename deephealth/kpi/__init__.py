"""Floor 6: what a run cost and what it is worth: recorder, KPI definitions, comparison, report.html."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deephealth.core.lazy import lazy_exports

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

__getattr__, __dir__ = lazy_exports(__name__, _HOMES)
