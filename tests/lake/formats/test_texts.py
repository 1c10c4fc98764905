"""Reports, side-cars, names of files, and which cleaner a file gets."""

import gzip
import json
import pickle
import time
import zipfile
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deephealth.core.errors import QuarantineError
from deephealth.lake.formats import report, side_car
from deephealth.lake.formats.catalogue import FORMATS, companion_of, format_of, identity_of
from deephealth.lake.formats.context import FileContext
from deephealth.lake.formats.names import check_released, name_problems
from deephealth.lake.identifiers import Identifiers
from deephealth.lake.pseudonyms import Pseudonyms
from tests.lake.formats.conftest import JUNK


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_report(tmp_path, who, scan, encoding):
    text = f"MRT des Schädels\r\n{JUNK}\r\nkein Nachweis einer Läsion, Zyx\u00adwhurst"
    if encoding == "latin-1":
        text = text.replace("\u00ad", "")
    (tmp_path / "a.txt").write_bytes(text.encode(encoding))
    outcome = report.clean(tmp_path / "a.txt", tmp_path / "b.txt", who)
    fresh = (tmp_path / "b.txt").read_bytes()
    assert not scan(fresh)
    assert "kein Nachweis einer Läsion" in fresh.decode("utf-8")
    assert outcome.format == "report"


def test_report_in_doubt(tmp_path, who):
    for data, reason in (
        (b"doubtful text", "doubtful-text"),
        (b"a\0b", "unknown-format"),
        (b"x" * 5 * 1024**2, "too-large"),
    ):
        (tmp_path / "a.txt").write_bytes(data)
        with pytest.raises(QuarantineError) as error:
            report.clean(tmp_path / "a.txt", tmp_path / "b.txt", who)
        assert error.value.reason == reason
        assert not (tmp_path / "b.txt").exists()


SIDE_CAR = {
    "Modality": "MR",
    "MagneticFieldStrength": 3,
    "Manufacturer": "Siemens",
    "InstitutionName": "Quenby Street Hospital",
    "InstitutionAddress": "Quenby Street",
    "StationName": "Zyxwhurst1",
    "PatientName": "Zyxwhurst^Quillfeather",
    "PatientID": "MRN7712345",
    "PatientBirthDate": "1951-07-23",
    "PatientSex": "F",
    "PatientAge": "093Y",
    "PatientWeight": 70.5,
    "AccessionNumber": "4711",
    "OperatorsName": "Quillfeather",
    "SeriesDescription": "t1 mprage Zyxwhurst",
    "ProtocolName": "t1_mprage",
    "StudyInstanceUID": "1.2.3.4",
    "AcquisitionDateTime": "2019-03-01T10:15:00.5",
    "AcquisitionTime": "10:15:00.5",
    "EchoTime": 0.003,
    "RepetitionTime": "Zyxwhurst",
    "SliceTiming": [0, 0.5, 1.0],
    "ImageType": ["ORIGINAL", "PRIMARY"],
    "PhaseEncodingDirection": "j-",
    "ImageComments": JUNK,
    "Secret": JUNK,
    "Nested": {"a": JUNK},
    JUNK: 1,
    "TaskName": "rest",
}


def test_side_car(tmp_path, who, scan):
    (tmp_path / "a.json").write_text(json.dumps(SIDE_CAR))
    outcome = side_car.clean(tmp_path / "a.json", tmp_path / "b.json", who)
    raw = (tmp_path / "b.json").read_bytes()
    assert not scan(raw)
    fresh = json.loads(raw)
    assert fresh["PatientID"] == who.subject
    assert (fresh["PatientSex"], fresh["PatientAge"], fresh["PatientWeight"]) == ("F", "090Y", 70.5)
    assert (fresh["EchoTime"], fresh["SliceTiming"], fresh["ImageType"]) == (
        0.003,
        [0, 0.5, 1.0],
        ["ORIGINAL", "PRIMARY"],
    )
    assert fresh["SeriesDescription"] == "t1 mprage"
    assert (fresh["ProtocolName"], fresh["TaskName"], fresh["PhaseEncodingDirection"]) == ("t1_mprage", "rest", "j-")
    assert fresh["StudyInstanceUID"] == who.pseudonyms.uid("1.2.3.4")
    assert fresh["AcquisitionDateTime"].endswith("T10:15:00.5")
    assert not fresh["AcquisitionDateTime"].startswith("2019-03-01")
    assert fresh["AccessionNumber"] == who.pseudonyms.accession("4711")
    gone = {"InstitutionName", "InstitutionAddress", "PatientName", "PatientBirthDate", "OperatorsName", "Secret"}
    assert not gone & fresh.keys()
    assert "RepetitionTime" not in fresh
    assert outcome.modality == "MR"
    patient, known = side_car.identity(tmp_path / "a.json")
    assert patient == "MRN7712345"
    assert "Zyxwhurst^Quillfeather" in known.names
    assert {"19510723", "20190301"} <= known.dates


