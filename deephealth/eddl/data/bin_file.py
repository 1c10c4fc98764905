"""EDDL's ``.bin`` record, written and inspected without loading it: int32 ndim, int32 sizes, float32 values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import ArrayLike

from deephealth.core.errors import UnreadableFileError

__all__ = ["read_shape", "write_bin"]

MOST_AXES = 16
FLOAT = np.dtype("<f4")


def write_bin(stream: BinaryIO, shape: Sequence[int], parts: Iterable[ArrayLike]) -> None:
    """Write a record piece by piece, so that large data sets need little memory.

    Args:
        stream: open for writing.
        shape: shape of the whole.
        parts: values in order, any pieces.
    """
    stream.write(np.array([len(shape), *shape], dtype="<i4").tobytes())
    for part in parts:
        stream.write(np.ascontiguousarray(part, dtype=FLOAT).tobytes())


def read_shape(path: Path) -> tuple[int, ...]:
    """Return the shape that a file's header gives, after checking that the file is as long as it says.

    Raises:
        UnreadableFileError: it is no such file, or it is cut short.
    """
    with path.open("rb") as stream:
        count = np.frombuffer(stream.read(4), dtype="<i4")
        axes = int(count[0]) if count.size else 0
        sizes = np.frombuffer(stream.read(4 * axes), dtype="<i4") if 0 < axes <= MOST_AXES else np.empty(0, "<i4")
    wanted = 4 * (1 + axes) + 4 * int(np.prod(sizes, dtype=np.int64))
    length = path.stat().st_size
    if sizes.size != axes or not axes or sizes.min(initial=0) < 0 or wanted != length:
        raise UnreadableFileError(
            f"{path} is no whole .bin tensor: {length} bytes",
            allowed="int32 number of axes, int32 sizes, then float32 values, and nothing else",
            hint="delete it and fetch or make it again: eddl.Tensor.fromarray(array).save(name)",
        )
    return tuple(int(size) for size in sizes)
