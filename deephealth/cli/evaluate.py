"""``deephealth evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["evaluate"]


def evaluate(
    run: Annotated[Path, typer.Argument(help="Folder of a run.")],
    overrides: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="data.root and evaluate.* may change.")
    ] = None,
) -> None:
    """Measure a trained run on a split, with intervals over whole lesions and a trivial baseline beside it.

    Example: deephealth evaluate runs/skin evaluate.split=val
    """
    from deephealth.cli.summary import say_outcome
    from deephealth.usecases.evaluation import evaluate_run

    say_outcome(evaluate_run(run, overrides=list(overrides or [])))
