"""The tables against the packages that maintain the same facts."""

from __future__ import annotations

import json
from collections import defaultdict
from importlib import resources

import pytest
from pydicom.datadict import tag_for_keyword
from pydicom.uid import UID_dictionary

from deephealth.lake.profile.iod_types import _TYPES, type_of
from deephealth.lake.profile.options import Option
from deephealth.lake.profile.safe_private import EDITION as SAFE_EDITION
from deephealth.lake.profile.safe_private import SAFE_PRIVATE, safe_vr
from deephealth.lake.profile.sop_classes import _CLASSES, admission, iod_of
from deephealth.lake.profile.table import EDITION, PRIVATE, TABLE, row_of

_RANK = {"1": 1, "1C": 1, "2": 2, "2C": 2, "3": 3}


def _peer() -> dict[str, str]:
    peer = pytest.importorskip("dicomanonymizer.dicom_anonymization_databases.dicomfields_2026c")
    names = {"X_Z_U_STAR_TAGS": "X/Z/U*"}
    found = {}
    for name in (n for n in vars(peer) if n.endswith("_TAGS") and n != "ALL_TAGS"):
        code = names.get(name, name.removesuffix("_TAGS").replace("_", "/"))
        for tag in getattr(peer, name):
            if len(tag) == 2:
                found[f"{tag[0]:04X}{tag[1]:04X}"] = code
            else:
                found["50xxxxxx" if tag[0] == 0x5000 else f"60xx{tag[1]:04X}"] = code
    return found


def test_basic_column_is_that_of_dicom_anonymizer_row_by_row() -> None:
    peer = _peer()
    ours = {row.pattern: row.basic for row in TABLE if row.pattern != PRIVATE}
    assert EDITION == "2026c"
    assert ours == peer
    assert len(ours) == 655


def test_private_row_and_repeating_groups() -> None:
    assert row_of(0x00091001).basic == "X"
    assert row_of(0x00091001).options == {Option.SAFE_PRIVATE: "C"}
    assert row_of(0x60FE3000).name == "Overlay Data"
    assert row_of(0x60FE0010) is None
    assert row_of(0x50020005).options == {Option.CLEAN_GRAPHICS: "C"}


@pytest.mark.parametrize(
    ("option", "keeps", "cleans"),
    [
        (Option.FULL_DATES, 169, 0),
        (Option.MODIFIED_DATES, 0, 169),
        (Option.UIDS, 60, 0),
        (Option.INSTITUTION, 10, 0),
        (Option.SAFE_PRIVATE, 0, 1),
        (Option.CLEAN_CONTENT, 0, 4),
        (Option.CLEAN_GRAPHICS, 0, 4),
    ],
)
def test_option_columns_have_as_many_rows_as_the_standard(option: Option, keeps: int, cleans: int) -> None:
    codes = [row.options[option] for row in TABLE if option in row.options]
    assert (codes.count("K"), codes.count("C")) == (keeps, cleans)


def test_both_date_options_speak_of_the_same_rows() -> None:
    full = {row.pattern for row in TABLE if Option.FULL_DATES in row.options}
    assert full == {row.pattern for row in TABLE if Option.MODIFIED_DATES in row.options}


def test_safe_private_table_is_whole() -> None:
    rows = [(creator, vr) for (creator, _), elements in SAFE_PRIVATE.items() for vr in elements.values()]
    assert (len(rows), len({creator for creator, _ in rows}), sum(vr == "UN" for _, vr in rows)) == (479, 20, 5)
    assert SAFE_EDITION == "2026d"
    assert safe_vr("SIEMENS MR HEADER ", 0x0019110C) == "IS"
    assert safe_vr("GEMS_PARM_01", 0x00431039) == "IS"
    assert safe_vr("SIEMENS CSA HEADER", 0x00291010) == ""


def _highdicom(name: str) -> dict:
    pytest.importorskip("highdicom")
    return json.loads(resources.files("highdicom").joinpath(f"_standard/{name}.json").read_text())


