"""The quick reader reads what pydicom reads, element by element, or leaves the file to pydicom."""

from __future__ import annotations

import warnings
from pathlib import Path

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.data import get_testdata_file, get_testdata_files
from pydicom.dataelem import RawDataElement

from deephealth.core.errors import DeepHealthError
from deephealth.io.dicom.dataset import read_dataset
from deephealth.lake.dicom_reading import quick_read

FILES = sorted(Path(name) for name in get_testdata_files() if Path(name).is_file())
CT = Path(str(get_testdata_file("CT_small.dcm", download=False))).read_bytes()


def held(dataset: pydicom.Dataset) -> list[tuple[int, str | None, object]]:
    """Tags in their order, representations and bytes; what either reader has converted is compared as values."""
    return [
        (int(tag), element.VR, element.value if isinstance(element, RawDataElement) else None)
        for tag, element in dataset._dict.items()
        if tag != 0x00080005
    ]


@pytest.mark.parametrize("pixels", [True, False])
def test_every_file_of_pydicom_is_read_alike_or_left_to_it(pixels: bool) -> None:
    quick = 0
    for path in FILES:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = quick_read(path.read_bytes(), pixels=pixels)
            if found is None:
                continue
            expected = read_dataset(path, pixels=pixels)
            assert held(found) == held(expected), path.name
            assert found == expected, path.name
            assert found.file_meta == expected.file_meta, path.name
            assert found.preamble == expected.preamble
            assert found.original_encoding == expected.original_encoding
            assert found.original_character_set == expected.original_character_set
        quick += 1
    assert quick >= 60


def test_a_raw_element_is_pydicoms_own_kind() -> None:
    dataset = quick_read(CT)
    assert dataset is not None
    element = dataset._dict[pydicom.tag.Tag("PatientID")]
    assert type(element) is RawDataElement
    assert element == pydicom.dcmread(get_testdata_file("CT_small.dcm", download=False)).get_item("PatientID")


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(CT)), st.binary(min_size=0, max_size=6), st.integers(0, 2000))
def test_a_damaged_file_is_read_as_pydicom_reads_it(at: int, junk: bytes, cut: int) -> None:
    content = CT[:at] + junk + CT[at + len(junk) : max(at, len(CT) - cut)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = quick_read(content)
        if found is None:
            return
        expected = pydicom.dcmread(pydicom.filebase.DicomBytesIO(content))
        assert held(found) == held(expected)


def test_what_is_no_dicom_is_left_to_pydicom() -> None:
    for content in (b"", b"DICM", bytes(200), CT[:132], CT[:140], CT[128:]):
        assert quick_read(content) is None


def test_a_typed_error_still_comes_from_a_damaged_file(tmp_path: Path) -> None:
    from deephealth.lake.dicom_object import read_object

    path = tmp_path / "a.dcm"
    path.write_bytes(bytes(128) + b"DICM" + b"\xff" * 50)
    with pytest.raises(DeepHealthError):
        read_object(path).decode()
