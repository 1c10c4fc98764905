"""Taking objects back in which the second look found an identifier, with everything that was made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deephealth.core.files import fsync_folder, replacing, sha256
from deephealth.lake.arranging import arrange_lake
from deephealth.lake.audit.event import Kind
from deephealth.lake.catalogue.cohort import MANIFEST, read_manifest
from deephealth.lake.intake.journal import Journal, PublishedObject
from deephealth.lake.intake.retraction import remove_from_dataset
from deephealth.lake.intake.sealing import seal_original
from deephealth.lake.intake.worklist import SEALED
from deephealth.lake.layout.names import subject_folder
from deephealth.lake.layout.published import series_label
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
        cohorts: names of the cohorts that held one; each is smaller than its data set file says, so make it anew.
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
        digests = {sha256(path) for path in map(lake.folder.root.joinpath, images) if path.is_file()}
        digests |= {one.facts.sha256 for one in back}
        for done, one in enumerate(back, 1):
            _take_back(lake, journal, one, key)
            if progress is not None:
                progress(done, len(back))
    removed = len(images)
    for dataset in sorted({one.dataset for one in back}):
        arrange_lake(lake, dataset)
    cohorts, files = _forget_in_cohorts(lake, {one.path for one in back}, digests)
    return Retraction(len(back), removed + files, cohorts, tuple(sorted(left - cohorts_paths(lake, left, cohorts))))


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


def _forget_in_cohorts(lake: Lake, paths: set[str], digests: set[str]) -> tuple[tuple[str, ...], int]:
    """Remove images of these objects from cohorts: their data set files name what is missing, so they can't be used."""
    names, count = [], 0
    for manifest_path in sorted(lake.folder.derivatives.glob(f"*/{MANIFEST}")):
        folder = manifest_path.parent
        manifest = read_manifest(folder)
        if paths.isdisjoint(one["path"] for one in manifest["objects"]):
            continue
        names.append(folder.name)
        subjects = {one["subject"] for one in manifest["objects"] if one["path"] in paths}
        for image in manifest["images"]:
            # converted pictures have a digest of their own, so all images of that patient go
            if image["sha256"] in digests or image["subject"] in subjects:
                count += (folder / image["file"]).is_file()
                (folder / image["file"]).unlink(missing_ok=True)
        if (folder / "images").is_dir():
            fsync_folder(folder / "images")
    return tuple(names), count


def cohorts_paths(lake: Lake, left: set[str], cohorts: tuple[str, ...]) -> set[str]:
    """Return which of the files lay in one of these cohorts and are gone now."""
    inside = tuple(f"derivatives/{name}/" for name in cohorts)
    return {path for path in left if path.startswith(inside) and not (lake.folder.root / path).exists()} if inside else set()
