"""What a worker process does with one file: hash and scan it, clean it, or seal it for the quarantine."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from deephealth.core.errors import (
    AuditError,
    ConfigError,
    DeepHealthError,
    LimitError,
    OptionalDependencyError,
    QuarantineError,
    StorageError,
    VaultError,
)
from deephealth.lake.identifiers import Identifiers
from deephealth.lake.intake.limits import WorkerLimits
from deephealth.lake.intake.sealing import open_to_read
from deephealth.lake.intake.task import Cleaner, Released, Scan, Scanned, Task
from deephealth.lake.pseudonyms import Pseudonyms
from deephealth.lake.reasons import MEANING, Reason

__all__ = ["Answer", "Bench", "Job", "Seal"]

Seal: TypeAlias = Callable[[Path, Path, bytes, bytes], None]  # source, target, key, associated data

_FATAL = (StorageError, VaultError, AuditError, ConfigError, OptionalDependencyError)
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG}
_PIECE, _AT_ONCE = 1 << 20, 64 << 20
_PATIENTS_KEPT = 32


@dataclass(frozen=True, slots=True)
class Job:
    """One file and what to do with it.

    Args:
        id: of the entry.
        kind: ``scan``, ``clean`` or ``seal``.
        task: the file; of a scan only its path counts.
        target: where the clean file is written.
        sealed: where the sealed original is written, should it come to that.
        name: of the original in the quarantine; sealed with it, so that two can't be swapped.
        stamp: what the file's status was when it was listed; empty when unknown.
    """

    id: int
    kind: str
    task: Task
    target: Path | None = None
    sealed: Path | None = None
    name: str = ""
    stamp: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one job.

    Args:
        id: of the entry.
        kind: ``scanned``, ``released``, ``dropped``, ``refused``, ``sealed``, ``crashed``, or ``fatal``.
        source: keyed hash of the content.
        scanned: of a scan.
        released: of a cleaning.
        reason, what: of a refusal, a crash or a fatal error.
        bytes: size of the original.
        is_sealed: whether its sealed copy was written.
    """

    id: int
    kind: str
    source: str = ""
    scanned: Scanned | None = field(default=None, repr=False)
    released: Released | None = None
    reason: str = ""
    what: str = ""
    bytes: int = 0
    is_sealed: bool = False

    def raise_fatal(self) -> None:
        """Raise the error that ends the run, if this is one; it was taken apart for its way between processes."""
        if self.kind != "fatal":
            return
        known = {kind.__name__: kind for kind in _FATAL}
        if self.reason == ConfigError.__name__:
            raise ConfigError([self.what], source="the cleaner's settings")
        raise known.get(self.reason, StorageError)(self.what)


@dataclass
class Bench:
    """A worker's tools; pickled once for each process.

    Args:
        pseudonyms: for the keyed hash of contents.
        key: under which originals are sealed.
        scan: reads a header.
        cleaner: de-identifies a file.
        seal: encrypts a file.
        limits: of this process.
    """

    pseudonyms: Pseudonyms
    key: bytes = field(repr=False)
    scan: Scan
    cleaner: Cleaner
    seal: Seal
    limits: WorkerLimits

    def __post_init__(self) -> None:
        self._patients: dict[tuple[str, str], Identifiers] = {}

    def do(self, job: Job) -> Answer:
        """Do one job; whatever the file does, an answer comes back, if the process lives."""
        self.limits.start_file()
        try:
            return getattr(self, f"_{job.kind}")(job)
        except _FATAL as error:
            return _fatal(job, error)
        except OSError as error:
            if error.errno in _FULL:
                return _fatal(job, error)
            return self._refused(job, Reason.UNREADABLE, "the file can't be read")
        except Exception as error:
            return self._refused(job, *_why(error))

    def _scan(self, job: Job) -> Answer:
        path = job.task.path
        size, digest, content = _digest(path, self.limits.max_bytes)
        source = self.pseudonyms.code("content", digest, 32)
        scan = getattr(self.scan, "scan_content", None)  # of a reader that need not open the file a second time
        try:
            _check_archive(content[:512])
            found = scan(path, content) if scan is not None and len(content) == size else self.scan(path)
        except _FATAL:
            raise
        except Exception as error:
            reason, what = _why(error)
            return Answer(job.id, "refused", source, reason=reason, what=what, bytes=size)
        return Answer(job.id, "scanned", source, scanned=found, bytes=size)

    def _clean(self, job: Job) -> Answer:
        assert job.target is not None  # noqa: S101 - a cleaning has a target
        before = _status(job.task.path)
        if job.stamp and job.stamp != before:
            raise QuarantineError(Reason.UNREADABLE, "the file changed while it was being taken in")
        released = self.cleaner.clean(self._same_patient(job.task), job.target)
        if _status(job.task.path) != before:
            raise QuarantineError(Reason.UNREADABLE, "the file changed while it was being taken in")
        if released.status != "released":
            job.target.unlink(missing_ok=True)
            return Answer(job.id, "dropped", released=released, reason=released.reason)
        _check_written(job.target, released)
        return Answer(job.id, "released", released=released)

    def _seal(self, job: Job) -> Answer:
        return self._refused(job, "", "")

    def _same_patient(self, task: Task) -> Task:
        """Give tasks of one patient the same object of identifiers, so that cleaners can keep what they made of it."""
        key = (task.patient, task.issuer)
        if self._patients.get(key) != task.identifiers:
            if len(self._patients) >= _PATIENTS_KEPT:
                self._patients.pop(next(iter(self._patients)))
            self._patients[key] = task.identifiers
        same = self._patients[key]
        return Task(task.path, task.source, task.patient, task.issuer, same, task.format)

    def _refused(self, job: Job, reason: str, what: str) -> Answer:
        """Seal the original, if it can be read; a file that can't is counted all the same."""
        if job.target is not None:
            job.target.unlink(missing_ok=True)
        if job.sealed is None:
            return Answer(job.id, "refused", job.task.source, reason=reason, what=what)
        try:
            size = _regular(job.task.path, self.limits.max_bytes)
            self.seal(job.task.path, job.sealed, self.key, job.name.encode())
        except (OSError, DeepHealthError) as error:
            if isinstance(error, StorageError) or (isinstance(error, OSError) and error.errno in _FULL):
                return _fatal(job, error)
            job.sealed.unlink(missing_ok=True)
            return Answer(job.id, "sealed", reason=reason, what=what)
        return Answer(job.id, "sealed", reason=reason, what=what, bytes=size, is_sealed=True)


