from __future__ import annotations

import multiprocessing
import os
import pickle
import shutil
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deephealth.core.errors import DataError, LimitError, MissingDataError, UnreadableFileError
from deephealth.io import source as source_module
from deephealth.io.source import Source, list_members


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        target.mkdir("images")
        for number in range(20):
            target.writestr(f"images/{number}.bin", bytes([number]) * 20_000)
    return path


names = st.text(st.characters(exclude_characters="!/\0", exclude_categories=("Cs",)), min_size=1).filter(
    lambda name: name not in (".", "..")
)


@given(names, st.none() | names)
def test_text_round_trip(folder: str, member: str | None) -> None:
    source = Source(Path("x") / (f"{folder}.zip" if member else folder), member)
    assert Source.parse(str(source)) == source


def test_name_and_stem() -> None:
    assert Source.parse("d/a.zip!images/x.y.jpg").name == "x.y.jpg"
    assert Source.parse("d/a.zip!images/x.y.jpg").stem == "x.y"
    assert Source(Path("d/x.png")).stem == "x"


def test_reads_file_and_member(tmp_path: Path, archive: Path) -> None:
    (tmp_path / "f").write_bytes(b"abc")
    assert Source(tmp_path / "f").read_bytes() == b"abc"
    assert Source(archive, "images/7.bin").read_bytes() == b"\x07" * 20_000
    with Source(archive, "images/7.bin").open() as stream:
        assert stream.read(2) == b"\x07\x07"


def test_lists_files_only(archive: Path) -> None:
    assert list_members(archive)[:2] == ["images/0.bin", "images/1.bin"]
    assert len(list_members(archive)) == 20


@pytest.mark.parametrize("text", ["nothing.jpg", "a.zip!images/none.bin", "none.zip!x"])
def test_missing(archive: Path, text: str) -> None:
    source = Source.parse(str(archive.parent / text))
    assert not source.exists()
    with pytest.raises(MissingDataError, match=r"none|nothing"):
        source.read_bytes()


@pytest.mark.parametrize("member", ["../x", "/etc/passwd", "a/../../x", "..\\x", "C:/x", "", "a\0b"])
def test_members_that_climb_out_are_refused(archive: Path, member: str) -> None:
    with pytest.raises(DataError, match="outside the archive"):
        Source(archive, member).read_bytes()


def test_listing_refuses_members_that_climb_out(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as target:
        target.writestr("../../evil", b"x")
    with pytest.raises(DataError, match="outside the archive"):
        list_members(tmp_path / "evil.zip")


def test_limits(tmp_path: Path, archive: Path) -> None:
    (tmp_path / "f").write_bytes(b"abcd")
    assert Source(tmp_path / "f").read_bytes(4) == b"abcd"
    for source in (Source(tmp_path / "f"), Source(archive, "images/1.bin")):
        with pytest.raises(LimitError, match="at most 3 B"):
            source.read_bytes(3)
        with pytest.raises(LimitError):
            source.open(3)


def test_zip_bomb_is_refused_before_it_inflates(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as target,
        target.open("zeros", "w") as stream,
    ):
        for _ in range(65):
            stream.write(bytes(1024**2))
    with pytest.raises(LimitError, match="zip bomb"):
        Source(path, "zeros").read_bytes()


def test_damaged_archives(tmp_path: Path, archive: Path) -> None:
    (tmp_path / "no.zip").write_bytes(b"not a zip")
    with pytest.raises(UnreadableFileError, match="not a readable zip"):
        list_members(tmp_path / "no.zip")
    data = bytearray(archive.read_bytes())
    at = zipfile.ZipFile(archive).getinfo("images/3.bin").header_offset + 50
    data[at : at + 8] = b"\xff" * 8
    (tmp_path / "flipped.zip").write_bytes(data)
    with pytest.raises(UnreadableFileError, match=r"flipped\.zip!images/3\.bin"):
        Source(tmp_path / "flipped.zip", "images/3.bin").read_bytes()


def test_not_a_regular_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(UnreadableFileError, match="not a file"):
            Source(path).read_bytes()


def test_threads_share_one_handle(archive: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        read = list(pool.map(lambda n: Source(archive, f"images/{n % 20}.bin").read_bytes(), range(400)))
    assert read == [bytes([n % 20]) * 20_000 for n in range(400)]


def _read_many(path: Path) -> bool:
    return all(Source(path, f"images/{n % 20}.bin").read_bytes() == bytes([n % 20]) * 20_000 for n in range(400))


def test_forked_children_open_their_own_handle(archive: Path) -> None:
    assert Source(archive, "images/0.bin").read_bytes()  # the parent's handle is open, and would be inherited
    with source_module._lock:  # a lock held by a thread of the parent must not block the child
        context = multiprocessing.get_context("fork")
        pool = context.Pool(2)
    with pool:
        result = pool.map_async(_read_many, [archive] * 4)
        assert _read_many(archive)
        assert result.get(60) == [True] * 4


def test_replaced_archive_is_noticed(tmp_path: Path, archive: Path) -> None:
    assert Source(archive, "images/0.bin").read_bytes()
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as target:
        target.writestr("images/0.bin", b"new")
    os.replace(tmp_path / "b.zip", archive)
    assert Source(archive, "images/0.bin").read_bytes() == b"new"


def test_table_of_handles_is_bounded(tmp_path: Path, archive: Path) -> None:
    for number in range(12):
        copy = tmp_path / f"{number}.zip"
        shutil.copy(archive, copy)
        assert Source(copy, "images/1.bin").read_bytes()
    assert len(source_module._open) <= source_module._MAX_OPEN


def test_fingerprint_follows_the_content(tmp_path: Path, archive: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"abc")
    first = Source(path).fingerprint()
    assert Source(path).fingerprint() == first
    times = path.stat().st_mtime_ns
    path.write_bytes(b"xyz")
    os.utime(path, ns=(times, times))  # same size, same date: still noticed
    assert Source(path).fingerprint() != first
    member = Source(archive, "images/1.bin")
    before = member.fingerprint()
    with zipfile.ZipFile(archive, "a") as target:
        target.writestr("more", b"more")
    assert member.fingerprint() == before


def test_pickles(archive: Path) -> None:
    source = Source(archive, "images/1.bin")
    assert pickle.loads(pickle.dumps(source)) == source
