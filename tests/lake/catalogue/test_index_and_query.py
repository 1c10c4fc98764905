"""The index against plain Python, and questions that would like to be more than questions."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deephealth.core.errors import DataError, DeepHealthError, MissingDataError, UnreadableFileError
from deephealth.lake.catalogue.index import index_path, open_index, write_index
from deephealth.lake.catalogue.query import KEYS, find, parse
from deephealth.lake.folder import LakeFolder
from deephealth.lake.layout.published import Entry
from tests.lake.lake_maker import LakeMaker, digits


def test_every_fact_reads_back_equal_and_the_order_does_not_matter(maker: LakeMaker) -> None:
    with open_index(maker.lake) as index:
        assert list(index.objects()) == sorted(maker.entries, key=lambda entry: entry.path)
        digest = index.digest()
    assert write_index(maker.lake, reversed(maker.entries)) == len(maker.entries)
    with open_index(maker.lake) as index:
        assert index.digest() == digest


def test_no_index_and_a_damaged_one(maker: LakeMaker) -> None:
    index_path(maker.lake).write_bytes(b"PAR1 nonsense")
    with pytest.raises(UnreadableFileError):
        find(maker.lake)
    index_path(maker.lake).unlink()
    with pytest.raises(MissingDataError, match="no index"):
        find(maker.lake)


def test_an_opened_index_reads_no_files(maker: LakeMaker) -> None:
    import duckdb

    with open_index(maker.lake) as index:
        for query in (f"SELECT * FROM read_parquet('{index_path(maker.lake)}')", "SET enable_external_access = true"):
            with pytest.raises(duckdb.Error):
                index.ask(query)


def test_groups_and_totals_are_those_of_a_count_by_hand(maker: LakeMaker) -> None:
    by_hand: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for entry in maker.entries:
        by_hand[entry.facts.modality, entry.facts.body_part].append(entry)
    found = find(maker.lake, small=1)
    for group in found.groups:
        entries = by_hand.pop((group.modality, group.body_part))
        assert group.objects == len(entries)
        assert group.subjects == len({entry.facts.subject for entry in entries})
        assert group.sessions == len({entry.facts.session for entry in entries})
    assert not by_hand
    assert (found.subjects, found.objects) == (28, len(maker.entries))


def test_small_groups_are_listed_without_numbers_and_can_not_be_subtracted(maker: LakeMaker) -> None:
    found = find(maker.lake)
    rows = {row[1]: row[3:] for row in found.table()[1:]}
    assert rows["XC"] == ["28", "28", "42"]
    assert rows["CT"] == ["<5", "-", "-"]
    assert found.objects is None  # 48 - 42 would tell
    assert find(maker.lake, "n>=5").objects == 42
    assert find(maker.lake, "n<5").objects is None
    assert find(maker.lake, "modality=CT").subjects is None


@pytest.mark.parametrize(
    ("question", "objects"),
    [
        ("modality=xc", 42),
        ("modality=XC,CT", 48),
        ("modality!=CT", 42),
        ("body~ski", 42),
        ("body=SKIN age>=45", None),
        ("age<45 modality=XC", None),
        ("label.diagnosis=mel", None),
        ("label.diagnosis!=mel modality=XC", None),
        ("date>=2015-01-01", 48),
        ("date<20150101", 0),
        ("model=One", 48),
        ("sex=F", 42),
        ("sex!=F", 6),
        ("rows>16", 42),
        ("description~%", 0),
        ("description~_", 0),
        ("dataset=demo", 48),
        ("n>=1000", 0),
    ],
)
def test_questions_against_plain_python(maker: LakeMaker, question: str, objects: int | None) -> None:
    if objects is None:
        facts = [entry.facts for entry in maker.entries]
        objects = {
            "body=SKIN age>=45": sum(one.body_part == "SKIN" and (one.age or 0) >= 45 for one in facts),
            "age<45 modality=XC": sum(one.modality == "XC" and one.age is not None and one.age < 45 for one in facts),
            "label.diagnosis=mel": sum(one.labels.get("diagnosis") == "mel" for one in facts),
            "label.diagnosis!=mel modality=XC": sum(
                one.modality == "XC" and one.labels.get("diagnosis") != "mel" for one in facts
            ),
        }[question]
        assert objects
    assert find(maker.lake, question, small=1).objects == objects


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("modalty=CT", "did you mean 'modality'"),
        ("subject=ABC", "unknown key"),
        ("n=3", "n>=number"),
        ("n>=3", "fewer than 5"),
        ("n<=4", "fewer than 5"),
        ("n>4", "fewer than 5"),
        ("foo", "no condition"),
        ("age>=old", "whole number"),
        ("age~4", "is a number"),
        ("body>3", "no order"),
        ("date>=lately", "YYYY"),
        ("label.x~y", "label.x=value"),
        ("body='x", "quotation mark"),
        ("", ""),
    ],
)
def test_a_wrong_question_says_what_is_right(question: str, words: str) -> None:
    if words:
        with pytest.raises(DataError, match=words):
            parse(question)
    else:
        assert parse(question).where == "TRUE"


@given(st.text(max_size=60))
def test_no_text_becomes_sql(text: str) -> None:
    try:
        question = parse(text)
    except DeepHealthError:
        return
    allowed = {"upper", "AND", "TRUE", "IN", "IS", "NOT", "ILIKE", "ESCAPE", "DISTINCT", "FROM", "json_extract_string"}
    words = {
        word
        for word in question.where.replace("(", " ").replace(")", " ").replace(",", " ").split()
        if word.isidentifier()
    }
    assert words <= allowed | set(KEYS.values()) | {"labels"}


@pytest.mark.parametrize(
    "value", ["'; DROP TABLE objects; --", '" OR 1=1', "x') OR ('1'='1", "%", "\\", "a" * 5000, "ß", "\x00"]
)
@pytest.mark.parametrize("key", ["modality=", "body~", "label.a_b=", "model!="])
def test_injections_are_values(maker: LakeMaker, key: str, value: str) -> None:
    import shlex

    found = find(maker.lake, shlex.quote(f"{key}{value}"), small=1)
    assert found.objects in (0, len(maker.entries) if key == "model!=" else 0)
    assert find(maker.lake, small=1).objects == len(maker.entries)


def test_many_objects_are_written_in_batches(tmp_path_factory: pytest.TempPathFactory) -> None:
    pytest.importorskip("duckdb")
    maker = LakeMaker(tmp_path_factory.mktemp("large"))
    facts = maker.series("p", "CT", slices=1)[0].facts
    many = (
        Entry(replace(facts, subject=digits("p", at % 50), key=f"K{at}"), "demo", f"rawdata/demo/{at}")
        for at in range(25_000)
    )
    lake = LakeFolder(maker.lake.root)
    assert write_index(lake, many) == 25_000
    assert find(lake).subjects == 50
