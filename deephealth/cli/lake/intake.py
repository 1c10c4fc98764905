"""``deephealth lake intake``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deephealth.cli.lake.options import AsJson, LakeFolderOption, VaultKeyOption, VaultOption, open_lake

if TYPE_CHECKING:
    from deephealth.lake.intake.report import IntakeReport

__all__ = ["intake", "say_report"]


def intake(  # noqa: PLR0913 - each is an option of the command
    source: Annotated[
        str, typer.Argument(help="A folder, a DICOMDIR, or a DICOMweb server such as http://localhost:8042/dicom-web.")
    ],
    lake: LakeFolderOption = None,
    dataset: Annotated[str | None, typer.Option("--dataset", help="Default: the project's name.")] = None,
    patients: Annotated[
        Path | None, typer.Option("--patients", help="CSV with path, patient_id: whose files are that don't say.")
    ] = None,
    user: Annotated[
        str | None,
        typer.Option(
            "--user",
            envvar="DEEPHEALTH_DICOMWEB_USER",
            help="At the server; the password is asked for, or read from DEEPHEALTH_DICOMWEB_PASSWORD.",
        ),
    ] = None,
    where: Annotated[
        list[str] | None, typer.Option("--where", help="Studies at the server, such as ModalitiesInStudy=CT.")
    ] = None,
    workers: Annotated[int | None, typer.Option("--workers", min=1, help="Processes; default: one a core.")] = None,
    arrange: Annotated[
        bool, typer.Option("--arrange/--no-arrange", help="Make NIfTI, PNG and tables in BIDS/MIDS layout too.")
    ] = True,
    vault: VaultOption = None,
    key: VaultKeyOption = None,
    as_json: AsJson = False,
) -> None:
    """Take files in: de-identified into the lake, or into quarantine with a reason. Killed, it goes on where it was.

    Example: deephealth lake intake build/phi --lake build/lake
    """
    from deephealth.lake.intake.starting import start_early

    start_early()  # the workers' libraries load while this process reads its own
    from deephealth.cli.console import print_json, say
    from deephealth.lake.arranging import arrange_lake
    from deephealth.lake.intake.opening import open_source
    from deephealth.lake.intake.tools import IntakeSettings
    from deephealth.lake.taking_in import read_patients, take_in
    from deephealth.usecases.progress_bar import bar

    opened = open_lake(lake, vault, key)
    at = open_source(source, user=_credentials(user), filters=_filters(where or []))
    known = read_patients(patients, Path(source)) if patients else None
    settings = IntakeSettings(workers=workers)
    with bar("reading and cleaning") as update:
        report = take_in(opened, at, dataset, patients=known, settings=settings, progress=update)
    if arrange:
        with bar("arranging") as update:
            arrange_lake(opened, report.dataset, progress=update)
    if as_json:
        print_json(report.to_dict())
        return
    say_report(report)
    say(f"next: deephealth lake verify --lake {opened.folder.root}")


def _credentials(user: str | None) -> tuple[str, str] | None:
    """Add the password, which never stands on a command line: other users of the machine could read it there."""
    if not user:
        return None
    return user, os.environ.get("DEEPHEALTH_DICOMWEB_PASSWORD") or typer.prompt("password", hide_input=True)


def _filters(where: list[str]) -> dict[str, str]:
    from deephealth.core.errors import DataError

    pairs = [one.partition("=") for one in where]
    for text, (name, equals, value) in zip(where, pairs, strict=True):
        if not (name and equals and value):
            raise DataError(f"'{text}' is no filter", allowed="KEYWORD=VALUE, such as ModalitiesInStudy=CT")
    return {name: value for name, _, value in pairs}


def say_report(report: IntakeReport) -> None:
    """Print what became of the files."""
    from deephealth.cli.console import print_table, say
    from deephealth.lake.reasons import MEANING, Reason

    say(
        f"{report.found} files: {report.released} released, {report.duplicates} duplicates, "
        f"{report.quarantined.total()} in quarantine, {report.dropped.total()} dropped"
        f" ({report.seconds:.1f} s{', resumed' if report.resumed else ''})"
    )
    if report.quarantined:
        rows = [(word, str(count), MEANING[Reason(word)]) for word, count in report.quarantined.most_common()]
        print_table("quarantine", ("reason", "files", "meaning"), rows)
    if report.tally:
        say("values: " + ", ".join(f"{count} {action}" for action, count in report.tally.most_common()))
