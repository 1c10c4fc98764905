"""From objects to the tree: what dcm2niix and the PNG make, resumed, repeated, changed."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path

import cv2
import nibabel as nib
import numpy as np
import pydicom
import pytest

from deephealth.core.errors import StorageError
from deephealth.lake.layout import arrange as arrange_module
from deephealth.lake.layout.arrange import arrange
from deephealth.lake.layout.bids_validator import bids_validator
from deephealth.lake.layout.convert import Kind, kind_of
from deephealth.lake.layout.tables import DatasetPaper, write_paper, write_tables
from deephealth.lake.layout.tsv import read_tsv
from deephealth.lake.layout.validate import check_layout
from deephealth.lake.layout.visit_table import VisitTable
from tests.lake.lake_maker import LakeMaker

pytest.importorskip("dcm2niix")


@pytest.fixture
def maker(tmp_path: Path) -> LakeMaker:
    made = LakeMaker(tmp_path)
    made.series("p1", "MR", number=1, body_part="BRAIN", description="t1 mprage sag", age=41, sex="F")
    made.series("p1", "MR", number=2, body_part="BRAIN", description="t2 flair tra", age=41, sex="F")
    made.series("p1", "MR", number=3, body_part="BRAIN", description="t1 mprage sag", age=41, sex="F")
    made.series("p1", "MR", number=4, body_part="BRAIN", description="diff b1000", age=41, sex="F")
    made.series("p2", "MR", number=1, body_part="KNEE", description="t1 tse sag", age=90, sex="M")
    made.series("p2", "CT", visit="2", number=1, body_part="CHEST", description="thorax", age=90, sex="M")
    made.series("p2", "DX", visit="2", number=2, body_part="CHEST", view="AP", slices=2)
    made.series("p3", "XC", number=2, body_part="SKIN", slices=1, color=True)
    return made


def finish(maker: LakeMaker) -> Path:
    folder = maker.lake.dataset(maker.dataset)
    write_tables(maker.lake, maker.dataset, maker.entries)
    write_paper(folder, DatasetPaper("Demo", licence="CC0", authors=("A", "B")))
    return folder


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_bids_validator_finds_no_error_and_neither_do_we(maker: LakeMaker) -> None:
    pytest.importorskip("bids_validator_deno")
    report = arrange(maker.lake, "demo", maker.entries)
    folder = finish(maker)
    assert not report.left
    assert check_layout(folder) == []
    found = bids_validator(folder)
    assert found.errors == ()
    assert found.files > 10
    names = [path.name.partition("_ses-")[2].partition("_")[2] for path in folder.glob("sub-*/**/*.nii.gz")]
    assert sorted(names) == [
        "run-1_FLAIR.nii.gz", "run-1_T1w.nii.gz", "run-1_bp-brain_dwi.nii.gz", "run-1_bp-chest_ct.nii.gz",
        "run-1_bp-knee_T1w.nii.gz", "run-2_T1w.nii.gz",
    ]  # fmt: skip


def test_the_bids_validator_does_find_mistakes(maker: LakeMaker) -> None:
    """Zero errors mean something only if there could have been some."""
    pytest.importorskip("bids_validator_deno")
    arrange(maker.lake, "demo", maker.entries)
    folder = finish(maker)
    next(folder.rglob("*_run-1_T1w.nii.gz")).rename(folder / "sub-1_T9w.nii.gz")
    (folder / ".bidsignore").unlink()
    codes = {issue.code for issue in bids_validator(folder).errors}
    assert codes & {"NOT_INCLUDED", "ALL_FILENAME_RULES_HAVE_ISSUES"}
    assert any("mod-rx" in issue.path for issue in bids_validator(folder).errors)


def test_voxels_and_pixels_are_those_of_the_objects(maker: LakeMaker) -> None:
    arrange(maker.lake, "demo", maker.entries)
    folder = maker.lake.dataset("demo")
    slices = [pydicom.dcmread(maker.lake.root / one.path) for one in maker.entries if one.facts.modality == "CT"]
    expected = np.stack([one.pixel_array.astype(int) - 1024 for one in slices], axis=-1)
    volume = np.asarray(nib.load(next(folder.rglob("*_ct.nii.gz"))).dataobj)  # type: ignore[attr-defined]
    assert np.array_equal(volume, expected[::-1, :].swapaxes(0, 1)[:, :])
    radiograph = next(one for one in maker.entries if one.facts.modality == "DX")
    png = cv2.imread(str(next(folder.rglob("*run-1*_dx.png"))), cv2.IMREAD_UNCHANGED)
    side_car = json.loads(next(folder.rglob("*run-1*_dx.json")).read_text())
    assert np.array_equal(png >> side_car["Shift"], pydicom.dcmread(maker.lake.root / radiograph.path).pixel_array)
    photograph = next(one for one in maker.entries if one.facts.modality == "XC")
    rgb = cv2.imread(str(next(folder.rglob("*_xc.png"))), cv2.IMREAD_UNCHANGED)[..., ::-1]
    assert np.array_equal(rgb, pydicom.dcmread(maker.lake.root / photograph.path).pixel_array)


def test_a_second_run_changes_nothing_and_another_machine_gives_the_same(maker: LakeMaker, tmp_path: Path) -> None:
    arrange(maker.lake, "demo", maker.entries)
    first = tree(maker.lake.dataset("demo"))
    again = arrange(maker.lake, "demo", maker.entries)
    assert (again.made, again.removed) == ([], [])
    assert tree(maker.lake.dataset("demo")) == first
    other = LakeMaker(tmp_path / "other")
    for entry in maker.entries:
        other.add(entry.facts, (maker.lake.root / entry.path).read_bytes())
    arrange(other.lake, "demo", reversed(other.entries))
    assert tree(other.lake.dataset("demo")) == first


def test_neither_time_nor_description_stays_in_a_nifti_header(maker: LakeMaker) -> None:
    arrange(maker.lake, "demo", maker.entries)
    for path in maker.lake.dataset("demo").rglob("sub-*/*/*/*.nii.gz"):
        data = gzip.decompress(path.read_bytes())
        assert data[148:252] == bytes(104)
        assert b"101112" not in data[:352]
        assert path.read_bytes()[4:8] == bytes(4)  # no time of compression


def test_a_killed_run_goes_on_where_it_stopped(maker: LakeMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = arrange_module.convert, iter(range(100))

    def full(*arguments: object) -> object:
        if next(calls) == 3:
            raise StorageError("the disk is full")
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(arrange_module, "convert", full)
    with pytest.raises(StorageError):
        arrange(maker.lake, "demo", maker.entries)
    monkeypatch.undo()
    assert list(maker.lake.staging.iterdir()) == []
    report = arrange(maker.lake, "demo", maker.entries)
    assert report.kept
    assert report.made
    finish(maker)
    assert check_layout(maker.lake.dataset("demo")) == []


def test_an_image_made_but_not_written_down_is_made_again(maker: LakeMaker) -> None:
    arrange(maker.lake, "demo", maker.entries)
    first = tree(maker.lake.dataset("demo"))
    for path in maker.lake.dataset("demo").rglob("images.tsv"):
        table = VisitTable.load(path.parent)
        for label in table.rows:
            table.record(label, "", ())
        table.save()
    arrange(maker.lake, "demo", maker.entries)
    assert tree(maker.lake.dataset("demo")) == first


def test_a_series_that_grows_is_made_anew_and_one_that_goes_takes_its_image_along(maker: LakeMaker) -> None:
    fewer = [one for one in maker.entries if not (one.facts.modality == "CT" and one.facts.instance_number == 4)]
    arrange(maker.lake, "demo", fewer)
    volume = next(maker.lake.dataset("demo").rglob("*_ct.nii.gz"))
    assert nib.load(volume).shape == (16, 16, 3)  # type: ignore[attr-defined]
    grown = arrange(maker.lake, "demo", maker.entries)
    assert nib.load(volume).shape == (16, 16, 4)  # type: ignore[attr-defined]
    assert len(grown.removed) == len(grown.made) == 2
    gone = arrange(maker.lake, "demo", [one for one in maker.entries if one.facts.modality != "CT"])
    assert not volume.exists()
    assert len(gone.removed) == 2


def test_tables_say_what_there_is(maker: LakeMaker) -> None:
    arrange(maker.lake, "demo", maker.entries)
    folder = finish(maker)
    _, participants = read_tsv(folder / "participants.tsv")
    found = {(row["age"], row["sex"], row["modalities"]) for row in participants}
    assert found == {("41", "F", "MR"), ("89+", "M", "CT,DX,MR"), ("n/a", "n/a", "XC")}
    _, sessions = read_tsv(next(folder.glob("*/*_sessions.tsv")))
    assert sessions[0]["acq_time"] == "2015-03-11T00:00:00"
    scans = [row["filename"] for path in folder.rglob("*_scans.tsv") for row in read_tsv(path)[1]]
    assert len(scans) == len(set(scans)) == 9


def test_objects_without_an_image_stay_and_are_counted(tmp_path: Path) -> None:
    maker = LakeMaker(tmp_path)
    entry = maker.series("p1", "CT", slices=1)[0]
    segment = replace(
        entry.facts, key="SEG1", modality="SEG", sop_class="1.2.840.10008.5.1.4.1.1.66.4", series_uid="2.25.9"
    )
    cine = replace(entry.facts, key="US1", modality="US", frames=40, series_uid="2.25.10")
    broken = replace(entry.facts, key="XC1", modality="XC", series_uid="2.25.11")
    for facts in (segment, cine):
        maker.add(facts, b"not looked at")
    maker.add(broken, b"no DICOM")
    report = arrange(maker.lake, "demo", maker.entries)
    assert sum(report.left.values()) == 3
    assert len(report.made) == 2
    assert [kind_of(facts) for facts in (segment, cine, broken)] == [Kind.NONE, Kind.NONE, Kind.PICTURE]


def test_a_whole_slide_is_linked_and_not_copied(tmp_path: Path) -> None:
    maker = LakeMaker(tmp_path)
    facts = replace(
        maker.series("p1", "XC", slices=1)[0].facts, modality="SM", key="SLIDE1", frames=900, series_uid="2.25.3"
    )
    entry = maker.add(facts, b"a slide")
    arrange(maker.lake, "demo", maker.entries)
    linked = next(maker.lake.dataset("demo").glob("sub-*/ses-*/mod-light/*_sm.dcm"))
    assert linked.samefile(maker.lake.root / entry.path)


def edf(path: Path) -> bytes:
    edfio = pytest.importorskip("edfio")
    random = np.random.default_rng(0)
    signals = [
        edfio.EdfSignal(random.normal(size=512), 256, label=label, physical_dimension="uV")
        for label in ("EEG Fpz-Cz", "EEG Fpz-Cz", "ECG")
    ]
    edfio.Edf(signals).write(path)
    return path.read_bytes()


def test_a_recording_gets_its_side_cars_and_is_valid(tmp_path: Path) -> None:
    pytest.importorskip("bids_validator_deno")
    maker = LakeMaker(tmp_path / "lake")
    facts = maker.series("p1", "MR", body_part="BRAIN", description="t1 mprage")[0].facts
    recording = replace(facts, format="edf", modality="EEG", key="EDF1", series_uid="", description="")
    maker.add(recording, edf(tmp_path / "a.edf"))
    maker.add(replace(recording, key="EDF2"), b"no EDF at all")
    report = arrange(maker.lake, "demo", maker.entries)
    assert report.left == {"recording: UnreadableFileError": 1}
    folder = finish(maker)
    assert check_layout(folder) == []
    assert bids_validator(folder).errors == ()
    side_car = json.loads(next(folder.rglob("*_eeg.json")).read_text())
    assert (side_car["SamplingFrequency"], side_car["EEGChannelCount"], side_car["TaskName"]) == (256.0, 2, "clinical")
    _, channels = read_tsv(next(folder.rglob("*_channels.tsv")))
    assert [row["name"] for row in channels] == ["EEG Fpz-Cz", "EEG Fpz-Cz 2", "ECG"]


@pytest.fixture
def arranged(maker: LakeMaker) -> Path:
    arrange(maker.lake, "demo", maker.entries)
    return finish(maker)


def test_our_validator_finds_each_planted_mistake(arranged: Path) -> None:
    image = next(arranged.rglob("*_dx.png"))
    subject = next(arranged.glob("sub-*"))
    mistakes = {
        "sub-XX/ses-YY/mod-rx/sub-XX_ses-ZZ_run-1_bp-chest_dx.png": "another subject or session",
        "notes.txt": "top of a data set",
        f"{subject.name}/ses-A/anat/{subject.name}_ses-A_run-1_bp-brain_T1w.nii.gz": "MIDS entities",
        f"{subject.name}/ses-A/ct/{subject.name}_ses-A_ct.nii.gz": "known are",
        f"{subject.name}/ses-A/anat/{subject.name}_ses-A_bp-x_run-1_T1w.nii.gz": "in this order",
        f"{subject.name}/ses-A/dwi/{subject.name}_ses-A_run-1_dwi.nii.gz": ".bval",
        "sourcedata/sub-A/patient name.dcm": "released object",
        "sub-A/ses-B/.x.0123456789abcdef0123456789abcdef.tmp": "half-written",
        f"{subject.name}/ses-A/mod-ct/{subject.name}_ses-A_run-0_ct.nii.gz": "no number above 0",
        f"{subject.name}/ses-A/mod-ct/{subject.name}_ses-A_run-2_ct.json": "not JSON",
    }
    for name, words in mistakes.items():
        path = arranged / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{")
        assert any(words in problem.message for problem in check_layout(arranged)), words
        path.unlink()
    image.unlink()
    assert any("is not there" in problem.message for problem in check_layout(arranged))
    table = arranged / "participants.tsv"
    table.write_text(table.read_text() + "sub-GHOST\tn/a\tn/a\tn/a\tn/a\n")
    assert any("has no folder" in problem.message for problem in check_layout(arranged))
    (arranged / ".bidsignore").unlink()
    assert any(problem.path == ".bidsignore" for problem in check_layout(arranged))
    (arranged / "CHANGES").unlink()
    assert any(problem.path == "CHANGES" for problem in check_layout(arranged))


def test_changes_grow_at_the_top(arranged: Path) -> None:
    write_paper(arranged, DatasetPaper("Demo"), change="a subject was withdrawn")
    lines = (arranged / "CHANGES").read_text().splitlines()
    assert lines[0].startswith("1.0.1 ")
    assert "withdrawn" in lines[1]
    assert "first release" in lines[-1]


def test_an_object_that_says_nonsense_stays_where_it_is(maker: LakeMaker) -> None:
    """A released header may hold letters where millimetres should be; the others are arranged all the same."""
    picture = next(one for one in maker.entries if one.facts.modality == "XC")
    path = maker.lake.root / picture.path
    dataset = pydicom.dcmread(path)
    dataset.add_new(0x00280030, "LO", ["wide", "high"])
    dataset.save_as(path)
    report = arrange(maker.lake, maker.dataset, maker.entries)
    assert report.left["picture: UnreadableFileError"] == 1
    assert len([name for name in report.made if name.endswith((".png", ".nii.gz"))]) == 8
