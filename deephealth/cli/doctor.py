"""``deephealth doctor``."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["doctor"]


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False) -> None:
    """Show versions, processors, accelerators, codecs and missing extras; fails on versions known to be unsafe.

    Example: deephealth doctor
    """
    from deephealth.cli.console import print_json, print_table, say
    from deephealth.usecases.environment import environment, findings

    facts = environment()
    problems = findings(facts)
    if as_json:
        print_json({**facts, "findings": problems})
    else:
        for section, values in facts.items():
            rows = [[key, str(value)] for key, value in values.items()]
            print_table(section, ["what", "value"], rows)
        for problem in problems:
            say(f"! {problem}")
    if problems:
        raise typer.Exit(1)
