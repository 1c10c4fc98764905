from __future__ import annotations

import codecs
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deephealth.core.errors import DataError, MissingDataError, UnreadableFileError
from deephealth.io.table import read_table, write_table


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "t.csv"


cells = st.text(st.characters(exclude_characters="\0\r", exclude_categories=("Cs",)), max_size=12).map(str.strip)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(cells, cells.filter(bool)), max_size=6))
def test_round_trip(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]) -> None:
    path = tmp_path_factory.mktemp("table") / "t.csv"
    expected = [{"id": second, "a,b": first} for first, second in rows]
    write_table(path, expected, ["a,b", "id"])
    assert read_table(path, delimiter=",") == expected


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_finds_the_delimiter(table: Path, delimiter: str) -> None:
    table.write_text(f"id{delimiter} dx \n1{delimiter}a b\n\n2{delimiter} c\n")
    rows = read_table(table, required=["dx"])
    assert rows == [{"id": "1", "dx": "a b"}, {"id": "2", "dx": "c"}]
    assert [row.line for row in rows] == [2, 4]


def test_byte_order_marks(table: Path) -> None:
    for data in (codecs.BOM_UTF8 + "id,é\n1,ü\n".encode(), "id,é\n1,ü\n".encode("utf-16")):
        table.write_bytes(data)
        assert read_table(table) == [{"id": "1", "é": "ü"}]


def test_all_missing_columns_are_listed(table: Path) -> None:
    table.write_text("image,lesion_ID,dx\n")
    with pytest.raises(DataError) as caught:
        read_table(table, required=["image", "lesion_id", "age"])
    assert "'lesion_id', 'age'" in str(caught.value)
    assert "did you mean 'lesion_ID'" in str(caught.value)
    assert str(table) in str(caught.value)


@pytest.mark.parametrize(
    ("content", "kind", "message"),
    [
        (b"", DataError, "is empty"),
        (b"\n1,2\n", DataError, "is empty"),
        (b"a,b,a\n", DataError, "'a' stands there twice"),
        (b"a,b\n1,2\n3\n", DataError, "line 3: 1 values for 2 columns"),
        (b"a,b\n1,2,3\n", DataError, "line 2: 3 values"),
        (b"a,b\n\xff\xfe,2\n", UnreadableFileError, "line 2: byte 4 is not utf-8"),
        (b'a,b\n"1,2\n', UnreadableFileError, "line 2: unexpected end"),
        (b"a,b\n1,\0\n", UnreadableFileError, "line 2"),
    ],
)
def test_errors_name_file_and_line(table: Path, content: bytes, kind: type[Exception], message: str) -> None:
    table.write_bytes(content)
    with pytest.raises(kind, match=message) as caught:
        read_table(table)
    assert "t.csv" in str(caught.value)


def test_missing_file(table: Path) -> None:
    with pytest.raises(MissingDataError):
        read_table(table)
