"""Named arrays in one file (safetensors), written whole or not at all, and read through a memory map."""

from __future__ import annotations

import json
import math
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from deephealth.core.errors import DataError
from deephealth.core.files import replacing

__all__ = ["Stored", "read_tensor_file", "write_tensor_file"]

_LENGTH = struct.Struct("<Q")
_MOST_HEADER = 16 * 1024**2
_METADATA, _FACTS = "__metadata__", "facts"  # safetensors allows text alone there: the facts are JSON
_DTYPES = {
    "BOOL": "?",
    "U8": "u1",
    "I8": "i1",
    "U16": "<u2",
    "I16": "<i2",
    "U32": "<u4",
    "I32": "<i4",
    "U64": "<u8",
    "I64": "<i8",
    "F16": "<f2",
    "F32": "<f4",
    "F64": "<f8",
}
_NAMES = {np.dtype(code): name for name, code in _DTYPES.items()}


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """What a file holds.

    Args:
        arrays: name -> read-only view of the memory map.
        facts: what was written with them.
        num_bytes: size of the file.
    """

    arrays: Mapping[str, np.ndarray]
    facts: Mapping[str, Any] = field(default_factory=dict)
    num_bytes: int = 0


def write_tensor_file(path: Path, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any] | None = None) -> int:
    """Write arrays under a temporary name and rename the file: others see it whole or not at all.

    Args:
        path: the file; its folder exists.
        arrays: by name.
        facts: what else is known, as JSON can hold it.

    Returns:
        Bytes written.

    Raises:
        StorageError: the disk is full.
        DataError: an array of objects, text or complex numbers.
    """
    # the widest numbers first: so each array begins at a multiple of its item size, with no hole between them
    ordered = sorted(arrays.items(), key=lambda item: -item[1].dtype.itemsize)
    whole = {name: np.asarray(array, order="C") for name, array in ordered}
    header = _header(whole, facts)
    with replacing(path, "writing to the volume cache") as temporary, temporary.open("wb") as stream:
        stream.write(header)
        for array in whole.values():
            stream.write(array.reshape(-1).view(np.uint8).data)
    return len(header) + sum(array.nbytes for array in whole.values())


def read_tensor_file(path: Path) -> Stored:
    """Return the arrays of a file without reading them; no array may outlive the right to read the file.

    Raises:
        FileNotFoundError: no such file.
        OSError, ValueError, KeyError, TypeError: not a whole file of this kind.
    """
    with path.open("rb") as stream:
        total = os.fstat(stream.fileno()).st_size
        start = stream.read(_LENGTH.size)
        length = _LENGTH.unpack(start)[0] if len(start) == _LENGTH.size else _MOST_HEADER + 1
        if length > min(_MOST_HEADER, total):
            raise ValueError(f"its header claims {length} bytes")
        entries = json.loads(stream.read(length))
        facts = json.loads(entries.pop(_METADATA, {}).get(_FACTS, "{}"))
        first = _LENGTH.size + length
        places = {name: _place(entry) for name, entry in entries.items()}
        if total != first + sum(count for *_, count in places.values()):
            raise ValueError(f"it has {total} bytes for arrays of {[shape for _, shape, *_ in places.values()]}")
        mapped = np.memmap(stream, np.uint8, "r").view(np.ndarray)
    arrays = {
        name: mapped[first + at : first + at + count].view(dtype).reshape(shape)
        for name, (dtype, shape, at, count) in places.items()
    }
    return Stored(arrays, facts, total)


def _header(arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any] | None) -> bytes:
    entries: dict[str, Any] = {} if facts is None else {_METADATA: {_FACTS: json.dumps(facts)}}
    at = 0
    for name, array in arrays.items():
        kind = _NAMES.get(array.dtype)
        if kind is None:
            raise DataError(f"an array of {array.dtype} can't be cached", allowed=", ".join(map(str, _NAMES)))
        entries[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [at, at + array.nbytes]}
        at += array.nbytes
    text = json.dumps(entries).encode()
    text += b" " * (-(_LENGTH.size + len(text)) % 64)  # so that the numbers begin at a multiple of 64 bytes
    return _LENGTH.pack(len(text)) + text


def _place(entry: Mapping[str, Any]) -> tuple[np.dtype[Any], tuple[int, ...], int, int]:
    dtype, shape = np.dtype(_DTYPES[entry["dtype"]]), tuple(int(size) for size in entry["shape"])
    at, end = entry["data_offsets"]
    if min(shape, default=0) < 0 or at < 0 or end - at != math.prod(shape) * dtype.itemsize:
        raise ValueError(f"it claims {end - at} bytes for an array of {shape}")
    return dtype, shape, at, end - at
