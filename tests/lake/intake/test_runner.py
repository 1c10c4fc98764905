"""A whole intake with the stand-in: every file ends in one state, and what is released is what should be."""

from __future__ import annotations

import os
import sqlite3
from collections import Counter
from pathlib import Path

import pytest

from deephealth.core.errors import DataError, Interrupted, VaultError
from deephealth.lake.intake.journal import Journal
from deephealth.lake.intake.limits import WorkerLimits
from deephealth.lake.intake.quarantine import Quarantine
from deephealth.lake.intake.report import IntakeReport
from deephealth.lake.intake.runner import run_intake
from deephealth.lake.intake.sources import FolderSource, Source
from deephealth.lake.intake.spool import Spool
from deephealth.lake.intake.tools import IntakeSettings
from deephealth.lake.reasons import Reason
from tests.lake.intake.standin import KEY, Forgiving, Memory, lake_in, make_folder, tools, tree, write_file

QUICK = IntakeSettings(workers=2, batch=7, order=3)


def take_in(
    folder: Path, memory: Memory | None = None, *, source: Source | None = None, **more: object
) -> IntakeReport:
    """One intake of ``folder/in`` into ``folder/lake``."""
    known = memory or Memory()
    return run_intake(
        source or FolderSource(folder / "in"), lake_in(folder), "chest", tools(known), **({"settings": QUICK} | more)
    )


def test_everything_is_released_once(tmp_path: Path) -> None:
    count = make_folder(tmp_path / "in")
    lake, memory, steps = lake_in(tmp_path), Memory(), []
    report = take_in(tmp_path, memory, progress=lambda *step: steps.append(step))
    assert (report.found, report.released, report.missing, report.subjects) == (count, count, 0, 4)
    assert report.boxes == count
    assert report.tally == {"removed": 3 * count}
    assert report.bytes == sum(map(len, tree(lake.dataset("chest")).values()))
    assert steps[0] == (0, 2 * count)
    assert steps[-1] == (2 * count, 2 * count)
    assert len(tree(lake.dataset("chest"))) == count
    assert not any(lake.staging.rglob("*"))
    with Journal(lake.journal) as journal:
        published = list(journal.published("chest"))
        assert {one.path for one in published} == {f"rawdata/chest/{path}" for path in tree(lake.dataset("chest"))}
        assert published[0].executed == ("113100",)
        assert published[0].boxes[0]["why"] == "text"
        assert list(journal.published("other")) == []
    again = take_in(tmp_path, memory)
    assert (again.found, again.duplicates, again.released) == (count, count, 0)
    with Journal(lake.journal) as journal:
        assert journal.duplicates == count


def test_identifiers_of_all_files_reach_every_cleaning(tmp_path: Path) -> None:
    """A name that only the last file holds is known when the first is cleaned."""
    for number in range(30):
        name = "Doe^Jane" if number == 29 else ""
        write_file(tmp_path / "in" / f"{number:02}.dcm", "MRN1", item=f"1.{number}", series="2", name=name)
    write_file(tmp_path / "in" / "other.dcm", "MRN2", item="1.99", series="3")
    take_in(tmp_path)
    contents = tree(lake_in(tmp_path).dataset("chest")).values()
    assert sorted(Counter(content.split(b"]")[0] for content in contents).values()) == [1, 30]


def test_the_vault_knows_before_anything_is_released(tmp_path: Path) -> None:
    make_folder(tmp_path / "in")
    lake = lake_in(tmp_path)

    class Watching(Memory):
        def remember(self, batch: object) -> None:
            assert not lake.rawdata.exists() or not tree(lake.rawdata)
            super().remember(batch)  # type: ignore[arg-type]

    memory = Watching()
    assert take_in(tmp_path, memory).released == 40
    assert memory.calls


def test_a_vault_that_fails_releases_nothing(tmp_path: Path) -> None:
    make_folder(tmp_path / "in")
    lake, memory = lake_in(tmp_path), Memory()

    def broken(_: object) -> None:
        raise VaultError("the vault can't be written")

    with pytest.raises(VaultError, match="can't be written"):
        run_intake(FolderSource(tmp_path / "in"), lake, "chest", tools(memory, remember=broken), settings=QUICK)
    assert not tree(lake.rawdata)
    assert take_in(tmp_path, memory).released == 40


