"""``deephealth resume``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["resume"]


def resume(
    run: Annotated[Path, typer.Argument(help="Folder of the run.")],
    overrides: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Only trainer.max_epochs may change.")
    ] = None,
) -> None:
    """Go on with a run that was stopped, from its newest whole checkpoint; the result is that of the unbroken run.

    Example: deephealth resume runs/skin
    """
    from deephealth.cli.summary import say_outcome
    from deephealth.usecases.training import resume_run

    say_outcome(resume_run(run, overrides=list(overrides or [])))
