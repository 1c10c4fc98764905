"""``deephealth doctor``."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["doctor"]


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False) -> None:
    """Show versions, processors, accelerators, readers and missing extras; fails on versions known to be unsafe.

    The readers stand in the order they are tried: the first that is installed and can, does.

    Example: deephealth doctor
    """
    from deephealth.cli.console import print_json, print_table, say
    from deephealth.io.backends import matrix
    from deephealth.usecases.environment import environment, findings

    facts = environment()
    readers = matrix()
    problems = findings(facts)
    if as_json:
        keys = ("task", "backend", "installed", "note")
        print_json({**facts, "readers": [dict(zip(keys, row, strict=True)) for row in readers], "findings": problems})
    else:
        for section, values in facts.items():
            rows = [[key, str(value)] for key, value in values.items()]
            print_table(section, ["what", "value"], rows)
        shown = [[task, name, "yes" if there else "no", note] for task, name, there, note in readers]
        print_table("readers", ["what", "with", "installed", "why it stands there, or what it needs"], shown)
        for problem in problems:
            say(f"! {problem}")
    if problems:
        raise typer.Exit(1)