def _why(error: Exception) -> tuple[str, str]:
    """Reason and sentence for an error; other errors than QuarantineError name the file, so their text is not used."""
    if isinstance(error, QuarantineError):
        return error.reason, error.what
    if isinstance(error, MemoryError | RecursionError):
        return Reason.HOSTILE, "reading the file took more memory than a sound file takes"
    if isinstance(error, LimitError):
        return Reason.TOO_LARGE, MEANING[Reason.TOO_LARGE]
    if isinstance(error, DeepHealthError):
        return Reason.UNREADABLE, MEANING[Reason.UNREADABLE]
    return Reason.UNREADABLE, f"the reader failed with {type(error).__name__}"


def _fatal(job: Job, error: Exception) -> Answer:
    if isinstance(error, DeepHealthError):
        kind = next((kind for kind in _FATAL if isinstance(error, kind)), StorageError)
        return Answer(job.id, "fatal", reason=kind.__name__, what=str(error))
    code = getattr(error, "errno", None) or errno.EIO  # the error's own text names the file
    text = f"writing into the lake failed: {os.strerror(code)}\n  do next: free space on that disk, then run it again"
    return Answer(job.id, "fatal", reason=StorageError.__name__, what=text)


def _status(path: Path) -> str:
    status = os.lstat(path)
    return f"{status.st_size}:{status.st_mtime_ns}"


def _regular(path: Path, limit: int) -> int:
    """Return the size of a regular file.

    Raises:
        OSError: it is none.
        LimitError: it is larger than ``limit``.
    """
    status = os.lstat(path)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "not a regular file")
    if status.st_size > limit:
        raise LimitError("the file is above the limit", allowed=f"{limit} bytes")
    return status.st_size


def _digest(path: Path, limit: int) -> tuple[int, str, bytes]:
    """Return size, SHA-256 and content of a regular file; of a large one its first bytes only."""
    size = _regular(path, limit)
    with os.fdopen(open_to_read(path), "rb", buffering=0) as stream:
        if size < _AT_ONCE:
            content = stream.read(size + 1)
            if len(content) == size:
                return size, hashlib.sha256(content).hexdigest(), content
            stream.seek(0)  # it changed, or came in parts
        digest = hashlib.sha256()
        head = piece = stream.read(min(size + 1, _PIECE))
        while piece:
            digest.update(piece)
            piece = stream.read(_PIECE)
    return size, digest.hexdigest(), head[:512]


def _check_archive(head: bytes) -> None:
    """Archives are not entered: what lies in them is unpacked by a person, who sees what it is."""
    starts = (b"PK\x03\x04", b"PK\x05\x06", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07", b"\xfd7zXZ\0")
    if head.startswith(starts) or head[257:262] == b"ustar":
        raise QuarantineError(Reason.UNKNOWN_FORMAT, "the file is an archive", hint="unpack it, then take it in")


def _check_written(target: Path, released: Released) -> None:
    """A cleaner that says it wrote a file did so."""
    size = os.lstat(target).st_size if target.is_file() and not target.is_symlink() else -1
    if released.facts is None or size != released.facts.bytes:
        raise QuarantineError(Reason.UNREADABLE, "the cleaner wrote another file than it said")
