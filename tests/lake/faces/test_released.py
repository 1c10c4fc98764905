"""Head series in a lake: defaced as a whole, resumed after a kill, or quarantined; and nothing without the option."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest

from deephealth.core.files import sha256
from deephealth.lake.faces import released as module
from deephealth.lake.faces.at_risk import count
from deephealth.lake.intake.journal import Journal, PublishedObject
from deephealth.lake.lake import Lake
from deephealth.lake.profile.options import RESEARCH, Option
from deephealth.lake.settings import LakeSettings
from tests.lake.faces.heads import head_series, plain_head
from tests.lake.originals import intake

pytest.importorskip("cryptography")
pytest.importorskip("SimpleITK")


def _lake(folder: Path, *, faces: bool) -> Lake:
    settings = LakeSettings("heads")
    if faces:
        settings = replace(settings, options=RESEARCH | {Option.CLEAN_FEATURES})
    return Lake.create(folder / "lake", settings, vault=str(folder / "v" / "vault"), key_file=folder / "k" / "key")


def _published(lake: Lake) -> list[PublishedObject]:
    with Journal(lake.folder.journal) as journal:
        return list(journal.published())


def _read(lake: Lake) -> tuple[np.ndarray, list[pydicom.Dataset]]:
    datasets = [pydicom.dcmread(lake.folder.root / one.path) for one in _published(lake)]
    datasets.sort(key=lambda one: float(one.ImagePositionPatient[2]))
    return np.stack([one.pixel_array for one in datasets], -1), datasets


def test_a_head_series_loses_its_face(tmp_path: Path) -> None:
    lake = _lake(tmp_path, faces=True)
    head_series(tmp_path / "in")
    report = intake(lake, tmp_path / "in")
    voxels, brain = plain_head()
    after, datasets = _read(lake)
    assert report.released == len(datasets) == voxels.shape[2]
    before = np.clip(voxels[::-1, ::-1].astype(int) + 1024, 0, 4095).transpose(1, 0, 2)
    changed = after != before
    assert changed.any()
    assert not (changed & brain[::-1, ::-1].transpose(1, 0, 2)).any()
    assert (after[changed] == 24).mean() > 0.99  # -1000 HU
    assert {one.RecognizableVisualFeatures for one in datasets} == {"NO"}
    codes = [[code.CodeValue for code in one.DeidentificationMethodCodeSequence] for one in datasets]
    assert all(one.count("113102") == 1 for one in codes)
    for one in _published(lake):
        path = lake.folder.root / one.path
        assert (one.facts.sha256, one.facts.bytes) == (sha256(path), path.stat().st_size)
        assert "113102" in one.executed
    assert count(_published(lake)) == 0


def test_without_the_option_the_face_stays_and_is_counted(tmp_path: Path) -> None:
    lake = _lake(tmp_path, faces=False)
    head_series(tmp_path / "in")
    intake(lake, tmp_path / "in")
    after, datasets = _read(lake)
    before = np.clip(plain_head()[0][::-1, ::-1].astype(int) + 1024, 0, 4095).transpose(1, 0, 2)
    assert (after != before).mean() < 0.001  # the pixel cleaner may take an edge of the drawing for writing
    assert not any("RecognizableVisualFeatures" in one for one in datasets)
    assert count(_published(lake)) == 1


def test_a_killed_run_is_finished_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = _lake(tmp_path, faces=True)
    head_series(tmp_path / "in")
    real, calls = module.atomic_write, []

    def dies(path: Path, content: bytes) -> None:
        calls.append(path)
        real(path, content)
        if len(calls) == 30:
            raise KeyboardInterrupt

    monkeypatch.setattr(module, "atomic_write", dies)
    with pytest.raises(KeyboardInterrupt):
        intake(lake, tmp_path / "in")
    monkeypatch.undo()
    assert not list(module.without_faces(_published(lake)))
    intake(lake, tmp_path / "in")
    killed, _ = _read(lake)
    other = _lake(tmp_path / "other", faces=True)
    intake(other, tmp_path / "in")
    whole, _ = _read(other)
    assert np.array_equal(killed, whole)
    assert len(_published(lake)) == whole.shape[2]
    assert all("113102" in one.executed for one in _published(lake))


def test_what_is_no_head_goes_to_quarantine(tmp_path: Path) -> None:
    """A series that says it is a head, and is not: nobody can say that it shows no face."""
    from tests.lake.originals import original

    lake = _lake(tmp_path, faces=True)
    for at in range(24):
        original(tmp_path / "in" / f"{at}.dcm", at=at, BodyPartExamined="BRAIN", SeriesDescription="Head")
    intake(lake, tmp_path / "in")
    with Journal(lake.folder.journal) as journal:
        assert list(journal.published()) == []
        assert journal.quarantined() == {"face": 24}
    assert not list(lake.folder.rawdata.rglob("*.dcm"))


def test_a_compressed_series_stays_compressed_without_loss(tmp_path: Path) -> None:
    from pydicom.uid import RLELossless

    from deephealth.lake.faces.series import apply_to_object, plan_series

    paths = head_series(tmp_path / "in")
    cut = plan_series(paths)
    path = paths[30]
    native = pydicom.dcmread(pydicom.filebase.DicomBytesIO(apply_to_object(path, cut))).pixel_array
    dataset = pydicom.dcmread(path)
    dataset.compress(RLELossless, generate_instance_uid=False)
    dataset.save_as(path)
    content = apply_to_object(path, cut)
    packed = pydicom.dcmread(pydicom.filebase.DicomBytesIO(content))
    assert packed.file_meta.TransferSyntaxUID == RLELossless
    assert np.array_equal(packed.pixel_array, native)
    path.write_bytes(content)
    assert np.array_equal(
        pydicom.dcmread(pydicom.filebase.DicomBytesIO(apply_to_object(path, cut))).pixel_array, native
    )


def test_a_nifti_file(tmp_path: Path) -> None:
    nibabel = pytest.importorskip("nibabel")
    from deephealth.lake.faces.series import apply_to_nifti, plan_nifti

    voxels, brain = plain_head()
    affine = np.diag([2.0, 2.0, 4.5, 1.0])
    affine[:3, 3] = -105, -118, -165
    nibabel.save(nibabel.Nifti1Image(voxels, affine), tmp_path / "a.nii.gz")
    apply_to_nifti(tmp_path / "a.nii.gz", plan_nifti(tmp_path / "a.nii.gz", "CT"), tmp_path / "b.nii.gz")
    after = nibabel.load(tmp_path / "b.nii.gz")
    changed = np.asarray(after.dataobj) != voxels
    assert after.get_data_dtype() == voxels.dtype
    assert np.allclose(after.affine, affine)
    assert changed.any()
    assert not (changed & brain).any()
