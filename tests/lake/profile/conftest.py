"""What the tests of the profile share: a stand-in for the text cleaner, and objects that went through a file."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pydicom
import pytest
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from deephealth.lake.identifiers import Identifiers
from deephealth.lake.profile.engine import HeaderCleaner, HeaderOutcome
from deephealth.lake.profile.identity import identifiers_of
from deephealth.lake.profile.options import RESEARCH, Option
from deephealth.lake.profile.profile import Profile
from deephealth.lake.pseudonyms import Pseudonyms

CT = "1.2.840.10008.5.1.4.1.1.2"
KEY = bytes(range(32))


@dataclass(frozen=True)
class _Cleaned:
    text: str


class WordCleaner:
    """Takes out the words of known names, and known numbers; nothing else."""

    def __init__(self, identifiers: Identifiers) -> None:
        words = {*identifiers.name_parts(), *identifiers.numbers}
        self._pattern = re.compile(
            "|".join(map(re.escape, sorted(words, key=len, reverse=True))) or r"(?!)", re.IGNORECASE
        )

    def clean(self, text: str) -> _Cleaned:
        return _Cleaned(re.sub(r" +", " ", self._pattern.sub("", text)).strip())


def _through_file(dataset: Dataset, *, implicit: bool = False) -> FileDataset:
    """Write a data set and read it again, so that its elements are raw bytes as those of real files are."""
    syntax = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = syntax
    meta.MediaStorageSOPClassUID = dataset.get("SOPClassUID", CT)
    meta.MediaStorageSOPInstanceUID = dataset.get("SOPInstanceUID", "1.2.3")
    dataset.file_meta = meta
    stream = io.BytesIO()
    pydicom.dcmwrite(stream, dataset, implicit_vr=implicit, little_endian=True, enforce_file_format=False)
    stream.seek(0)
    return pydicom.dcmread(stream, force=True)


def _ct(**values: object) -> Dataset:
    """Return a small CT header with the attributes that are given by keyword."""
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = CT, "1.2.3.4.5"
    dataset.PatientID, dataset.PatientName = "4711-X", "DOE^JANE"
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


@pytest.fixture(name="through_file")
def through_file_fixture() -> Callable[..., FileDataset]:
    return _through_file


@pytest.fixture(name="ct")
def ct_fixture() -> Callable[..., Dataset]:
    return _ct


@pytest.fixture
def names() -> Pseudonyms:
    return Pseudonyms(KEY)


@pytest.fixture
def clean(names: Pseudonyms) -> Callable[..., HeaderOutcome]:
    """Clean a data set in place with the stand-in."""

    def run(
        dataset: Dataset, options: Iterable[Option] = RESEARCH, identifiers: Identifiers | None = None
    ) -> HeaderOutcome:
        cleaner = HeaderCleaner(Profile(options), names, WordCleaner)
        return cleaner.clean(dataset, identifiers if identifiers is not None else identifiers_of(dataset))

    return run
