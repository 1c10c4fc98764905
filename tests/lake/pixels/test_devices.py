"""Where devices write: the table of devices, ultrasound regions, and what follows for writing nobody can read."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom.dataset import Dataset

from deephealth.lake.pixels.devices import Places, places_of, signatures
from deephealth.lake.pixels.hints import hints_of

ULTRASOUND, CAPTURE = "1.2.840.10008.5.1.4.1.1.6.1", "1.2.840.10008.5.1.4.1.1.7"


def header(**elements: object) -> Dataset:
    dataset = Dataset()
    dataset.Rows, dataset.Columns = 480, 640
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return dataset


def region(x0: int, y0: int, x1: int, y1: int) -> Dataset:
    item = Dataset()
    item.RegionLocationMinX0, item.RegionLocationMinY0 = x0, y0
    item.RegionLocationMaxX1, item.RegionLocationMaxY1 = x1, y1
    return item


def test_every_row_of_the_table_has_places_inside_the_picture() -> None:
    assert len(signatures()) >= 25
    for one in signatures():
        assert one.places
        for x0, y0, x1, y1 in one.places:
            assert 0 <= x0 < x1 <= 1, one.name
            assert 0 <= y0 < y1 <= 1, one.name


@pytest.mark.parametrize(
    ("elements", "inside"),
    [
        ({"Modality": "US", "Manufacturer": "GE Medical Systems", "SOPClassUID": ULTRASOUND}, True),
        ({"Modality": "US", "Manufacturer": "Philips Medical Systems", "SOPClassUID": ULTRASOUND}, True),
        ({"Modality": "US", "Manufacturer": "SIEMENS", "SOPClassUID": ULTRASOUND}, True),
        ({"Modality": "US", "Manufacturer": "", "SOPClassUID": ULTRASOUND}, True),
        ({"Modality": "CT", "Manufacturer": "GE MEDICAL SYSTEMS", "SOPClassUID": CAPTURE}, True),
        ({"Modality": "CT", "ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"]}, True),
        ({"Modality": "CT", "Manufacturer": "SIEMENS", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.2"}, False),
        ({"Modality": "MR", "Manufacturer": "SIEMENS", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.4"}, False),
    ],
)
def test_a_banner_is_known_by_its_device(elements: dict[str, object], inside: bool) -> None:
    assert places_of(header(**elements)).hold(10, 4, 200, 30) is inside


def test_outside_all_regions_is_where_the_machine_writes() -> None:
    places = hints_of(
        header(Modality="US", SequenceOfUltrasoundRegions=[region(100, 80, 300, 400), region(320, 80, 600, 400)])
    ).places
    assert places.hold(10, 200, 60, 220)
    assert places.hold(10, 440, 200, 460)
    assert not places.hold(150, 200, 250, 220)
    assert not places.hold(400, 200, 500, 220)


def test_without_regions_nothing_is_outside_them() -> None:
    assert not Places().hold(0, 0, 640, 480)


def test_sizes_that_no_picture_has_are_no_reason_to_fail() -> None:
    assert places_of(Dataset()).banners == ()


def test_what_cannot_be_read_goes_in_a_banner_and_stays_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("rapidocr")
    from deephealth.lake.pixels.finder import TextFinder
    from deephealth.lake.pixels.reader import Found, reader

    corners = np.array([[10, 5], [110, 5], [110, 25], [10, 25]], np.float64)
    monkeypatch.setattr(reader(), "detect", lambda *_: [Found(10, 5, 110, 25, corners, 0.9)])
    monkeypatch.setattr(reader(), "read", lambda pictures: [("", 0.0) for _ in pictures])
    picture = np.zeros((480, 640), np.uint8)
    banner = Places(banners=((0, 0, 640, 40),))
    assert [box.why for box in TextFinder().find(picture, lines=[], thorough=True, places=banner).boxes] == ["seen"]
    assert TextFinder().find(picture, lines=[], thorough=True).boxes == []
