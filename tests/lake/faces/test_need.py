"""Which series show a face."""

from __future__ import annotations

import pytest

from deephealth.lake.faces.need import needs_defacing, series_needs_defacing
from deephealth.lake.facts import ObjectFacts
from deephealth.lake.layout.published import Entry


def _facts(**values: object) -> ObjectFacts:
    known = {"modality": "MR", "format": "dicom", "rows": 256, **values}
    return ObjectFacts("A", "B", "K", sha256="", bytes=0, source="", **known)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ({"body_part": "BRAIN"}, True),
        ({"body_part": "HEADNECK", "modality": "CT"}, True),
        ({"body_part": "WHOLEBODY", "modality": "PT"}, True),
        ({"description": "t1_mprage_sag"}, True),
        ({"protocol": "Kopf nativ", "modality": "CT"}, True),
        ({"body_part": "CHEST", "description": "ear to chest"}, False),
        ({"body_part": "KNEE"}, False),
        ({"body_part": "HEART"}, False),
        ({"body_part": "HEAD", "modality": "CR"}, False),
        ({"body_part": "HEAD", "rows": None}, False),
        ({"body_part": "HEAD", "sop_class": "1.2.840.10008.5.1.4.1.1.66.4"}, False),
    ],
)
def test_by_header(values: dict[str, object], wanted: bool) -> None:
    assert needs_defacing(_facts(**values)) is wanted


@pytest.mark.parametrize(
    ("count", "frames", "wanted"), [(1, None, False), (19, None, False), (20, None, True), (1, 160, True)]
)
def test_by_number_of_slices(count: int, frames: int | None, wanted: bool) -> None:
    objects = [Entry(_facts(body_part="BRAIN", frames=frames), "d", f"{at}") for at in range(count)]
    assert series_needs_defacing(objects) is wanted
