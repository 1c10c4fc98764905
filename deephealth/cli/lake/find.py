"""``deephealth lake find``."""

from __future__ import annotations

from typing import Annotated

import typer

from deephealth.cli.lake.options import AsJson, LakeFolderOption, open_lake

__all__ = ["find"]


def find(
    conditions: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Such as modality=CT body=CHEST 'n>=50'.")
    ] = None,
    lake: LakeFolderOption = None,
    as_json: AsJson = False,
) -> None:
    """Say how many subjects, sessions and objects there are; small numbers are not told. Needs no vault.

    Example: deephealth lake find modality=CT body=CHEST 'n>=50' --lake build/lake
    """
    from deephealth.cli.console import print_json, print_table
    from deephealth.lake.catalogue.query import find as ask

    opened = open_lake(lake)
    header, *rows = ask(opened.folder, " ".join(conditions or []), small=opened.settings.smallest).table()
    if as_json:
        print_json([dict(zip(header, row, strict=True)) for row in rows])
        return
    print_table("found", header, rows)
