"""Folders that are whole or not there, and whose damage is named."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deephealth.core.errors import CheckpointError, DataError, StorageError
from deephealth.models.folder import MANIFEST, read_folder, write_folder

FILES = {"a.bin": bytes(range(256)), "b.txt": "grün".encode(), "empty": b""}


def test_round_trip_leaves_nothing_beside(tmp_path):
    folder = write_folder(tmp_path / "deep" / "model", FILES)
    assert read_folder(folder, required=("a.bin",)) == FILES
    assert [path.name for path in folder.parent.iterdir()] == ["model"]


def test_writing_again_replaces_everything(tmp_path):
    write_folder(tmp_path / "model", FILES)
    write_folder(tmp_path / "model", {"c": b"1"})
    assert read_folder(tmp_path / "model") == {"c": b"1"}
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == ["c", MANIFEST]


@given(st.sampled_from(["a.bin", "b.txt", MANIFEST]), st.data())
def test_one_flipped_bit_is_found_in_the_right_file(tmp_path_factory, name, data):
    folder = write_folder(tmp_path_factory.mktemp("flip") / "model", FILES)
    content = bytearray((folder / name).read_bytes())
    position = data.draw(st.integers(0, 8 * len(content) - 1))
    content[position // 8] ^= 1 << position % 8
    (folder / name).write_bytes(content)
    with pytest.raises(CheckpointError, match=name):
        read_folder(folder)


@pytest.mark.parametrize("name", ["a.bin", MANIFEST])
def test_missing_file_is_named(tmp_path, name):
    folder = write_folder(tmp_path / "model", FILES)
    (folder / name).unlink()
    with pytest.raises(CheckpointError, match=name):
        read_folder(folder)


def test_required_file_is_asked_for(tmp_path):
    with pytest.raises(CheckpointError, match="weights"):
        read_folder(write_folder(tmp_path / "model", FILES), required=("weights",))


def test_truncated_manifest(tmp_path):
    folder = write_folder(tmp_path / "model", FILES)
    (folder / MANIFEST).write_bytes((folder / MANIFEST).read_bytes()[:50])
    with pytest.raises(CheckpointError, match="damaged"):
        read_folder(folder)


def test_names_can_not_leave_the_folder(tmp_path):
    with pytest.raises(DataError, match="outside"):
        write_folder(tmp_path / "model", {"../x": b""})
    assert list(tmp_path.iterdir()) == []


def test_folder_that_can_not_be_made(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match="saving a model"):
        write_folder(tmp_path / "file" / "model", FILES)


def test_full_disk_leaves_the_old_folder(tmp_path, monkeypatch):
    write_folder(tmp_path / "model", FILES)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="free space"):
        write_folder(tmp_path / "model", {"c": b"1"})
    monkeypatch.undo()
    assert read_folder(tmp_path / "model") == FILES
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_death_between_the_renames_is_explained(tmp_path):
    write_folder(tmp_path / "model", FILES)
    (tmp_path / "model").rename(tmp_path / ".model.previous")
    with pytest.raises(CheckpointError, match="cut short"):
        read_folder(tmp_path / "model")
