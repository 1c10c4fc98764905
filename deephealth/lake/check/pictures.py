"""The second look at pictures: what was released is rendered anew, read, and compared with all known identifiers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import Any

from deephealth.core.errors import DataError
from deephealth.core.optional import require
from deephealth.lake.check.needles import Hit
from deephealth.lake.check.sampling import Picked, PictureSample, choose
from deephealth.lake.check.scan import Finding
from deephealth.lake.folder import LakeFolder
from deephealth.lake.identifiers import Identifiers
from deephealth.lake.intake.journal import PublishedObject

__all__ = ["Doubt", "PictureScan", "look_at", "scan_pictures"]

_TOGETHER = 2
_UNDER_WAY = 8
_worker: tuple[Any, LakeFolder, int] | None = None  # of a worker process: known words, the lake, frames


@dataclass(frozen=True, slots=True)
class Doubt:
    """Writing in a released picture that is no known identifier, and looks like one.

    Args:
        path: relative to the lake.
        kind: ``name``, ``date`` or ``number``.
        frame: in which frame, from 0.
        x, y: where the line begins, in pixels. What it says is not kept.
    """

    path: str
    kind: str
    frame: int
    x: int
    y: int

    def __str__(self) -> str:
        return f"{self.path}: something like a {self.kind} in frame {self.frame} at {self.x}, {self.y}"


@dataclass(frozen=True, slots=True)
class PictureScan:
    """What reading released pictures found.

    Args:
        objects: how many were looked at.
        renders: in how many views.
        by_modality: how many of each modality were looked at.
        pictures: how many there are of each.
        at_risk: how many are of a kind that often holds writing, or were painted.
        findings: known identifiers that were read; must be empty.
        doubts: writing that looks like an identifier and is none that is known; a person should look.
        unreadable: objects that could not be rendered; must be empty too.
        sample: how they were chosen.
    """

    objects: int = 0
    renders: int = 0
    by_modality: Counter[str] = field(default_factory=Counter)
    pictures: Counter[str] = field(default_factory=Counter)
    at_risk: int = 0
    findings: tuple[Finding, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    unreadable: tuple[str, ...] = ()
    sample: PictureSample = field(default_factory=PictureSample)

    @property
    def ok(self) -> bool:
        """Whether every chosen picture was read and no identifier was found."""
        return not self.findings and not self.unreadable


def scan_pictures(
    folder: LakeFolder,
    objects: Iterable[PublishedObject],
    known: Iterable[tuple[str, Identifiers]],
    *,
    sample: PictureSample | None = None,
    workers: int = 2,
    progress: Callable[[int, int], object] | None = None,
) -> PictureScan:
    """Read released pictures and compare what stands in them with the identifiers of all patients.

    Args:
        folder: the lake.
        objects: what was released, from the journal.
        known: pseudonym and identifiers of each patient, from the vault.
        sample: how many are looked at.
        workers: processes, about 500 MB each.
        progress: called with objects done and all that were chosen.

    Raises:
        OptionalDependencyError: rapidocr is not installed.
        DataError: a worker was killed by a picture.
    """
    for module in ("rapidocr", "onnxruntime", "ahocorasick_rs"):
        require(module, purpose="reading released pictures once more")
    sample = sample or PictureSample()
    choice = choose(objects, sample)
    total: dict[str, Any] = {"objects": 0, "renders": 0, "findings": [], "doubts": [], "unreadable": []}
    seen: Counter[str] = Counter()
    if choice.picked:
        context = get_context("forkserver")  # a fork of a process with threads can hang
        start = (list(known), folder, sample.frames)
        try:
            with ProcessPoolExecutor(workers, context, _prepare, start) as pool:
                for answer in _answers(pool, choice.picked):
                    seen[answer.pop("modality")] += 1
                    total = {name: total[name] + value for name, value in answer.items()}
                    if progress is not None:
                        progress(total["objects"], len(choice.picked))
        except BrokenProcessPool as error:
            raise DataError(
                "a process that read released pictures was killed, so the pictures are not verified",
                hint="run it again with --workers 1; memory may be short",
            ) from error
    parts = {name: tuple(total[name]) for name in ("findings", "doubts", "unreadable")}
    return PictureScan(
        total["objects"], total["renders"], seen, choice.pictures, choice.at_risk, sample=sample, **parts
    )


def look_at(folder: LakeFolder, picked: Picked, words: Any, frames: int) -> dict[str, Any]:
    """Read one object.

    Args:
        folder: the lake.
        picked: the object.
        words: the known identifiers, a :class:`deephealth.lake.check.words.KnownWords`.
        frames: at most so many.

    Returns:
        Counts, findings, doubts and unreadable files, as :class:`PictureScan` has them.
    """
    from deephealth.lake.check.reading import picture_reader
    from deephealth.lake.check.rendering import renders
    from deephealth.lake.check.words import looks_like

    findings: dict[tuple[str, str, int], Finding] = {}
    doubts: dict[tuple[str, int, int, int], Doubt] = {}
    views, unreadable = 0, []
    try:
        for view in renders(folder.root / picked.path, picked.format, frames=frames):
            views += 1
            for line in picture_reader().read(view.picture):
                hits = words.find(line.text, picked.subject)
                for owner, kind in hits:
                    hit = Hit(owner, kind, f"at {line.x}, {line.y}", view.frame)
                    findings.setdefault((owner, kind, view.frame), Finding(picked.path, hit, "picture"))
                if not hits and (kind := looks_like(line.text)):
                    near = (kind, view.frame, line.x // 16, line.y // 16)  # the same line in another view
                    doubts.setdefault(near, Doubt(picked.path, kind, view.frame, line.x, line.y))
    except Exception:  # decoders raise anything, and what they say may quote the file
        unreadable.append(picked.path)
    return {
        "modality": picked.modality,
        "objects": 1,
        "renders": views,
        "findings": list(findings.values()),
        "doubts": list(doubts.values()),
        "unreadable": unreadable,
    }


def _answers(pool: ProcessPoolExecutor, picked: Sequence[Picked]) -> Iterator[dict[str, Any]]:
    """Keep a few batches under way, so that memory does not grow with the sample."""
    under_way: set[Future[list[dict[str, Any]]]] = set()
    for at in range(0, len(picked), _TOGETHER):
        under_way.add(pool.submit(_look, picked[at : at + _TOGETHER]))
        if len(under_way) >= _UNDER_WAY:
            done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
            for one in done:
                yield from one.result()
    for one in under_way:
        yield from one.result()


def _prepare(entries: list[tuple[str, Identifiers]], folder: LakeFolder, frames: int) -> None:
    from deephealth.lake.check.words import KnownWords

    global _worker
    _worker = KnownWords(entries), folder, frames


def _look(picked: Sequence[Picked]) -> list[dict[str, Any]]:
    if _worker is None:
        raise RuntimeError("the worker was not prepared")
    words, folder, frames = _worker
    return [look_at(folder, one, words, frames) for one in picked]
