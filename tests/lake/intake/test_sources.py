"""Sources give what lies in them, and nothing that lies elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MediaStorageDirectoryStorage, generate_uid

from deephealth.core.errors import DataError, MissingDataError, UnreadableFileError
from deephealth.lake.intake.dicomdir import DicomdirSource
from deephealth.lake.intake.runner import run_intake
from deephealth.lake.intake.sources import FolderSource, Incoming, SpoolSource
from deephealth.lake.intake.spool import Spool
from deephealth.lake.intake.tools import IntakeSettings
from deephealth.lake.reasons import Reason
from tests.lake.intake.standin import Memory, lake_in, make_folder, tools, tree, write_file


def write_dicomdir(path: Path, entries: list[list[str] | str]) -> None:
    """A DICOMDIR that names anything."""
    directory = Dataset()
    directory.FileSetID = "TEST"
    directory.DirectoryRecordSequence = []
    for entry in [None, *entries]:
        record = Dataset()
        record.DirectoryRecordType = "IMAGE"
        if entry is not None:
            record.add_new("ReferencedFileID", "CS", entry)
        directory.DirectoryRecordSequence.append(record)
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = MediaStorageDirectoryStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    directory.file_meta = meta
    path.parent.mkdir(parents=True, exist_ok=True)
    pydicom.dcmwrite(path, directory, enforce_file_format=True)


def by_reason(source: DicomdirSource) -> dict[str, list[Incoming]]:
    """What a source gives, by the reason for which it is refused."""
    found: dict[str, list[Incoming]] = {}
    for one in source:
        found.setdefault(one.refused or "", []).append(one)
    return found


def test_a_folder_is_listed_in_the_same_order_every_time(tmp_path: Path) -> None:
    make_folder(tmp_path)
    source = FolderSource(tmp_path)
    first = [one.locator for one in source]
    assert first == [one.locator for one in source] == sorted(first)
    assert len(first) == 40


def test_a_single_file_is_a_source_too(tmp_path: Path) -> None:
    path = write_file(tmp_path / "a.dcm", "MRN1")
    assert [one.locator for one in FolderSource(path)] == [str(path)]
    with pytest.raises(MissingDataError):
        FolderSource(tmp_path / "none")


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_entries_that_lead_outside_are_refused_and_not_opened(tmp_path: Path) -> None:
    root = tmp_path / "cd"
    outside = write_file(tmp_path / "secret.dcm", "MRN9", item="9.9")
    write_file(root / "DICOM" / "A", "MRN1", item="1.1")
    write_file(root / "dicom2" / "b.", "MRN1", item="1.2")
    (root / "DICOM" / "LINK").symlink_to(outside)
    (root / "UP").symlink_to(tmp_path)
    os.mkfifo(root / "DICOM" / "PIPE")
    write_dicomdir(
        root / "DICOMDIR",
        [
            ["DICOM", "A"],
            ["DICOM", "A"],
            ["DICOM2", "B"],
            ["..", "secret.dcm"],
            ["DICOM", "..", "..", "secret.dcm"],
            str(outside),
            "../secret.dcm",
            ["C:", "secret.dcm"],
            ["DICOM", "LINK"],
            ["UP", "secret.dcm"],
            ["DICOM", "PIPE"],
            ["DICOM", "NONE"],
            ["DICOM", "A", "B"],
        ],
    )
    source = DicomdirSource(root)
    found = by_reason(source)
    assert [one.locator for one in found[""]] == [str(root / "DICOM" / "A"), str(root / "dicom2" / "b.")]
    assert len(found[Reason.HOSTILE]) == 8
    assert len(found[Reason.UNREADABLE]) == 2
    for one in found[Reason.HOSTILE]:
        with pytest.raises(MissingDataError):
            source.path(one.locator)
    lake = lake_in(tmp_path)
    report = run_intake(source, lake, "cd", tools(Memory()), settings=IntakeSettings(workers=1))
    assert report.quarantined == {Reason.HOSTILE: 8, Reason.UNREADABLE: 2}
    assert (report.found, report.released) == (12, 2)
    assert not tree(lake.quarantine)


def test_the_dicomdir_that_pydicom_ships() -> None:
    path = Path(str(get_testdata_file("DICOMDIR", download=False)))
    source = DicomdirSource(path)
    found = by_reason(source)
    expected = {str(file.resolve()) for file in path.parent.rglob("*") if file.is_file() and file.name != "DICOMDIR"}
    given = {one.locator for one in found[""]}
    assert given
    assert given <= expected
    assert set(found) <= {"", Reason.UNREADABLE}


def test_a_broken_dicomdir(tmp_path: Path) -> None:
    (tmp_path / "DICOMDIR").write_bytes(b"nothing of the kind")
    with pytest.raises(UnreadableFileError):
        DicomdirSource(tmp_path)
    with pytest.raises(MissingDataError):
        DicomdirSource(tmp_path / "none")


def test_the_spool_lies_outside_the_lake(tmp_path: Path) -> None:
    lake = lake_in(tmp_path)
    with pytest.raises(DataError, match="inside the lake"):
        Spool(lake.root / "spool", lake=lake)
    spool = Spool(tmp_path / "spool", lake=lake)
    for name in ("../../x", "/etc/passwd", "a\0b", "x" * 1000, "\ud800"):
        assert spool.write(name, [b"1"]).parent == spool.folder
    assert len(tree(tmp_path / "spool")) == 5
    assert spool.folder.stat().st_mode & 0o777 == 0o700


def test_a_spool_is_emptied_by_its_intake_and_only_by_it(tmp_path: Path) -> None:
    make_folder(tmp_path / "spool", patients=1)
    write_file(tmp_path / "spool" / "bad.dcm", "MRN1", item="8.8", on_clean="burned-in")
    report = run_intake(SpoolSource(tmp_path / "spool"), lake_in(tmp_path), "chest", tools(Memory()))
    assert (report.released, report.quarantined.total()) == (10, 1)
    assert not tree(tmp_path / "spool")
