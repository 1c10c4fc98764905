"""Gzip streams: every back-end gives the same bytes, damage is an error, claims cost no memory."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deephealth.core.errors import DataError, DeepHealthError, LimitError, UnreadableFileError
from deephealth.io.gzip import GZIP_BACKENDS, gunzip, gunzip_start, gzip_blocks, index, inflate
from deephealth.io.gzip.threads import thread_count


def voxels(kind: str) -> bytes:
    rng = np.random.default_rng(3)
    made = {
        "noise": rng.normal(0, 50, 200_000).astype(np.int16),
        "smooth": (1000 * np.sin(np.arange(200_000) / 9000)).astype(np.int16),
        "labels": np.repeat(np.arange(8, dtype=np.uint8), 40_000),
        "random": rng.integers(0, 256, 300_000).astype(np.uint8),
        "little": np.arange(7, dtype=np.uint8),
    }
    return made[kind].tobytes()


def stream_of(packed: bytes, size: int, threads: int = 2) -> inflate._Stream:
    view = memoryview(packed)
    return inflate._Stream(view, size, "a.gz", threads, index.read_index(view))


def ours(raw: bytes, **options: int) -> bytes:
    return b"".join(gzip_blocks([raw], **options))


@pytest.mark.parametrize("kind", ["noise", "smooth", "labels", "random", "little"])
@pytest.mark.parametrize("level", [1, 6])
def test_each_backend_gives_what_was_packed(kind: str, level: int) -> None:
    raw = voxels(kind)
    for packed in (gzip.compress(raw, level), ours(raw, level=level, block=65536)):
        stream = stream_of(packed, len(raw))
        for row in GZIP_BACKENDS.usable(stream):
            found = row.run(stream)
            assert found is not None
            assert found.tobytes() == raw, row.name
            found[0] += 1  # memory that may be written to
        assert gunzip(packed, len(raw), name="a.gz").tobytes() == raw


@given(st.lists(st.binary(max_size=3000), max_size=6), st.integers(1, 9), st.integers(1, 4), st.integers(17, 5000))
def test_blocks_are_plain_gzip_for_everybody(parts: list[bytes], level: int, threads: int, block: int) -> None:
    raw = b"".join(parts)
    packed = b"".join(gzip_blocks(parts, level=level, threads=threads, block=block))
    assert gzip.decompress(packed) == raw
    assert gunzip(packed, len(raw), name="a.gz", threads=threads).tobytes() == raw
    found = index.read_index(memoryview(packed))
    assert found is not None
    assert (found.total, len(found.lengths)) == (len(raw), -(-len(raw) // block))
    whole = zlib.decompressobj(31)  # one member: what browsers take
    assert whole.decompress(packed) == raw
    assert whole.eof
    assert not whole.unused_data


def test_bytes_depend_on_content_alone() -> None:
    raw = voxels("noise")
    assert len({ours(raw, threads=threads, block=4096) for threads in (1, 2, 5)}) == 1
    assert b"".join(gzip_blocks([raw[:5], memoryview(raw)[5:]])) == ours(raw)


def test_blocks_are_used_on_several_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = voxels("random") * 8
    packed = ours(raw)
    rows = [row.name for row in GZIP_BACKENDS.usable(stream_of(packed, len(raw)))]
    assert rows[0] == "libdeflate, blocks"
    assert "libdeflate, blocks" not in [row.name for row in GZIP_BACKENDS.usable(stream_of(packed, len(raw), 1))]
    damaged = bytearray(packed)
    damaged[len(packed) // 2] ^= 255
    assert inflate._blocks(stream_of(bytes(damaged), len(raw))) is None
    with pytest.raises(UnreadableFileError):
        gunzip(bytes(damaged), len(raw), name="a.gz", threads=2)


def test_an_index_that_lies_is_not_believed() -> None:
    raw = voxels("random") * 8
    packed = bytearray(ours(raw))
    for at in (16, 20, 24, 32, 36):  # version, block size, total, lengths
        lying = bytearray(packed)
        lying[at] ^= 3
        assert gunzip(bytes(lying), len(raw), name="a.gz", threads=2).tobytes() == raw


def test_several_members_and_padding() -> None:
    raw = voxels("smooth")
    half = len(raw) // 2
    packed = gzip.compress(raw[:half]) + gzip.compress(raw[half:])
    assert gunzip(packed, len(raw), name="a.gz").tobytes() == raw
    assert gunzip(packed + bytes(512), len(raw), name="a.gz").tobytes() == raw
    assert gunzip(gzip.compress(raw + b"tail"), len(raw), name="a.gz").tobytes() == raw


@pytest.mark.parametrize("pack", [lambda raw: gzip.compress(raw, 6), ours, lambda raw: gzip.compress(raw[:9]) * 2])
def test_every_flipped_bit_of_content_or_checksum_is_found(pack) -> None:
    raw = voxels("labels")
    packed = pack(raw)
    size = len(gzip.decompress(packed))
    rng = np.random.default_rng(0)
    begin = 10 if packed[3] == 0 else 12 + int.from_bytes(packed[10:12], "little")
    right = gunzip(packed, size, name="a.gz").tobytes()
    for at in [*rng.integers(begin, len(packed), 60).tolist(), *range(len(packed) - 8, len(packed))]:
        damaged = bytearray(packed)
        damaged[at] ^= 1 << int(rng.integers(8))
        try:  # a bit that the code leaves free, in padding or in the second member's name, changes nothing
            found = gunzip(bytes(damaged), size, name="a.gz").tobytes()
        except DeepHealthError:
            continue
        assert found == right
        assert at < len(packed) - 8


@pytest.mark.parametrize("cut", [0, 1, 9, 18, 100, -9, -8, -4, -1])
def test_truncated(cut: int) -> None:
    packed = gzip.compress(voxels("noise"))
    with pytest.raises((UnreadableFileError, LimitError)):
        gunzip(packed[:cut], len(voxels("noise")), name="a.gz")


@pytest.mark.parametrize("size", [0, 5, 400_000])
def test_the_wrong_size_is_refused(size: int) -> None:
    raw = bytes(3_000_000)
    if size < len(raw):
        with pytest.raises(LimitError, match="beyond"):
            gunzip(gzip.compress(raw), size, name="a.gz")
    with pytest.raises(LimitError, match="holds"):
        gunzip(gzip.compress(raw), len(raw) + 1, name="a.gz")


def test_claims_cost_no_memory() -> None:
    packed = gzip.compress(bytes(4_000_000))
    bomb = packed[:-4] + (900_000_000).to_bytes(4, "little")
    tracemalloc.start()
    try:
        for data, size in ((bomb, 900_000_000), (packed, 700_000_000), (packed * 300, 900_000_000), (bytes(99), 2**40)):
            tracemalloc.reset_peak()
            with pytest.raises((LimitError, UnreadableFileError)):
                gunzip(data, size, name="a.gz")
            assert tracemalloc.get_traced_memory()[1] < 32_000_000
    finally:
        tracemalloc.stop()


def test_without_the_fast_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deephealth.io.backend.is_installed", lambda module: False)
    raw = voxels("noise")
    assert [row.name for row in GZIP_BACKENDS.usable(stream_of(ours(raw), len(raw)))] == ["zlib"]
    assert gunzip(ours(raw), len(raw), name="a.gz").tobytes() == raw
    with pytest.raises(UnreadableFileError):
        gunzip(ours(raw)[:-3], len(raw), name="a.gz")


def test_start_alone() -> None:
    packed = gzip.compress(b"abcdef" * 1000)
    assert gunzip_start(packed, 8, name="a.gz") == b"abcdefab"
    assert gunzip_start(packed[:40], 8, name="a.gz") == b"abcdefab"
    assert gunzip_start(gzip.compress(b"abc"), 8, name="a.gz") == b"abc"
    with pytest.raises(UnreadableFileError):
        gunzip_start(b"\x1f\x8bnothing", 8, name="a.gz")


def test_levels_and_threads() -> None:
    raw = voxels("noise")
    assert len(ours(raw, level=9)) < len(ours(raw, level=1)) < len(raw)
    with pytest.raises(DataError, match="level 10"):
        ours(raw, level=10)
    assert thread_count(None, 99) >= 1