def test_each_kind_of_bad_file_ends_in_quarantine_and_the_others_go_on(tmp_path: Path) -> None:
    good = make_folder(tmp_path / "in", patients=2)
    bad = {
        Reason.HOSTILE: [{at: how} for at in ("on_scan", "on_clean") for how in ("segfault", "memory", "exit")],
        Reason.BURNED_IN_TEXT: [{"on_clean": "burned-in"}],
        Reason.UNREADABLE: [{"on_clean": "bug"}, {"lie": 7}],
        Reason.NO_PATIENT: [{"patient": "  "}],
    }
    number = 0
    for cases in bad.values():
        for case in cases:
            number += 1
            header = {"patient": "MRN7", "item": f"7.{number}", **case}
            write_file(tmp_path / "in" / "bad" / f"{number}.dcm", header.pop("patient"), **header)
    folder = tmp_path / "in" / "bad"
    (folder / "a.xyz").write_bytes(b"something else")
    (folder / "a.zip").write_bytes(b"PK\x03\x04 something")
    (folder / "a.tar").write_bytes(bytes(257) + b"ustar" + bytes(250))
    (folder / "empty").write_bytes(b"")
    (folder / "broken.dcm").write_bytes(b"STANDIN{nothing")
    limits = WorkerLimits(memory=1 << 30)
    report = take_in(tmp_path, settings=IntakeSettings(workers=2, limits=limits))
    assert report.released == good
    expected = {reason: len(cases) for reason, cases in bad.items()}
    expected[Reason.UNKNOWN_FORMAT], expected[Reason.UNREADABLE] = 4, expected[Reason.UNREADABLE] + 1
    assert report.quarantined == expected
    assert report.found == good + sum(expected.values())
    sealed = tree(lake_in(tmp_path).quarantine)
    assert len(sealed) == sum(expected.values())
    assert not any(b"STANDIN" in content or b"MRN" in content for content in sealed.values())


def test_hanging_and_spinning_files_are_stopped(tmp_path: Path) -> None:
    make_folder(tmp_path / "in", patients=1)
    write_file(tmp_path / "in" / "hang.dcm", "MRN8", item="8.1", on_clean="hang")
    write_file(tmp_path / "in" / "spin.dcm", "MRN8", item="8.2", on_scan="spin")
    limits = WorkerLimits(cpu_seconds=1, wall_seconds=4.0)
    report = take_in(tmp_path, settings=IntakeSettings(workers=2, limits=limits))
    assert report.released == 10
    assert report.quarantined == {Reason.HOSTILE: 2}


def test_a_worker_that_the_system_killed_is_tried_once_more(tmp_path: Path) -> None:
    make_folder(tmp_path / "in", patients=1)
    write_file(tmp_path / "in" / "killer.dcm", "MRN8", item="8.1", on_clean="killed")
    report = take_in(tmp_path)
    assert (report.released, dict(report.quarantined)) == (10, {Reason.HOSTILE: 1})


def test_mixed_patients_in_one_series(tmp_path: Path) -> None:
    make_folder(tmp_path / "in", patients=2)
    write_file(tmp_path / "in" / "stray.dcm", "MRN1", study="9.9", series="8.0.0", item="7.7")
    report = take_in(tmp_path)
    assert report.quarantined == {Reason.MIXED_PATIENTS: 6}
    assert report.released == 15


def test_mixed_patients_in_one_study(tmp_path: Path) -> None:
    write_file(tmp_path / "in" / "a", "MRN1", study="9", series="8.1", item="7.1")
    write_file(tmp_path / "in" / "b", "MRN2", study="9", series="8.2", item="7.2")
    write_file(tmp_path / "in" / "c", "MRN1", study="10", series="8.3", item="7.3")
    report = take_in(tmp_path)
    assert (report.released, dict(report.quarantined)) == (1, {Reason.MIXED_PATIENTS: 2})


def test_released_objects_of_a_series_that_turns_out_mixed_are_retracted(tmp_path: Path) -> None:
    lake, memory = lake_in(tmp_path), Memory()
    make_folder(tmp_path / "in", patients=2)
    assert take_in(tmp_path, memory).released == 20
    before = tree(lake.dataset("chest"))
    write_file(tmp_path / "later" / "stray.dcm", "MRN1", study="9.9", series="8.0.0", item="7.7")
    report = take_in(tmp_path, memory, source=FolderSource(tmp_path / "later"))
    assert (report.found, report.released, report.retracted) == (1, 0, 5)
    after = tree(lake.dataset("chest"))
    assert len(after) == 15
    assert set(after) < set(before)
    with Journal(lake.journal) as journal:
        assert len(list(journal.published())) == 15
        kinds = Counter(entry.kind for entry in Quarantine(lake, journal).entries(Reason.MIXED_PATIENTS))
    assert kinds == {"retracted": 5, "original": 1}
    # the first folder again: now its originals of that series are sealed, the others are duplicates
    again = take_in(tmp_path, memory)
    assert (again.duplicates, dict(again.quarantined)) == (15, {Reason.MIXED_PATIENTS: 5})


