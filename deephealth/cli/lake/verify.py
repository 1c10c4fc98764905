"""``deephealth lake verify``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from deephealth.cli.lake.options import AsJson, LakeFolderOption, VaultKeyOption, VaultOption, open_lake

if TYPE_CHECKING:
    from deephealth.lake.check.pictures import PictureScan
    from deephealth.lake.lake import Lake
    from deephealth.lake.verifying import Verification

__all__ = ["verify"]


def verify(
    lake: LakeFolderOption = None,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Processes.")] = 2,
    pictures: Annotated[
        bool, typer.Option("--pictures/--no-pictures", help="Read a sample of the pictures too.")
    ] = True,
    at_risk: Annotated[
        int,
        typer.Option("--at-risk", min=0, help="Most pictures of kinds that often hold writing, painted ones first."),
    ] = 200,
    others: Annotated[int, typer.Option("--others", min=0, help="Pictures of each other modality, by chance.")] = 5,
    retract: Annotated[
        bool, typer.Option("--retract", help="Take objects with an identifier back into quarantine.")
    ] = False,
    vault: VaultOption = None,
    key: VaultKeyOption = None,
    as_json: AsJson = False,
) -> None:
    """Look for every identifier that the vault knows in every byte of the lake, and in a sample of its pictures.

    Exit code 1 when one is found. Example: deephealth lake verify --lake build/lake
    """
    from deephealth.lake.check.sampling import PictureSample
    from deephealth.lake.verifying import verify as run
    from deephealth.usecases.progress_bar import bar

    opened = open_lake(lake, vault, key)
    sample = PictureSample(at_risk=at_risk, others=others)
    with bar("scanning, then reading pictures") as update:
        done = run(opened, pictures=pictures, sample=sample, workers=workers, progress=update, picture_progress=update)
    _say_json(done) if as_json else _say(done)
    if retract and done.findings:
        _retract(opened, done)
    if not done.passed:
        raise typer.Exit(1)


def _say(done: Verification) -> None:
    from deephealth.cli.console import say

    scan = done.bytes
    say(f"{scan.files} files, {scan.bytes / 1e6:.1f} MB, {scan.patterns} forms of identifiers")
    if done.pictures is None:
        say("pictures were not read")
    else:
        _say_pictures(done.pictures)
    for line in [*map(str, done.findings[:50]), *(f"{name}: can't be read" for name in done.unreadable[:50])]:
        say(f"  {line}")
    if done.passed:
        say("passed: nothing was found")
    elif not done.findings and not done.unreadable:
        say("FAILED: pictures were found wanting earlier and were left out now; run it without --no-pictures")
    else:
        say("FAILED: nothing may leave the lake until this is mended")


def _say_pictures(seen: PictureScan) -> None:
    from deephealth.cli.console import say

    each = ", ".join(f"{seen.by_modality[name]} of {number} {name}" for name, number in sorted(seen.pictures.items()))
    say(f"{seen.objects} pictures read in {seen.renders} views" + (f": {each}" if each else ""))
    if seen.doubts:
        say(f"{len(seen.doubts)} places that look like a name, a date or a number and are no known identifier; look:")
        for doubt in seen.doubts[:20]:
            say(f"  {doubt}")


def _say_json(done: Verification) -> None:
    from deephealth.cli.console import print_json
    from deephealth.lake.check.record import bytes_record, pictures_record

    pictures = pictures_record(done.pictures) if done.pictures is not None else None
    findings = [str(finding) for finding in done.findings]
    values = {**bytes_record(done.bytes), "findings": findings, "unreadable": list(done.unreadable)}
    print_json({"passed": done.passed, **values, "pictures": pictures})


def _retract(opened: Lake, done: Verification) -> None:
    from deephealth.cli.console import say
    from deephealth.lake.retracting import retract_findings
    from deephealth.usecases.progress_bar import bar

    with bar("taking back") as update:
        back = retract_findings(opened, done.findings, progress=update)
    say(f"{back.objects} objects are in quarantine now (identifier-left); {back.removed} images of them are removed")
    for name in back.cohorts:
        say(f"  cohort {name} lost their patients: make it anew")
    for path in back.left:
        say(f"  {path}: belongs to no object; mend it by hand")
    say(f"next: deephealth lake verify --lake {opened.folder.root}")
