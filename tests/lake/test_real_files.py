"""Every DICOM file that pydicom ships, and real whole-slide objects, through the whole cleaner as a worker runs it."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_files
from pydicom.dataset import FileDataset

from deephealth.core.errors import QuarantineError
from deephealth.lake.facts import ObjectFacts
from deephealth.lake.identifiers import Identifiers
from deephealth.lake.intake.task import Task
from deephealth.lake.objects import ObjectCleaner, ObjectScan
from deephealth.lake.pseudonyms import Pseudonyms
from deephealth.lake.reasons import Reason

pytest.importorskip("rapidocr")

PSEUDONYMS = Pseudonyms(bytes(range(32)))
SHIPPED = sorted({Path(path) for path in map(str, get_testdata_files()) if Path(path).is_file()})
FILES = [path for path in SHIPPED if path.suffix == ".dcm" or path.name.startswith("DICOMDIR") or not path.suffix]
_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")


@dataclass
class Ended:
    """How a file ended: released with its facts, dropped, or quarantined with a reason."""

    state: str
    why: str = ""
    what: str = ""
    facts: ObjectFacts | None = None
    identifiers: Identifiers | None = None


def taken(path: Path, target: Path, accept: frozenset[str] = frozenset()) -> Ended:
    """Scan and clean one file as a worker does."""
    try:
        scanned = ObjectScan({str(path): "4711"})(path)
        if scanned.drop:
            return Ended("dropped", scanned.drop)
        task = Task(path, "0" * 64, scanned.patient, "", scanned.identifiers, scanned.format)
        released = ObjectCleaner(PSEUDONYMS, accept=accept).clean(task, target)
    except QuarantineError as error:
        return Ended("quarantined", error.reason, error.args[0] if error.args else "")
    return Ended(released.status, released.reason, "", released.facts, scanned.identifiers)


def _read(path: Path | io.BytesIO) -> FileDataset:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pydicom.dcmread(path, force=True)


def test_files_that_are_not_dicom_never_break_the_cleaner(tmp_path: Path) -> None:
    for path in SHIPPED:
        if path not in FILES:
            assert taken(path, tmp_path / "clean").state in ("released", "quarantined")  # README.txt is a text


def _stored(dataset: FileDataset) -> list[bytes]:
    return [dataset.get_item(keyword).value for keyword in _PIXELS if keyword in dataset]


def _decoded(path: Path) -> np.ndarray | None:
    """The pixels as pydicom decodes them, ``None`` where it can't."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return _read(path).pixel_array
        except Exception:
            return None


def _named(path: Path, folder: Path) -> Path:
    """A copy that says whose it is, for files without a patient; skips where none can be made."""
    dataset = _read(path)
    dataset.PatientID = "4711"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            dataset.save_as(folder / path.name)
        except (AttributeError, TypeError):
            pytest.skip("pydicom can't write it with a patient")
    return folder / path.name


