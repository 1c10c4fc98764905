"""``deephealth cp``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["cp"]


def cp(
    name: Annotated[str, typer.Argument(help="Name of a shipped configuration; see `deephealth ls`.")],
    target: Annotated[Path, typer.Argument(help="The file to make.")],
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
) -> None:
    """Copy a shipped configuration to a file you can edit.

    Example: deephealth cp uc12-skin my.yaml
    """
    from deephealth.cli.console import say
    from deephealth.config.copying import copy_config

    path = copy_config(name, target, force=force)
    say(f"wrote {path}; edit it, then: deephealth train {path} data.root=ROOT run.dir=DIR")
