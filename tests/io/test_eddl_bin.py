"""EDDL's .bin records: exact bytes, round trips, and files that are truncated, absurd or absent."""

from __future__ import annotations

import contextlib
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from deephealth.core.errors import LimitError, MissingDataError, StorageError, UnreadableFileError
from deephealth.io.eddl_bin import (
    decode_bin,
    encode_bin,
    read_bin,
    read_bin_rows,
    read_records,
    write_bin,
    write_records,
)
from deephealth.io.limits import Limits

X = np.arange(12, dtype=np.float32).reshape(3, 4)


def header(*numbers: int) -> bytes:
    return struct.pack(f"<{len(numbers)}i", *numbers)


def test_the_bytes_of_a_record():
    assert encode_bin(np.array([[1.0, -2.0]])) == header(2, 1, 2) + struct.pack("<2f", 1.0, -2.0)
    assert encode_bin(np.float32(0.5)) == header(0) + struct.pack("<f", 0.5)


@given(hnp.arrays(np.float32, hnp.array_shapes(min_dims=0, min_side=0, max_side=4)))
def test_a_round_trip_keeps_shape_and_values(array):
    back = decode_bin(encode_bin(array))
    assert back.dtype == np.float32
    assert back.flags.writeable
    np.testing.assert_array_equal(back, array, strict=True)


def test_files_with_one_and_several_records(tmp_path):
    path = tmp_path / "new" / "a.bin"
    write_bin(path, X.astype(np.float64))
    np.testing.assert_array_equal(read_bin(path), X, strict=True)
    write_records(path, [X, X[0], np.zeros((0, 2))])
    first, second, third = read_records(path)
    np.testing.assert_array_equal(first, X)
    np.testing.assert_array_equal(second, X[0])
    assert third.shape == (0, 2)
    np.testing.assert_array_equal(read_bin(path), X)
    assert [found.name for found in path.parent.iterdir()] == ["a.bin"]
    write_records(path, [])
    assert list(read_records(path)) == []


@pytest.mark.parametrize(("start", "end", "wanted"), [(0, 3, X), (1, 2, X[1:2]), (2, -1, X[2:]), (1, 1, X[1:1])])
def test_rows(tmp_path, start, end, wanted):
    write_bin(tmp_path / "a.bin", X)
    np.testing.assert_array_equal(read_bin_rows(tmp_path / "a.bin", start, end), wanted, strict=True)


@pytest.mark.parametrize(("start", "end"), [(0, 4), (-1, 2), (2, 1)])
def test_rows_that_are_not_there_are_refused(tmp_path, start, end):
    write_bin(tmp_path / "a.bin", X)
    with pytest.raises(ValueError, match="which has 3"):
        read_bin_rows(tmp_path / "a.bin", start, end)


@pytest.mark.parametrize("length", range(len(encode_bin(X))))
def test_every_truncation_is_noticed(tmp_path, length):
    data = encode_bin(X)[:length]
    (tmp_path / "a.bin").write_bytes(data)
    with pytest.raises(UnreadableFileError):
        decode_bin(data)
    with pytest.raises(UnreadableFileError):
        read_bin(tmp_path / "a.bin")
    if length:
        with pytest.raises(UnreadableFileError):
            list(read_records(tmp_path / "a.bin"))


ABSURD = [
    header(-1),
    header(2**31 - 1),
    header(33, *[1] * 33),
    header(2, -1, 4),
    header(1, 2**30),
    header(4, *[2**31 - 1] * 4),
    header(3, 0, 2**31 - 1, 2**31 - 1),
    b"PK\x03\x04" + bytes(60),
]


@pytest.mark.parametrize("data", ABSURD, ids=range(len(ABSURD)))
def test_absurd_headers_are_refused_before_memory_is_taken(tmp_path, data):
    (tmp_path / "a.bin").write_bytes(data)
    for call in (
        lambda: decode_bin(data),
        lambda: read_bin(tmp_path / "a.bin"),
        lambda: list(read_records(tmp_path / "a.bin")),
    ):
        with pytest.raises((UnreadableFileError, LimitError)):
            call()


@given(st.binary(max_size=40))
def test_any_bytes_give_an_array_or_a_typed_error(data):
    with contextlib.suppress(UnreadableFileError, LimitError):
        assert decode_bin(data).nbytes <= len(data)


def test_a_file_above_the_limit_is_refused(tmp_path):
    write_bin(tmp_path / "a.bin", X)
    with pytest.raises(LimitError, match="48 B") as caught:
        read_bin(tmp_path / "a.bin", limits=Limits(max_bytes=47))
    assert caught.value.allowed == "at most 47 B"
    assert read_bin(tmp_path / "a.bin", limits=Limits(max_bytes=48)).shape == (3, 4)


def test_missing_files_are_named(tmp_path):
    for call in (read_bin, lambda path: read_bin_rows(path, 0, 1), lambda path: list(read_records(path))):
        with pytest.raises(MissingDataError, match=r"none\.bin"):
            call(tmp_path / "none.bin")


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    write_bin(tmp_path / "a.bin", X)
    with pytest.raises(ValueError, match="could not convert"):
        write_records(tmp_path / "a.bin", [X, np.array(["text"])])
    np.testing.assert_array_equal(read_bin(tmp_path / "a.bin"), X)
    with pytest.raises(StorageError):
        write_bin(tmp_path / "a.bin" / "b.bin", X)


def test_too_many_dimensions_are_refused():
    with pytest.raises(ValueError, match="can't be written"):
        encode_bin(np.zeros([1] * 33))
