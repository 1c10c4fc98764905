"""``deephealth export``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["export"]


class Target(StrEnum):
    """Formats a model can be written in."""

    onnx = "onnx"
    folder = "folder"


def export(
    run: Annotated[Path, typer.Argument(help="Folder of a run or of a saved model.")],
    to: Annotated[
        Target, typer.Option("--to", help="onnx: one file with pre- and post-processing in it.")
    ] = Target.onnx,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Where; default: RUN/export.")] = None,
) -> None:
    """Export the model, run the export on real samples, and print by how much it differs.

    Example: deephealth export runs/skin --to onnx
    """
    from deephealth.cli.console import say
    from deephealth.usecases.exporting import export_run

    for line in export_run(run, to=to.value, out=out):
        say(line)
