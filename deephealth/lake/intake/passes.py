"""The two passes over a run's files: whose they are, then cleaning them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from deephealth.core.errors import MissingDataError
from deephealth.lake.identifiers import Identifiers
from deephealth.lake.intake.jobs import Answer, Job
from deephealth.lake.intake.placing import Placer
from deephealth.lake.intake.sources import Incoming, Source
from deephealth.lake.intake.task import Scanned, Task
from deephealth.lake.intake.tools import IntakeTools, Recall
from deephealth.lake.intake.workers import WorkerPool
from deephealth.lake.intake.worklist import Entry, Worklist
from deephealth.lake.reasons import MEANING, Reason

__all__ = ["CleaningPass", "Patients", "ScanningPass", "list_source"]

_LISTED_AT_ONCE = 2000
_PATIENTS_KEPT = 64
_GONE = "the file is not there any more"


def list_source(source: Source, worklist: Worklist) -> int:
    """Write down what the source gives; return how many files that is."""
    files: Iterator[tuple[int, Incoming]] = enumerate(source)
    while batch := list(islice(files, _LISTED_AT_ONCE)):
        worklist.add(batch)
    return worklist.count()


class Patients:
    """What is known of each patient: in the vault, or in memory where the vault can't be asked.

    Args:
        tools: of the intake.
    """

    def __init__(self, tools: IntakeTools) -> None:
        self._tools = tools
        self._all: dict[tuple[str, str], Identifiers] = {}
        self._recent: dict[tuple[str, str], Identifiers] = {}
        self._refusals: dict[tuple[str, str], str] = {}

    def remember(self, batch: list[Scanned]) -> None:
        """Keep the identifiers of some files; they are in the vault at the end."""
        found: dict[tuple[str, str], Identifiers] = {}
        for scanned in batch:
            key = (scanned.patient, scanned.issuer)
            found[key] = found.get(key, Identifiers()) | scanned.identifiers
        self._tools.remember([(*key, identifiers) for key, identifiers in found.items()])
        self._recent.clear()
        if self._tools.recall is None:
            for key, identifiers in found.items():
                self._all[key] = self._all.get(key, Identifiers()) | identifiers

    def refusal(self, patient: str, issuer: str) -> str:
        """Return why a patient may not enter; empty for one who may."""
        refuse, key = self._tools.refuse, (patient, issuer)
        if refuse is None:
            return ""
        if key not in self._refusals:
            self._refusals[key] = refuse(patient, issuer)
        return self._refusals[key]

    def of(self, patient: str, issuer: str) -> Identifiers:
        """Return a patient's identifiers."""
        recall: Recall | None = self._tools.recall
        key = (patient, issuer)
        if recall is None:
            return self._all.get(key, Identifiers())
        if key not in self._recent:
            if len(self._recent) >= _PATIENTS_KEPT:
                self._recent.pop(next(iter(self._recent)))
            self._recent[key] = recall(patient, issuer)
        return self._recent[key]


