"""The scorer gives a perfect answer everything, and finds each kind of planted mistake."""

from __future__ import annotations

import base64
import csv
import shutil

import pydicom
import pytest
from score import score
from score_actions import CLASSES
from score_match import match, read_answers, read_outputs
from score_scan import Scanner


def test_perfect_answer(perfect_score):
    assert perfect_score["wrong"] == []
    assert perfect_score["overall"] == 1.0
    assert perfect_score["lost"] == perfect_score["missing"] == perfect_score["unmatched_outputs"] == 0
    assert perfect_score["leaks"] == 0
    assert all(right == required > 0 for right, required in (perfect_score["classes"][name] for name in CLASSES))


def test_untouched_set_keeps_all_and_hides_nothing(phi_set):
    result = score(phi_set, phi_set / "data")  # every text is still there to read
    shares = {name: right / required for name, (right, required) in result["classes"].items()}
    for name in ("text_kept", "uid_consistent", "patient_consistent", "pixels_kept"):
        assert shares[name] == 1.0
    for name in ("emptied", "replaced", "uid_changed", "pixels_hidden"):
        assert shares[name] == 0.0
    assert shares["removed"] < 0.01
    assert shares["text_removed"] < 0.05
    assert result["leaked_identifiers"] > 100


@pytest.fixture
def spoiled(phi_set, perfect, tmp_path):
    """A copy of the perfect answer, and how to spoil its first object that has an action of a class."""
    out = tmp_path / "out"
    shutil.copytree(perfect, out)
    answers = read_answers(phi_set)

    def spoil(kind, change, where=lambda action: True):
        for index, record in enumerate(answers.objects):
            actions = [one for one in record["actions"] if one["class"] == kind and where(one)]
            if actions:
                path = out / f"{index:05d}.dcm"
                ds = pydicom.dcmread(path)
                ds.decode()
                change(ds, actions[0], record)
                ds.save_as(path)
                return score(phi_set, out, scan=False)
        raise AssertionError(f"no {kind}")

    return spoil


def _top(action):
    return "/" not in action["path"] and action["path"][0] in "0123456789" and "value" in action


def _original(ds, action, record):
    tag = int(action["path"], 16)
    value = action["value"]
    ds.add_new(tag, pydicom.datadict.dictionary_VR(tag), value if len(value) > 1 else value[0])


@pytest.mark.parametrize("kind", ["removed", "emptied", "replaced", "date_shifted", "uid_changed"])
def test_an_original_value_left_is_found(spoiled, kind):
    result = spoiled(
        kind, _original, lambda one: _top(one) and one["path"] not in ("00080018",) and one.get("vr") != "TM"
    )
    assert any(one["class"] == kind for one in result["wrong"])
    assert result["overall"] < 1


def test_a_date_shifted_by_another_interval_is_found(spoiled):
    def change(ds, action, record):
        ds[int(action["path"], 16)].value = "20010101"

    result = spoiled("date_shifted", change, lambda one: _top(one) and one["vr"] == "DA")
    assert [one["class"] for one in result["wrong"]] == ["date_shifted"]


def test_an_inconsistent_uid_is_found(spoiled, phi_set):
    studies = [record["study"] for record in read_answers(phi_set).objects]
    shared = next(study for study in studies if studies.count(study) >= 3)

    def change(ds, action, record):
        ds[int(action["path"], 16)].value = "2.25.4242"

    result = spoiled("uid_consistent", change, lambda one: one["path"] == "0020000D" and one["value"] == [shared])
    assert [one["class"] for one in result["wrong"]] == ["uid_consistent"]


def test_a_name_left_in_a_text_is_found(spoiled):
    def change(ds, action, record):
        ds[int(action["path"], 16)].value += " " + action["go"][0]

    result = spoiled("text_removed", change, lambda one: "/" not in one["path"] and one["path"] == "00081030")
    assert any(one["class"] == "text_removed" for one in result["wrong"])


