"""An array file that is filled piece by piece and gets its name when it is complete."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch

from deephealth.core.errors import StorageError
from deephealth.core.files import fsync_folder, storage_errors

__all__ = ["Make", "new_array"]

Make = Callable[[tuple[int, ...], torch.dtype], torch.Tensor]

_DTYPES: dict[torch.dtype, type[np.generic]] = {
    torch.uint8: np.uint8,
    torch.int16: np.int16,
    torch.float16: np.float16,
    torch.float32: np.float32,
}


@contextmanager
def new_array(path: Path | str) -> Iterator[Make]:
    """Give a function that makes a memory-mapped ``.npy`` array, once; the file gets its name at the end of the block.

    The disk space is reserved at once, so that a full disk is an error here and not a crash later. A block that fails
    or a process that is killed leaves no file of that name (or the old one).

    Args:
        path: ends in ``.npy``; its folder is made if missing. ``numpy.load(path, mmap_mode="r")`` reads it.

    Raises:
        StorageError: the disk is full, the folder can't be written, or the path does not end in ``.npy``.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with new_array(f"{folder}/a.npy") as make:
        ...         _ = make((2,), torch.uint8).copy_(torch.tensor([1, 2]))
        ...     np.load(f"{folder}/a.npy").tolist()
        [1, 2]
    """
    path = Path(path)
    if path.suffix != ".npy":
        raise StorageError(f"the array file is called {path.name}", allowed="a name that ends in .npy")
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    maps: list[np.memmap] = []

    def make(shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
        with storage_errors(path, "reserving space for an array"):
            path.parent.mkdir(parents=True, exist_ok=True)
            maps.append(np.lib.format.open_memmap(temporary, mode="w+", dtype=_DTYPES[dtype], shape=shape))
            if hasattr(os, "posix_fallocate"):  # a write into a hole of a full disk would kill the process
                with temporary.open("r+b") as stream:
                    os.posix_fallocate(stream.fileno(), 0, os.fstat(stream.fileno()).st_size)
        return torch.from_numpy(maps[0])

    try:
        yield make
        with storage_errors(path, "writing an array"):
            maps.pop().flush()
            with temporary.open("rb") as stream:
                os.fsync(stream.fileno())
            os.replace(temporary, path)
            fsync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)
