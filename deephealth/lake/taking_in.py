"""Taking files into a lake: the intake with the lake's own cleaner, vault, consent and audit log."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from deephealth.core.errors import DataError
from deephealth.core.files import below
from deephealth.io.table import read_table
from deephealth.lake.audit.event import Kind
from deephealth.lake.identifiers import Identifiers
from deephealth.lake.intake.journal import Journal
from deephealth.lake.intake.runner import run_intake
from deephealth.lake.intake.tools import IntakeSettings, IntakeTools
from deephealth.lake.layout.names import place
from deephealth.lake.objects import ObjectCleaner, ObjectScan
from deephealth.lake.profile.options import Option
from deephealth.lake.vault.consent import ConsentBook, Policy
from deephealth.lake.vault.vault import Known

if TYPE_CHECKING:
    from deephealth.lake.intake.report import IntakeReport
    from deephealth.lake.intake.sources import Source
    from deephealth.lake.lake import Lake

__all__ = ["read_patients", "take_in"]


def take_in(
    lake: Lake,
    source: Source,
    dataset: str | None = None,
    *,
    patients: Mapping[str, str] | None = None,
    settings: IntakeSettings | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> IntakeReport:
    """Take the files of a source into a data set of the lake: de-identified, or into quarantine with a reason.

    Interrupted or killed, it goes on where it was when it is called again. The event is on disk before the report is
    given.

    Args:
        lake: the lake; its vault must be at hand.
        source: gives the files.
        dataset: name of the data set; default: the project's name.
        patients: absolute path -> patient's number, for files that do not say whose they are.
        settings: processes, batches, limits.
        progress: called with steps done and all steps.

    Raises:
        DataError: the source holds the lake, its vault or its key, or lies in the lake; or another intake is running.
        VaultError: the vault is missing or another project's.
        AuditError: the audit log can't be written or was changed: nothing is taken in.
        StorageError: the disk is full.
        Interrupted: Ctrl-C.
    """
    vault = lake.vault
    _refuse_own_places(lake, source)
    lake.audit(Kind.INTAKE, "an intake was begun", facts={"dataset": dataset or lake.settings.project})

    def remember(batch: Sequence[tuple[str, str, Identifiers]]) -> None:
        vault.remember_many([Known(patient, issuer, known) for patient, issuer, known in batch])

    book = ConsentBook(vault, Policy(lake.settings.consent))

    def refuse(patient: str, issuer: str) -> str:
        return book.refusals([(patient, issuer)], lake.settings.scope).get((patient, issuer), "")

    tools = IntakeTools(
        pseudonyms=vault.pseudonyms(),
        key=vault.quarantine_key(),
        scan=ObjectScan(dict(patients or {})),
        cleaner=ObjectCleaner(vault.pseudonyms(), lake.settings.options, lake.settings.accept),
        place=place,
        remember=remember,
        recall=vault.identifiers,
        refuse=refuse,
    )
    report = run_intake(
        source, lake.folder, dataset or lake.settings.project, tools, settings=settings, progress=progress
    )
    faces = _without_faces(lake, report.dataset)
    counts = {
        "found": report.found,
        "released": report.released,
        "duplicates": report.duplicates,
        "quarantined": report.quarantined.total(),
        "dropped": report.dropped.total(),
        "retracted": report.retracted,
        **faces,
    }
    facts = {"dataset": report.dataset, "options": list(lake.settings.codes), "reasons": dict(report.quarantined)}
    lake.audit(Kind.INTAKE, "an intake was finished", counts=counts, facts=facts)
    return report


def _refuse_own_places(lake: Lake, source: Source) -> None:
    """The lake's own files would come back as originals, and the vault would be copied into its lake."""
    root = getattr(source, "root", None)
    if not isinstance(root, Path):
        return
    given, own = root.resolve(), lake.folder.root.resolve()
    if given.is_relative_to(own):
        raise DataError("the source lies in the lake", allowed="a folder outside the lake", hint="name another source")
    places = [("the lake", own), *((f"the {what}", place.resolve()) for what, place in lake.private_places())]
    held = [what for what, place in places if place.is_relative_to(given)]
    if held:
        raise DataError(
            f"the source holds {' and '.join(held)}",
            allowed="a folder with nothing in it but what is to be taken in",
            hint="name the folder of the originals alone, or move them into one of their own",
        )


def _without_faces(lake: Lake, dataset: str) -> dict[str, int]:
    """Deface the released head series when the profile asks for it, before anything is made of them."""
    if Option.CLEAN_FEATURES not in lake.settings.options:
        return {}
    from deephealth.lake.faces.released import deface_released  # loads numerical libraries, which few profiles need

    with Journal(lake.folder.journal) as journal, journal.only_writer():
        done = deface_released(lake.folder, journal, dataset, lake.vault.quarantine_key())
    return {"defaced_series": done.defaced, "face_quarantined_series": done.retracted}


def read_patients(table: Path, root: Path) -> dict[str, str]:
    """Read the steward's list of files that do not say whose they are.

    Args:
        table: a CSV or TSV file with the columns ``path`` and ``patient_id``.
        root: the folder that the paths are relative to.

    Raises:
        DataError: a column is missing, a path leads outside the folder, or a file has two patients.
    """
    found: dict[str, str] = {}
    for row in read_table(table):
        if not {"path", "patient_id"} <= set(row):
            raise DataError(f"{table} lacks a column", allowed="path and patient_id")
        path = str(below(root, row["path"]))
        if found.setdefault(path, row["patient_id"]) != row["patient_id"]:
            raise DataError(f"{table}, line {row.line}: the file stands there with another patient already")
    return found
