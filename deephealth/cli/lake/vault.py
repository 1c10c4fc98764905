"""``deephealth lake vault``: reidentify, export, rotate, destroy."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deephealth.cli.lake.options import LakeFolderOption, VaultKeyOption, VaultOption, open_lake

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Who is who: every use is recorded before it is answered.")

Reason = Annotated[str, typer.Option("--reason", help="Why; it is recorded.")]


@app.command()
def reidentify(
    subject: Annotated[str, typer.Argument(help="A pseudonym.")],
    reason: Reason,
    lake: LakeFolderOption = None,
    vault: VaultOption = None,
    key: VaultKeyOption = None,
) -> None:
    """Say which patient a pseudonym stands for. Example: deephealth lake vault reidentify K7QX... --reason finding."""
    from deephealth.cli.console import say

    identity = open_lake(lake, vault, key).vault.reidentify(subject, reason=reason)
    say(identity.patient)


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(help="A folder outside the lake.")],
    reason: Reason,
    lake: LakeFolderOption = None,
    vault: VaultOption = None,
    key: VaultKeyOption = None,
) -> None:
    """Write the tables of old and new patient numbers and UIDs, in the clear, for their owner only.

    Example: deephealth lake vault export build/mapping --reason "answer key"
    """
    from deephealth.cli.console import say

    for path in open_lake(lake, vault, key).vault.export(folder, reason=reason, key=None):
        say(f"{path}: whoever has it knows everybody")


@app.command()
def rotate(
    new_key: Annotated[Path, typer.Argument(help="The new key file; made if missing.")],
    lake: LakeFolderOption = None,
    vault: VaultOption = None,
    key: VaultKeyOption = None,
) -> None:
    """Seal the vault under another key; pseudonyms stay. Example: deephealth lake vault rotate keys/second.key."""
    from deephealth.cli.console import say
    from deephealth.lake.vault.keys import write_key_file

    if not new_key.exists():
        write_key_file(new_key)
    opened = open_lake(lake, vault, key)
    opened.vault.rotate(new_key)
    opened.remember_key(new_key)
    say(f"the vault's key is {new_key} now; destroy the old one when no backup needs it")


@app.command()
def destroy(
    reason: Reason,
    confirm: Annotated[str, typer.Option("--confirm", help="The project's name, so that it is meant.")],
    lake: LakeFolderOption = None,
    vault: VaultOption = None,
    key: VaultKeyOption = None,
) -> None:
    """Destroy the project's key and every link: the lake is anonymised then, and nobody can go back.

    Example: deephealth lake vault destroy --confirm chest --reason "end of the study"
    """
    from deephealth.cli.console import say
    from deephealth.core.errors import DataError

    opened = open_lake(lake, vault, key)
    if confirm != opened.settings.project:
        raise DataError(f"'{confirm}' is not this project", allowed=f"--confirm {opened.settings.project}")
    tombstone = opened.destroy(reason)
    say(f"destroyed: {tombstone}")
    say("the lake is anonymised: no key links a pseudonym to a patient any more")
