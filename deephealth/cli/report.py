"""``deephealth report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["report"]


def report(run: Annotated[Path, typer.Argument(help="Folder of a run.")]) -> None:
    """Write the run's report.html: one file that needs nothing else.

    Example: deephealth report runs/skin
    """
    from deephealth.cli.summary import say_outcome
    from deephealth.usecases.evaluation import report_run

    say_outcome(report_run(run))
