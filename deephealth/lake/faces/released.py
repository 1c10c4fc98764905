"""Defacing what an intake has released: series by series, before anything is made of it."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydicom import dcmread

from deephealth.core.errors import QuarantineError
from deephealth.core.files import atomic_write, replacing, sha256
from deephealth.lake.faces.at_risk import head_series
from deephealth.lake.faces.series import Cut, apply_to_nifti, apply_to_object, plan_nifti, plan_series
from deephealth.lake.folder import LakeFolder
from deephealth.lake.intake.journal import Journal, PublishedObject
from deephealth.lake.intake.retraction import remove_from_dataset
from deephealth.lake.intake.sealing import seal_original
from deephealth.lake.intake.worklist import SEALED
from deephealth.lake.layout.names import series_label
from deephealth.lake.profile.options import Option
from deephealth.lake.reasons import Reason

__all__ = ["FacesDone", "deface_released", "without_faces"]

_DONE = Option.CLEAN_FEATURES.value


@dataclass(slots=True)
class FacesDone:
    """What was done to the head series of a data set.

    Args:
        defaced: series whose face was taken out, or that show none.
        retracted: series that are in quarantine now.
        objects: files that were rewritten.
    """

    defaced: int = 0
    retracted: int = 0
    objects: int = 0


def deface_released(
    lake: LakeFolder,
    journal: Journal,
    dataset: str,
    key: bytes,
    *,
    progress: Callable[[int, int], object] | None = None,
) -> FacesDone:
    """Take the face out of every released head series that still has one; what can't be defaced goes to quarantine.

    A killed call is finished by the next one: what is taken out of a series is on disk before its first object is
    replaced, and the journal says of each object whether it is done. Slices that come later lose the same.

    Args:
        lake: the folders.
        journal: the caller holds its lock.
        dataset: name of the data set.
        key: the quarantine's, from the vault.
        progress: called with series done and all series.

    Raises:
        StorageError: the disk is full.
    """
    notes = lake.state / "faces"
    series = head_series(journal.published(dataset))
    _tidy(notes, {_name(objects) for objects in head_series(journal.published())})
    report = FacesDone()
    for done, objects in enumerate(series, 1):
        waiting = [one for one in objects if _DONE not in one.executed]
        refused = notes / f"{_name(objects)}.refused"
        if waiting or refused.exists():
            try:
                if refused.exists():
                    raise QuarantineError(Reason.FACE, "a series that was being taken back")
                _deface(lake, journal, objects, waiting, notes)
                report.defaced += 1
                report.objects += len(waiting)
            except QuarantineError:
                atomic_write(refused, "")  # all of the series goes, even when this process is killed now
                for one in objects:
                    _take_back(lake, journal, one, key)
                _cut_file(notes, objects).unlink(missing_ok=True)
                refused.unlink()
                report.retracted += 1
        if progress is not None:
            progress(done, len(series))
    return report


def without_faces(objects: Iterable[PublishedObject]) -> Iterator[PublishedObject]:
    """Leave out the head series that wait for their defacing, such as after an intake that was killed.

    Args:
        objects: what the journal says is released.
    """
    everything = list(objects)
    waiting = {
        one.path for series in head_series(everything) if any(_DONE not in one.executed for one in series)
        for one in series
    }  # fmt: skip
    return (one for one in everything if one.path not in waiting)


def _deface(
    lake: LakeFolder,
    journal: Journal,
    objects: Sequence[PublishedObject],
    waiting: Sequence[PublishedObject],
    notes: Path,
) -> None:
    note = _cut_file(notes, objects)
    if note.exists():
        cut = Cut.load(note)
    elif len(waiting) < len(objects):
        raise QuarantineError(Reason.FACE, "slices of a defaced series, and nobody knows what was taken out of it")
    else:
        cut = _planned([lake.root / one.path for one in objects], objects[0])
        cut.save(note)
    for one in waiting:
        path = lake.root / one.path
        facts = one.facts
        if facts.format == "nifti":
            with replacing(path, "defacing a head image") as temporary:
                named = temporary.with_name(temporary.name + ".nii")
                apply_to_nifti(path, cut, named)
                named.replace(temporary)
        else:
            content = apply_to_object(path, cut)
            atomic_write(path, content)
            meta = dcmread(io.BytesIO(content), stop_before_pixels=True).file_meta
            facts = replace(facts, transfer_syntax=str(meta.TransferSyntaxUID))
        facts = replace(facts, sha256=sha256(path), bytes=path.stat().st_size)
        journal.replaced(facts, tuple(sorted({*one.executed, _DONE})))


def _planned(paths: list[Path], first: PublishedObject) -> Cut:
    if first.facts.format == "nifti":
        return plan_nifti(paths[0], first.facts.modality)
    return plan_series(paths)


def _take_back(lake: LakeFolder, journal: Journal, one: PublishedObject, key: bytes) -> None:
    name = f"{one.facts.source}-retracted{SEALED}"
    released, size = lake.root / one.path, one.facts.bytes
    if released.is_file():  # a call that was killed here may have deleted it already
        size = released.stat().st_size
        with replacing(lake.quarantine / name, "taking a head image back") as temporary:
            seal_original(released, temporary, key, name.encode())
        remove_from_dataset(lake, released)
    journal.take_back(one.facts.source, name, size, Reason.FACE)


def _name(objects: Sequence[PublishedObject]) -> str:
    facts = objects[0].facts
    text = f"{objects[0].dataset}/{facts.subject}/{facts.session}/{series_label(facts)}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]  # of pseudonyms


def _cut_file(notes: Path, objects: Sequence[PublishedObject]) -> Path:
    return notes / f"{_name(objects)}.npz"


def _tidy(notes: Path, known: set[str]) -> None:
    """Remove what belongs to series that are gone, such as after a withdrawal."""
    for one in notes.glob("*") if notes.is_dir() else ():
        if one.stem not in known:
            one.unlink(missing_ok=True)
