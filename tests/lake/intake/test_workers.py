"""The pool: every job has one answer, whatever happens to the workers; jobs are drawn only as they are done."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from deephealth.core.errors import DataError, OptionalDependencyError, StorageError
from deephealth.lake.identifiers import Identifiers
from deephealth.lake.intake.jobs import Answer, Bench, Job
from deephealth.lake.intake.limits import WorkerLimits, resident_bytes
from deephealth.lake.intake.sealing import seal_original
from deephealth.lake.intake.task import Task
from deephealth.lake.intake.workers import WorkerPool
from deephealth.lake.pseudonyms import Pseudonyms
from tests.lake.intake.standin import KEY, StandInCleaner, refuses_to_load, scan, write_file


def bench(limits: WorkerLimits | None = None, **more: object) -> Bench:
    """A bench with the stand-in."""
    parts = {"scan": scan, "cleaner": StandInCleaner(), "seal": seal_original} | more
    return Bench(Pseudonyms(KEY), KEY, limits=limits or WorkerLimits(), **parts)


def scans(folder: Path, count: int, **bad: dict[str, str]) -> list[Job]:
    """Jobs that scan files; ``bad`` says which misbehave."""
    return [
        Job(n, "scan", Task(write_file(folder / f"{n}.dcm", f"MRN{n}", **bad.get(f"at{n}", {})), "", ""))
        for n in range(count)
    ]


def test_one_answer_for_each_job(tmp_path: Path) -> None:
    with WorkerPool(bench(), 2, order=3) as pool:
        answers = list(pool.run(scans(tmp_path, 50)))
        assert sorted(one.id for one in answers) == list(range(50))
        assert {one.scanned.patient for one in answers if one.scanned} == {f"MRN{n}" for n in range(50)}
        assert len({one.source for one in answers}) == 50
        assert list(pool.run([])) == []
        assert len(list(pool.run(scans(tmp_path, 5)))) == 5
        workers = pool.processes()
        assert len(workers) == 2
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)


def test_jobs_are_drawn_only_as_they_are_done(tmp_path: Path) -> None:
    drawn = 0

    def jobs() -> Iterator[Job]:
        nonlocal drawn
        for job in scans(tmp_path, 200):
            drawn += 1
            yield job

    with WorkerPool(bench(), 2, order=4) as pool:
        for number, _ in enumerate(pool.run(jobs())):
            assert drawn - number <= 2 * 2 * 4 + 4
    assert drawn == 200


def test_the_file_that_broke_its_worker_is_named_and_no_other(tmp_path: Path) -> None:
    bad = {f"at{n}": {"on_scan": "segfault"} for n in (0, 3, 4, 17, 29)}
    with WorkerPool(bench(), 2, order=4) as pool:
        answers = {one.id: one for one in pool.run(scans(tmp_path, 30, **bad))}
    assert {n for n, one in answers.items() if one.kind == "crashed"} == {0, 3, 4, 17, 29}
    assert len(answers) == 30


def kill_one(pool: WorkerPool) -> None:
    """Kill the first worker that lives; the pool may not have noticed yet that one before it does not."""
    for number in pool.processes():
        with contextlib.suppress(ProcessLookupError):
            return os.kill(number, signal.SIGKILL)
    pytest.fail("no worker lives")


def test_a_worker_killed_from_outside_costs_nothing(tmp_path: Path) -> None:
    answers = {}
    with WorkerPool(bench(), 2, order=4) as pool:
        for one in pool.run(scans(tmp_path, 60)):
            answers[one.id] = one.kind
            if len(answers) in (10, 30):
                kill_one(pool)
    assert answers == dict.fromkeys(range(60), "scanned")


def test_a_worker_killed_while_it_starts_costs_nothing(tmp_path: Path) -> None:
    killed: list[int] = []
    with WorkerPool(bench(), 1, order=4) as pool:
        start = pool._start

        def start_badly() -> object:
            worker = start()
            if len(killed) < 2:
                killed.append(worker.process.pid or 0)
                os.kill(killed[-1], signal.SIGKILL)
            return worker

        pool._start = start_badly  # type: ignore[method-assign, assignment]
        answers = {one.id: one.kind for one in pool.run(scans(tmp_path, 9))}
    assert (answers, len(killed)) == (dict.fromkeys(range(9), "scanned"), 2)


def test_workers_that_never_start_are_named(tmp_path: Path) -> None:
    with WorkerPool(bench(), 1) as pool:
        start = pool._start

        def start_dead() -> object:
            worker = start()
            worker.process.kill()
            return worker

        pool._start = start_dead  # type: ignore[method-assign, assignment]
        with pytest.raises(DataError, match="ended while it started"):
            list(pool.run(scans(tmp_path, 3)))


def test_a_worker_that_takes_too_much_memory_is_replaced(tmp_path: Path) -> None:
    with WorkerPool(bench(WorkerLimits(recycle=1)), 1, order=2) as pool:
        seen = set()
        for _ in pool.run(scans(tmp_path, 12)):
            seen |= set(pool.processes())
    assert len(seen) > 1


def test_tools_that_can_t_be_loaded_are_named() -> None:
    with WorkerPool(bench(scan=refuses_to_load()), 1) as pool, pytest.raises(DataError, match="could not start"):
        list(pool.run([Job(1, "scan", Task(Path("x"), "", ""))]))


def test_large_orders_do_not_lock_up(tmp_path: Path) -> None:
    """Orders and answers larger than what a pipe holds, both at once."""
    names = frozenset(f"Doe^Jane{n:06}" for n in range(20_000))
    path = write_file(tmp_path / "a.dcm", "MRN1", item="1.2", name="x" * 300_000)
    jobs = []
    for n in range(24):
        task = Task(path, "S", "MRN1", "", Identifiers(names=names))
        jobs.append(Job(n, "clean" if n % 2 else "scan", task, tmp_path / f"out{n}"))
    with WorkerPool(bench(), 2, order=4) as pool:
        assert len(list(pool.run(jobs))) == 24


@dataclass
class Full(StandInCleaner):
    """Stands for a disk without space; used in this process only."""

    error: Exception | None = None

    def clean(self, task: Task, target: Path) -> object:
        """Fail."""
        assert self.error is not None
        raise self.error


@pytest.mark.parametrize(
    "error", [StorageError("full"), OSError(28, "No space left on device"), OptionalDependencyError("no codec")]
)
def test_errors_that_no_file_is_guilty_of_end_the_run(tmp_path: Path, error: Exception) -> None:
    path = write_file(tmp_path / "a.dcm", "MRN1", item="1.2")
    job = Job(1, "clean", Task(path, "S", "MRN1"), tmp_path / "out", tmp_path / "sealed", "name")
    answer = bench(cleaner=Full(error=error)).do(job)
    assert answer.kind == "fatal"
    expected = type(error) if type(error) is not OSError else StorageError
    with pytest.raises(expected):
        answer.raise_fatal()
    Answer(1, "scanned").raise_fatal()


def test_a_file_that_changed_since_it_was_listed(tmp_path: Path) -> None:
    path = write_file(tmp_path / "a.dcm", "MRN1", item="1.2")
    job = Job(1, "clean", Task(path, "S", "MRN1"), tmp_path / "out", tmp_path / "sealed", "name", stamp="1:2")
    answer = bench().do(job)
    assert (answer.kind, answer.reason, answer.is_sealed) == ("sealed", "unreadable", True)
    assert "changed" in answer.what


def test_a_file_above_the_limit_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "big.dcm"
    with path.open("wb") as stream:
        stream.truncate(1 << 40)
    answer = bench().do(Job(1, "scan", Task(path, "", "")))
    assert (answer.kind, answer.reason) == ("refused", "too-large")
    sealed = bench().do(Job(1, "seal", Task(path, "", ""), sealed=tmp_path / "sealed", name="name"))
    assert (sealed.is_sealed, (tmp_path / "sealed").exists()) == (False, False)


def test_links_and_pipes_that_appear_after_the_listing_are_not_opened(tmp_path: Path) -> None:
    write_file(tmp_path / "a.dcm", "MRN1")
    (tmp_path / "link").symlink_to(tmp_path / "a.dcm")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe", "none"):
        answer = bench().do(Job(1, "scan", Task(tmp_path / name, "", "")))
        assert (answer.kind, answer.reason, answer.source) == ("refused", "unreadable", "")


def test_memory_of_a_process() -> None:
    assert resident_bytes() > 1 << 20
    assert resident_bytes(0) == 0