def test_a_stray_in_the_same_folder_has_the_originals_looked_at_anew(tmp_path: Path) -> None:
    memory = Memory()
    make_folder(tmp_path / "in", patients=2)
    take_in(tmp_path, memory)
    write_file(tmp_path / "in" / "stray.dcm", "MRN1", study="9.9", series="8.0.0", item="7.7")
    report = take_in(tmp_path, memory)
    assert (report.found, report.retracted, report.duplicates) == (21, 5, 15)
    assert report.quarantined == {Reason.MIXED_PATIENTS: 6}


def test_the_later_of_two_files_with_one_uid_conflicts(tmp_path: Path) -> None:
    memory = Memory()
    write_file(tmp_path / "in" / "a.dcm", "MRN1", item="7.1", note="first")
    write_file(tmp_path / "in" / "b.dcm", "MRN1", item="7.1", note="second")
    write_file(tmp_path / "in" / "c.dcm", "MRN1", item="7.1", note="first")
    report = take_in(tmp_path, memory)
    assert (report.released, report.duplicates) == (1, 1)
    assert report.quarantined == {Reason.CONFLICTING_UID: 1}
    write_file(tmp_path / "later" / "d.dcm", "MRN1", item="7.1", note="third")
    write_file(tmp_path / "later" / "e.dcm", "MRN1", item="7.1", note="first")
    later = take_in(tmp_path, memory, source=FolderSource(tmp_path / "later"))
    assert (later.released, later.duplicates, later.quarantined) == (0, 1, {Reason.CONFLICTING_UID: 1})


def test_two_objects_that_want_one_place_do_not_overwrite_each_other(tmp_path: Path) -> None:
    for number in range(5):
        write_file(tmp_path / "in" / f"{number}.dcm", "MRN1", item=f"7.{number}")
    lake = lake_in(tmp_path)
    same = tools(Memory(), place=lambda facts: "sourcedata/same.dcm")
    report = run_intake(FolderSource(tmp_path / "in"), lake, "chest", same, settings=QUICK)
    assert (report.released, dict(report.quarantined)) == (1, {Reason.CONFLICTING_UID: 4})


def test_a_place_outside_the_data_set_is_refused(tmp_path: Path) -> None:
    write_file(tmp_path / "in" / "a.dcm", "MRN1", item="7.1")
    bad = tools(Memory(), place=lambda facts: "../../outside.dcm")
    with pytest.raises(DataError, match="outside"):
        run_intake(FolderSource(tmp_path / "in"), lake_in(tmp_path), "chest", bad, settings=QUICK)
    assert not (tmp_path / "outside.dcm").exists()


def test_dropped_files_are_counted(tmp_path: Path) -> None:
    write_file(tmp_path / "in" / "a.dcm", "MRN1", item="7.1", label=True)
    write_file(tmp_path / "in" / "DICOMDIR", "", drop="DICOMDIR")
    report = take_in(tmp_path)
    assert (report.found, dict(report.dropped)) == (2, {"slide label": 1, "DICOMDIR": 1})


def test_links_pipes_and_devices_are_not_opened(tmp_path: Path) -> None:
    make_folder(tmp_path / "in", patients=1)
    write_file(tmp_path / "secret" / "a.dcm", "MRN9", item="9.1")
    (tmp_path / "in" / "link.dcm").symlink_to(tmp_path / "secret" / "a.dcm")
    (tmp_path / "in" / "folder").symlink_to(tmp_path / "secret")
    os.mkfifo(tmp_path / "in" / "pipe")
    report = take_in(tmp_path)
    assert (report.found, dict(report.skipped)) == (10, {"link": 2, "special": 1})


def test_a_file_that_may_not_be_read_or_is_gone_is_counted(tmp_path: Path) -> None:
    make_folder(tmp_path / "in", patients=1)
    doomed = write_file(tmp_path / "in" / "z.dcm", "MRN9", item="9.1")

    def vanish(done: int, total: int) -> None:
        if done:
            doomed.unlink(missing_ok=True)

    report = take_in(tmp_path, progress=vanish)
    assert report.found == 11
    assert report.released + report.quarantined[Reason.UNREADABLE] == 11


def test_ctrl_c_stops_and_the_next_call_goes_on(tmp_path: Path) -> None:
    make_folder(tmp_path / "in")
    make_folder(tmp_path / "twin" / "in")
    memory = Memory()
    for stop_at in (5, 30, 50, 70):

        def stop(done: int, total: int, at: int = stop_at) -> None:
            if done == at:
                raise KeyboardInterrupt

        with pytest.raises(Interrupted, match="stopped"):
            take_in(tmp_path, memory, progress=stop)
    report = take_in(tmp_path, memory)
    assert (report.found, report.released, report.resumed) == (40, 40, True)
    take_in(tmp_path / "twin")
    assert tree(lake_in(tmp_path).dataset("chest")) == tree(lake_in(tmp_path / "twin").dataset("chest"))


