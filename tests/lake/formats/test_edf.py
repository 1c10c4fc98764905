"""EDF and BDF: samples equal bit by bit for independent readers, nothing of the patient in the bytes."""

import datetime
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deephealth.core.errors import QuarantineError
from deephealth.lake.formats import edf
from deephealth.lake.formats.edf_annotations import clean_annotations
from tests.lake.formats.conftest import JUNK

edfio = pytest.importorskip("edfio")


def field(text: str, width: int) -> bytes:
    return text.encode("latin-1")[:width].ljust(width)


def raw_edf(
    *, kind="edf", reserved=JUNK, patient="", recording="", records=3, date="02.03.02", annotation=b""
) -> bytes:
    """A file written by hand from the specification, every text field planted; two signals and one of annotations."""
    labels = ["EEG Fpz-Cz", "Quillfeather", "EDF Annotations" if kind == "edf" else "BDF Annotations"]
    samples, width = [8, 4, 60], 2 if kind == "edf" else 3
    low, high = ("-32768", "32767") if kind == "edf" else ("-8388608", "8388607")
    head = (b"0       " if kind == "edf" else b"\xffBIOSEMI") + field(patient, 80) + field(recording, 80)
    head += field(date, 8) + field("22.10.05", 8) + field(str(256 * 4), 8)
    head += field(f"{kind.upper()}+C {reserved}", 44) + field(str(records), 8) + field("1", 8) + field("3", 4)
    columns = [
        ([field(label, 16) for label in labels]),
        ([field(JUNK, 80)] * 3),
        ([field(unit, 8) for unit in ("uV", "Zyxwhurst", "")]),
        ([field("-100", 8)] * 3),
        ([field("100", 8)] * 3),
        ([field(low, 8)] * 3),
        ([field(high, 8)] * 3),
        ([field(text, 80) for text in ("HP:0.1Hz LP:75Hz", JUNK, "")]),
        ([field(str(count), 8) for count in samples]),
        ([field(JUNK, 32)] * 3),
    ]
    rng = np.random.default_rng(5)
    body = b""
    for record in range(records):
        body += rng.integers(0, 256, 12 * width, dtype=np.uint8).tobytes()
        tal = f"+{record}\x14\x14\0".encode() + (annotation if not record else b"")
        body += tal.ljust(60 * width, b"\0")
    return head + b"".join(b"".join(column) for column in columns) + body


EDFP = {
    "patient": "MRN7712345 F 23-JUL-1951 Zyxwhurst_Quillfeather",
    "recording": "Startdate 02-MAR-2002 PSG-1 Zyxwhurst X",
}


@pytest.mark.parametrize("kind", ["edf", "bdf"])
def test_every_field_planted(tmp_path, who, junk, scan, kind):
    note = b"+0.5\x151.5\x14Zyxwhurst opens eyes\x14Sleep stage W\x14\0"
    data = raw_edf(kind=kind, annotation=note, **EDFP) + junk
    (tmp_path / "a").write_bytes(data)
    outcome = edf.clean(tmp_path / "a", tmp_path / "b", who)
    fresh = (tmp_path / "b").read_bytes()
    assert not scan(fresh)
    assert len(fresh) == len(data) - len(junk)
    width = 12 * (2 if kind == "edf" else 3)
    record = width + 60 * (2 if kind == "edf" else 3)
    for n in range(3):  # the samples of the two signals
        at = 1024 + n * record
        assert fresh[at : at + width] == data[at : at + width]
    read = (edfio.read_edf if kind == "edf" else edfio.read_bdf)(tmp_path / "b")
    shifted = who.shift(datetime.date(2002, 3, 2))
    assert read.startdate == shifted
    assert read.starttime == datetime.time(22, 10, 5)
    assert (read.patient.code, read.patient.sex, read.patient.name) == (who.subject, "F", "X")
    with pytest.raises(edfio.AnonymizedDateError):
        _ = read.patient.birthdate
    assert sorted(a.text for a in read.annotations) == ["Sleep stage W", "opens eyes"]
    assert [(a.onset, a.duration) for a in read.annotations] == [(0.5, 1.5)] * 2
    assert [s.label for s in read.signals] == ["EEG Fpz-Cz", "Channel 2"]
    assert read.signals[0].prefiltering == "HP:0.1Hz LP:75Hz"
    assert outcome.facts["study_date"] == shifted.strftime("%Y%m%d")
    assert (outcome.format, outcome.modality, outcome.facts["sex"]) == (kind, "EEG", "F")
    assert "bytes after the last record" in outcome.notes[0]


