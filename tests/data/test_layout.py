from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from deephealth.core.errors import DataError, MissingDataError, UnknownLayoutError, UnknownNameError
from deephealth.data.layout import Layout, read_index
from deephealth.data.sample import DataIndex


@pytest.fixture
def layouts(index: DataIndex) -> list[Layout]:
    def read(root: Path) -> DataIndex:
        return replace(index, root=root)

    def empty(root: Path) -> DataIndex:
        return replace(index, root=root, samples=())

    return [
        Layout("one", "ONE.csv\nimages/", lambda root: (root / "ONE.csv").exists(), read),
        Layout("two", "TWO.csv", lambda root: (root / "TWO.csv").exists(), empty),
    ]


def test_recognises(layouts: list[Layout], tmp_path: Path) -> None:
    (tmp_path / "ONE.csv").touch()
    assert len(read_index(tmp_path, layouts).samples) == 30
    assert read_index(tmp_path, layouts, "one").root == tmp_path


def test_errors(layouts: list[Layout], tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match="no such folder"):
        read_index(tmp_path / "none", layouts)
    (tmp_path / "x.txt").touch()
    with pytest.raises(UnknownLayoutError) as caught:
        read_index(tmp_path, layouts)
    for text in ("x.txt", "ONE.csv", "images/", "TWO.csv", "data.layout"):
        assert text in str(caught.value)
    with pytest.raises(UnknownNameError, match="did you mean 'one'"):
        read_index(tmp_path, layouts, "onee")
    with pytest.raises(DataError, match="holds no sample"):
        read_index(tmp_path, layouts, "two")
