"""What goes wrong in a hospital: keys, vaults, folders, disks and headers that are not as they should be.

Each ends in a typed error that says what was wrong and what to do, or in one state of the file; never half-done.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest
from typer.testing import CliRunner

from deephealth.cli.app import app
from deephealth.core.errors import AuditError, DataError, MissingDataError, StorageError, VaultError
from deephealth.lake.intake.journal import Journal
from deephealth.lake.intake.opening import open_source
from deephealth.lake.lake import Lake
from deephealth.lake.settings import LakeSettings
from deephealth.lake.vault.keys import write_key_file
from tests.lake.originals import everything, intake, original, released

PDF = "1.2.840.10008.5.1.4.1.1.104.1"


def refused(*words: object, code: int = 2) -> str:
    """Run a command that must refuse: a typed error, not a traceback, with what to do next."""
    result = CliRunner().invoke(app, ["lake", *map(str, words)])
    assert result.exit_code == code, f"{words}\n{result.output}\n{result.exception!r}"
    assert isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.output
    return result.output


def make(root: Path, project: str, *, vault: Path, key: Path, lake: str = "lake") -> Lake:
    return Lake.create(root / lake, LakeSettings(project), vault=str(vault), key_file=key)


@pytest.fixture
def one(tmp_path: Path) -> Path:
    """A folder with one file."""
    original(tmp_path / "in" / "a.dcm")
    return tmp_path / "in"


# vaults and keys


def test_another_key_does_not_open_the_vault_and_nothing_is_written(empty_lake: Lake, tmp_path: Path, one: Path):
    write_key_file(tmp_path / "other" / "other.key")
    before = everything(empty_lake.folder.root)
    said = refused("intake", one, "--lake", empty_lake.folder.root, "--vault-key", tmp_path / "other" / "other.key")
    assert "key" in said
    assert everything(empty_lake.folder.root) == before


def test_without_its_vault_a_lake_does_nothing(empty_lake: Lake, tmp_path: Path, one: Path):
    intake(empty_lake, one)
    (tmp_path / "vault").rename(tmp_path / "away")
    before, root = everything(empty_lake.folder.root), empty_lake.folder.root
    table = tmp_path / "labels.csv"
    table.write_text("patient_id,diagnosis\n4711,yes\n")
    for words in (
        ("intake", one),
        ("table", table),
        ("verify", "--no-pictures"),
        ("vault", "reidentify", "AAAA", "--reason", "test"),
        ("vault", "export", tmp_path / "mapping", "--reason", "test"),
        ("consent", "withdraw", "4711"),
        ("audit", "verify"),
    ):
        said = refused(*words, "--lake", root)
        assert "vault" in said, words
        assert "do next" in said, words
    assert everything(root) == before
    assert not (tmp_path / "vault").exists()
    assert not (tmp_path / "mapping").exists()


def test_without_its_key_a_lake_does_nothing(empty_lake: Lake, one: Path):
    Path(empty_lake.key_place).unlink()
    before = everything(empty_lake.folder.root)
    assert "key" in refused("intake", one, "--lake", empty_lake.folder.root)
    assert everything(empty_lake.folder.root) == before


def test_the_vault_of_another_project_is_recognised(empty_lake: Lake, tmp_path: Path, one: Path):
    other = make(tmp_path, "heart", vault=tmp_path / "v2" / "heart.vault", key=tmp_path / "k2" / "heart.key", lake="b")
    before = everything(empty_lake.folder.root)
    options = ("--vault", tmp_path / "v2" / "heart.vault", "--vault-key", other.key_place)
    said = refused("intake", one, "--lake", empty_lake.folder.root, *options)
    assert "another project" in said
    assert "skin" in said
    assert everything(empty_lake.folder.root) == before


def test_one_key_serves_one_project(empty_lake: Lake, tmp_path: Path):
    with pytest.raises(VaultError, match="another project"):
        make(tmp_path, "heart", vault=tmp_path / "v2" / "h.vault", key=Path(empty_lake.key_place), lake="b")
    assert not (tmp_path / "v2" / "h.vault").exists()
    assert not (tmp_path / "b" / "lake.json").exists()


def test_a_vault_serves_one_lake(empty_lake: Lake, tmp_path: Path):
    with pytest.raises(VaultError, match="serves a lake already"):
        make(tmp_path, "skin", vault=tmp_path / "vault" / "skin.vault", key=Path(empty_lake.key_place), lake="b")
    with pytest.raises(VaultError, match="another project"):
        make(tmp_path, "heart", vault=tmp_path / "vault" / "skin.vault", key=Path(empty_lake.key_place), lake="b")


def test_a_vault_or_its_key_lies_neither_in_the_lake_nor_beside_each_other(tmp_path: Path):
    lake, keys = tmp_path / "lake", tmp_path / "keys" / "k.key"
    said = refused("init", lake, "--project", "skin", "--vault", lake / "v.vault", "--vault-key", keys)
    assert "inside the lake" in said
    said = refused("init", lake, "--project", "skin", "--vault", tmp_path / "v" / "a", "--vault-key", lake / "k.key")
    assert "inside the lake" in said
    said = refused("init", lake, "--project", "skin", "--vault", keys.parent / "v.vault", "--vault-key", keys)
    assert "in the folder of its vault" in said
    assert not (lake / "lake.json").exists()
    assert not list(tmp_path.rglob("*.vault"))


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_a_key_that_others_may_read_is_refused(empty_lake: Lake, one: Path):
    Path(empty_lake.key_place).chmod(0o644)
    assert "others" in refused("intake", one, "--lake", empty_lake.folder.root)
    assert released(empty_lake) == []


# what is in the files


def test_an_unknown_kind_of_object_waits_and_one_that_names_patients_is_asked_for(tmp_path: Path):
    original(tmp_path / "in" / "new.dcm", "A", SOPClassUID="1.2.840.10008.5.1.4.1.1.999")
    original(tmp_path / "in" / "pdf.dcm", "B", SOPClassUID=PDF)
    lake = make(tmp_path, "skin", vault=tmp_path / "v" / "s.vault", key=tmp_path / "k" / "s.key")
    assert intake(lake, tmp_path / "in").quarantined == Counter({"unknown-sop-class": 1, "not-asked-for": 1})
    assert released(lake) == []


def test_patients_that_share_a_series_all_wait(empty_lake: Lake, tmp_path: Path):
    uid = "1.2.826.0.1.3680043.10.5"
    for at, patient in enumerate(("A", "A", "B"), 1):
        original(tmp_path / "in" / f"{at}.dcm", patient, at=at, SeriesInstanceUID=uid, StudyInstanceUID=f"{uid}.{at}")
    original(tmp_path / "in" / "c.dcm", "C")
    report = intake(empty_lake, tmp_path / "in")
    assert (report.released, report.quarantined) == (1, Counter({"mixed-patients": 3}))


def test_a_patient_who_turns_up_later_in_the_same_series_takes_the_first_back(empty_lake: Lake, tmp_path: Path):
    uid = "1.2.826.0.1.3680043.10.5"
    original(tmp_path / "first" / "a.dcm", "A", SeriesInstanceUID=uid)
    assert intake(empty_lake, tmp_path / "first").released == 1
    original(tmp_path / "second" / "b.dcm", "B", SeriesInstanceUID=uid)
    report = intake(empty_lake, tmp_path / "second")
    assert (report.released, report.retracted, report.quarantined) == (0, 1, Counter({"mixed-patients": 1}))
    assert released(empty_lake) == []
    with Journal(empty_lake.folder.journal, create=False) as journal:
        assert journal.quarantined() == Counter({"mixed-patients": 2})


@pytest.mark.parametrize(
    ("given", "kept"), [("089Y", "089Y"), ("090Y", "090Y"), ("099Y", "090Y"), ("120Y", "090Y"), ("011M", "011M")]
)
def test_ages_above_89_become_90(empty_lake: Lake, tmp_path: Path, given: str, kept: str):
    original(tmp_path / "in" / "a.dcm", PatientAge=given, PatientBirthDate="19000101")
    intake(empty_lake, tmp_path / "in")
    (only,) = released(empty_lake)
    assert (str(only.PatientAge), str(only.PatientBirthDate)) == (kept, "")
    assert b"1900" not in only.PatientBirthDate.encode()


def test_a_birth_in_1900_does_not_show_in_an_age_that_was_not_given(empty_lake: Lake, tmp_path: Path):
    path = original(tmp_path / "in" / "a.dcm", PatientBirthDate="19000101")
    dataset = pydicom.dcmread(path)
    del dataset.PatientAge
    dataset.save_as(path)
    intake(empty_lake, tmp_path / "in")
    with Journal(empty_lake.folder.journal, create=False) as journal:
        (entry,) = journal.published()
    assert entry.facts.age is None or entry.facts.age <= 90
    assert str(released(empty_lake)[0].get("PatientBirthDate", "")) == ""


def test_intervals_survive_a_leap_day(empty_lake: Lake, tmp_path: Path):
    from datetime import datetime

    days = ["20200228", "20200229", "20200301", "20210228", "20240229", "20000229", "19991231"]
    for at, day in enumerate(days, 1):
        dates = dict.fromkeys(("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate"), day)
        original(tmp_path / "in" / f"{at}.dcm", at=at, series=str(at), InstanceNumber=at, **dates)
    intake(empty_lake, tmp_path / "in")
    found = {int(one.InstanceNumber): str(one.StudyDate) for one in released(empty_lake)}
    shifts = {
        (datetime.strptime(found[at], "%Y%m%d") - datetime.strptime(day, "%Y%m%d")).days
        for at, day in enumerate(days, 1)
    }
    assert len(found) == len(days)
    assert len(shifts) == 1
    assert shifts != {0}
    assert all(one.StudyDate == one.ContentDate for one in released(empty_lake))


@pytest.mark.parametrize("patient", ["", "   "])
def test_a_file_that_names_no_patient_waits(empty_lake: Lake, tmp_path: Path, patient: str):
    path = original(tmp_path / "in" / "a.dcm", "X", PatientID=patient)
    assert str(pydicom.dcmread(path).PatientID).strip() == ""
    assert intake(empty_lake, tmp_path / "in").quarantined == Counter({"no-patient": 1})


@pytest.mark.parametrize(
    "patient",
    ["A" * 64, "..\\..\\x", "../../../x", "/etc/passwd", "a\\b", "山田太郎", "x\ny", "CON", "a" * 63 + "é", "%00", "."],
)
def test_no_number_of_a_patient_becomes_a_path_or_stays(empty_lake: Lake, tmp_path: Path, patient: str):
    original(tmp_path / "in" / "a.dcm", "P", PatientID=patient, SpecificCharacterSet="ISO_IR 192")
    around = set(everything(tmp_path))
    report = intake(empty_lake, tmp_path / "in")
    assert report.released + report.quarantined.total() == 1
    places = set(everything(tmp_path)) - around
    assert all(place.startswith(("lake/", "vault/")) for place in places)
    assert not any(patient in place for place in places if len(patient) > 1)
    for only in released(empty_lake):
        assert patient not in {str(only.PatientID), str(only.PatientName)}
        assert str(only.PatientID).isalnum()


def test_the_number_is_the_same_with_blanks_around_it(empty_lake: Lake, tmp_path: Path):
    original(tmp_path / "in" / "a.dcm", "4711", series="1")
    original(tmp_path / "in" / "b.dcm", "4711", series="2", PatientID=" 4711 ")
    assert intake(empty_lake, tmp_path / "in").subjects == 1


# places


def test_nothing_comes_out_of_an_empty_folder_and_one_file_out_of_one(empty_lake: Lake, tmp_path: Path, one: Path):
    (tmp_path / "empty").mkdir()
    assert intake(empty_lake, tmp_path / "empty").found == 0
    result = CliRunner().invoke(app, ["lake", "intake", str(one / "a.dcm"), "-l", str(empty_lake.folder.root)])
    assert result.exit_code == 0, result.output
    assert "1 files: 1 released" in result.output


def test_an_empty_folder_through_the_command_line(empty_lake: Lake, tmp_path: Path):
    (tmp_path / "empty").mkdir()
    result = CliRunner().invoke(app, ["lake", "intake", str(tmp_path / "empty"), "-l", str(empty_lake.folder.root)])
    assert result.exit_code == 0, result.output
    assert "0 files" in result.output


def test_a_source_that_is_not_there(empty_lake: Lake, tmp_path: Path):
    assert "no folder and no file" in refused("intake", tmp_path / "nothing", "-l", empty_lake.folder.root)
    with pytest.raises(MissingDataError):
        open_source(str(tmp_path / "nothing"))


@pytest.mark.parametrize("below", [".", "rawdata", "quarantine", "lake.json"])
def test_a_lake_is_not_taken_into_itself(empty_lake: Lake, below: str):
    before = everything(empty_lake.folder.root)
    said = refused("intake", empty_lake.folder.root / below, "-l", empty_lake.folder.root)
    assert "the source lies in the lake" in said
    assert everything(empty_lake.folder.root) == before


def test_a_source_holds_neither_the_lake_nor_the_vault_nor_the_key(empty_lake: Lake, tmp_path: Path):
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "vault")
    before = everything(empty_lake.folder.root)
    for source, what in (
        (tmp_path, "lake"),
        (tmp_path / "vault", "vault"),
        (tmp_path / "keys", "key"),
        (link, "vault"),
    ):
        said = refused("intake", source, "-l", empty_lake.folder.root)
        assert "the source holds" in said
        assert what in said
    assert everything(empty_lake.folder.root) == before


def test_names_that_only_look_alike_are_two_files(empty_lake: Lake, tmp_path: Path):
    original(tmp_path / "in" / "\u00e9.dcm", "A")
    original(tmp_path / "in" / "e\u0301.dcm", "B")
    if len(list((tmp_path / "in").iterdir())) < 2:
        pytest.skip("this file system takes the names as one")
    report = intake(empty_lake, tmp_path / "in")
    assert (report.found, report.released) == (2, 2)


# damage


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"version": 1}', '{"version": 2, "project": "skin"}', "\udcff",
     '{"version": 1, "project": 5}', '{"version": 1, "project": "skin", "new": 1}',
     '{"version": 1, "project": "skin", "options": 7}', '{"version": 1, "project": "skin", "options": [7]}',
     '{"version": 1, "project": "skin", "consent": []}', '{"version": 1, "project": "skin", "consent": "never"}',
     '{"version": 1, "project": "skin", "smallest": "five"}'],
)  # fmt: skip
def test_damaged_settings_are_named(empty_lake: Lake, one: Path, text: str):
    empty_lake.folder.settings.write_bytes(text.encode("utf-8", "surrogateescape"))
    for words in (("intake", one), ("status",), ("quarantine", "list")):
        refused(*words, "-l", empty_lake.folder.root)
    with pytest.raises(DataError):
        Lake(empty_lake.folder.root)


def test_a_deleted_journal_loses_no_object_and_doubles_none(empty_lake: Lake, one: Path):
    intake(empty_lake, one)
    before = {name: value for name, value in everything(empty_lake.folder.rawdata).items() if name.endswith(".dcm")}
    for path in empty_lake.folder.state.glob("journal.sqlite*"):
        path.unlink()
    report = intake(empty_lake, one)
    assert (report.found, report.released + report.quarantined.total()) == (1, 1)
    after = {name: value for name, value in everything(empty_lake.folder.rawdata).items() if name.endswith(".dcm")}
    assert after == before


@pytest.mark.parametrize("content", [b"", b"not a database", b"SQLite format 3\0" + bytes(100)])
def test_a_damaged_journal_stops_with_a_typed_error_or_begins_anew(empty_lake: Lake, one: Path, content: bytes):
    intake(empty_lake, one)
    for path in empty_lake.folder.state.glob("journal.sqlite-*"):
        path.unlink()
    empty_lake.folder.journal.write_bytes(content)
    if content:
        assert "journal" in refused("intake", one, "-l", empty_lake.folder.root)
        assert "journal" in refused("status", "-l", empty_lake.folder.root)
    assert len(released(empty_lake)) == 1


@pytest.mark.parametrize("how", ["cut", "emptied", "deleted", "edited"])
def test_an_audit_log_that_was_changed_stops_the_intake(empty_lake: Lake, one: Path, how: str):
    (path,) = empty_lake.log.files()
    text = path.read_bytes()
    if how == "cut":
        path.write_bytes(text[: len(text) // 2])
    elif how == "emptied":
        path.write_bytes(b"")
    elif how == "deleted":
        for file in empty_lake.folder.audit.iterdir():
            file.unlink()
    else:
        path.write_bytes(text.replace(b"made", b"mode", 1))
    lake = Lake(empty_lake.folder.root)
    assert not lake.log.verify().ok
    if how != "edited":  # a line in the middle is proven by `audit verify`, not before each event
        with pytest.raises(AuditError) as caught:
            intake(lake, one)
        assert caught.value.hint
        assert released(lake) == []
    refused("audit", "verify", "-l", lake.folder.root, code=1)


# the command line


def test_deidentify_accepts_only_kinds_of_objects_that_are_known(tmp_path: Path, one: Path):
    for wrong in ("1.2.3.4", "pdf", ""):
        said = refused("deidentify", one, tmp_path / "out", "--key", tmp_path / "a.key", "--accept", wrong)
        assert PDF in said.replace("\n", ""), wrong
    assert "unknown option" in refused(
        "deidentify", one, tmp_path / "out", "--key", tmp_path / "a.key", "--option", "x"
    )
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "a.key").exists()


def test_words_that_the_command_does_not_know(tmp_path: Path, empty_lake: Lake, one: Path):
    places = ("--vault", tmp_path / "v" / "a.vault", "--vault-key", tmp_path / "k" / "a.key")
    assert "unknown option 'clean-everything'" in refused(
        "init", tmp_path / "b", "--project", "a", *places, "--option", "clean-everything"
    )
    assert "full-dates" in refused(
        "init", tmp_path / "b", "--project", "a", *places, "--option", "full-dates", "--option", "modified-dates"
    )
    assert "can't name a project" in refused("init", tmp_path / "b", "--project", "../a", *places)
    assert "policy" in refused("init", tmp_path / "b", "--project", "a", *places, "--consent", "perhaps")
    for wrong in ("1.2.3.4", "pdf", "", "1.2.840.10008.1.1"):
        assert "--accept" in refused("init", tmp_path / "b", "--project", "a", *places, "--accept", wrong), wrong
    assert not (tmp_path / "b").exists()
    assert not (tmp_path / "v").exists()
    for words in (("intake", one, "--turbo"), ("intake",), ("intake", one, "--workers", 0), ("nothing",)):
        refused(*words, "-l", empty_lake.folder.root)
    for dataset in ("../x", "a/b", ".", "A B", "x" * 300):
        assert "data set" in refused("intake", one, "-l", empty_lake.folder.root, "--dataset", dataset), dataset


# disks


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 3 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small file system")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "none", folder], capture_output=True).returncode:
        pytest.skip("no file system may be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def big_folder(folder: Path) -> int:
    for at in range(1, 25):
        original(folder / f"{at:02}.dcm", f"P{at % 4}", at=at, Rows=256, Columns=256, PixelData=bytes(2 * 256 * 256))
    return 24


def test_a_disk_that_fills_stops_the_intake_whole_and_it_goes_on_afterwards(small_disk: Path, tmp_path: Path):
    count = big_folder(tmp_path / "in")
    lake = make(small_disk, "skin", vault=tmp_path / "vault" / "s.vault", key=tmp_path / "keys" / "s.key")
    with pytest.raises(StorageError) as caught:
        intake(lake, tmp_path / "in")
    assert "do next: free space" in str(caught.value)
    assert not any("ZWINGLI" in str(one.to_json_dict()) for one in released(lake))
    subprocess.run(["mount", "-o", "remount,size=64m", small_disk], check=True)
    lake = Lake(lake.folder.root)
    assert intake(lake, tmp_path / "in").released == count
    assert len({str(one.SOPInstanceUID) for one in released(lake)}) == count
    assert lake.log.verify().ok
    assert everything(lake.folder.staging) == {}


def test_files_that_may_not_grow_stop_the_intake_whole(empty_lake: Lake, tmp_path: Path):
    count = big_folder(tmp_path / "in")
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (120_000, hard))
    try:
        with pytest.raises(StorageError):
            intake(empty_lake, tmp_path / "in")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert all(one.PatientID != "" for one in released(empty_lake))
    lake = Lake(empty_lake.folder.root)
    assert intake(lake, tmp_path / "in").released == count
    assert lake.log.verify().ok