def _left(original: FileDataset, fresh: FileDataset, ended: Ended, content: bytes) -> list[str]:
    """What identifies the patient, long enough to be no coincidence, that is in the bytes of the released file."""
    known = {str(original.get(name, "")).strip() for name in ("PatientID", "PatientName", "AccessionNumber")}
    known |= {str(original.get(name, "")) for name in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")}
    known |= set(ended.identifiers.uids) if ended.identifiers else set()
    software = str(fresh.file_meta.get("ImplementationClassUID", ""))  # may stand in the header too, as the creator
    for value in _stored(fresh):
        content = content.replace(value, b"")
    return [one for one in known if len(one) >= 6 and one not in software and one.encode() in content]


# Somebody looked: four ultrasound pictures, of the rgb one more is painted than its writing, and the words red, green
# and blue.
WRITTEN_ON = {
    "examples_jpeg2k.dcm",
    "examples_palette.dcm",
    "examples_rgb_color.dcm",
    "examples_ybr_color.dcm",
    "GDCMJ2K_TextGBR.dcm",
}
UNREADABLE = {
    "JPEG2000-embedded-sequence-delimiter.dcm": "the codestream claims 1,024 x 3,722,445,056 pixels",
    "MR_truncated.dcm": "62 bytes of pixels are missing",
    "badVR.dcm": "the number of frames is '1A'",
}
NOT_DICOM = {"README", "no_meta.dcm"}  # the second has a single element, of a group that no data set starts with
FRAGMENTS = {
    "UN_sequence.dcm",
    "empty_charset_LEI.dcm",
    "meta_missing_tsyntax.dcm",
    "nested_priv_SQ.dcm",
    "no_meta_group_length.dcm",
    "priv_SQ.dcm",
}  # a few elements, without a SOP class


@pytest.mark.parametrize("path", FILES, ids=[f"{path.parent.name}/{path.name}" for path in FILES])
def test_every_file_that_pydicom_ships(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "clean"
    ended = taken(path, target)
    if ended.state == "quarantined" and ended.why == Reason.NO_PATIENT:
        assert not str(_read(path).get("PatientID", "") or "").strip()
        path = _named(path, tmp_path)
        ended = taken(path, target)
    if ended.state == "dropped":
        assert path.name.startswith("DICOMDIR")
        return
    if ended.state == "quarantined":
        assert not target.exists()
        expected = {
            Reason.PIXELS_UNREADABLE: set(UNREADABLE),
            Reason.UNKNOWN_FORMAT: NOT_DICOM,
            Reason.UNKNOWN_SOP_CLASS: FRAGMENTS,
        }
        assert path.name in expected.get(Reason(ended.why), ()), f"{ended.why}: {ended.what}"
        return
    assert path.name not in UNREADABLE
    assert ended.facts is not None
    original, fresh = _read(path), _read(target)
    patient = str(original.PatientID)
    assert fresh.PatientID == ended.facts.subject == PSEUDONYMS.subject(patient.strip(" \0"))
    assert str(fresh.get("PatientName", "")) in ("", ended.facts.subject)
    assert fresh.SOPInstanceUID != original.get("SOPInstanceUID")
    assert fresh.PatientIdentityRemoved == "YES"
    assert _left(original, fresh, ended, target.read_bytes()) == []
    assert (ended.facts.pixels == "none") == (not _stored(original))
    assert (ended.facts.pixels == "hidden") == (path.name in WRITTEN_ON)
    before, after = _decoded(path), _decoded(target)
    if ended.facts.pixels == "kept":
        assert _stored(fresh) == _stored(original)
        assert (before is None) or np.array_equal(before, after)
    elif ended.facts.pixels == "hidden":
        assert after is not None
        assert before is None or before.shape == after.shape


_KEPT = [one for one in FILES if one.suffix == ".dcm" and one.stat().st_size > 2000 and one.name not in WRITTEN_ON]


@pytest.mark.parametrize("path", _KEPT)
def test_simpleitk_reads_what_it_read_before(path: Path, tmp_path: Path) -> None:
    sitk = pytest.importorskip("SimpleITK")
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    try:
        expected = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
    except RuntimeError:
        pytest.skip("SimpleITK does not read the original")
    if taken(path, tmp_path / "clean.dcm").state != "released":
        pytest.skip("not released")
    assert np.array_equal(sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "clean.dcm"))), expected)


def test_highdicom_reads_the_segmentation_the_enhanced_image_and_the_report(tmp_path: Path) -> None:
    hd = pytest.importorskip("highdicom")
    found = {path.name: path for path in FILES}
    reads = {"liver_1frame.dcm": hd.seg.segread, "eCT_Supplemental.dcm": hd.imread}
    for name, read in reads.items():
        if name not in found:
            continue
        assert taken(found[name], tmp_path / name).state == "released"
        assert read(tmp_path / name).SOPClassUID == _read(found[name]).SOPClassUID


@pytest.mark.real
@pytest.mark.parametrize("name", ["tcga_prad_level_wsi.dcm", "cptac_brca_level_wsi.dcm"])
def test_real_whole_slides(name: str, tmp_path: Path, shared_data: Path) -> None:
    path = shared_data / "wsi-samples" / name
    ended = taken(path, tmp_path / name)
    assert ended.state == "released", f"{ended.why}: {ended.what}"
    assert ended.facts is not None
    original, fresh = _read(path), _read(tmp_path / name)
    assert ended.facts.pixels == "kept"
    assert _stored(fresh) == _stored(original)
    assert fresh.PatientID == PSEUDONYMS.subject(str(original.PatientID))
    assert _left(original, fresh, ended, (tmp_path / name).read_bytes()) == []
    hd = pytest.importorskip("highdicom")
    assert hd.imread(tmp_path / name).number_of_frames == int(original.NumberOfFrames)
