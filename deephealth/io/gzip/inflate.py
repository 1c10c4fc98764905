"""Inflating a gzip stream of known size: the fastest back-end that fits the stream, checked by CRC-32 in any case.

libdeflate decodes a whole member at once and beats every streaming decoder, on all kinds of volumes; it needs the size
beforehand, which the volume's header and the member's trailer both say. ISA-L streams: for files of several members,
and for whatever else does not fit. zlib is what Python brings.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from deephealth.core.errors import LimitError, UnreadableFileError
from deephealth.core.optional import is_installed
from deephealth.core.units import format_bytes
from deephealth.io.backend import Backend, BackendTable
from deephealth.io.gzip.index import FINAL_BLOCK, TRAILER, BlockIndex, read_index
from deephealth.io.gzip.threads import thread_count

__all__ = ["GZIP_BACKENDS", "gunzip", "gunzip_start"]

Bytes = npt.NDArray[np.uint8]

_GZIP = 31  # zlib's code for: a gzip header and trailer, any window
_MAX_RATIO = 1032  # DEFLATE's own bound: 258 bytes out of two bits
_SLACK = 1024**2  # what may follow the announced content, such as padding; it is checked and dropped
_FEED = 256 * 1024
_STEP = 1024**2
# A claim this large, or this much larger than the file, is counted before memory is taken for it.
_TRUSTED_BYTES, _TRUSTED_RATIO = 256 * 1024**2, 100


@dataclass(frozen=True, slots=True)
class _Stream:
    """What is to be inflated.

    Args:
        data: the whole file.
        size: bytes wanted from its start.
        name: what errors call it.
        threads: cores to use.
        index: its independent blocks, if it has any.
    """

    data: memoryview
    size: int
    name: str
    threads: int
    index: BlockIndex | None

    @property
    def announced(self) -> int | None:
        """Size by the trailer (modulo 4 GiB there), if that agrees with what is wanted."""
        beyond = (int.from_bytes(self.data[-4:], "little") - self.size) % 2**32
        return self.size + beyond if beyond <= _SLACK else None


def gunzip(data: Any, size: int, *, name: str, threads: int | None = None) -> Bytes:
    """Return the first ``size`` bytes of a gzip stream; the checksum over all of it is checked.

    Args:
        data: the whole file, anything with a buffer.
        size: bytes wanted; no more than that is kept, and the stream may not go on for more than 1 MiB beyond.
        name: what errors call the file.
        threads: cores for a stream of independent blocks; all by default.

    Returns:
        ``size`` bytes in memory that may be written to.

    Raises:
        UnreadableFileError: damaged, truncated, or not gzip.
        LimitError: shorter or much longer than ``size``: the header of the volume lies.

    Example:
        >>> import gzip
        >>> gunzip(gzip.compress(b"abcdef"), 6, name="a.nii.gz").tobytes()
        b'abcdef'
    """
    view = memoryview(data).cast("B")
    if size > _MAX_RATIO * len(view):
        raise _lies(name, size, f"{format_bytes(len(view))} of compressed data can't hold that much")
    index = read_index(view)
    stream = _Stream(view, size, name, thread_count(threads, len(index.lengths) if index else 1), index)
    if size > _TRUSTED_BYTES and (size > _TRUSTED_RATIO * len(view) or stream.announced is None):
        _count(stream)
    for row in GZIP_BACKENDS.usable(stream):
        found = row.run(stream)
        if found is not None:
            return found
    raise UnreadableFileError(f"{name} can't be inflated")  # not reached: the last row raises


def gunzip_start(data: Any, size: int, *, name: str) -> bytes:
    """Return up to ``size`` bytes from the start of a gzip stream; what follows is neither read nor checked.

    Raises:
        UnreadableFileError: damaged, or not gzip.

    Example:
        >>> import gzip
        >>> gunzip_start(gzip.compress(b"abcdef"), 3, name="a.nii.gz")
        b'abc'
    """
    found: list[bytes] = []
    missing = size
    for piece in _pieces(memoryview(data).cast("B"), name, zlib, step=max(size, 1)):
        found.append(piece[:missing])
        missing -= len(found[-1])
        if not missing:
            break
    return b"".join(found)


def _blocks(stream: _Stream) -> Bytes | None:
    """Inflate the independent blocks of a member on several cores."""
    import deflate
    from isal.isal_zlib import crc32, crc32_combine

    index = stream.index
    if index is None:
        return None
    out = np.empty(index.total, np.uint8)
    starts = np.concatenate([[index.start], index.start + np.cumsum(index.lengths, dtype=np.int64)]).tolist()

    def inflate(at: int) -> tuple[int, int]:
        place = out[at * index.block : (at + 1) * index.block]
        packed = b"".join([stream.data[starts[at] : starts[at + 1]], FINAL_BLOCK])
        piece = deflate.deflate_decompress(packed, len(place))
        place[:] = np.frombuffer(piece, np.uint8)
        return crc32(piece), len(piece)

    try:
        with ThreadPoolExecutor(stream.threads) as pool:
            checks = list(pool.map(inflate, range(len(index.lengths))))
    except (deflate.DeflateError, ValueError):
        return None  # the streaming back-end says what is wrong
    crc = 0
    for part, length in checks:
        crc = crc32_combine(crc, part, length)
    right = crc == int.from_bytes(stream.data[-TRAILER:-4], "little")
    return out[: stream.size] if right else None


def _has_blocks(stream: _Stream) -> bool:
    index = stream.index
    worth_it = stream.threads > 1 and len(stream.data) > _STEP
    return worth_it and index is not None and index.total == stream.announced


def _one_shot(stream: _Stream) -> Bytes | None:
    """Inflate the whole member at once."""
    import deflate

    announced = stream.announced
    try:
        found = deflate.gzip_decompress(stream.data, announced)
    except (deflate.DeflateError, ValueError, MemoryError):
        return None
    # a file of several members stops early here: the streaming back-end reads all of them
    return np.frombuffer(found, np.uint8)[: stream.size] if len(found) == announced else None


def _has_size(stream: _Stream) -> bool:
    return stream.announced is not None


def _stream_isal(stream: _Stream) -> Bytes:
    from isal import isal_zlib

    return _stream_through(stream, isal_zlib)


def _stream_zlib(stream: _Stream) -> Bytes:
    return _stream_through(stream, zlib)


def _stream_through(stream: _Stream, engine: Any) -> Bytes:
    out = np.empty(stream.size, np.uint8)
    at = 0
    for piece in _pieces(stream.data, stream.name, engine):
        kept = out[at : at + len(piece)]
        kept[:] = np.frombuffer(piece, np.uint8)[: len(kept)]
        at += len(piece)
        _check_end(stream, at)
    if at < stream.size:
        raise _lies(stream.name, stream.size, f"it holds {format_bytes(at)}")
    return out


def _count(stream: _Stream) -> None:
    """Inflate without keeping anything, so that a claim costs no memory before it is proved.

    Raises:
        LimitError, UnreadableFileError: the stream is shorter or much longer than claimed, or damaged.
    """
    engine: Any = zlib
    if is_installed("isal"):
        from isal import isal_zlib as engine
    at = 0
    for piece in _pieces(stream.data, stream.name, engine):
        at += len(piece)
        _check_end(stream, at)
    if at < stream.size:
        raise _lies(stream.name, stream.size, f"it holds {format_bytes(at)}")


def _check_end(stream: _Stream, at: int) -> None:
    if at > stream.size + _SLACK:
        raise _lies(stream.name, stream.size, "the stream goes on beyond that")


def _pieces(data: memoryview, name: str, engine: Any, step: int = _STEP) -> Iterator[bytes]:
    """Yield what all members inflate to, at most ``step`` bytes at a time.

    Raises:
        UnreadableFileError: damaged, truncated, or not gzip.
    """
    at = 0
    while at < len(data):
        decoder = engine.decompressobj(_GZIP)
        pending: Any = b""
        while not decoder.eof:
            if not pending:
                pending = data[at : at + _FEED]
                at += len(pending)
                if not pending:
                    raise _damaged(name, "it ends in the middle of the stream")
            piece = _decode(decoder.decompress, pending, step, name)
            pending = decoder.unconsumed_tail
            if piece:
                yield piece
        at -= len(decoder.unused_data)
        if _only_zeros(data[at:]):
            return
    raise _damaged(name, "it is empty") if not len(data) else _damaged(name, "it ends in the middle of the stream")


def _decode(decompress: Callable[[Any, int], bytes], pending: Any, step: int, name: str) -> bytes:
    try:
        return decompress(pending, step)
    except Exception as error:  # each engine has its own
        raise _damaged(name, str(error)) from error


def _only_zeros(rest: memoryview) -> bool:
    """Return whether the file ends here, or with padding as tapes leave it."""
    return not np.frombuffer(rest, np.uint8).any() if len(rest) else True


def _damaged(name: str, why: str) -> UnreadableFileError:
    return UnreadableFileError(
        f"{name} is not a complete gzip file: {why}",
        allowed="gzip (RFC 1952) whose checksum is right",
        hint="copy or download it again; `gzip -t` tests it",
    )


def _lies(name: str, size: int, why: str) -> LimitError:
    return LimitError(
        f"{name} claims {format_bytes(size)}, and {why}",
        allowed="a header that agrees with the compressed content",
        hint="copy the file again: it is truncated or damaged",
    )


GZIP_BACKENDS = BackendTable(
    "inflate gzip",
    [
        Backend("libdeflate, blocks", _blocks, ("deflate", "isal"), _has_blocks, "our own files, one block per core"),
        Backend("libdeflate", _one_shot, ("deflate",), _has_size, "1.2 to 2 times as fast as ISA-L on one core"),
        Backend("ISA-L", _stream_isal, ("isal",), note="several members; 1.8 to 4 times as fast as zlib"),
        Backend("zlib", _stream_zlib, note="always there"),
    ],
)
