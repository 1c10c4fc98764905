"""One test for each row of Table E.1-1: under every option, at the top and in a sequence."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from functools import cache

import pytest
from pydicom.datadict import dictionary_VR, keyword_for_tag
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from deephealth.lake.identifiers import Identifiers
from deephealth.lake.profile.dummies import DUMMY_TEXT
from deephealth.lake.profile.engine import HeaderCleaner
from deephealth.lake.profile.iod_types import type_of
from deephealth.lake.profile.options import BASIC, RESEARCH, Option
from deephealth.lake.profile.profile import Profile
from deephealth.lake.profile.table import PRIVATE, TABLE, Row
from deephealth.lake.profile.tags import NUMBERS, PLACES
from deephealth.lake.pseudonyms import Pseudonyms

NAMES = Pseudonyms(bytes(range(32)))
PATIENT = "4711-X"
CT = "1.2.840.10008.5.1.4.1.1.2"
OUTSIDE = 0x0018A001  # Contributing Equipment Sequence: not in the table
DATE, TIME, TEXT, NAME = "20200229", "121314", "chest DOE jane", "DOE^JANE"
PROFILES = {
    "basic": BASIC,
    "research": RESEARCH,
    **{option.keyword: BASIC | {option} for option in Option if option is not Option.BASIC},
}
ROWS = [row for row in TABLE if row.pattern != PRIVATE and row.pattern[:4] not in ("0000", "0002", "0004")]
UNKNOWN_TO_PYDICOM = {"Sequence": "SQ", "DateTime": "DT", "URI": "UR", "Comment": "UT", "Reference": "UT"}
ORIGINALS: dict[str, object] = {
    **dict.fromkeys(("LO", "LT", "ST", "UC", "UT"), TEXT),
    **dict.fromkeys(("OB", "OW", "UN"), b"DOE^JANE"),
    **dict.fromkeys(("US", "UL"), 17),
    **dict.fromkeys(("FD", "FL"), 17.5),
    **{"AE": "DOEWS1", "AS": "095Y", "CS": "DOE", "DA": DATE, "DS": "17.5", "DT": DATE + TIME, "IS": "17"},
    **{"PN": NAME, "SH": "DOE chest", "SS": -17, "TM": TIME, "UI": "1.2.826.0.1.99", "UR": "https://doe.example/"},
}


class _Without:
    """Takes DOE and JANE out."""

    def __init__(self, identifiers: Identifiers) -> None:
        self.text = ""

    def clean(self, text: str) -> _Without:
        cleaned = _Without(Identifiers())
        cleaned.text = " ".join(
            word for word in text.split() if "DOE" not in word.upper() and "JANE" not in word.upper()
        )
        return cleaned


def tag_of(row: Row) -> int:
    return int(row.pattern.replace("50xxxxxx", "50063000").replace("60xx", "6002"), 16)


def vr_of(row: Row) -> str:
    tag = tag_of(row)
    try:
        return dictionary_VR(tag)[:2]
    except KeyError:
        return next((vr for word, vr in UNKNOWN_TO_PYDICOM.items() if row.name.endswith(word)), "LO")


def element_of(row: Row) -> DataElement:
    vr, tag = vr_of(row), tag_of(row)
    if vr == "SQ":
        item = Dataset()
        item.PatientName, item.StudyDate, item.ReferencedSOPInstanceUID, item.Rows = NAME, DATE, "1.2.826.0.1.98", 5
        return DataElement(tag, "SQ", Sequence([item]))
    return DataElement(tag, vr, ORIGINALS[vr])


def whole_dataset() -> Dataset:
    """Return a data set that holds every row of the table, and once more in a sequence that the table leaves out."""
    dataset, item = Dataset(), Dataset()
    for row in ROWS:
        dataset.add(element_of(row))
        item.add(element_of(row))
    dataset.SOPClassUID, dataset.PatientID = CT, PATIENT
    dataset.add(DataElement(OUTSIDE, "SQ", Sequence([item])))
    return dataset


@cache
def cleaned(profile: str) -> Dataset:
    dataset = whole_dataset()
    known = Identifiers.of(names=[NAME])
    HeaderCleaner(Profile(PROFILES[profile]), NAMES, _Without).clean(dataset, known)
    return dataset


def expected_code(row: Row, options: frozenset[Option], within: int) -> tuple[str, Option | None]:
    """Say by the table alone what a row's action is: its letter, and the option that gives it."""
    asked = {option: code for option, code in row.options.items() if option in options}
    for option, code in sorted(asked.items(), key=lambda pair: pair[1] != "C"):
        return code, option
    if row.basic == "X/Z/U*":
        return "U*", None
    if "/" not in row.basic:
        return row.basic, None
    wanted = {1: "D", 2: "Z", 3: "X"}[type_of(tag_of(row), CT, within)]
    letters = row.basic.split("/")
    return (wanted if wanted in letters else letters[0] if wanted == "X" else "D" if "D" in letters else "Z"), None


def check_removed(row: Row, dataset: Dataset) -> None:
    assert tag_of(row) not in dataset


def check_emptied(row: Row, dataset: Dataset) -> None:
    value = dataset[tag_of(row)].value
    keyword = keyword_for_tag(tag_of(row))
    if keyword in ("PatientName", "PatientID"):
        assert value == NAMES.subject(PATIENT if keyword == "PatientName" or dataset.get("SOPClassUID") else TEXT)
    elif keyword == "AccessionNumber":
        assert value == NAMES.accession("DOE chest")
    else:
        assert value is None or len(value) == 0


