"""Stamps: only what was executed, added to what stood there."""

from __future__ import annotations

import io

import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from deephealth.lake.profile.options import RESEARCH, Option
from deephealth.lake.profile.stamp import METHOD, stamp


def test_exactly_the_executed_options_are_stamped() -> None:
    dataset = Dataset()
    stamp(dataset, RESEARCH - {Option.CLEAN_PIXEL})
    stamped = {item.CodeValue: item.CodeMeaning for item in dataset.DeidentificationMethodCodeSequence}
    assert set(stamped) == {"113100", "113103", "113104", "113105", "113107", "113108", "113111"}
    assert dataset.PatientIdentityRemoved == "YES"
    assert "BurnedInAnnotation" not in dataset
    assert "RecognizableVisualFeatures" not in dataset
    assert all(len(value) <= 64 for value in [dataset.DeidentificationMethod])


def test_pixels_and_faces_are_stamped_only_when_they_were_looked_at() -> None:
    dataset = Dataset()
    stamp(dataset, {Option.BASIC, Option.CLEAN_PIXEL, Option.CLEAN_FEATURES}, pixels_checked=True)
    assert dataset.BurnedInAnnotation == "NO"
    assert dataset.RecognizableVisualFeatures == "NO"


@pytest.mark.parametrize(
    ("option", "word"),
    [(Option.FULL_DATES, "UNMODIFIED"), (Option.MODIFIED_DATES, "MODIFIED"), (Option.BASIC, "REMOVED")],
)
def test_dates_are_stamped(option: Option, word: str) -> None:
    dataset = Dataset()
    stamp(dataset, {Option.BASIC, option})
    assert dataset.LongitudinalTemporalInformationModified == word


def test_stamping_twice_is_stamping_once_and_earlier_stamps_stay() -> None:
    dataset = Dataset()
    dataset.DeidentificationMethod = "Earlier method"
    earlier = Dataset()
    earlier.CodeValue, earlier.CodingSchemeDesignator, earlier.CodeMeaning = (
        "113109",
        "DCM",
        "Retain Device Identity Option",
    )
    dataset.DeidentificationMethodCodeSequence = [earlier]
    for _ in range(2):
        stamp(dataset, {Option.BASIC})
    assert list(dataset.DeidentificationMethod) == ["Earlier method", METHOD]
    assert [item.CodeValue for item in dataset.DeidentificationMethodCodeSequence] == ["113109", "113100"]


@pytest.mark.parametrize("option", list(Option))
def test_meanings_are_pydicoms(option: Option) -> None:
    known = {code.value: code.meaning for name in codes.CID7050.dir() for code in [getattr(codes.CID7050, name)]}
    assert option.meaning.replace("Application ", "") in (
        known[option.value],
        known[option.value].replace("Application ", ""),
    )


def test_codes_of_a_big_endian_object_are_big_endian() -> None:
    dataset = pydicom.dcmread(str(get_testdata_file("MR_small_bigendian.dcm", download=False)))
    stamp(dataset, {Option.CLEAN_PIXEL}, pixels_checked=True)
    stream = io.BytesIO()
    dataset.save_as(stream)
    assert b"\x00\x12\x00\x64SQ\x00\x00" in stream.getvalue()
    at = stream.getvalue().index(b"\x00\x12\x00\x64SQ\x00\x00")
    assert stream.getvalue()[at + 12 : at + 16] == b"\xff\xfe\xe0\x00"
