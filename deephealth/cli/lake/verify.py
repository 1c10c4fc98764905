"""``deephealth lake verify``."""

from __future__ import annotations

from typing import Annotated

import typer

from deephealth.cli.lake.options import AsJson, LakeFolderOption, VaultKeyOption, VaultOption, open_lake

__all__ = ["verify"]


def verify(
    lake: LakeFolderOption = None,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Processes.")] = 2,
    vault: VaultOption = None,
    key: VaultKeyOption = None,
    as_json: AsJson = False,
) -> None:
    """Look for every identifier that the vault knows in every byte of the lake. Exit code 1 when one is found.

    Example: deephealth lake verify --lake build/lake
    """
    from deephealth.cli.console import print_json, say
    from deephealth.lake.verifying import verify as run
    from deephealth.usecases.progress_bar import bar

    opened = open_lake(lake, vault, key)
    with bar("scanning") as update:
        scan = run(opened, workers=workers, progress=update)
    if as_json:
        findings = [str(finding) for finding in scan.findings]
        print_json({"passed": scan.ok, "files": scan.files, "findings": findings, "unreadable": scan.unreadable})
    else:
        say(f"{scan.files} files, {scan.bytes / 1e6:.1f} MB, {scan.patterns} forms of identifiers")
        for line in [*map(str, scan.findings[:50]), *(f"{name}: can't be read" for name in scan.unreadable[:50])]:
            say(f"  {line}")
        say("passed: nothing was found" if scan.ok else "FAILED: nothing may leave the lake until this is mended")
    if not scan.ok:
        raise typer.Exit(1)
