"""``deephealth lake table``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deephealth.cli.lake.options import LakeFolderOption, VaultKeyOption, VaultOption, open_lake

__all__ = ["table"]


def table(
    source: Annotated[Path, typer.Argument(help="A CSV or TSV file with a column that names each row's patient.")],
    name: Annotated[str, typer.Option("--name", help="Of the table in the lake.")] = "labels",
    dataset: Annotated[str | None, typer.Option("--dataset", help="Default: the project's name.")] = None,
    columns: Annotated[
        list[str] | None, typer.Option("--column", metavar="NAME=ROLE", help="What a column holds; repeatable.")
    ] = None,
    k: Annotated[int | None, typer.Option("--k", min=1, help="Patients that must share what could be known.")] = None,
    lake: LakeFolderOption = None,
    vault: VaultOption = None,
    key: VaultKeyOption = None,
) -> None:
    """Take in a table of many patients, such as labels; rows that stand out too much are left out.

    Example: deephealth lake table build/hospital/labels.csv --lake build/lake
    """
    from deephealth.cli.console import say
    from deephealth.core.errors import ConfigError
    from deephealth.lake.formats.context import RiskPolicy
    from deephealth.lake.label_tables import add_table

    wrong = [text for text in columns or [] if "=" not in text]
    if wrong:
        raise ConfigError([f"--column {text}: NAME=ROLE is needed" for text in wrong], source="the command line")
    roles = dict(text.split("=", 1) for text in columns or [])
    opened = open_lake(lake, vault, key)
    risk = RiskPolicy(k=k or opened.settings.smallest)
    target, outcome = add_table(opened, source, name, dataset, columns=roles, risk=risk)
    say(f"{outcome.facts['table_rows']} rows -> {target}")
    for column, role in outcome.facts["columns"].items():
        say(f"  {column}: {role}")
    for note in outcome.notes:
        say(f"  {note}")