def test_a_clinical_word_lost_is_found(spoiled):
    def change(ds, action, record):
        ds[int(action["path"], 16)].value = ""

    result = spoiled("text_kept", change, lambda one: "stay" in one and "/" not in one["path"])
    assert any(one["class"] == "text_kept" for one in result["wrong"])


def test_pixels_changed_without_a_reason_are_found(spoiled):
    def change(ds, action, record):
        data = bytearray(ds.PixelData)
        data[len(data) // 2] ^= 0x55
        ds.PixelData = bytes(data)

    result = spoiled("pixels_kept", change, lambda one: not one["burned"])
    assert any(one["class"] == "pixels_kept" for one in result["wrong"])


def test_text_left_in_the_pixels_is_found(spoiled, phi_set):
    def change(ds, action, record):
        original = pydicom.dcmread(phi_set / "data" / record["path"])
        for keyword in ("PixelData", "PhotometricInterpretation"):
            ds[keyword] = original[keyword]
        ds.file_meta.TransferSyntaxUID = original.file_meta.TransferSyntaxUID

    result = spoiled("pixels_hidden", change)
    assert any(one["class"] == "pixels_hidden" for one in result["wrong"])


def test_a_patient_number_shared_by_two_is_found(phi_set, perfect, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(perfect, out)
    for path in out.glob("*.dcm"):
        ds = pydicom.dcmread(path)
        ds.PatientID = "EVERYBODY"
        ds.save_as(path)
    result = score(phi_set, out, scan=False)
    assert result["classes"]["patient_consistent"][0] == 0


def test_lost_and_quarantined_objects(phi_set, perfect, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(perfect, out)
    (out / "00000.dcm").unlink()
    lost = score(phi_set, out, scan=False)
    kept = score(phi_set, out, quarantined=1, scan=False)
    assert (lost["lost"], kept["lost"]) == (1, 0)
    assert lost["overall"] < 1
    assert kept["overall"] == 1
    assert lost["required"] > kept["required"]


def test_mapping_files_are_used(phi_set, perfect, tmp_path):
    from oracle import new_uid

    answers = read_answers(phi_set)
    with (tmp_path / "uids.csv").open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["id_old", "id_new"])
        table.writerows((record["uid"], new_uid(record["uid"])) for record in answers.objects)
    outputs = read_outputs(perfect)
    for one in outputs:
        one.ds.InstanceNumber = 1
        one.ds.SeriesNumber = 1
    matched, spare = match(answers, outputs, tmp_path / "uids.csv")
    assert len(matched) == len(answers.objects)
    assert spare == []


@pytest.mark.parametrize("coding", ["utf-8", "utf-16-le", "utf-16-be", "latin-1", "base64", "upper", "name"])
def test_the_byte_scan_finds_every_coding(phi_set, tmp_path, coding):
    answers = read_answers(phi_set)
    canary = next(one for one in answers.subjects[0]["canaries"] if one.isascii() and len(one) > 9)
    data, name = b"nothing", "file.bin"
    if coding == "base64":
        data = base64.b64encode(b"x " + canary.encode() + b" y")
    elif coding == "upper":
        data = canary.upper().encode()
    elif coding == "name":
        name = f"{canary.replace('/', '_')}.bin"
    else:
        data = b"\1\2" + canary.encode(coding)
    (tmp_path / name).write_bytes(data)
    (one,) = read_outputs(tmp_path)
    assert any(leak[1] == canary for leak in Scanner(answers).scan(one, 0, ()))


def test_the_byte_scan_finds_japanese(phi_set, tmp_path):
    from score_scan import _patterns

    patterns = _patterns("山田太郎")
    coded = "山田太郎".encode("iso2022_jp")
    assert any(pattern in coded.lower() for pattern in patterns)
    assert "山田太郎".encode("gb18030").lower() in patterns
