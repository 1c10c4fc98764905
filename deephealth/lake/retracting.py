"""Taking objects back in which the second look found an identifier, with everything that was made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from deephealth.core.files import replacing
from deephealth.lake.arranging import arrange_lake
from deephealth.lake.audit.event import Kind
from deephealth.lake.catalogue.cohort import MANIFEST, PARTITIONS, read_manifest
from deephealth.lake.catalogue.forgetting import forget_in_cohort
from deephealth.lake.intake.journal import Journal, PublishedObject
from deephealth.lake.intake.retraction import remove_from_dataset
from deephealth.lake.intake.sealing import seal_original
from deephealth.lake.intake.worklist import SEALED
from deephealth.lake.layout.names import series_label, subject_folder
from deephealth.lake.layout.tsv import read_tsv, write_tsv
from deephealth.lake.layout.visit_table import VisitTable

if TYPE_CHECKING:
    from deephealth.lake.check.scan import Finding
    from deephealth.lake.lake import Lake

__all__ = ["Retraction", "retract_findings"]


@dataclass(frozen=True, slots=True)
class Retraction:
    """What was taken back.

    Args:
        objects: how many released objects are in quarantine now.
        removed: how many images that were made of them are gone, those of cohorts too.
        cohorts: names of the cohorts that held one; their patients are out of them, and they lost their signature.
        left: files with an identifier that belong to no object; a person must mend them.
    """

    objects: int
    removed: int
    cohorts: tuple[str, ...]
    left: tuple[str, ...]


def retract_findings(
    lake: Lake, findings: Iterable[Finding], *, progress: Callable[[int, int], object] | None = None
) -> Retraction:
    """Move the objects in which an identifier was found into quarantine: sealed, removed, written down, recorded.

    An image in the BIDS/MIDS tree takes back the objects it was made from. The lake must be verified again afterwards.
    A call that was killed is finished by the next one.

    Args:
        lake: the lake; its vault must be at hand, which seals.
        findings: from :func:`deephealth.lake.verifying.verify`.
        progress: called with objects done and all objects.

    Raises:
        DataError: an intake is running.
        StorageError: the disk is full.
        VaultError: the vault is missing.
    """
    paths = {finding.path for finding in findings}
    key = lake.vault.quarantine_key()
    with Journal(lake.folder.journal, create=False) as journal, journal.only_writer():
        back, left = _objects(lake, journal, paths)
        lake.audit(Kind.QUARANTINE, "objects that held an identifier are taken back", counts={"objects": len(back)})
        images = _images(lake, back)
        for done, one in enumerate(back, 1):
            _take_back(lake, journal, one, key)
            if progress is not None:
                progress(done, len(back))
    for dataset in sorted({one.dataset for one in back}):
        arrange_lake(lake, dataset)
    cohorts, files = _forget_in_cohorts(lake, back)
    gone = sum(not (lake.folder.root / image).exists() for image in images)
    there = (path for path in left if (lake.folder.root / path).exists())
    return Retraction(len(back), gone + files, cohorts, tuple(sorted(there)))


def _objects(lake: Lake, journal: Journal, paths: set[str]) -> tuple[list[PublishedObject], set[str]]:
    """Return the objects to take back, and the files that belong to none."""
    back: list[PublishedObject] = []
    found: set[str] = set()
    tables: dict[str, VisitTable] = {}
    for one in journal.published():
        made = _made_of(lake, one, tables) & paths
        sealed = lake.folder.quarantine / f"{one.facts.source}-retracted{SEALED}"
        half_done = sealed.is_file() and not (lake.folder.root / one.path).is_file()
        if one.path in paths or made or half_done:
            back.append(one)
            found |= made | {one.path}
    return back, paths - found


def _images(lake: Lake, back: Iterable[PublishedObject]) -> set[str]:
    tables: dict[str, VisitTable] = {}
    return {path for one in back for path in _made_of(lake, one, tables)}


def _made_of(lake: Lake, one: PublishedObject, tables: dict[str, VisitTable]) -> set[str]:
    """Return the files of the BIDS/MIDS tree that were made of an object, relative to the lake."""
    if not one.facts.session:
        return set()
    place = f"rawdata/{one.dataset}/sourcedata/{subject_folder(one.facts)}"
    if place not in tables:
        tables.clear()  # objects come in the order of their paths
        tables[place] = VisitTable.load(lake.folder.root / place)
    rows = tables[place].rows
    labels = {series_label(one.facts), one.facts.key} & set(rows)
    return {f"rawdata/{one.dataset}/{name}" for label in labels for name in rows[label].files}


def _take_back(lake: Lake, journal: Journal, one: PublishedObject, key: bytes) -> None:
    name = f"{one.facts.source}-retracted{SEALED}"
    released, size = lake.folder.root / one.path, one.facts.bytes
    if released.is_file():  # a call that was killed here may have deleted it already
        size = released.stat().st_size
        with replacing(lake.folder.quarantine / name, "taking an object back") as temporary:
            seal_original(released, temporary, key, name.encode())
        remove_from_dataset(lake.folder, released)
    journal.take_back(one.facts.source, name, size)


def _forget_in_cohorts(lake: Lake, back: Iterable[PublishedObject]) -> tuple[tuple[str, ...], int]:
    """Take the patients of these objects out of the cohorts that hold one of them."""
    subjects = {one.path: one.facts.subject for one in back}
    names, count = [], 0
    for manifest_path in sorted(lake.folder.derivatives.glob(f"*/{MANIFEST}")):
        folder = manifest_path.parent
        held = {one["path"] for one in read_manifest(folder)["objects"]} & set(subjects)
        for subject in sorted({subjects[path] for path in held}):
            count += forget_in_cohort(folder, subject)
            _forget_partition(folder, subject)
        names += [folder.name] if held else []
    return tuple(names), count


def _forget_partition(folder: Path, subject: str) -> None:
    if (folder / PARTITIONS).is_file():
        columns, rows = read_tsv(folder / PARTITIONS)
        kept = [row for row in rows if row.get("participant_id") != f"sub-{subject}"]
        write_tsv(folder / PARTITIONS, kept, columns)
