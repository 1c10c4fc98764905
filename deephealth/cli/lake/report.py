"""``deephealth lake report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deephealth.cli.lake.options import LakeFolderOption, VaultKeyOption, VaultOption, open_lake

__all__ = ["report"]


def report(
    out: Annotated[Path, typer.Option("--out", "-o", help="The HTML file to write.")] = Path("lake-report.html"),
    samples: Annotated[int, typer.Option("--samples", min=0, max=12, help="Pictures with what was painted over.")] = 12,
    lake: LakeFolderOption = None,
    vault: VaultOption = None,
    key: VaultKeyOption = None,
) -> None:
    """Write what was done and how it was checked, for a data protection officer: one HTML file, no identifiers.

    Example: deephealth lake report --lake build/lake --out build/report.html
    """
    from deephealth.cli.console import say
    from deephealth.lake.check.report import write_report

    say(f"report -> {write_report(open_lake(lake, vault, key), out, samples=samples)}")
