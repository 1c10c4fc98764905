from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deephealth.core.errors import DataError, StorageError
from deephealth.core.files import atomic_write, below, sha256, storage_errors, writable_folder


def test_a_failed_write_leaves_the_old_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    target = tmp_path / "file.txt"
    atomic_write(target, "old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match=r"No space left.*\n.*free space"):
        atomic_write(target, "new")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO])
def test_every_disk_error_is_typed_and_says_what_to_do(number):
    with pytest.raises(StorageError, match="do next"), storage_errors(Path("x"), "saving"):
        raise OSError(number, os.strerror(number))


def test_a_read_only_folder_is_refused(tmp_path: Path):
    blocked = tmp_path / "file"
    blocked.write_text("a file, not a folder")
    with pytest.raises(StorageError):
        writable_folder(blocked / "run", "making a run")


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/passwd", "a\x00b"])
def test_paths_from_data_files_stay_below_their_root(tmp_path: Path, name):
    with pytest.raises((DataError, ValueError)):
        below(tmp_path, name)


def test_a_link_that_leads_outside_is_refused(tmp_path: Path):
    (tmp_path / "root").mkdir()
    (tmp_path / "secret").write_text("x")
    (tmp_path / "root" / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(DataError, match="outside"):
        below(tmp_path / "root", "link")


@given(st.binary(max_size=2000))
def test_what_is_written_is_what_is_read(tmp_path_factory, content):
    target = tmp_path_factory.mktemp("files") / "deep" / "file"
    atomic_write(target, content)
    assert target.read_bytes() == content
    assert len(sha256(target)) == 64
