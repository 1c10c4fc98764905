"""Run numbers: given once, never changed, never shared."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deephealth.core.errors import DataError
from deephealth.lake.layout.visit_table import IMAGES_FILE, Candidate, VisitTable


def candidate(label: str, number: int, name: str = "anat/T1w") -> Candidate:
    return Candidate(label, name, (number, label))


@given(st.lists(st.tuples(st.text("ABC", min_size=1, max_size=3), st.sampled_from("xyz")), max_size=30), st.data())
def test_names_never_collide_and_never_change(arrivals: list[tuple[str, str]], data: st.DataObject) -> None:
    table, known = VisitTable(Path("none"), {}), {}
    series = dict(arrivals)
    while series:
        batch = data.draw(st.lists(st.sampled_from(sorted(series)), min_size=1, unique=True))
        table.assign(candidate(label, len(label), series.pop(label)) for label in batch)
        now = {label: (row.name, row.run) for label, row in table.rows.items()}
        assert len(set(now.values())) == len(now)
        assert all(now[label] == value for label, value in known.items())
        known = now


def test_the_order_of_the_series_decides_and_not_that_of_the_files(tmp_path: Path) -> None:
    for order in ((3, 1, 2), (2, 3, 1)):
        table = VisitTable(tmp_path / "x", {})
        table.assign(candidate(f"S{number}", number) for number in order)
        assert {label: row.run for label, row in table.rows.items()} == {"S1": 1, "S2": 2, "S3": 3}


def test_a_stored_table_reads_back_equal_and_late_series_go_behind(tmp_path: Path) -> None:
    table = VisitTable.load(tmp_path)
    table.assign([candidate("B", 2), candidate("C", 3)])
    table.record("B", "d1", ["anat/b.nii.gz", "anat/b.json"])
    table.save()
    again = VisitTable.load(tmp_path)
    assert again.rows == table.rows
    again.assign([candidate("A", 1), candidate("B", 2)])
    assert [again.rows[label].run for label in "ABC"] == [3, 1, 2]
    assert again.rows["B"].files == ("anat/b.json", "anat/b.nii.gz")


@pytest.mark.parametrize("text", ["series\tname\nA\tx\n", "series\tname\trun\tdigest\tfiles\nA\tx\tone\t\t\n", "\x00"])
def test_a_damaged_table_is_an_error_and_not_a_new_numbering(tmp_path: Path, text: str) -> None:
    (tmp_path / IMAGES_FILE).write_text(text)
    if text == "\x00":
        (tmp_path / IMAGES_FILE).write_text("nonsense\nmore\n")
    with pytest.raises(DataError, match="damaged"):
        VisitTable.load(tmp_path)
