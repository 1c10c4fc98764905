"""``deephealth lake``: one file per command."""

from __future__ import annotations

import typer

from deephealth.cli.lake import (
    arrange,
    audit,
    cohort,
    consent,
    deidentify,
    find,
    generate,
    init,
    intake,
    quarantine,
    receive,
    report,
    status,
    table,
    vault,
    verify,
)

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True,
    help="A data lake: files are de-identified, pseudonymised, checked, catalogued, then found and trained from.",
)
for module in (generate, init, intake, receive, table, arrange, verify, report, status, find, cohort, deidentify):
    name = module.__name__.rpartition(".")[2]
    app.command(name)(getattr(module, name))
app.command("register")(cohort.register)
for module in (quarantine, consent, vault, audit):
    app.add_typer(module.app, name=module.__name__.rpartition(".")[2])
