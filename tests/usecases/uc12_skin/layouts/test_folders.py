"""Listing folders: once, in order, and not for ever."""

from __future__ import annotations

import pytest

from deephealth.core.errors import DataError, MissingDataError
from deephealth.usecases.uc12_skin.layouts import LAYOUTS, folders


def test_folders_come_in_order_and_hidden_ones_do_not(tmp_path):
    for name in ("b/inner", "a", ".hidden", "__MACOSX"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "a" / "x.jpg").touch()
    (tmp_path / "a" / ".DS_Store").touch()
    found = list(folders.walk(tmp_path))
    assert [folder.trail for folder in found] == [(), ("a",), ("b",), ("b", "inner")]
    assert list(found[1].files) == ["x.jpg"]


def test_a_link_in_a_circle_ends(tmp_path):
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    assert len(list(folders.walk(tmp_path))) == 6


def test_a_root_that_is_no_folder(tmp_path):
    (tmp_path / "file").touch()
    for name in ("file", "missing"):
        with pytest.raises(MissingDataError, match=f"{name} is not a folder"):
            list(folders.walk(tmp_path / name))


def test_a_folder_that_is_no_data_set_is_refused_and_never_recognised(tmp_path, monkeypatch):
    monkeypatch.setattr(folders, "_MOST_FOLDERS", 3)
    for name in "abcd":
        (tmp_path / name).mkdir()
    with pytest.raises(DataError, match="over 3 folders"):
        list(folders.walk(tmp_path))
    assert not any(layout.recognise(tmp_path) for layout in LAYOUTS)
