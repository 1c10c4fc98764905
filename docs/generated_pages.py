"""Write the reference pages that the code itself knows best: configuration keys, commands, registered names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer.main
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from deephealth.cli.app import app as command_line
from deephealth.config.schema import Config
from deephealth.config.validate import _model_of
from deephealth.usecases.vocabulary import vocabulary

FOLDER = Path(__file__).parent / "reference" / "generated"


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "config.md").write_text("\n".join(config_page()) + "\n", encoding="utf-8")
    (FOLDER / "commands.md").write_text("\n".join(command_page()) + "\n", encoding="utf-8")
    (FOLDER / "names.md").write_text("\n".join(name_page()) + "\n", encoding="utf-8")
    return {"parallel_read_safe": True}


def config_page() -> Iterator[str]:
    """Every key with its type, default and meaning."""
    yield "# Configuration keys\n"
    yield "Generated from the schema. `deephealth train NAME --print-config` shows a merged configuration.\n"
    yield "| key | type | default | meaning |\n|---|---|---|---|"
    yield from _rows(Config, "")


def _rows(section: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in section.model_fields.items():
        inner = _model_of(field.annotation)
        if inner is not None and inner.model_config.get("extra") == "forbid":
            yield f"| **`{prefix}{name}`** | section | | {' '.join((inner.__doc__ or '').split())} |"
            yield from _rows(inner, f"{prefix}{name}.")
            continue
        default = "required" if field.is_required() else field.get_default(call_default_factory=True)
        shown = "" if default is PydanticUndefined else f"`{default}`" if default != "required" else "required"
        kind = (
            str(field.annotation).replace("typing.", "").replace("|", "or").removeprefix("<class '").removesuffix("'>")
        )
        yield f"| `{prefix}{name}` | {kind} | {shown} | {field.description or ''} |"


def command_page() -> Iterator[str]:
    """The help of every command."""
    yield "# Commands\n"
    yield from _commands(typer.main.get_command(command_line), "deephealth")


def _commands(command: Any, path: str) -> Iterator[str]:
    context = typer.Context(command, info_name=path)
    if hasattr(command, "list_commands"):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            if inner is not None:
                yield from _commands(inner, f"{path} {name}")
        return
    yield f"\n## {path}\n\n{' '.join((command.help or '').split())}\n"
    for parameter in command.params:
        if parameter.name != "help":
            names = (
                " ".join(parameter.opts)
                if parameter.param_type_name == "option"
                else (parameter.metavar or str(parameter.name).upper())
            )
            yield f"* `{names}`: {getattr(parameter, 'help', '') or ''}"


def name_page() -> Iterator[str]:
    """Everything that a configuration may name."""
    yield "# Names a configuration may use\n"
    for path, registry in vocabulary().items():
        yield f"\n## `{path}`\n\n| name | what it is |\n|---|---|"
        yield from (f"| `{entry.name}` | {entry.summary} |" for entry in registry)
