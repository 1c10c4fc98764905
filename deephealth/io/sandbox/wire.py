"""What a sandbox and its worker say to each other: a header in JSON, and the bytes of arrays after it. No pickles."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import numpy as np

from deephealth.core.errors import LimitError
from deephealth.core.units import format_bytes
from deephealth.io.limits import Limits
from deephealth.io.volume import Volume

__all__ = ["Packer", "read_frame", "unpack", "write_frame"]

_HEADER = struct.Struct("<I")
_MAX_HEADER = 64 * 1024**2
_MAX_DEPTH = 64
_DTYPE = re.compile(r"[<>|=][biufcSU][1-9][0-9]{0,6}")
_SCALARS = (bool, int, float, str, type(None))


class Packer:
    """Values to a JSON tree and a list of buffers.

    Example:
        >>> packer = Packer()
        >>> packer.pack({"a": (1, b"xy")}), packer.buffers
        (['dict', [['a', ['tuple', [1, ['bytes', 0]]]]]], [b'xy'])
    """

    def __init__(self) -> None:
        self.buffers: list[Any] = []

    def pack(self, value: Any) -> Any:
        """Return the tree of a value; the bytes of its arrays join ``buffers``.

        Raises:
            TypeError: a kind of value that does not pass.
        """
        if isinstance(value, _SCALARS):
            return value
        if isinstance(value, np.ndarray):
            return self._array(value)
        if isinstance(value, np.generic):
            return self.pack(value.item())
        if isinstance(value, (bytes, bytearray, memoryview)):
            return ["bytes", self._keep(bytes(value))]
        if isinstance(value, Path):
            return ["path", str(value)]
        return self._container(value)

    def _container(self, value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return ["tuple" if isinstance(value, tuple) else "list", [self.pack(part) for part in value]]
        if isinstance(value, Mapping):
            return ["dict", [[self.pack(key), self.pack(part)] for key, part in value.items()]]
        if isinstance(value, Limits):
            return ["limits", asdict(value)]
        if isinstance(value, Volume):
            parts = (value.data, value.affine, dict(value.meta), value.unit)
            return ["volume", [self.pack(part) for part in parts]]
        msg = f"a {type(value).__name__} can't pass between a sandbox and its worker"
        raise TypeError(msg)

    def _array(self, array: np.ndarray) -> Any:
        if not _DTYPE.fullmatch(array.dtype.str):
            msg = f"an array of {array.dtype} can't pass between a sandbox and its worker"
            raise TypeError(msg)
        flat: Any = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
        return ["array", array.dtype.str, list(array.shape), self._keep(memoryview(flat))]

    def _keep(self, buffer: Any) -> int:
        self.buffers.append(buffer)
        return len(self.buffers) - 1


def unpack(tree: Any, buffers: list[Any], depth: int = 0) -> Any:
    """Return the value of a tree.

    Raises:
        ValueError, TypeError, KeyError, IndexError, RecursionError, DeepHealthError: it is the tree of nothing.

    Example:
        >>> unpack(["array", "<i2", [1, 2], 0], [np.array([1, 0, 2, 0], np.uint8)])
        array([[1, 2]], dtype=int16)
    """
    if isinstance(tree, _SCALARS):
        return tree
    if depth > _MAX_DEPTH:
        msg = "nested too deeply"
        raise ValueError(msg)
    kind, *rest = tree
    if kind in ("list", "tuple"):
        parts = [unpack(part, buffers, depth + 1) for part in rest[0]]
        return parts if kind == "list" else tuple(parts)
    if kind == "dict":
        return {unpack(key, buffers, depth + 1): unpack(part, buffers, depth + 1) for key, part in rest[0]}
    if kind == "volume":
        data, affine, meta, unit = (unpack(part, buffers, depth + 1) for part in rest[0])
        return Volume(data, affine, meta, unit)
    return _unpack_leaf(kind, rest, buffers)


def _unpack_leaf(kind: str, rest: list[Any], buffers: list[Any]) -> Any:
    if kind == "array":
        dtype, shape, index = rest
        if not _DTYPE.fullmatch(dtype):
            msg = f"dtype {dtype!r}"
            raise ValueError(msg)
        return buffers[index].view(np.dtype(dtype)).reshape([int(size) for size in shape])
    if kind == "bytes":
        return buffers[rest[0]].tobytes()
    if kind == "path":
        return Path(rest[0])
    return {"limits": Limits}[kind](**rest[0])


def write_frame(stream: IO[bytes], head: dict[str, Any], buffers: list[Any]) -> None:
    """Write a header and buffers.

    Raises:
        OSError: nobody reads any more.
    """
    text = json.dumps({**head, "sizes": [len(buffer) for buffer in buffers]}).encode()
    stream.write(_HEADER.pack(len(text)))
    stream.write(text)
    for buffer in buffers:
        stream.write(buffer)
    stream.flush()


def read_frame(stream: IO[bytes], limit: int) -> tuple[dict[str, Any], list[Any]] | None:
    """Read a header and its buffers; ``None`` at the end of the stream, or for what is no frame.

    Args:
        stream: a pipe.
        limit: bytes in all buffers together; more are refused before memory is taken.

    Raises:
        LimitError: a larger header, or larger buffers.
        ValueError, KeyError, TypeError, RecursionError: no frame.
    """
    start = stream.read(_HEADER.size)
    if len(start) < _HEADER.size:
        return None
    (length,) = _HEADER.unpack(start)
    if length > _MAX_HEADER:
        raise LimitError(f"an answer with {format_bytes(length)} of text", allowed=format_bytes(_MAX_HEADER))
    text = stream.read(length)
    if len(text) < length:
        return None
    head = json.loads(text)
    if not isinstance(head, dict):
        return None
    sizes = [int(size) for size in head.pop("sizes")]
    if min(sizes, default=0) < 0 or sum(sizes) > limit:
        raise LimitError(f"a result of {format_bytes(sum(sizes))}", allowed=f"at most {format_bytes(limit)}")
    buffers = []
    for size in sizes:
        buffer: Any = np.empty(size, np.uint8)
        if size and stream.readinto(buffer) != size:  # type: ignore[attr-defined]
            return None
        buffers.append(buffer)
    return head, buffers
