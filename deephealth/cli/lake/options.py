"""Options that the commands of the lake share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

if TYPE_CHECKING:
    from deephealth.lake.lake import Lake

__all__ = ["Accept", "AsJson", "LakeFolderOption", "ProfileOptions", "VaultKeyOption", "VaultOption", "open_lake"]

LakeFolderOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--lake", "-l", envvar="DEEPHEALTH_LAKE", help="The lake; default: the one around this folder."),
]
VaultOption: TypeAlias = Annotated[
    str | None,
    typer.Option("--vault", envvar="DEEPHEALTH_VAULT", help="The vault: a file, or postgresql://...; default: known."),
]
VaultKeyOption: TypeAlias = Annotated[
    Path | None, typer.Option("--vault-key", envvar="DEEPHEALTH_VAULT_KEY", help="The vault's key file.")
]
ProfileOptions: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--option", help="Options of PS3.15 Annex E, or 'research' (default) or 'basic'; repeatable."),
]
Accept: TypeAlias = Annotated[
    list[str] | None, typer.Option("--accept", help="A SOP class that is taken in though it often names patients.")
]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


def open_lake(lake: Path | None, vault: str | None = None, key: Path | None = None) -> Lake:
    """Open the lake that was named, or the one around the current folder."""
    from deephealth.lake.lake import Lake

    return Lake.find(lake, vault=vault, key=key)