class ScanningPass:
    """Reads headers and hashes contents.

    Args:
        worklist: of the run.
        source: gives the files.
        patients: learn what headers say.
        batch: files that are written down together.
        progress: called after each file.
    """

    def __init__(
        self, worklist: Worklist, source: Source, patients: Patients, *, batch: int, progress: Callable[[], None]
    ) -> None:
        self._worklist, self._source, self._patients = worklist, source, patients
        self._batch, self._progress = batch, progress
        self._under_way: dict[int, Entry] = {}
        self._scanned: list[tuple[Entry, str, Scanned]] = []
        self._refused: list[tuple[Entry, str, str, str]] = []

    def run(self, pool: WorkerPool) -> None:
        """Scan every listed file."""
        for answer in pool.run(self._jobs()):
            answer.raise_fatal()
            entry = self._under_way.pop(answer.id)
            if answer.scanned is not None and answer.kind == "scanned":
                self._take(entry, answer.source, answer.scanned)
            else:
                self._refused.append((entry, answer.source, answer.reason, answer.what))
            self._progress()
            if len(self._scanned) + len(self._refused) >= self._batch:
                self._commit()
        self._commit()

    def _take(self, entry: Entry, source: str, scanned: Scanned) -> None:
        if scanned.drop:
            self._scanned.append((entry, source, scanned))
        elif not scanned.patient.strip(" \0\t\r\n"):
            reason = Reason.NO_PATIENT
            self._refused.append((entry, source, reason, MEANING[reason]))
        elif why := self._patients.refusal(scanned.patient, scanned.issuer):
            self._refused.append((entry, source, Reason.NO_CONSENT, why))
        else:
            self._scanned.append((entry, source, scanned))

    def _jobs(self) -> Iterator[Job]:
        for entry in self._worklist.entries("listed"):
            try:
                path = self._source.path(entry.locator)
            except MissingDataError:
                self._refused.append((entry, "", Reason.UNREADABLE, _GONE))
                self._progress()
                continue
            self._under_way[entry.id] = entry
            yield Job(entry.id, "scan", Task(path, "", ""))

    def _commit(self) -> None:
        """The vault first: what is released later was remembered before."""
        known = [scanned for _, _, scanned in self._scanned if not scanned.drop]
        if known:
            self._patients.remember(known)
        if self._scanned:
            self._worklist.scanned(self._scanned)
        if self._refused:
            self._worklist.refuse(self._refused)
        self._scanned, self._refused = [], []


class CleaningPass:
    """Cleans what may enter and seals what may not.

    Args:
        worklist: of the run.
        source: gives the files.
        patients: what is known of them.
        placer: takes what is finished.
        progress: called after each file.
    """

    def __init__(
        self,
        worklist: Worklist,
        source: Source,
        patients: Patients,
        placer: Placer,
        *,
        progress: Callable[[], None],
    ) -> None:
        self._worklist, self._source, self._patients, self._placer = worklist, source, patients, placer
        self._progress = progress
        self._under_way: dict[int, Entry] = {}

    def run(self, pool: WorkerPool) -> None:
        """Clean and seal until nothing is left to do."""
        while self._worklist.count("ready", "seal"):
            for answer in pool.run(self._jobs()):
                answer.raise_fatal()
                self._take(self._under_way.pop(answer.id), answer)
            self._placer.commit()  # what is left, such as files that broke their worker, has to be sealed

    def _take(self, entry: Entry, answer: Answer) -> None:
        if answer.kind == "crashed":
            self._crashed(entry, answer)
        elif self._placer.take(entry, answer):
            self._progress()
        else:
            reason = Reason.CONFLICTING_UID
            self._worklist.refuse([(entry, "", reason, MEANING[reason])])

    def _crashed(self, entry: Entry, answer: Answer) -> None:
        if entry.reason:  # not even sealing it worked: it is counted without its content
            self._placer.take(entry, Answer(entry.id, "sealed", reason=entry.reason, what=entry.what))
            self._progress()
        else:
            self._worklist.refuse([(entry, "", answer.reason, answer.what)])

    def _jobs(self) -> Iterator[Job]:
        for entry in self._worklist.entries("ready", "seal"):
            job = self._job(entry)
            if job is None:
                self._take(
                    entry,
                    Answer(entry.id, "sealed", reason=entry.reason or Reason.UNREADABLE, what=entry.what or _GONE),
                )
                continue
            self._under_way[entry.id] = entry
            yield job

    def _job(self, entry: Entry) -> Job | None:
        path = self._path(entry)
        if path is None:
            return None
        name, sealed = self._placer.quarantine_name(entry), self._placer.sealed(entry)
        if entry.reason:
            return Job(entry.id, "seal", Task(path, entry.source, ""), sealed=sealed, name=name)
        known = self._patients.of(entry.patient, entry.issuer)
        task = Task(path, entry.source, entry.patient, entry.issuer, known, entry.format)
        return Job(entry.id, "clean", task, self._placer.target(entry), sealed, name, entry.stamp)

    def _path(self, entry: Entry) -> Path | None:
        if entry.untouched:
            return None
        try:
            return self._source.path(entry.locator)
        except MissingDataError:
            return None
