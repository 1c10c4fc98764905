from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from deephealth.core.errors import MissingDataError, UnreadableFileError
from deephealth.infer.files import expand_files
from deephealth.io.source import Source


def test_a_folder_is_searched_at_every_depth_and_sorted(photos):
    names = [source.path.relative_to(photos).as_posix() for source in expand_files(photos)]
    assert names == ["blue.png", "deep/blue2.png", "deep/red2.png", "green.png", "red.png"]


def test_an_archive_yields_its_images(tmp_path, photos):
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for name in ("b.png", "x/a.JPG", "x/.hidden.png", "readme.md"):
            archive.writestr(name, b"-")
    assert [str(source).rpartition("!")[2] for source in expand_files(str(tmp_path / "all.zip"))] == [
        "b.png",
        "x/a.JPG",
    ]
    assert expand_files(f"{tmp_path}/all.zip!b.png") == [Source(tmp_path / "all.zip", "b.png")]


def test_files_keep_their_order_and_may_be_missing_or_oddly_named(photos):
    given = [photos / "red.png", "nowhere.jpg", Source(photos / "notes.txt")]
    assert expand_files(given) == [
        Source(photos / "red.png"),
        Source(Path("nowhere.jpg")),
        Source(photos / "notes.txt"),
    ]


def test_a_place_without_images_is_a_typed_error(tmp_path):
    with pytest.raises(MissingDataError, match="holds no image"):
        expand_files(tmp_path)
    (tmp_path / "bad.zip").write_bytes(b"PK but not a zip")
    with pytest.raises(UnreadableFileError, match=r"bad\.zip"):
        expand_files(tmp_path / "bad.zip")