def test_mne_reads_the_same_signals(tmp_path, who):
    mne = pytest.importorskip("mne")
    rng = np.random.default_rng(0)
    signals = [
        edfio.EdfSignal(rng.normal(size=2560), 256, label=f"EEG {c}", physical_dimension="uV") for c in ("Fp1", "O2")
    ]
    patient = edfio.Patient(code="MRN7712345", sex="M", birthdate=datetime.date(1951, 7, 23), name="Quillfeather")
    recording = edfio.Recording(startdate=datetime.date(2019, 2, 28), hospital_administration_code="Zyxwhurst")
    notes = [edfio.EdfAnnotation(1.5, None, "seizure onset")]
    edfio.Edf(signals, patient=patient, recording=recording, annotations=notes).write(tmp_path / "a.edf")
    assert edf.identity(tmp_path / "a.edf")[0] == "MRN7712345"
    names = edf.identity(tmp_path / "a.edf")[1]
    assert ("Quillfeather" in names.names, {"19510723", "20190228"} <= names.dates) == (True, True)
    edf.clean(tmp_path / "a.edf", tmp_path / "b.edf", who)
    old, new = (mne.io.read_raw_edf(tmp_path / n, preload=True, verbose="error") for n in ("a.edf", "b.edf"))
    np.testing.assert_array_equal(old.get_data(), new.get_data())
    assert old.ch_names == new.ch_names
    assert list(new.annotations.description) == ["seizure onset"]
    assert (old.info["meas_date"] - new.info["meas_date"]).days == -who.pseudonyms.shift_days("MRN7712345")


def test_plain_edf_and_dates(tmp_path, who, scan):
    data = raw_edf(patient="Zyxwhurst Quillfeather", recording="MRN7712345").replace(b"EDF+C", b"     ", 1)
    (tmp_path / "a").write_bytes(data)
    edf.clean(tmp_path / "a", tmp_path / "b", who)
    fresh = (tmp_path / "b").read_bytes()
    assert not scan(fresh)
    assert fresh[88:168].strip() == b""
    (tmp_path / "a").write_bytes(raw_edf(date="31.02.86", **(EDFP | {"recording": "Startdate X X X X"})))
    edf.clean(tmp_path / "a", tmp_path / "b", who)
    assert (tmp_path / "b").read_bytes()[168:176] == b"01.01.85"
    # 1986 minus up to ten years is before what two digits hold; EDF+ keeps it in its own field
    (tmp_path / "a").write_bytes(raw_edf(date="01.05.86", **(EDFP | {"recording": "Startdate 01-MAY-1986 X X X"})))
    edf.clean(tmp_path / "a", tmp_path / "b", who)
    head = (tmp_path / "b").read_bytes()[:256]
    day = who.shift(datetime.date(1986, 5, 1))
    assert f"-{day.year}".encode() in head
    assert edf.clean(tmp_path / "b", tmp_path / "c", replace(who, patient=who.subject)).facts["study_date"] < "19860501"


def test_hostile(tmp_path, who):
    good = raw_edf(**EDFP)
    for name, data in {
        "records": good[:236] + b"99999999" + good[244:],
        "truncated": good[:-1],
        "signals": good[:252] + b"9999" + good[256:],
        "header": good[:184] + b"99999999" + good[192:],
        "text": good[:244] + b"Zyxwhurs" + good[252:],
        "no number": good[:244] + b"1e999   " + good[252:],
        "short": good[:300],
        "samples": good[: 256 + 216 * 3] + b"99999999" + good[256 + 216 * 3 + 8 :],
    }.items():
        (tmp_path / "a").write_bytes(data)
        with pytest.raises(QuarantineError) as error:
            edf.clean(tmp_path / "a", tmp_path / "b", who)
        assert "Zyx" not in str(error.value), name
        assert not (tmp_path / "b").exists()
    (tmp_path / "a").write_bytes(good)
    with pytest.raises(QuarantineError, match="whose"):
        edf.clean(tmp_path / "a", tmp_path / "b", replace(who, patient=" "))


def test_unknown_record_count_and_idempotence(tmp_path, who):
    good = raw_edf(**EDFP)
    (tmp_path / "a").write_bytes(good[:236] + b"-1      " + good[244:])
    edf.clean(tmp_path / "a", tmp_path / "b", who)
    assert (tmp_path / "b").read_bytes()[236:244] == b"3       "
    edf.clean(tmp_path / "a", tmp_path / "c", who)
    assert (tmp_path / "b").read_bytes() == (tmp_path / "c").read_bytes()


@settings(max_examples=200)
@given(st.binary(max_size=200))
def test_annotations_keep_their_size(data):
    fresh, dropped = clean_annotations(data, lambda text: text.replace("a", ""))
    assert len(fresh) == len(data)
    assert dropped >= 0
    for piece in fresh.split(b"\0"):
        assert not piece or piece[:1] in b"+-"


def test_annotations_in_old_letters():
    fresh, _ = clean_annotations("+1\x14Müller schläft\x14\0\0\0\0".encode("latin-1"), lambda text: text[7:])
    assert fresh.rstrip(b"\0") == "+1\x14schläft\x14".encode()
