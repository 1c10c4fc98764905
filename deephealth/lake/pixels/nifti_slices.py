"""The slices of a NIfTI file as pictures, a few thousand at most, one volume in memory at a time."""

from __future__ import annotations

import gzip
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

import numpy as np

from deephealth.core.errors import UnreadableFileError
from deephealth.io.limits import DEFAULT_LIMITS, Limits
from deephealth.io.nifti.header import HEADER_BYTES, NiftiHeader, parse_header

__all__ = ["slices_of"]

_MOST_SLICES = 512
_SECONDS = 20.0  # for the volumes after the first; what the caller does with a slice counts
_SPACE = 3


def slices_of(path: Path, *, limits: Limits = DEFAULT_LIMITS) -> Iterator[np.ndarray]:
    """Yield slices along the axis across which slices are largest: as scanners write their pictures.

    Of the first volume all slices are yielded, or 512 evenly spaced ones; of later volumes (time points, directions)
    as many as fit in the time, evenly spaced. Where several axes have slices of the same size, each gets its turn.

    Args:
        path: a cleaned file, gzipped or not: header and voxels in one.
        limits: most bytes of a volume.

    Yields:
        (H, W) stored values, or (H, W, 3 or 4) colours; the fastest axis of the file is the columns.

    Raises:
        UnreadableFileError: damaged.
        LimitError: it claims more than ``limits``.
    """
    with _opened(path) as stream:
        header = parse_header(stream.read(HEADER_BYTES), name="the volume")
        shape, colours = _sizes(header), header.colours[0] if header.colours else 1
        size = limits.check_array((*shape, colours), header.dtype.itemsize, "the volume")
        count = math.prod(header.shape[_SPACE:])
        if not size or not count:
            return
        stream.seek(header.offset)
        started, wanted, number = time.monotonic(), {0}, 0
        while number < count:
            if number in wanted:
                volume = _volume(stream, header, shape, colours, size)
                yield from _turned(volume)
                if number == 0:
                    wanted = _picked(count, time.monotonic() - started)
            else:
                _skip(stream, size)
            number += 1


def _picked(count: int, seconds: float) -> set[int]:
    """Return which volumes are looked at when one takes so many seconds."""
    most = int(min(count, 1 + _SECONDS / max(seconds, 1e-3)))
    return set(np.linspace(0, count - 1, most).astype(int).tolist())


def _sizes(header: NiftiHeader) -> tuple[int, int, int]:
    """Return depth, height and width of one volume."""
    x, y, z = (*header.shape[:_SPACE], 1, 1, 1)[:_SPACE]
    return z, y, x


def _volume(stream: IO[bytes], header: NiftiHeader, shape: tuple[int, int, int], colours: int, size: int) -> np.ndarray:
    data = stream.read(size)
    if len(data) != size:
        raise UnreadableFileError("the volume ends before its last voxel")
    values = np.frombuffer(data, header.stored_dtype).astype(header.dtype, copy=False)
    return values.reshape((*shape, colours) if colours > 1 else shape)


def _turned(volume: np.ndarray) -> Iterator[np.ndarray]:
    sizes = volume.shape[:_SPACE]
    areas = [math.prod(sizes) // max(1, one) for one in sizes]
    for axis in range(_SPACE):
        if areas[axis] == max(areas) and (axis == 0 or sizes[axis] > 1):
            for index in sorted(set(np.linspace(0, sizes[axis] - 1, min(sizes[axis], _MOST_SLICES)).astype(int))):
                yield volume.take(index, axis)


def _opened(path: Path) -> IO[bytes]:
    with path.open("rb") as stream:
        packed = stream.read(2) == b"\x1f\x8b"
    return cast("IO[bytes]", gzip.open(path) if packed else path.open("rb"))


def _skip(stream: IO[bytes], count: int) -> None:
    while count > 0:
        passed = len(stream.read(min(count, 1 << 20)))
        if not passed:
            raise UnreadableFileError("the volume ends before its last voxel")
        count -= passed
