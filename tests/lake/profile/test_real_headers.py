"""Every DICOM file that pydicom ships is cleaned, stays readable, and keeps its pixels to the byte."""

from __future__ import annotations

import io
import warnings
from functools import cache
from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_files
from pydicom.dataset import FileDataset

from deephealth.core.errors import QuarantineError
from deephealth.lake.profile.engine import HeaderCleaner
from deephealth.lake.profile.identity import identifiers_of, patient_of
from deephealth.lake.profile.options import BASIC, RESEARCH, Option
from deephealth.lake.profile.profile import Profile
from deephealth.lake.profile.stamp import stamp
from deephealth.lake.pseudonyms import Pseudonyms

_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")


def _read(source: str | io.BytesIO) -> FileDataset | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            dataset = pydicom.dcmread(source, force=True)
            return dataset if len(dataset) else None
        except Exception:
            return None


def _written(dataset: FileDataset) -> io.BytesIO | None:
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            dataset.save_as(stream)
        except Exception:
            return None
    stream.seek(0)
    return stream


def _sound(path: str) -> bool:
    dataset = _read(path)
    return dataset is not None and _written(dataset) is not None


FILES = sorted(
    path for path in map(str, get_testdata_files()) if path.endswith((".dcm", "DICOMDIR")) or "." not in Path(path).name
)


@cache
def cleaner(options: frozenset[Option]) -> HeaderCleaner:
    return HeaderCleaner(Profile(options), Pseudonyms(bytes(32)))


def _pixels(dataset: FileDataset) -> list[bytes]:
    return [dataset.get_item(keyword).value for keyword in _PIXELS if keyword in dataset]


def _clean(dataset: FileDataset, options: frozenset[Option]) -> None:
    try:
        patient_of(dataset)
    except QuarantineError:
        dataset.PatientID = "nobody"
    outcome = cleaner(options).clean(dataset, identifiers_of(dataset))
    stamp(dataset, outcome.executed)


@pytest.mark.parametrize("path", FILES, ids=lambda path: Path(path).name)
def test_file(path: str) -> None:
    original = _read(path)
    if original is None or not _sound(path):
        pytest.skip("pydicom can't read it, or can't write it again")
    before, patient = _pixels(original), str(original.get("PatientID", ""))
    for options in (RESEARCH, BASIC):
        dataset = _read(path)
        _clean(dataset, options)
        again = _read(_written(dataset))
        assert again is not None
        assert _pixels(again) == before
        for element in again.iterall():
            assert element.value is not None or element.VM == 0
        assert again.PatientIdentityRemoved == "YES"
        assert again.PatientID != patient
        assert again.get("PatientBirthDate", "") in ("", None)


@pytest.mark.parametrize(
    "name", ["CT_small.dcm", "MR_small.dcm", "rtdose.dcm", "JPEG2000.dcm", "US1_J2KR.dcm", "color-pl.dcm"]
)
def test_other_libraries_still_read_what_they_read(name: str, tmp_path: Path) -> None:
    sitk = pytest.importorskip("SimpleITK")
    path = next((file for file in FILES if Path(file).name == name), None)
    if path is None:
        pytest.skip("pydicom does not ship it with this version")
    dataset = _read(path)
    _clean(dataset, RESEARCH)
    (tmp_path / "clean.dcm").write_bytes(_written(dataset).getvalue())
    try:
        expected = sitk.GetArrayFromImage(sitk.ReadImage(path))
    except RuntimeError:
        pytest.skip("SimpleITK does not read the original")
    assert (sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "clean.dcm"))) == expected).all()


def test_highdicom_still_reads_an_enhanced_image_and_a_segmentation() -> None:
    hd = pytest.importorskip("highdicom")
    found = {Path(file).name: file for file in FILES}
    for name, read in (("liver_1frame.dcm", hd.seg.segread), ("eCT_Supplemental.dcm", hd.imread)):
        if name not in found:
            continue
        dataset = _read(found[name])
        _clean(dataset, RESEARCH)
        assert read(_written(dataset)).SOPClassUID == dataset.SOPClassUID
