"""``deephealth kpi``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["kpi"]


def kpi(
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs.")],
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Show the project's KPIs of one or more runs side by side.

    Example: deephealth kpi runs/skin runs/skin-384px
    """
    from deephealth.cli.console import print_json, print_table
    from deephealth.kpi.compare import compare_runs

    columns, rows = compare_runs(runs)
    if as_json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
        return
    print_table("KPIs", columns, rows)
