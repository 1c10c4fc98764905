"""``deephealth lake``: one file per command."""

from __future__ import annotations

import typer

from deephealth.cli.lake import deidentify, init, intake

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True,
    help="A data lake: files are de-identified, pseudonymised, checked, catalogued, then found and trained from.",
)
for module in (init, intake, deidentify):
    name = module.__name__.rpartition(".")[2]
    app.command(name)(getattr(module, name))
