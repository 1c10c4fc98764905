"""``deephealth lake arrange``."""

from __future__ import annotations

from typing import Annotated

import typer

from deephealth.cli.lake.options import LakeFolderOption, open_lake

__all__ = ["arrange"]


def arrange(
    dataset: Annotated[str | None, typer.Option("--dataset", help="Default: the project's name.")] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Check the layout too, ours and the BIDS validator's.")
    ] = False,
    lake: LakeFolderOption = None,
) -> None:
    """Make images, tables, index and cards of a data set that are missing; the intake does it too.

    Exit code 1 when a check finds an error. Example: deephealth lake arrange --check --lake build/lake
    """
    from deephealth.cli.console import say
    from deephealth.lake.arranging import arrange_lake
    from deephealth.lake.layout.bids_validator import bids_validator
    from deephealth.lake.layout.validate import check_layout
    from deephealth.usecases.progress_bar import bar

    opened = open_lake(lake)
    name = dataset or opened.settings.project
    with bar("arranging") as update:
        arranged = arrange_lake(opened, name, progress=update)
    if arranged is not None:
        say(f"{len(arranged.made)} files made, {len(arranged.kept)} kept, {len(arranged.removed)} removed")
        for reason, count in arranged.left.most_common():
            say(f"  {count} objects stay as they are: {reason}")
    if check:
        folder = opened.folder.dataset(name)
        problems, report = check_layout(folder), bids_validator(folder)
        for line in [*map(str, problems), *map(str, report.errors)]:
            say(f"  {line}")
        say(f"layout: {len(problems)} problems; BIDS validator: {len(report.errors)} errors")
        if problems or report.errors:
            raise typer.Exit(1)
