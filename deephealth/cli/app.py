"""The table of commands, and how an error reaches the person at the terminal."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from deephealth.cli import (
    cp,
    data,
    doctor,
    evaluate,
    export,
    kpi,
    lake,
    ls,
    predict,
    report,
    resume,
    run_legacy,
    show,
    train,
)
from deephealth.core.errors import DeepHealthError, Interrupted

__all__ = ["app"]

EXIT_ERROR = 2
EXIT_INTERRUPTED = 130  # what a shell reports after Ctrl-C


class CommandGroup(TyperGroup):
    """Commands in the order of a user's day; typed errors as text instead of a traceback."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self.commands)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except DeepHealthError as error:
            if ctx.params.get("debug"):
                raise
            label = "stopped" if isinstance(error, Interrupted) else "error"
            sys.stdout.flush()
            typer.echo(f"{label}: {error}", err=True)
            ctx.exit(EXIT_INTERRUPTED if isinstance(error, Interrupted) else EXIT_ERROR)


app = typer.Typer(
    cls=CommandGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="First steps: deephealth ls · deephealth show uc12-skin · deephealth data generate uc12-skin DIR -n 200",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from deephealth import __version__

        typer.echo(f"deephealth {__version__}")
        raise typer.Exit


@app.callback()
def root(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show log messages.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Deep learning for biomedicine: use cases that train, evaluate, export and serve from one command."""
    if verbose:
        from deephealth.core.log import enable_logging

        enable_logging()


for module, name in (
    (ls, "ls"),
    (show, "show"),
    (cp, "cp"),
    (train, "train"),
    (resume, "resume"),
    (predict, "predict"),
    (evaluate, "evaluate"),
    (report, "report"),
    (export, "export"),
    (kpi, "kpi"),
    (doctor, "doctor"),
):
    app.command(name)(getattr(module, name))
# what follows the program belongs to the program, whatever it looks like
app.command("run-legacy", context_settings={"allow_interspersed_args": False})(run_legacy.run_legacy)
app.add_typer(data.app, name="data")
app.add_typer(lake.app, name="lake")
