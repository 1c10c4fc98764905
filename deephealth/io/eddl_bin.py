"""EDDL's ``.bin`` files: records of an array, one after the other, with nothing else around them.

A record is the number of dimensions (32-bit whole number), the sizes (as many of them), and the values (32-bit floats,
row by row), all little-endian. A tensor file holds one record, a file of a net's weights one per parameter. There is no
magic number and no checksum, so every size is compared with the length of the file before memory is taken.
"""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Iterable, Iterator, Sequence
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import ArrayLike

from deephealth.core.errors import LimitError, MissingDataError, UnreadableFileError
from deephealth.core.files import atomic_write
from deephealth.core.units import format_bytes
from deephealth.io.limits import Limits

__all__ = [
    "BIN_LIMITS",
    "decode_bin",
    "encode_bin",
    "read_bin",
    "read_bin_rows",
    "read_records",
    "read_whole_shape",
    "write_bin",
    "write_bin_parts",
    "write_records",
]

BIN_LIMITS = Limits(max_bytes=16 * 1024**3)
"""The default bound of one record. It is wide, because a whole data set is one record in this format."""

_MOST_DIMENSIONS = 32
_LONGEST = 2**31 - 1
_RETRY = "copy or download the file again; if it came from elsewhere, check that it is an EDDL .bin file"


def encode_bin(array: np.ndarray) -> bytes:
    """Return the record of an array.

    Args:
        array: any numbers; they are written as float32.

    Raises:
        ValueError: more dimensions, or larger ones, than a record can say.

    Example:
        >>> encode_bin(np.array([1.0])).hex()
        '01000000010000000000803f'
    """
    shape = np.shape(array)
    if len(shape) > _MOST_DIMENSIONS or max(shape, default=0) > _LONGEST:
        msg = f"the shape {shape} can't be written: at most {_MOST_DIMENSIONS} dimensions of at most {_LONGEST}"
        raise ValueError(msg)
    header = struct.pack(f"<{1 + len(shape)}i", len(shape), *shape)
    return header + np.ascontiguousarray(array, dtype="<f4").tobytes()


