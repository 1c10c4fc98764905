"""``deephealth show``."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["show"]


def show(
    name: Annotated[str, typer.Argument(help="A use case, a model, or the name of a configuration.")],
    schema: Annotated[bool, typer.Option("--schema", help="The JSON schema of a configuration.")] = False,
) -> None:
    """Show the card of a use case (task, data layouts, metrics, licence, limits), a model or a configuration.

    Example: deephealth show uc12-skin
    """
    from deephealth.cli.console import print_json, say
    from deephealth.config import Config, find_config
    from deephealth.models.catalogue import NETWORKS
    from deephealth.usecases.catalogue import USECASES

    if schema:
        print_json(Config.model_json_schema())
    elif name in USECASES:
        say(USECASES.get(name).card())
    elif name in NETWORKS:
        entry = NETWORKS.entry(name)
        say(f"{entry.name}: {entry.summary}")
        for key, value in entry.facts.items():
            say(f"  {key}: {value}")
    else:
        say(find_config(name).read_text(encoding="utf-8"))
