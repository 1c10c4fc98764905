"""``deephealth run-legacy``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["run_legacy"]


def run_legacy(
    program: Annotated[Path, typer.Argument(help="The Python file to run.", show_default=False)],
    arguments: Annotated[list[str] | None, typer.Argument(help="The program's own arguments.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Reproduce the original's bugs too.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Use deephealth even where the original library is installed.")
    ] = False,
) -> None:
    """Run a program written for PyEDDL, unchanged; options of this command go before the program.

    Example: deephealth run-legacy --strict mnist_mlp.py --epochs 1
    """
    from deephealth.compat import run_program

    run_program(program, arguments or [], strict=strict, force=force)
