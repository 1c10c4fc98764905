from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from deephealth.core.errors import DataError, StorageError
from deephealth.data.shelf import Shelf


def test_stale_temporary_files_are_removed(tmp_path: Path) -> None:
    old, new = tmp_path / ".a.tmp", tmp_path / ".b.tmp"
    for path in (old, new):
        path.touch()
    os.utime(old, (0, 0))
    Shelf(tmp_path)
    assert (old.exists(), new.exists()) == (False, True)


def test_many_segments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deephealth.data.shelf._SEGMENT_BYTES", 100)
    shelf = Shelf(tmp_path)
    arrays = {f"k{n}": np.full((7, 9), n, np.uint8) for n in range(9)}
    for key, array in arrays.items():
        shelf.add(key, array)
        shelf.add(key, array)
    shelf.flush()
    assert len(shelf) == 9
    assert len(list(tmp_path.glob("*.npy"))) == 5
    reopened = Shelf(tmp_path)
    for key, array in arrays.items():
        np.testing.assert_array_equal(reopened[key], array)


def test_full_disk_is_a_storage_error_and_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = Shelf(tmp_path)
    shelf.add("k", np.zeros(3, np.uint8))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(StorageError, match="No space left"):
            shelf.flush()
    assert not list(tmp_path.iterdir())
    shelf.flush()
    assert "k" in Shelf(tmp_path)


def test_deleted_while_in_use(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.add("k", np.zeros(3, np.uint8))
    shelf.flush()
    for path in tmp_path.iterdir():
        path.unlink()
    with pytest.raises(DataError, match="while it was in use"):
        shelf["k"]
    with pytest.raises(KeyError):
        shelf["other"]
