"""The intake of one source into one data set of a lake."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from deephealth.core.errors import Interrupted
from deephealth.core.files import storage_errors
from deephealth.io.dicom.bounded import cores
from deephealth.lake.folder import LakeFolder
from deephealth.lake.intake.decisions import decide, mixed_objects
from deephealth.lake.intake.jobs import Bench
from deephealth.lake.intake.journal import Journal
from deephealth.lake.intake.keys import JournalKeys
from deephealth.lake.intake.passes import CleaningPass, Patients, ScanningPass, list_source
from deephealth.lake.intake.placing import Placer, check_dataset, recover
from deephealth.lake.intake.report import IntakeReport
from deephealth.lake.intake.retraction import retract
from deephealth.lake.intake.sources import Source
from deephealth.lake.intake.tools import IntakeSettings, IntakeTools
from deephealth.lake.intake.workers import WorkerPool
from deephealth.lake.intake.worklist import Worklist

__all__ = ["run_intake"]

Progress = Callable[[int, int], object]


def run_intake(
    source: Source,
    lake: LakeFolder,
    dataset: str,
    tools: IntakeTools,
    *,
    settings: IntakeSettings | None = None,
    progress: Progress | None = None,
) -> IntakeReport:
    """Take the files of a source into a data set: de-identified, in quarantine, or counted as duplicates.

    The first pass reads all headers, so that the second knows every identifier of a patient and which series hold
    several patients. A run that was stopped or killed goes on where it was when it is called again with the same source
    and data set, and ends as if nothing had happened.

    Args:
        source: gives the files.
        lake: the folders.
        dataset: name of the data set; its folder is made if missing.
        tools: the parts of the lake that are called.
        settings: processes, batches and limits.
        progress: called with steps done and all steps; each file is two steps.

    Returns:
        The report of the whole run, parts before a kill included.

    Raises:
        Interrupted: Ctrl-C; nothing is lost.
        StorageError: the disk is full; run it again when there is space.
        VaultError: the vault can't be written or read: nothing is released without it.
        DataError: another intake is running, or workers can't start.
    """
    settings = settings or IntakeSettings()
    check_dataset(dataset)
    with storage_errors(lake.state, "starting the intake"):
        lake.state.mkdir(parents=True, exist_ok=True)
        lake.state.chmod(0o700)
    try:
        with Journal(lake.journal) as journal, journal.only_writer():
            return _Run(source, lake, dataset, tools, settings, progress, journal).run()
    except Interrupted:
        raise
    except KeyboardInterrupt as stop:
        raise Interrupted(
            "the intake was stopped; what was taken in is safe", hint="run the same command again to go on"
        ) from stop


@dataclass
class _Run:
    source: Source
    lake: LakeFolder
    dataset: str
    tools: IntakeTools
    settings: IntakeSettings
    progress: Progress | None
    journal: Journal

    def run(self) -> IntakeReport:
        started = time.monotonic()
        keys = JournalKeys(self.tools.pseudonyms, self.tools.key)
        recover(self.lake, self.journal, keys)
        worklist = Worklist.begin(self.journal, keys, self.source.name, self.dataset)
        if self.tools.recall is None:
            worklist.rescan()
        self.total = 2 * list_source(self.source, worklist)
        self.done = self.total - worklist.steps_left()
        self._tell(0)
        self._passes(worklist)
        for entry in worklist.entries("released", "duplicate", "quarantined", "dropped"):
            if not entry.untouched:
                self.source.done(entry.locator)
        return worklist.close(self.source.skipped, time.monotonic() - started)

    def _passes(self, worklist: Worklist) -> None:
        tools, settings = self.tools, self.settings
        patients = Patients(tools)
        bench = Bench(tools.pseudonyms, tools.key, tools.scan, tools.cleaner, tools.seal, settings.limits)
        placer = Placer(
            self.lake, worklist, self.source, tools.place, batch=settings.batch, seconds=settings.batch_seconds
        )
        with WorkerPool(bench, settings.workers or cores(), order=settings.order) as pool:
            scanning = ScanningPass(worklist, self.source, patients, batch=settings.batch, progress=self._step)
            while True:
                scanning.run(pool)
                decide(worklist)
                retract(self.lake, worklist, tools, mixed_objects(worklist))
                if not worklist.count("listed"):  # originals of retracted objects are looked at anew
                    break
            CleaningPass(worklist, self.source, patients, placer, progress=self._step).run(pool)
            placer.close()

    def _step(self) -> None:
        self._tell(1)

    def _tell(self, steps: int) -> None:
        self.done = min(self.done + steps, self.total)
        if self.progress is not None:
            self.progress(self.done, self.total)