def check_dummy(row: Row, dataset: Dataset) -> None:
    value = dataset[tag_of(row)].value
    if vr_of(row) == "SQ":
        assert len(value) == 1
        assert "DOE" not in str(value)
        return
    assert value != ORIGINALS[vr_of(row)]
    assert value is not None
    assert not (hasattr(value, "__len__") and len(value) == 0)


def check_uid(row: Row, dataset: Dataset) -> None:
    assert dataset[tag_of(row)].value == NAMES.uid(ORIGINALS["UI"])


def check_references(row: Row, dataset: Dataset) -> None:
    (item,) = dataset[tag_of(row)].value
    assert item.ReferencedSOPInstanceUID == NAMES.uid("1.2.826.0.1.98")
    assert "DOE" not in str(item)


def check_kept(row: Row, dataset: Dataset) -> None:
    vr, value = vr_of(row), dataset[tag_of(row)].value
    if vr == "SQ":
        (item,) = value
        assert item.Rows == 5
        assert "DOE" not in str(item)
    elif vr == "AS":
        assert value == "090Y"  # nobody is older than 89
    elif tag_of(row) in PLACES | NUMBERS:
        assert value == ORIGINALS[vr]  # retained on purpose, though it is itself an identifier
    elif isinstance(ORIGINALS[vr], str) and "DOE" in ORIGINALS[vr].upper():
        assert "DOE" not in value.upper()  # kept, but not what is known to identify
        assert "chest" in value or vr not in ("LO", "LT", "SH", "ST", "UC", "UT")
    else:
        assert value == ORIGINALS[vr]


def check_shifted(row: Row, dataset: Dataset) -> None:
    vr, value = vr_of(row), dataset[tag_of(row)].value
    moved = datetime.date(2020, 2, 29) + datetime.timedelta(days=NAMES.shift_days(PATIENT))
    if keyword_for_tag(tag_of(row)) in ("ContextGroupVersion", "TemplateVersion"):
        assert value == ORIGINALS[vr]  # editions of published lists
    elif vr in ("DA", "DT"):
        assert value == moved.strftime("%Y%m%d") + (TIME if vr == "DT" else "")
    elif vr == "TM":
        assert value == TIME
    elif vr in ("OB", "SH", "LO"):
        assert value in (b"\0\0", "", DUMMY_TEXT)
    else:
        pytest.fail(f"a date of kind {vr}")


def check_text(row: Row, dataset: Dataset) -> None:
    vr = vr_of(row)
    if vr == "SQ":
        check_kept(row, dataset)
        return
    if vr == "OB":  # bytes can't be cleaned
        check_removed(row, dataset)
        return
    value = dataset[tag_of(row)].value
    assert "DOE" not in value.upper()
    if vr in ("LO", "LT", "SH", "ST", "UC", "UT"):
        assert value == "chest"


def check_graphics(row: Row, dataset: Dataset) -> None:
    if vr_of(row) in ("SQ", "LT"):
        check_text(row, dataset)
    else:
        check_removed(row, dataset)


CHECKS: dict[str, Callable[[Row, Dataset], None]] = {
    "X": check_removed, "Z": check_emptied, "D": check_dummy, "U": check_uid, "U*": check_references, "K": check_kept,
}  # fmt: skip


def check_cleaned(row: Row, dataset: Dataset, option: Option | None) -> None:
    if option is Option.MODIFIED_DATES:
        check_shifted(row, dataset)
    elif option is Option.CLEAN_GRAPHICS:
        check_graphics(row, dataset)
    else:
        check_text(row, dataset)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.pattern} {row.name}")
def test_row(row: Row) -> None:
    for profile, options in PROFILES.items():
        dataset = cleaned(profile)
        for within, level in ((0, dataset), (OUTSIDE, dataset[OUTSIDE].value[0])):
            code, option = expected_code(row, options, within)
            if code == "C":
                check_cleaned(row, level, option)
            elif code == "D" and vr_of(row) == "UI":
                check_uid(row, level)
            elif row.pattern == "00100020":  # Z/D: the pseudonym
                assert level.PatientID == NAMES.subject(PATIENT if level is dataset else TEXT)
            else:
                CHECKS[code](row, level)


@pytest.mark.parametrize("implicit", [False, True])
def test_raw_bytes_of_a_file_fare_like_values_in_memory(implicit: bool, through_file: Callable[..., Dataset]) -> None:
    dataset = whole_dataset()
    for element in list(dataset):
        if element.VR in ("UN", "OB", "OW") or not keyword_for_tag(element.tag):
            del dataset[element.tag]
            dataset[OUTSIDE].value[0].pop(element.tag, None)
    raw = through_file(dataset, implicit=implicit)
    HeaderCleaner(Profile(RESEARCH), NAMES, _Without).clean(raw, Identifiers.of(names=[NAME]))
    HeaderCleaner(Profile(RESEARCH), NAMES, _Without).clean(dataset, Identifiers.of(names=[NAME]))
    again = through_file(raw, implicit=implicit)
    assert [element.tag for element in again] == [element.tag for element in dataset]
    for element in dataset:
        if element.VR != "SQ":
            assert again[element.tag].value in (element.value, element.value or None), element.tag
