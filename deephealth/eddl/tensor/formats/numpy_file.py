"""NumPy's ``.npy`` files, without the objects that could run code."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from deephealth.core.errors import LimitError, UnreadableFileError
from deephealth.core.files import atomic_write
from deephealth.core.units import format_bytes
from deephealth.io.eddl_bin import BIN_LIMITS
from deephealth.io.limits import Limits

__all__ = ["read_npy", "write_npy"]


def read_npy(path: Path, limits: Limits = BIN_LIMITS) -> np.ndarray:
    """Read an array of numbers as float32.

    Args:
        path: the file.
        limits: largest file.

    Raises:
        UnreadableFileError: truncated, no such file, or not real numbers.
        LimitError: larger than allowed.
    """
    size = path.stat().st_size
    if size > limits.max_bytes:
        raise LimitError(f"{path} has {format_bytes(size)}", allowed=f"at most {format_bytes(limits.max_bytes)}")
    try:
        with path.open("rb") as stream:
            if stream.read(6) != np.lib.format.MAGIC_PREFIX:
                raise UnreadableFileError(f"{path} is no .npy file", hint="check its name")
        # mapped, so that a header that announces more than the file holds costs no memory
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, SyntaxError) as error:
        if isinstance(error, UnreadableFileError):
            raise
        raise UnreadableFileError(f"{path} is damaged: {error}", allowed="an array of numbers") from error
    if array.dtype.kind not in "biuf":
        raise UnreadableFileError(f"{path} holds values of type {array.dtype}", allowed="real numbers")
    return np.array(array, dtype=np.float32, order="C")


def write_npy(path: Path, array: np.ndarray) -> None:
    """Write an array, atomically.

    Args:
        path: the file.
        array: numbers.

    Raises:
        StorageError: it can't be written.
    """
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    atomic_write(path, stream.getvalue())