def _types_from_highdicom() -> dict[tuple[int, int, str], int]:
    """Work the types out of highdicom's tables: the strictest over a sequence, or over an object's needed modules."""
    wanted = {int(r.pattern, 16) for r in TABLE if "/" in r.basic and "x" not in r.pattern}
    modules, iods = _highdicom("module_attribute_map"), _highdicom("iod_module_map")
    top: dict[tuple[int, str], dict[bool, int]] = defaultdict(dict)
    nested: dict[tuple[int, int], int] = {}
    for iod, uses in iods.items():
        for use in uses:
            for attribute in modules.get(use["key"], []):
                tag, rank = tag_for_keyword(attribute["keyword"]), _RANK[attribute["type"]]
                if tag not in wanted:
                    continue
                if attribute["path"]:
                    key = (tag, tag_for_keyword(attribute["path"][-1]))
                    nested[key] = min(rank, nested.get(key, 3))
                else:
                    ranks = top[tag, iod]
                    ranks[use["usage"] == "U"] = min(rank, ranks.get(use["usage"] == "U", 3))
    types = {(tag, 0, iod): ranks.get(False, ranks.get(True, 3)) for (tag, iod), ranks in top.items()}
    types |= {(tag, within, "*"): rank for (tag, within), rank in nested.items()}
    return {key: rank for key, rank in types.items() if rank < 3}


def test_types_are_those_of_highdicoms_module_tables() -> None:
    assert _types_from_highdicom() == _TYPES


def test_sop_classes_lead_to_highdicoms_information_objects() -> None:
    peer = _highdicom("sop_class_iod_map")
    for uid in _CLASSES:
        assert iod_of(uid) == peer.get(uid, "-")


def test_every_storage_class_of_pydicom_is_decided_on() -> None:
    storage = "1.2.840.10008.5.1.4.1.1."
    undecided = {
        uid
        for uid, (name, kind, *_) in UID_dictionary.items()
        if kind == "SOP Class" and uid.startswith(storage) and name.endswith("Storage") and admission(uid) == "unknown"
    }
    assert {UID_dictionary[uid][0].split()[0] for uid in undecided} <= {"DICOS", "Eddy"}


@pytest.mark.parametrize(
    ("uid", "verdict"),
    [
        ("1.2.840.10008.5.1.4.1.1.7", "accepted"),  # secondary capture: its pixels are searched
        ("1.2.840.10008.5.1.4.1.1.88.33", "accepted"),
        ("1.2.840.10008.5.1.4.1.1.11.1", "accepted"),
        ("1.2.840.10008.5.1.4.1.1.9.1.1", "accepted"),
        ("1.2.840.10008.5.1.4.1.1.66.4", "accepted"),
        ("1.2.840.10008.5.1.4.1.1.481.3", "accepted"),
        ("1.2.840.10008.5.1.4.1.1.104.2", "ask"),
        ("1.2.840.10008.5.1.4.1.1.9.4.1", "ask"),  # a voice
        ("1.2.840.10008.5.1.4.1.1.66", "ask"),
        ("1.2.840.10008.1.3.10", "unknown"),
        ("1.3.12.2.1107.5.9.1", "unknown"),
        ("", "unknown"),
    ],
)
def test_admission(uid: str, verdict: str) -> None:
    assert admission(uid) == verdict
    assert admission(uid + "\0") == verdict


@pytest.mark.parametrize(
    ("keyword", "sop_class", "within", "type_"),
    [
        ("DeviceSerialNumber", "1.2.840.10008.5.1.4.1.1.2", "", 3),
        ("DeviceSerialNumber", "1.2.840.10008.5.1.4.1.1.2.1", "", 1),
        ("OperatorsName", "1.2.840.10008.5.1.4.1.1.481.3", "", 2),
        ("ReferencedStudySequence", "1.2.840.10008.5.1.4.1.1.88.33", "ReferencedRequestSequence", 2),
        ("InstitutionName", "1.2.840.10008.5.1.4.1.1.88.33", "AuthorObserverSequence", 2),
        ("StationName", "1.2.3.4", "", 0),
    ],
)
def test_types_by_hand(keyword: str, sop_class: str, within: str, type_: int) -> None:
    assert type_of(tag_for_keyword(keyword), sop_class, tag_for_keyword(within) if within else 0) == type_
