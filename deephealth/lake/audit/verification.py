"""Proving an audit log: every line, their order, both ends."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from deephealth.core.errors import AuditError
from deephealth.lake.audit.chain import START, Head, Link
from deephealth.lake.audit.event import Kind

if TYPE_CHECKING:
    from deephealth.lake.audit.log import AuditLog

__all__ = ["AuditReport", "HEAD", "Problem", "verify"]

HEAD = "head"  # the file that says where the log ends


@dataclass(frozen=True, slots=True)
class Problem:
    """The first thing that is wrong.

    Args:
        file: name of the file; empty when it is about the log as a whole.
        line: its number in the file, from 1; 0 when it is about a whole file.
        what: in one sentence.
    """

    file: str
    line: int
    what: str


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What proving an audit log found.

    Args:
        ok: nothing is wrong.
        events: lines that were proven before the first problem.
        files: files of the log.
        first: moment of the first event; empty when there's none.
        last: moment of the last event that was proven.
        problem: the first thing that is wrong.
        torn: bytes of half a line at the end, left by a process that was killed; the next append takes them away.
        repaired: how often such a half line was taken away.
        expired: events that were removed at the end of their time.
    """

    ok: bool
    events: int
    files: int
    first: str = ""
    last: str = ""
    problem: Problem | None = None
    torn: int = 0
    repaired: int = 0
    expired: int = 0


class _Broken(Exception):  # noqa: N818 - it never leaves this file
    def __init__(self, file: str, line: int, what: str) -> None:
        super().__init__(what)
        self.problem = Problem(file, line, what)


def verify(log: AuditLog) -> AuditReport:
    """Prove a log from its first line to its end.

    Args:
        log: the log; it is not changed.

    Returns:
        the report; its ``problem`` names the first broken line.
    """
    proof = _Proof(log)
    try:
        proof.run()
    except _Broken as broken:
        return proof.report(broken.problem)
    return proof.report(None)


class _Proof:
    """One walk over the files of a log."""

    def __init__(self, log: AuditLog) -> None:
        self._log, self._files = log, list[Path]()
        self._head = Head()
        self._ends: dict[int, str] = {}  # the hashes that heads and anchors name, by number
        self._started_at: Link | None = None
        self._removed: set[tuple[int, str]] = set()  # where the lines end that were removed and recorded
        self._events = self._torn = self._repaired = 0
        self._first = self._last = ""

    def run(self) -> None:
        wanted = self._wanted()  # before the files: a file begun meanwhile does no harm
        self._files = self._log.files()
        if not self._files:
            raise _Broken("", 0, "there's no audit log")
        for number, path in enumerate(self._files):
            self._prove(path, last=number == len(self._files) - 1)
        self._check_start()
        for head, what in wanted:
            if head.sequence > self._head.sequence:
                cut = head.sequence - self._head.sequence
                raise _Broken(self._files[-1].name, 0, f"{cut} lines are missing at the end ({what})")
            if head.sequence in self._ends and self._ends[head.sequence] != head.mac:
                raise _Broken(self._files[-1].name, 0, f"the end of the log is another than {what} says")

    def report(self, problem: Problem | None) -> AuditReport:
        skipped = self._started_at.sequence - 1 if self._started_at else 0
        return AuditReport(
            problem is None,
            self._events,
            len(self._files),
            self._first,
            self._last,
            problem,
            self._torn,
            self._repaired,
            skipped,
        )

    def _wanted(self) -> list[tuple[Head, str]]:
        """Read where the chain has to end, before the lines: a line appended meanwhile does no harm."""
        found = []
        try:
            found.append((self._log.chain.open_head((self._log.folder / HEAD).read_bytes()), "the head file"))
            known = self._log.anchor.load() if self._log.anchor else None
            if known is not None:
                found.append((self._log.chain.open_head(known), "the anchor"))
        except OSError as error:
            raise _Broken(HEAD, 0, "the file that says where the log ends is missing") from error
        except AuditError as error:
            raise _Broken(HEAD, 0, error.what) from error
        self._ends = {head.sequence: "" for head, _ in found}
        return found

    def _prove(self, path: Path, *, last: bool) -> None:
        with path.open("rb") as stream:
            for number, line in enumerate(stream, 1):
                if not line.endswith(b"\n"):
                    if not last:
                        raise _Broken(path.name, number, "the line was cut")
                    self._torn = len(line)
                    return
                try:
                    link = self._log.chain.link(line)
                except (AuditError, ValueError) as error:
                    raise _Broken(path.name, number, getattr(error, "what", "it is not JSON")) from error
                self._follow(link, path.name, number)

    def _follow(self, link: Link, file: str, number: int) -> None:
        if self._started_at is None:
            self._started_at, self._first = link, link.event["time"]
        elif (link.sequence, link.previous) != (self._head.sequence + 1, self._head.mac):
            raise _Broken(file, number, f"line {self._head.sequence + 1} should stand here, not {link.sequence}")
        self._head = Head(link.sequence, link.mac)
        self._events, self._last = self._events + 1, link.event["time"]
        self._repaired += link.event["kind"] == Kind.REPAIRED
        if link.event["kind"] == Kind.EXPIRED:
            self._removed.update((last, mac) for _, last, mac in link.event["facts"]["files"])
        if link.sequence in self._ends:
            self._ends[link.sequence] = link.mac

    def _check_start(self) -> None:
        """The log starts at its first line, or after lines whose removal is recorded."""
        start = self._started_at
        if start is None:
            raise _Broken(self._files[0].name, 0, "the log is empty")
        if (start.sequence, start.previous) == (1, START):
            return
        if (start.sequence - 1, start.previous) not in self._removed:
            raise _Broken(self._files[0].name, 1, f"{start.sequence - 1} lines are missing at the start")