def decode_bin(data: bytes, name: str = "the record", *, limits: Limits = BIN_LIMITS) -> np.ndarray:
    """Return the array of the first record in ``data``.

    Args:
        data: a record; what follows it is ignored.
        name: what errors call it.
        limits: largest record.

    Raises:
        UnreadableFileError: truncated, or no record.
        LimitError: larger than allowed.

    Example:
        >>> decode_bin(bytes.fromhex("01000000010000000000803f")).tolist()
        [1.0]
    """
    header = struct.calcsize("<i")
    if len(data) < header:
        raise _truncated(name, f"{len(data)} bytes are left where a record begins")
    ndim = _checked_ndim(struct.unpack_from("<i", data)[0], name)
    if len(data) < header * (1 + ndim):
        raise _truncated(name, f"{ndim} sizes were announced")
    shape = _checked_shape(struct.unpack_from(f"<{ndim}i", data, header), name)
    size = _checked_size(shape, len(data) - header * (1 + ndim), name, limits)
    values = np.frombuffer(data, dtype="<f4", count=size // 4, offset=header * (1 + ndim))
    return values.reshape(shape).astype(np.float32)


def read_bin(path: Path | str, *, limits: Limits = BIN_LIMITS) -> np.ndarray:
    """Read the first record of a file.

    Args:
        path: the file.
        limits: largest record.

    Returns:
        float32, writable.

    Raises:
        MissingDataError: no such file.
        UnreadableFileError: truncated, or no EDDL .bin file.
        LimitError: larger than allowed; refused before memory is taken.
    """
    with _opened(path) as stream:
        return _read_record(stream, str(path), limits)


def read_records(path: Path | str, *, limits: Limits = BIN_LIMITS) -> Iterator[np.ndarray]:
    """Yield the arrays of all records of a file, one at a time.

    Args:
        path: the file.
        limits: largest record.

    Raises:
        MissingDataError, UnreadableFileError, LimitError: as :func:`read_bin`.
    """
    with _opened(path) as stream:
        length = os.fstat(stream.fileno()).st_size
        while stream.tell() < length:
            yield _read_record(stream, str(path), limits)


def read_bin_rows(path: Path | str, start: int, end: int, *, limits: Limits = BIN_LIMITS) -> np.ndarray:
    """Read a part of the first record along its first dimension; the rest of the file is not read.

    Args:
        path: the file.
        start: first row.
        end: the row to stop before; below 0 for all from ``start`` on.
        limits: largest record, the rows that are not read included.

    Raises:
        MissingDataError, UnreadableFileError, LimitError: as :func:`read_bin`.
        ValueError: rows that are not there.
    """
    with _opened(path) as stream:
        shape, _ = _read_header(stream, str(path), limits)
        rows = shape[0] if shape else 0
        stop = rows if end < 0 else end
        if not 0 <= start <= stop <= rows:
            msg = f"rows {start} to {stop} of {path}, which has {rows}"
            raise ValueError(msg)
        apart = 4 * math.prod(shape[1:])
        stream.seek(start * apart, os.SEEK_CUR)
        return _read_values(stream, (stop - start, *shape[1:]), str(path))


def write_bin(path: Path | str, array: np.ndarray) -> None:
    """Write an array as a file with one record, atomically.

    Args:
        path: the file; its folder is made if missing.
        array: any numbers; they are written as float32.

    Raises:
        ValueError: a shape that a record can't say.
        StorageError: it can't be written.
    """
    atomic_write(path, encode_bin(array))


def read_whole_shape(path: Path | str, *, limits: Limits = BIN_LIMITS) -> tuple[int, ...]:
    """Return the shape of a file's record, after checking that the file holds that record and nothing else.

    Args:
        path: the file.
        limits: largest record.

    Raises:
        MissingDataError, UnreadableFileError, LimitError: as :func:`read_bin`.
        UnreadableFileError: the file is longer than its record.
    """
    with _opened(path) as stream:
        try:
            shape, size = _read_header(stream, str(path), limits)
        except UnreadableFileError as error:
            raise _not_whole(path, error.what) from error
        rest = os.fstat(stream.fileno()).st_size - stream.tell() - size
    if rest or not shape:
        raise _not_whole(path, f"{rest} bytes follow the record of shape {shape}")
    return shape


def write_bin_parts(stream: BinaryIO, shape: Sequence[int], parts: Iterable[ArrayLike]) -> None:
    """Write a record piece by piece, so that large data sets need little memory.

    Args:
        stream: open for writing.
        shape: shape of the whole.
        parts: values in order, any pieces.
    """
    stream.write(struct.pack(f"<{1 + len(shape)}i", len(shape), *shape))
    for part in parts:
        stream.write(np.ascontiguousarray(part, dtype="<f4").tobytes())


def write_records(path: Path | str, arrays: Iterable[np.ndarray]) -> None:
    """Write arrays as a file with one record each, atomically.

    Args:
        path: the file; its folder is made if missing.
        arrays: any numbers; they are written as float32.

    Raises:
        ValueError: a shape that a record can't say.
        StorageError: it can't be written.
    """
    atomic_write(path, b"".join(encode_bin(array) for array in arrays))


def _opened(path: Path | str) -> BufferedReader:
    path = Path(path)
    if not path.is_file():
        raise MissingDataError(f"there is no file {path}", hint="check the name and the folder")
    try:
        return path.open("rb")
    except OSError as error:
        raise UnreadableFileError(f"{path} can't be opened: {error.strerror}", hint="check its permissions") from error


def _not_whole(path: Path | str, why: str) -> UnreadableFileError:
    return UnreadableFileError(
        f"{path} is no whole .bin tensor: {why}",
        allowed="int32 number of axes, int32 sizes, then float32 values, and nothing else",
        hint="delete it and fetch or make it again: eddl.Tensor.fromarray(array).save(name)",
    )


def _truncated(name: str, what: str) -> UnreadableFileError:
    return UnreadableFileError(f"{name} is truncated or no EDDL .bin file: {what}", hint=_RETRY)


def _checked_ndim(ndim: int, name: str) -> int:
    if not 0 <= ndim <= _MOST_DIMENSIONS:
        what = f"{name} is no EDDL .bin file: it announces {ndim} dimensions"
        raise UnreadableFileError(what, allowed=f"0 to {_MOST_DIMENSIONS}", hint=_RETRY)
    return ndim


def _checked_shape(shape: tuple[int, ...], name: str) -> tuple[int, ...]:
    if min(shape, default=0) < 0:
        what = f"{name} is no EDDL .bin file: it announces the shape {shape}"
        raise UnreadableFileError(what, allowed="sizes of at least 0", hint=_RETRY)
    return shape


def _checked_size(shape: tuple[int, ...], left: int, name: str, limits: Limits) -> int:
    size = 4 * math.prod(shape)
    nominal = 4 * math.prod(max(length, 1) for length in shape)  # an empty array may announce absurd sizes too
    if nominal > limits.max_bytes:
        what = f"{name} holds an array of shape {shape}, {format_bytes(nominal)}"
        allowed = f"at most {format_bytes(limits.max_bytes)}"
        raise LimitError(what, allowed=allowed, hint="raise Limits.max_bytes if you trust the file")
    if size > left:
        raise _truncated(name, f"the shape {shape} needs {size} bytes and {left} are left")
    return size


def _read_header(stream: BufferedReader, name: str, limits: Limits) -> tuple[tuple[int, ...], int]:
    length = os.fstat(stream.fileno()).st_size
    start = stream.read(4)
    if len(start) < 4:
        raise _truncated(name, f"{len(start)} bytes are left where a record begins")
    ndim = _checked_ndim(struct.unpack("<i", start)[0], name)
    sizes = stream.read(4 * ndim)
    if len(sizes) < 4 * ndim:
        raise _truncated(name, f"{ndim} sizes were announced")
    shape = _checked_shape(struct.unpack(f"<{ndim}i", sizes), name)
    return shape, _checked_size(shape, length - stream.tell(), name, limits)


def _read_values(stream: BufferedReader, shape: tuple[int, ...], name: str) -> np.ndarray:
    values = np.empty(shape, dtype="<f4")
    into: Any = values.reshape(-1).view(np.uint8)
    read = stream.readinto(into) if values.size else 0
    if read != values.nbytes:
        raise _truncated(name, f"it became shorter while it was read ({read} of {values.nbytes} bytes)")
    return values.astype(np.float32, copy=False)


def _read_record(stream: BufferedReader, name: str, limits: Limits) -> np.ndarray:
    shape, _ = _read_header(stream, name, limits)
    return _read_values(stream, shape, name)
