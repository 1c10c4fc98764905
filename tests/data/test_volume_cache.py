from __future__ import annotations

import multiprocessing
import os
import struct
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given
from hypothesis.extra import numpy as hnp

from deephealth.core.errors import DataError, MissingDataError
from deephealth.data.volume_cache import VolumeCache, content_key

DTYPES = (
    hnp.boolean_dtypes()
    | hnp.integer_dtypes()
    | hnp.unsigned_integer_dtypes()
    | hnp.floating_dtypes(sizes=(16, 32, 64))
)


@given(
    hnp.arrays(DTYPES.filter(lambda d: d.isnative), hnp.array_shapes(min_dims=0, min_side=0, max_dims=4, max_side=4))
)
def test_what_comes_back_is_what_went_in(tmp_path_factory: pytest.TempPathFactory, array: np.ndarray) -> None:
    cache = VolumeCache(tmp_path_factory.mktemp("cache"))
    found = cache.get("key", lambda: array)
    assert (found.dtype, found.shape) == (array.dtype, array.shape)
    np.testing.assert_array_equal(found, array)
    assert not found.flags.writeable


def test_entries_are_safetensors(tmp_path: Path) -> None:
    cache = VolumeCache(tmp_path)
    array = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    cache.put("ct", array)
    stored = safetensors.numpy.load_file(str(tmp_path / "ct.safetensors"))
    np.testing.assert_array_equal(stored["array"], array)


def test_made_once(tmp_path: Path) -> None:
    made: list[int] = []

    def make() -> np.ndarray:
        made.append(1)
        return np.ones((2, 2), order="F")

    for _ in range(3):
        VolumeCache(tmp_path).get("a key with / strange signs", make)
    assert len(made) == 1
    assert "a key with / strange signs" in VolumeCache(tmp_path)
    assert len(VolumeCache(tmp_path)) == 1


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"short",
        struct.pack("<Q", 2**60) + b"{}",
        struct.pack("<Q", 2) + b"{}",
        struct.pack("<Q", 3) + b"[1]",
        struct.pack("<Q", 70) + b'{"array":{"dtype":"F32","shape":[-1,4],"data_offsets":[0,16]}}        ' + b"1" * 16,
        struct.pack("<Q", 75)
        + b'{"array":{"dtype":"F32","shape":[99999999,4],"data_offsets":[0,16]}}       '
        + b"1" * 16,
    ],
)
def test_damage_is_made_anew(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "key.safetensors").write_bytes(damage)
    cache = VolumeCache(tmp_path)
    assert cache.find("key") is None
    assert cache.get("key", lambda: np.ones(3)).tolist() == [1, 1, 1]


def test_a_cut_file_is_made_anew(tmp_path: Path) -> None:
    cache = VolumeCache(tmp_path)
    cache.put("key", np.arange(100))
    path = tmp_path / "key.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    assert cache.get("key", lambda: np.zeros(2)).tolist() == [0, 0]


def test_the_least_used_goes_first(tmp_path: Path) -> None:
    cache = VolumeCache(tmp_path, max_bytes=5000)
    for at in range(4):
        cache.put(f"k{at}", np.zeros(125))  # about 1,100 bytes each
        os.utime(tmp_path / f"k{at}.safetensors", (at, at))
    held = cache.find("k0")  # used just now
    assert held is not None
    cache.put("k4", np.zeros(125))
    assert "k0" in cache
    assert "k1" not in cache
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 5000
    for at in range(5, 12):
        cache.put(f"k{at}", np.zeros(125))
    assert "k0" not in cache
    assert held.sum() == 0  # removed on disk, and still readable here


def test_larger_than_the_limit(tmp_path: Path) -> None:
    cache = VolumeCache(tmp_path, max_bytes=100)
    assert cache.get("big", lambda: np.ones(1000)).sum() == 1000
    assert len(cache) == 0


def test_what_no_file_can_hold(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="complex128"):
        VolumeCache(tmp_path).put("key", np.zeros(2, complex))
    assert list(tmp_path.iterdir()) == []


def test_keys(tmp_path: Path) -> None:
    path = tmp_path / "a.nii"
    path.write_bytes(b"one")
    os.utime(path, ns=(1, 1))
    key = content_key(path, {"a": 1, "b": 2})
    assert key == content_key([path], {"b": 2, "a": 1})
    assert key != content_key(path, {"a": 1, "b": 3})
    assert key != content_key(path, {"a": 1, "b": 2}, versions=["scipy 2"])
    content = content_key(path, by="content")
    path.write_bytes(b"two")
    os.utime(path, ns=(1, 1))
    assert content_key(path, {"a": 1, "b": 2}) == key  # same size and time: only the content tells
    assert content_key(path, by="content") != content
    os.utime(path, ns=(2, 2))
    assert content_key(path, {"a": 1, "b": 2}) != key
    with pytest.raises(MissingDataError):
        content_key(tmp_path / "none")
    with pytest.raises(DataError, match="JSON"):
        content_key(path, {"a": object()})


def _fill(folder: str, number: int) -> None:
    cache = VolumeCache(folder, max_bytes=20_000)
    for at in range(60):
        found = cache.get(f"k{at % 25}", lambda at=at: np.full(200, at % 25))
        assert (found == at % 25).all(), number


def test_several_processes(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_fill, args=(str(tmp_path), number)) for number in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert not list(tmp_path.glob(".*.tmp"))
