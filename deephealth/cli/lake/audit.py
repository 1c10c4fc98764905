"""``deephealth lake audit``: verify, show."""

from __future__ import annotations

from typing import Annotated

import typer

from deephealth.cli.lake.options import AsJson, LakeFolderOption, VaultKeyOption, VaultOption, open_lake

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="The hash-chained log of what was done.")


@app.command()
def verify(
    lake: LakeFolderOption = None, vault: VaultOption = None, key: VaultKeyOption = None, as_json: AsJson = False
) -> None:
    """Prove every line of the log, their order, and both ends. Exit code 1 when something was changed.

    Example: deephealth lake audit verify --lake build/lake
    """
    from dataclasses import asdict

    from deephealth.cli.console import print_json, say

    report = open_lake(lake, vault, key).log.verify()
    if as_json:
        print_json(asdict(report))
    elif report.ok:
        say(f"whole: {report.events} events in {report.files} files, {report.first} to {report.last}")
    elif report.problem is not None:
        say(f"CHANGED: {report.problem.what} ({report.problem.file}, line {report.problem.line})")
    if not report.ok:
        raise typer.Exit(1)


@app.command()
def show(
    lake: LakeFolderOption = None,
    last: Annotated[int, typer.Option("--last", min=1, help="How many events.")] = 20,
    vault: VaultOption = None,
    key: VaultKeyOption = None,
    as_json: AsJson = False,
) -> None:
    """Show the last events. Example: deephealth lake audit show --last 5."""
    from collections import deque

    from deephealth.cli.console import print_json, print_table

    events = deque(open_lake(lake, vault, key).log.events(), maxlen=last)
    if as_json:
        print_json(list(events))
        return
    rows = [
        (one["time"], one["kind"], one["who"], one["what"], " ".join(f"{k}={v}" for k, v in one["counts"].items()))
        for one in events
    ]
    print_table("audit", ("time", "kind", "who", "what", "counts"), rows)
