"""Verify, don't trust: the lake is read again by code of its own, and nobody trains from what did not pass."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deephealth.core.errors import DataError, VaultError
from deephealth.core.files import atomic_write_json
from deephealth.lake.audit.event import Kind
from deephealth.lake.check.pictures import PictureScan, scan_pictures
from deephealth.lake.check.record import bytes_record, pictures_record, read_record, record_path, state_of
from deephealth.lake.check.verify import ByteScan, scan_lake
from deephealth.lake.intake.journal import Journal

if TYPE_CHECKING:
    from deephealth.lake.check.sampling import PictureSample
    from deephealth.lake.check.scan import Finding
    from deephealth.lake.lake import Lake

__all__ = ["Verification", "require_verified", "verify"]


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found.

    Args:
        bytes: the scan of every byte.
        pictures: the reading of pictures; ``None`` when it was left out.
        passed: nothing was found, nothing was unreadable, and no picture of an earlier reading waits to be mended.
    """

    bytes: ByteScan
    pictures: PictureScan | None
    passed: bool

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Everything that was found, in bytes and in pictures."""
        return self.bytes.findings + (self.pictures.findings if self.pictures else ())

    @property
    def unreadable(self) -> tuple[str, ...]:
        """Files that could not be read, and objects that could not be rendered."""
        return self.bytes.unreadable + (self.pictures.unreadable if self.pictures else ())


def verify(
    lake: Lake,
    *,
    pictures: bool = True,
    sample: PictureSample | None = None,
    workers: int = 2,
    progress: Callable[[int, int], object] | None = None,
    picture_progress: Callable[[int, int], object] | None = None,
) -> Verification:
    """Look for every identifier that the vault knows in every byte of the lake, then in a sample of its pictures.

    Whether it passed is noted. Pictures that failed are not forgotten by leaving them out the next time: they count
    until they pass or the lake's objects change.

    Args:
        lake: the lake; its vault must be at hand, since it knows what to look for.
        pictures: whether pictures are read too.
        sample: which; default: all at risk up to 200 and five of each other modality.
        workers: processes.
        progress: called with files done and all files.
        picture_progress: called with objects done and all objects of the sample.

    Raises:
        VaultError: the vault is missing, or does not know all patients: nothing can be verified without it.
        OptionalDependencyError: what reads pictures is not installed.
    """
    before, state = read_record(lake.folder), state_of(lake.folder)
    known = list(lake.vault.all_identifiers())
    _refuse_strangers(lake, {owner for owner, _ in known})
    scan = scan_lake(lake.folder, known, workers=workers, progress=progress)
    seen, part = None, _earlier(before, state)
    if pictures:
        with Journal(lake.folder.journal, create=False) as journal:
            seen = scan_pictures(
                lake.folder, journal.published(), known, sample=sample, workers=workers, progress=picture_progress
            )
        part = {**pictures_record(seen), "when": _now()}
    passed = scan.ok and (part is None or bool(part.get("passed")))
    record = {"passed": passed, "state": state, "when": _now(), **bytes_record(scan), "pictures": part}
    atomic_write_json(record_path(lake.folder), record)
    _record(lake, scan, seen)
    return Verification(scan, seen, passed)


def _refuse_strangers(lake: Lake, known: set[str]) -> None:
    """Refuse to look for nothing: with an old copy of the vault every lake would pass."""
    with Journal(lake.folder.journal, create=False) as journal:
        strangers = {one.facts.subject for one in journal.published()} - known - {""}
    if strangers:
        raise VaultError(
            f"the vault does not know {len(strangers)} patients of this lake, so nobody can look for their identifiers",
            hint="open the vault that the lake was filled with; an old copy of it may have been put back",
        )


def _earlier(before: dict[str, Any] | None, state: str) -> dict[str, Any] | None:
    """Return what an earlier reading of the same pictures said."""
    part = before.get("pictures") if before is not None and before.get("state") == state else None
    return part if isinstance(part, dict) else None


def _record(lake: Lake, scan: ByteScan, seen: PictureScan | None) -> None:
    counts = {"files": scan.files, "findings": len(scan.findings), "unreadable": len(scan.unreadable)}
    if seen is not None:
        counts |= {"pictures": seen.objects, "picture_findings": len(seen.findings), "doubts": len(seen.doubts)}
        counts["pictures_unreadable"] = len(seen.unreadable)
    lake.audit(Kind.VERIFY, "the lake was scanned for identifiers", counts=counts)


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def require_verified(lake: Lake) -> None:
    """Refuse a lake that was not verified since its last change, or did not pass.

    Raises:
        DataError: it was not, or did not.
    """
    hint = f"deephealth lake verify --lake {lake.folder.root}"
    last = read_record(lake.folder)
    if last is None:
        raise DataError("the lake was never verified", hint=hint)
    if not last.get("passed"):
        raise DataError("the lake's last verification did not pass: nothing leaves it", hint=hint)
    if last.get("state") != state_of(lake.folder):
        raise DataError("objects were released since the lake was last verified", hint=hint)
