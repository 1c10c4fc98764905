"""``python -m deephealth.compat [--strict] [--force] PROGRAM …`` runs a program written for the original libraries."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from deephealth.compat.run import run_program
from deephealth.core.errors import MissingDataError

__all__ = ["main"]


def main(arguments: Sequence[str]) -> None:
    """Read the command line and run the program."""
    parser = argparse.ArgumentParser(
        prog="python -m deephealth.compat",
        description="Run a program written for the original libraries on deephealth.",
    )
    parser.add_argument("--strict", action="store_true", help="reproduce the original's bugs too")
    parser.add_argument("--force", action="store_true", help="use deephealth even where the original is installed")
    parser.add_argument("program", help="the Python file to run")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="the program's own arguments")
    options = parser.parse_args(arguments)
    try:
        run_program(options.program, options.arguments, strict=options.strict, force=options.force)
    except MissingDataError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main(sys.argv[1:])
