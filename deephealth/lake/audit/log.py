"""The audit log: one JSON line per event, chained, and on disk before the call returns."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from deephealth.core.errors import AuditError, StorageError
from deephealth.core.files import atomic_write, fsync_folder, storage_errors
from deephealth.core.log import get_logger
from deephealth.lake.audit.chain import Chain, Head
from deephealth.lake.audit.event import AuditEvent, Kind
from deephealth.lake.audit.retention import expire
from deephealth.lake.audit.verification import HEAD, AuditReport, verify

__all__ = ["Anchor", "AuditLog"]

LOCK = "lock"
_FILE = "audit-{:06d}.jsonl"
_NAME = re.compile(r"audit-(\d{6})\.jsonl")
_log = get_logger(__name__)


class Anchor(Protocol):
    """A place outside the log's folder that remembers the end of the chain, such as the vault.

    With it even the removal of the whole log, or putting an old copy of its folder back, is noticed.
    """

    def load(self) -> bytes | None:
        """Return what was saved last."""

    def save(self, head: bytes) -> None:
        """Keep this, on disk when it returns."""


class AuditLog:
    """The audit log of one lake.

    Several processes may append at once. A process that is killed leaves at most half a line, which the next append
    takes away and records. Lines are never changed; old files go only through :meth:`expire`.

    Args:
        folder: where its files are; made on the first append.
        key: 32 bytes, from the vault.
        anchor: remembers the end of the chain in another place.
        file_bytes: a new file is begun when one grew above this.

    Raises:
        AuditError: the key has another length.

    Example:
        >>> import tempfile
        >>> log = AuditLog(Path(tempfile.mkdtemp()), bytes(32))
        >>> mac = log.append(AuditEvent(Kind.INTAKE, "a folder was taken in", counts={"released": 3}))
        >>> log.verify().ok, log.verify().events
        (True, 1)
    """

    def __init__(self, folder: Path, key: bytes, *, anchor: Anchor | None = None, file_bytes: int = 64 * 2**20) -> None:
        self.folder, self.anchor = folder, anchor
        self.chain = Chain(key)
        self._file_bytes = file_bytes

    def append(self, event: AuditEvent) -> str:
        """Record an event; it is on disk when this returns.

        Args:
            event: what happened.

        Returns:
            the line's keyed hash, by which the record can be quoted.

        Raises:
            AuditError: the log was cut, its end is missing, or it was written with another key: nothing is recorded,
                so nothing may be done.
            StorageError: the disk is full or the folder can't be written.
        """
        with self._locked():
            head = self._recovered(self._head())
            return self._write(head, event).mac

    def record(self, kind: str, facts: Mapping[str, Any]) -> str:
        """Record an event by its kind and facts, as a vault tells it.

        Raises:
            AuditError: as for :meth:`append`, or the kind is unknown.
            StorageError: as for :meth:`append`.
        """
        if kind not in tuple(Kind):
            raise AuditError(f"the audit log knows no event '{kind}'", allowed=", ".join(Kind))
        return self.append(AuditEvent(Kind(kind), facts=facts))

    def expire(self, years: float, *, who: str = "") -> list[str]:
        """Remove the files whose events are all older than a number of years; that is recorded first.

        Args:
            years: how long events are kept, such as 10.
            who: who decided it; the user of this process when left out.

        Returns:
            the names of the files.

        Raises:
            AuditError: the log does not verify: nothing is removed.
        """
        return expire(self, years, who)

    def verify(self) -> AuditReport:
        """Prove every line, their order, and that none is missing at either end."""
        return verify(self)

    def events(self) -> Iterator[dict[str, Any]]:
        """Yield the events, oldest first, each line proven by itself.

        Raises:
            AuditError: a line was changed.
        """
        for path in self.files():
            with path.open("rb") as stream:
                for line in stream:
                    if line.endswith(b"\n"):
                        yield self.chain.link(line).event

    def files(self) -> list[Path]:
        """Return the log's files, oldest first."""
        if not self.folder.is_dir():
            return []
        return sorted(path for path in self.folder.iterdir() if _NAME.fullmatch(path.name))

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Let one writer in at a time; the lock goes with the process that holds it."""
        with storage_errors(self.folder, "opening the audit log"):
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self.folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(descriptor)
            yield
        finally:
            os.close(descriptor)

    def _head(self) -> Head:
        path = self.folder / HEAD
        try:
            head = self.chain.open_head(path.read_bytes())
        except FileNotFoundError:
            if any(file.stat().st_size for file in self.files()) and not self._first_line_only():
                raise AuditError(
                    f"the end of the audit log {self.folder} is missing", hint="restore the folder from its backup"
                ) from None
            head = Head()
        self._compare_anchor(head)
        return head

    def _first_line_only(self) -> bool:
        """Return whether the log is as a process leaves it that was killed while it wrote the very first line."""
        files = self.files()
        if len(files) != 1 or files[0].name != _FILE.format(1):
            return False
        lines = files[0].read_bytes().splitlines(keepends=True)
        return len(lines) == 1

    def _compare_anchor(self, head: Head) -> None:
        known = self.anchor.load() if self.anchor else None
        if known is not None and self.chain.open_head(known).sequence > head.sequence:
            raise AuditError(
                f"the audit log {self.folder} ends before what was recorded last",
                hint="lines were cut off, or an old copy was put back: restore it from its backup",
            )

    def _recovered(self, head: Head) -> Head:
        """Take up whole lines that were written after the head, and take half a line away."""
        path = self.folder / (head.file or _FILE.format(1))
        later = [file for file in self.files() if file.name > path.name]
        size = path.stat().st_size if path.exists() else 0
        if size < head.size:
            raise AuditError(f"the audit log {path} was cut", hint="restore it from its backup")
        head = self._taken_up(path, head)
        for file in later:
            head = self._taken_up(file, Head(head.sequence, head.mac, file.name, 0))
        return head

    def _taken_up(self, path: Path, head: Head) -> Head:
        if not path.exists() or path.stat().st_size == head.size:
            return head
        with path.open("rb") as stream:
            stream.seek(head.size)
            rest = stream.read()
        for line in rest.splitlines(keepends=True):
            if not line.endswith(b"\n"):
                return self._repaired(path, head, len(line))
            link = self.chain.link(line)
            if (link.sequence, link.previous) != (head.sequence + 1, head.mac):
                raise AuditError(f"the audit log {path} was changed at its end", hint="restore it from its backup")
            head = Head(link.sequence, link.mac, path.name, head.size + len(line))
        return head

    def _repaired(self, path: Path, head: Head, torn: int) -> Head:
        with storage_errors(path, "repairing the audit log"), path.open("r+b") as stream:
            stream.truncate(head.size)
            os.fsync(stream.fileno())
        _log.warning("half a line of %d bytes was taken off the end of the audit log", torn)
        event = AuditEvent(Kind.REPAIRED, "half a line, left by a process that was killed", counts={"bytes": torn})
        return self._write(Head(head.sequence, head.mac, path.name, head.size), event)

    def _write(self, head: Head, event: AuditEvent) -> Head:
        name = head.file or _FILE.format(1)
        size = head.size
        if size >= self._file_bytes:
            name, size = _FILE.format(int(name[6:12]) + 1), 0
        line, mac = self.chain.line(head.sequence + 1, head.mac, event.to_dict())
        path = self.folder / name
        with storage_errors(path, "writing the audit log"):
            try:
                _append(path, line)
            except OSError:
                with contextlib.suppress(OSError):
                    os.truncate(path, size)  # a full disk leaves no half line
                raise
            if size == 0:
                fsync_folder(self.folder)
        head = Head(head.sequence + 1, mac, name, size + len(line))
        sealed = self.chain.seal_head(head)
        atomic_write(self.folder / HEAD, sealed)
        if self.anchor:
            self.anchor.save(sealed)
        return head


def _append(path: Path, line: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        written = os.write(descriptor, line)
        if written != len(line):
            raise StorageError(f"writing the audit log failed: {path}", hint="free space on that disk")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX)
