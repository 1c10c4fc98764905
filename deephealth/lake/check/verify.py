"""The second look at a whole lake, in several processes; what it finds takes the release back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from deephealth.lake.check.needles import Needles
from deephealth.lake.check.scan import Finding, released_files, scan_file
from deephealth.lake.folder import LakeFolder
from deephealth.lake.identifiers import Identifiers

__all__ = ["ByteScan", "scan_lake"]

_TOGETHER = 32
_needles: Needles | None = None  # of a worker process


@dataclass(frozen=True, slots=True)
class ByteScan:
    """What the scan of all released bytes found.

    Args:
        files: how many were read.
        bytes: their size.
        patterns: forms of identifiers that were looked for.
        findings: what was found; must be empty.
        unreadable: files that could not be read; must be empty too.
    """

    files: int = 0
    bytes: int = 0
    patterns: int = 0
    findings: tuple[Finding, ...] = ()
    unreadable: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every file was read and nothing was found."""
        return not self.findings and not self.unreadable

    def by_kind(self) -> Counter[str]:
        """Return how many findings there are of each kind."""
        return Counter(finding.hit.kind for finding in self.findings)


@dataclass
class _Sum:
    files: int = 0
    bytes: int = 0
    findings: list[Finding] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)


def scan_lake(
    folder: LakeFolder,
    known: Iterable[tuple[str, Identifiers]],
    *,
    workers: int = 2,
    progress: Callable[[int, int], object] | None = None,
) -> ByteScan:
    """Look for every identifier that the vault knows in every byte below the lake's root, names of files included.

    The quarantine is read too: it is encrypted, so nothing may show there either.

    Args:
        folder: the lake.
        known: pseudonym and identifiers of each patient, from the vault.
        workers: processes.
        progress: called with files done and all files.
    """
    entries = list(known)
    files = list(released_files([folder.root]))
    total = _Sum()
    context = get_context("forkserver")  # a fork of a process with threads can hang
    with ProcessPoolExecutor(workers, context, _prepare, (entries,)) as pool:
        for done, answer in enumerate(_answers(pool, files, folder.root), 1):
            total.files += answer["files"]
            total.bytes += answer["bytes"]
            total.findings += answer["findings"]
            total.unreadable += answer["unreadable"]
            if progress is not None:
                progress(min(done * _TOGETHER, len(files)), len(files))
    patterns = len(Needles(entries))
    return ByteScan(total.files, total.bytes, patterns, tuple(total.findings), tuple(total.unreadable))


def _answers(pool: ProcessPoolExecutor, files: list[Path], root: Path) -> Iterator[dict[str, Any]]:
    """Keep a few batches under way, so that memory does not grow with the lake."""
    under_way: set[Future[dict[str, Any]]] = set()
    for at in range(0, len(files), _TOGETHER):
        under_way.add(pool.submit(_scan, files[at : at + _TOGETHER], root))
        if len(under_way) >= 8:
            done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
            yield from (one.result() for one in done)
    for one in under_way:
        yield one.result()


def _prepare(entries: list[tuple[str, Identifiers]]) -> None:
    global _needles
    _needles = Needles(entries)


def _scan(files: list[Path], root: Path) -> dict[str, Any]:
    if _needles is None:
        raise RuntimeError("the worker was not prepared")
    answer: dict[str, Any] = {"files": 0, "bytes": 0, "findings": [], "unreadable": []}
    for file in files:
        try:
            answer["findings"] += scan_file(file, root, _needles)
            answer["bytes"] += file.stat().st_size
            answer["files"] += 1
        except FileNotFoundError:
            continue  # a temporary file of a process that works beside us
        except OSError:
            answer["unreadable"].append(file.relative_to(root).as_posix())
    return answer
