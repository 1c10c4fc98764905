"""``deephealth ls``."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["ls"]


def ls(
    pattern: Annotated[str, typer.Argument(help="Shell pattern, such as 'uc12*' or '*unet*'.")] = "*",
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """List use cases, models, weights and configurations.

    Example: deephealth ls '*unet*'
    """
    from fnmatch import fnmatch

    from deephealth.cli.console import print_json, print_table
    from deephealth.config import list_configs
    from deephealth.models.catalogue import NETWORKS, WEIGHTS
    from deephealth.usecases.catalogue import USECASES

    listing = {
        "usecases": [{"name": e.name, "summary": e.summary} for e in USECASES],
        "configs": [{"name": name, "summary": ""} for name in list_configs()],
        "models": [{"name": e.name, "summary": e.summary} for e in NETWORKS],
        "weights": [{"name": e.name, "summary": e.summary} for e in WEIGHTS],
    }
    shown = {kind: [row for row in rows if fnmatch(row["name"], pattern)] for kind, rows in listing.items()}
    if as_json:
        print_json(shown)
        return
    for kind, rows in shown.items():
        if rows:
            print_table(kind, ["name", "summary"], [[row["name"], row["summary"]] for row in rows])
