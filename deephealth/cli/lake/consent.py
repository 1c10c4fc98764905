"""``deephealth lake consent``: record, withdraw, show."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from deephealth.cli.lake.options import LakeFolderOption, VaultKeyOption, VaultOption, open_lake

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Consents of patients, sealed in the vault.")

Patient = Annotated[str, typer.Argument(help="The hospital's number of the patient.")]
_DAYS = ["%Y-%m-%d"]


@app.command()
def record(
    patient: Patient,
    given: Annotated[datetime, typer.Option("--given", formats=_DAYS, help="Day of the signature.")],
    scopes: Annotated[
        list[str] | None, typer.Option("--scope", help="What for; repeatable; default: research.")
    ] = None,
    version: Annotated[str, typer.Option("--form", help="Version of the form that was signed.")] = "1",
    expires: Annotated[datetime | None, typer.Option("--expires", formats=_DAYS, help="Last day of its force.")] = None,
    lake: LakeFolderOption = None,
    vault: VaultOption = None,
    key: VaultKeyOption = None,
) -> None:
    """Record a consent. Example: deephealth lake consent record 4711 --given 2024-01-31 --form 2.1."""
    from deephealth.cli.console import say
    from deephealth.lake.vault.consent import Consent, ConsentBook

    book = ConsentBook(open_lake(lake, vault, key).vault)
    until = expires.date() if expires else None
    book.record(Consent(patient, frozenset(scopes or ["research"]), version, given.date(), until))
    say("recorded")


@app.command()
def withdraw(
    patient: Patient,
    lake: LakeFolderOption = None,
    vault: VaultOption = None,
    key: VaultKeyOption = None,
) -> None:
    """Take a patient out of the lake for good, prove it, and list the models that saw the data.

    Exit code 1 when a trace was left. Example: deephealth lake consent withdraw 4711
    """
    from deephealth.cli.console import say
    from deephealth.lake.withdrawing import withdraw as run
    from deephealth.usecases.progress_bar import bar

    with bar("removing") as update:
        removal = run(open_lake(lake, vault, key), patient, progress=update)
    say(f"{removal.files} files and {removal.rows} rows removed; cohorts: {', '.join(removal.cohorts) or 'none'}")
    for seen in removal.runs:
        say(f"a model saw this subject: {seen}")
    for trace in removal.traces:
        say(f"LEFT: {trace}")
    say(f"proven: nothing of the subject is left; record {removal.record}" if removal.is_proven else "NOT done")
    if not removal.is_proven:
        raise typer.Exit(1)


@app.command()
def show(
    patient: Patient,
    lake: LakeFolderOption = None,
    vault: VaultOption = None,
    key: VaultKeyOption = None,
) -> None:
    """Show what was recorded for a patient. Example: deephealth lake consent show 4711."""
    from deephealth.cli.console import say
    from deephealth.lake.vault.consent import ConsentBook

    history = ConsentBook(open_lake(lake, vault, key).vault).history(patient)
    for line in history:
        say(str(line))
    if not history:
        say("nothing is recorded")