def test_without_a_vault_to_ask_a_resumed_run_scans_again(tmp_path: Path) -> None:
    make_folder(tmp_path / "in")
    lake, memory = lake_in(tmp_path), Memory()

    def stop(done: int, total: int) -> None:
        if done == 45:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted):
        run_intake(FolderSource(tmp_path / "in"), lake, "chest", tools(memory, recall=None), progress=stop)
    report = run_intake(FolderSource(tmp_path / "in"), lake, "chest", tools(memory, recall=None), settings=QUICK)
    assert report.released == 40


def test_only_one_intake_at_a_time(tmp_path: Path) -> None:
    make_folder(tmp_path / "in", patients=1)

    def second(done: int, total: int) -> None:
        if done == total:
            with pytest.raises(DataError, match="another intake"):
                take_in(tmp_path)

    assert take_in(tmp_path, progress=second).released == 10


@pytest.mark.parametrize("name", ["", "..", "a/b", "a b", "x" * 65, "ümlaut"])
def test_names_of_data_sets(tmp_path: Path, name: str) -> None:
    (tmp_path / "in").mkdir()
    with pytest.raises(DataError, match="name"):
        run_intake(FolderSource(tmp_path / "in"), lake_in(tmp_path), name, tools(Memory()))


def test_nothing_below_the_lake_names_anybody(tmp_path: Path) -> None:
    """Looked for while the run is under way too: staging, journal and its log."""
    make_folder(tmp_path / "in")
    jane = tmp_path / "in" / "Doe^Jane.dcm"
    write_file(jane, "MRN0815", study="1.55.5", series="1.66.6", item="1.77.7", name="Doe^Jane")
    write_file(tmp_path / "in" / "x.Doe", "MRN0815", item="1.77.8", on_clean="burned-in")
    lake = lake_in(tmp_path)
    needles = [b"MRN0", b"Doe", b"doe", b"1.55.5", b"1.66.6", b"1.77.7", str(tmp_path / "in").encode()]

    def look(done: int, total: int) -> None:
        if done in (0, 45, 70, total):
            for name, content in tree(lake.root).items():
                assert not any(needle in content or needle in name.encode() for needle in needles), name

    assert take_in(tmp_path, progress=look).released == 41
    look(0, 0)
    database = sqlite3.connect(lake.journal)
    assert database.execute("SELECT count(*) FROM files").fetchone() == (0,)


def test_quarantined_files_are_opened_retried_and_discarded(tmp_path: Path) -> None:
    lake, memory = lake_in(tmp_path), Memory()
    burned = write_file(tmp_path / "in" / "a.dcm", "MRN1", item="7.1", on_clean="burned-in")
    odd = tmp_path / "in" / "odd.xyz"
    odd.write_bytes(b"something else")
    take_in(tmp_path, memory)
    with Journal(lake.journal) as journal:
        assert journal.quarantined() == {Reason.BURNED_IN_TEXT: 1, Reason.UNKNOWN_FORMAT: 1}
        quarantine = Quarantine(lake, journal, KEY)
        (entry,) = quarantine.entries(Reason.BURNED_IN_TEXT)
        assert entry.bytes == burned.stat().st_size
        assert quarantine.export(entry.name, tmp_path / "seen.dcm").read_bytes() == burned.read_bytes()
        with pytest.raises(DataError, match="into the lake"):
            quarantine.export(entry.name, lake.root / "seen.dcm")
        with pytest.raises(VaultError):
            Quarantine(lake, journal, bytes(32)).export(entry.name, tmp_path / "other.dcm")
        with pytest.raises(DataError, match="no such reason"):
            quarantine.entries("because")
        (other,) = quarantine.entries(Reason.UNKNOWN_FORMAT)
        assert quarantine.discard([other.name]) == 1
        source = quarantine.release([entry.name], Spool(tmp_path / "spool", lake=lake))
    forgiving = tools(memory, cleaner=Forgiving())
    report = run_intake(source, lake, "chest", forgiving, settings=QUICK)
    assert report.released == 1
    assert not tree(lake.quarantine)
    assert not tree(tmp_path / "spool")
    with Journal(lake.journal) as journal:
        assert not journal.quarantined()


def test_a_subject_is_forgotten(tmp_path: Path) -> None:
    lake, memory = lake_in(tmp_path), Memory()
    make_folder(tmp_path / "in", patients=2)
    take_in(tmp_path, memory)
    with Journal(lake.journal) as journal:
        subject = next(journal.published()).facts.subject
        paths, names = journal.holdings(subject)
        assert journal.forget(subject) == (paths, names)
        assert len(paths) == 10
        assert all(one.facts.subject != subject for one in journal.published())
    for path in paths:
        (lake.root / path).unlink()
    again = take_in(tmp_path, memory)
    assert (again.released, again.duplicates) == (10, 10)
