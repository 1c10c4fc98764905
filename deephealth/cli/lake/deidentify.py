"""``deephealth lake deidentify``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deephealth.cli.lake.options import Accept, AsJson, ProfileOptions

__all__ = ["deidentify"]


def deidentify(
    source: Annotated[str, typer.Argument(help="A folder, a DICOMDIR, or a DICOMweb server.")],
    out: Annotated[Path, typer.Argument(help="A new folder, or that of an interrupted call.")],
    key: Annotated[Path, typer.Option("--key", help="Key file; made if missing. The same key: the same pseudonyms.")],
    options: ProfileOptions = None,
    accept: Accept = None,
    mapping: Annotated[
        Path | None, typer.Option("--mapping", help="Folder for old and new identifiers: who has it, knows everybody.")
    ] = None,
    workers: Annotated[int | None, typer.Option("--workers", min=1, help="Processes; default: one a core.")] = None,
    as_json: AsJson = False,
) -> None:
    """De-identify a folder without a lake: DICOM PS3.15 Annex E, texts and pixels; doubtful files into quarantine.

    Example: deephealth lake deidentify build/phi build/clean --key build/keys/project.key
    """
    from deephealth.lake.intake.starting import start_early
    from deephealth.lake.profile.options import Option, parse_options

    wanted = parse_options(options or ["research"])
    start_early(pixels=Option.CLEAN_PIXEL in wanted)  # the workers' libraries load while this process reads its own
    from deephealth.cli.console import print_json, say
    from deephealth.cli.lake.intake import say_report
    from deephealth.lake.deidentifying import deidentify as run
    from deephealth.lake.intake.opening import open_source
    from deephealth.lake.intake.tools import IntakeSettings
    from deephealth.lake.profile.sop_classes import check_accepted
    from deephealth.lake.vault.keys import read_key, write_key_file
    from deephealth.usecases.progress_bar import bar

    check_accepted(accept or ())  # before a key file is made
    secret = read_key(key) if key.exists() else write_key_file(key)
    with bar("reading and cleaning") as update:
        report = run(
            open_source(source),
            out,
            secret,
            options=wanted,
            accept=frozenset(accept or ()),
            mapping=mapping,
            settings=IntakeSettings(workers=workers),
            progress=update,
        )
    if as_json:
        print_json(report.to_dict())
        return
    say_report(report)
    say(f"released -> {out / 'rawdata'}; quarantine (encrypted) -> {out / 'quarantine'}")
