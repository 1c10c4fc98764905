"""``deephealth lake quarantine``: list, export, release, discard."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deephealth.cli.lake.options import AsJson, LakeFolderOption, VaultKeyOption, VaultOption, open_lake

if TYPE_CHECKING:
    from deephealth.lake.intake.quarantine import Quarantine
    from deephealth.lake.lake import Lake

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="What may not enter: encrypted, each with its reason.")

Names = Annotated[list[str], typer.Argument(help="Names as the list shows them.")]


@app.command("list")
def list_(
    reason: Annotated[str | None, typer.Option("--reason", help="Only those with this reason.")] = None,
    lake: LakeFolderOption = None,
    as_json: AsJson = False,
) -> None:
    """List what waits. Needs no vault. Example: deephealth lake quarantine list --reason burned-in-text."""
    from dataclasses import asdict

    from deephealth.cli.console import print_json, print_table
    from deephealth.lake.intake.journal import Journal
    from deephealth.lake.intake.quarantine import Quarantine

    opened = open_lake(lake)
    with Journal(opened.folder.journal, create=False) as journal:
        entries = list(Quarantine(opened.folder, journal).entries(reason))
    if as_json:
        print_json([asdict(entry) for entry in entries])
        return
    rows = [(one.name, one.reason, one.what, str(one.bytes), one.day) for one in entries]
    print_table("quarantine", ("name", "reason", "what", "bytes", "day"), rows)


@app.command()
def export(
    name: Annotated[str, typer.Argument(help="As the list shows it.")],
    target: Annotated[Path, typer.Argument(help="A new file outside the lake.")],
    lake: LakeFolderOption = None,
    vault: VaultOption = None,
    key: VaultKeyOption = None,
) -> None:
    """Decrypt one original to look at it. Example: deephealth lake quarantine export NAME /secure/a.dcm."""
    from deephealth.cli.console import say
    from deephealth.lake.audit.event import Kind

    opened = open_lake(lake, vault, key)
    opened.audit(Kind.QUARANTINE, "an original was decrypted", facts={"name": name})
    say(f"{_opened(opened).export(name, target)}: this is the original, with everything that identifies")


@app.command()
def release(
    names: Names,
    lake: LakeFolderOption = None,
    dataset: Annotated[str | None, typer.Option("--dataset", help="Default: the project's name.")] = None,
    vault: VaultOption = None,
    key: VaultKeyOption = None,
) -> None:
    """Take originals in once more, after the reason was mended. Example: deephealth lake quarantine release NAME."""
    from deephealth.cli.lake.intake import say_report
    from deephealth.lake.audit.event import Kind
    from deephealth.lake.intake.spool import Spool
    from deephealth.lake.taking_in import take_in

    opened = open_lake(lake, vault, key)
    opened.audit(Kind.RELEASE, "originals are taken in once more", counts={"files": len(names)})
    with tempfile.TemporaryDirectory() as folder:
        source = _opened(opened).release(names, Spool(Path(folder) / "spool", lake=opened.folder))
        say_report(take_in(opened, source, dataset))


@app.command()
def discard(
    names: Names,
    lake: LakeFolderOption = None,
    vault: VaultOption = None,
    key: VaultKeyOption = None,
) -> None:
    """Delete entries for good; originals outside the lake stay. Example: deephealth lake quarantine discard NAME."""
    from deephealth.cli.console import say
    from deephealth.lake.audit.event import Kind

    opened = open_lake(lake, vault, key)
    opened.audit(Kind.QUARANTINE, "entries were deleted", counts={"files": len(names)})
    say(f"{_opened(opened).discard(names)} deleted")


def _opened(lake: Lake) -> Quarantine:
    from deephealth.lake.intake.journal import Journal
    from deephealth.lake.intake.quarantine import Quarantine

    return Quarantine(lake.folder, Journal(lake.folder.journal, create=False), lake.vault.quarantine_key())
