"""The synthetic-PHI set: valid objects, all classes, repeatable, and what must be found is really there."""

from __future__ import annotations

import collections
import hashlib
import json

import pydicom
import pytest
from generate import generate
from generate_norm import expectation
from generate_people import make_subjects
from generate_text import mixed
from pydicom.datadict import tag_for_keyword
from pydicom.tag import Tag
from score_elements import lookup, values_of
from score_match import read_answers


def test_all_objects_can_be_read_and_their_pixels_decoded(phi_set):
    for record in read_answers(phi_set).objects:
        ds = pydicom.dcmread(phi_set / "data" / record["path"])
        assert ds.SOPInstanceUID == record["uid"]
        assert sum(1 for _ in ds.iterall()) > 60
        if "digest" in record:
            assert ds.pixel_array.size > 0


def test_every_class_and_enough_actions(phi_set):
    tally = collections.Counter()
    objects = read_answers(phi_set).objects
    for record in objects:
        tally.update(action["class"] for action in record["actions"])
    assert len(tally) == 11
    assert min(tally.values()) >= 5
    assert sum(tally.values()) / len(objects) >= 80


def test_a_seed_gives_the_same_bytes(tmp_path):
    sums = []
    for name in ("one", "two"):
        generate(tmp_path / name, 3, 11)
        files = sorted((tmp_path / name / "data").rglob("*.dcm"))
        sums.append(
            [(str(one.relative_to(tmp_path / name)), hashlib.sha256(one.read_bytes()).hexdigest()) for one in files]
        )
    assert sums[0] == sums[1]
    assert len(sums[0]) >= 3


def test_every_value_of_the_key_lies_in_the_file(phi_set):
    for record in read_answers(phi_set).objects[:30]:
        ds = pydicom.dcmread(phi_set / "data" / record["path"])
        for action in record["actions"]:
            if action.get("value") and not action["class"].startswith("pixels") and action["path"][:4] != "meta":
                assert values_of(lookup(ds, action["path"]).element), action["path"]


def test_texts_that_go_and_stay_are_in_the_text(phi_set):
    import datetime
    import random

    for subject in make_subjects(30, 3, "chest"):
        subject.accessions.append("A1234567")
        text = mixed(subject, datetime.date(2020, 2, 29), random.Random(subject.number), "LT")
        assert all(one.lower() in text.value.lower() for one in text.go)
        assert all(one in text.value for one in text.stay)


@pytest.mark.parametrize(
    ("keyword", "vr", "action"),
    [
        ("PatientName", "PN", "Z"),
        ("PatientID", "LO", "Z/D"),
        ("PatientAddress", "LO", "X"),
        ("StudyDate", "DA", "S"),
        ("StudyTime", "TM", "T"),
        ("StudyDescription", "LO", "C"),
        ("PatientSex", "CS", "K"),
        ("PatientAge", "AS", "K"),
        ("SOPInstanceUID", "UI", "U"),
        ("KVP", "DS", "K"),
        ("OtherPatientIDsSequence", "SQ", "X"),
        ("PatientBirthDate", "DA", "Z"),
        ("ReferencedImageSequence", "SQ", "X/Z/U*"),
        ("VerifyingObserverName", "PN", "D"),
    ],
)
def test_what_the_norm_asks(keyword, vr, action):
    assert expectation(Tag(tag_for_keyword(keyword)), vr) == action


def test_repeating_groups():
    assert expectation(Tag(0x50043000), "OW") == "X"
    assert expectation(Tag(0x60023000), "OW") == "X"
    assert expectation(Tag(0x60020010), "US") == "K"


def test_special_subjects_are_there():
    people = make_subjects(300, 7920, "")
    assert any(one.birth.year == 1900 for one in people)
    assert any((one.birth.month, one.birth.day) == (2, 29) for one in people)
    assert len({one.patient_id for one in people}) == 300
    assert len({one.charset for one in people}) >= 7
    assert len({one.family.lower() for one in people}) == 300


def test_key_is_json_lines(phi_set):
    for line in (phi_set / "key" / "subjects.jsonl").read_text(encoding="utf-8").strip().split("\n"):
        assert len(json.loads(line)["canaries"]) > 10