def test_dictionary_of_columns(tmp_path, who, scan):
    value = {
        "sex": {"Description": "sex, asked by Zyxwhurst", "Levels": {"F": "female", "M": JUNK}, "TermURL": "http://x"}
    }
    (tmp_path / "a.json").write_text(json.dumps(value))
    side_car.clean(tmp_path / "a.json", tmp_path / "b.json", who)
    fresh = json.loads((tmp_path / "b.json").read_text())
    assert not scan(json.dumps(fresh).encode())
    assert fresh["sex"]["Levels"]["F"] == "female"
    assert set(fresh["sex"]) == {"Description", "Levels"}


def test_dicom_json_model(tmp_path, who, scan):
    value = {
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Zyxwhurst^Quillfeather"}]},
        "00100020": {"vr": "LO", "Value": ["MRN7712345"]},
        "00080060": {"vr": "CS", "Value": ["CT"]},
        "00180060": {"vr": "DS", "Value": [120]},
        "7FE00010": {"vr": "OW", "BulkDataURI": "http://pacs/Zyxwhurst"},
    }
    (tmp_path / "a.json").write_text(json.dumps([value]))
    side_car.clean(tmp_path / "a.json", tmp_path / "b.json", replace(who))
    raw = (tmp_path / "b.json").read_text()
    assert not scan(raw.encode())
    fresh = json.loads(raw)[0]
    assert fresh["00180060"]["Value"] == [120]
    assert fresh["00100020"]["Value"] == [who.subject]
    assert "7FE00010" not in fresh


def test_hostile_json(tmp_path, who):
    for data in (
        b"[" * 10**5 + b"]" * 10**5,
        b'{"a":' * 10**5,
        b"[1, 2]",
        b'"text"',
        b"{",
        b'{"EchoTime": ' + b"9" * 5000 + b"}",
        b" " * (17 * 1024**2),
    ):
        (tmp_path / "a.json").write_bytes(data)
        start = time.process_time()
        with pytest.raises(QuarantineError):
            side_car.clean(tmp_path / "a.json", tmp_path / "b.json", who)
        assert time.process_time() - start < 1
    (tmp_path / "a.json").write_bytes(b'{"EchoTime": NaN, "RepetitionTime": 1e999, "FlipAngle": 9}')
    side_car.clean(tmp_path / "a.json", tmp_path / "b.json", who)
    assert (tmp_path / "b.json").read_text().count("NaN") + (tmp_path / "b.json").read_text().count("Inf") == 0


def test_a_context_shows_nobody_and_travels(who):
    plain = FileContext(who.pseudonyms, who.patient, "hospital", who.identifiers)
    assert "MRN" not in repr(plain)
    assert "Zyx" not in repr(plain)
    assert pickle.loads(pickle.dumps(plain)).subject == plain.subject


@given(st.text(min_size=1, max_size=20), st.text(min_size=1, max_size=20))
def test_pseudonyms_make_good_names(patient, study):
    names = Pseudonyms(bytes(32))
    if not patient.strip(" \0\t\r\n"):
        return
    subject, session = names.subject(patient), names.session(study)
    check_released(f"sub-{subject}/ses-{session}/anat/sub-{subject}_ses-{session}_run-1_T1w.nii.gz")


@pytest.mark.parametrize(
    "name",
    ["Doe.png", "a b.png", "2019-03-01.png", "x_01032019.dcm", "19510723.nii", "1.2.840.113619.2.55.3.1.dcm",
     "p1234567.png", "MÜLLER.png", "..", ".hidden", "con.txt", "a" * 256, "DOE1.png", "scan-jane.png", "\u202egnp.exe",
     "a/b", "ab-4711_x.png"],
)  # fmt: skip
def test_names_that_may_not_leave(name):
    assert name_problems(name, Identifiers.of(names=["Doe^Jane"], numbers=["4711"]))


def test_formats_by_content(tmp_path):
    def kind(name, data):
        (tmp_path / name).write_bytes(data)
        found = format_of(tmp_path / name)
        return found.name if found else None

    nifti = (348).to_bytes(4, "little") + bytes(340) + b"n+1\0" + bytes(300)
    assert kind("a.txt", nifti) == kind("b", gzip.compress(nifti)) == "nifti"
    assert kind("c.nii", b"\x89PNG\r\n\x1a\n" + bytes(50)) == "png"
    assert kind("d.svs", b"II*\0" + bytes(50)) == "tiff"
    assert kind("e.tif", b"II*\0" + bytes(124) + b"DICM" + bytes(50)) is None  # DICOM first
    assert kind("f.csv", b"a,b\n") == "csv"
    assert kind("g.TSV", b"a\tb\n") == "tsv"
    assert kind("h.json", b' {"a": 1}') == "json"
    assert kind("i.txt", b"text") == "report"
    assert kind("j.pdf", b"%PDF-1.7") is None
    with zipfile.ZipFile(tmp_path / "k.zip", "w") as archive:
        archive.writestr("a.csv", "a,b")
    assert format_of(tmp_path / "k.zip") is None
    assert kind("l.hdr", nifti.replace(b"n+1", b"ni1")) == "nifti"
    assert kind("l.img", bytes(50)) is None
    assert companion_of(tmp_path / "l.img") == tmp_path / "l.hdr"
    assert companion_of(tmp_path / "i.txt") is None
    assert identity_of(tmp_path / "i.txt", FORMATS["report"]) == ("", Identifiers())
