"""``deephealth predict``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["predict"]


def predict(
    run: Annotated[Path, typer.Argument(help="Folder of a run or of a saved model.")],
    paths: Annotated[list[str], typer.Argument(help="Image files, folders, or zip archives.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The CSV file; masks and overlays go beside it.")] = Path(
        "predictions.csv"
    ),
    tta: Annotated[str | None, typer.Option("--tta", help="Test-time augmentation; default: the model's own.")] = None,
    overlays: Annotated[bool, typer.Option("--overlays/--no-overlays", help="Draw the predicted contours.")] = True,
    skip_unreadable: Annotated[
        bool, typer.Option("--skip-unreadable", help="Go on past files that can't be read, and list them.")
    ] = False,
) -> None:
    """Predict raw image files: one row per file, masks and overlays in source size.

    Example: deephealth predict runs/skin photos/ --out predictions.csv
    """
    from deephealth.cli.console import say
    from deephealth.usecases.predicting import predict_files
    from deephealth.usecases.progress_bar import bar

    with bar("predicting") as update:
        result = predict_files(
            run, paths, out, tta=tta, overlays=overlays, skip_unreadable=skip_unreadable, progress=update
        )
    for failure in result.failures:
        say(f"skipped: {failure}")
    say(f"{result.count} files -> {result.table}")
    for folder in result.folders:
        say(f"  {folder}")
