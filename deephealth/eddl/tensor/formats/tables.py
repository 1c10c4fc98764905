"""Tables of numbers as text: one row per line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from deephealth.core.errors import LimitError, UnreadableFileError
from deephealth.core.files import atomic_write
from deephealth.core.units import format_bytes
from deephealth.io.limits import DEFAULT_LIMITS, Limits

__all__ = ["DELIMITERS", "read_table", "reader", "write_table", "writer"]

DELIMITERS = {"csv": ",", "tsv": "\t", "txt": " "}
"""What stands between two numbers, by suffix."""


def _row(line: str, delimiter: str) -> list[float]:
    return [float(cell) for cell in (line.split() if delimiter == " " else line.split(delimiter))]


def read_table(path: Path, delimiter: str, limits: Limits = DEFAULT_LIMITS) -> np.ndarray:
    """Read a matrix; a first line that holds no numbers is taken for a header and left out.

    Args:
        path: the file.
        delimiter: what stands between two numbers; a blank means any white space.
        limits: largest file.

    Returns:
        rows x columns, float32.

    Raises:
        UnreadableFileError: not numbers, or rows of different lengths.
        LimitError: larger than allowed.
    """
    size = path.stat().st_size
    if size > limits.max_bytes:
        raise LimitError(f"{path} has {format_bytes(size)}", allowed=f"at most {format_bytes(limits.max_bytes)}")
    try:
        lines = [line for line in path.read_text("utf-8").splitlines() if line.strip()]
    except UnicodeDecodeError as error:
        raise UnreadableFileError(f"{path} is no text: {error}", allowed="numbers in UTF-8") from error
    rows: list[list[float]] = []
    for number, line in enumerate(lines, 1):
        try:
            rows.append(_row(line, delimiter))
        except ValueError as error:
            if number > 1:
                raise UnreadableFileError(f"{path}, row {number}: {error}", allowed="numbers") from error
        if rows and len(rows[-1]) != len(rows[0]):
            raise UnreadableFileError(f"{path}, row {number} has {len(rows[-1])} numbers", allowed=f"{len(rows[0])}")
    return np.array(rows, dtype=np.float32).reshape(len(rows), len(rows[0]) if rows else 0)


def write_table(path: Path, array: np.ndarray, delimiter: str, header: Sequence[str] = ()) -> None:
    """Write a matrix as text with six digits, as the original does, atomically.

    Args:
        path: the file.
        array: rows x columns.
        delimiter: what stands between two numbers.
        header: names of the columns for a first line; none when empty.

    Raises:
        ValueError: not two dimensions.
        StorageError: it can't be written.
    """
    if array.ndim != 2:
        msg = f"a table has two dimensions, and the tensor has the shape {list(array.shape)}"
        raise ValueError(msg)
    lines = [delimiter.join(header)] if header else []
    lines += [delimiter.join(f"{value:g}" for value in row) for row in array.tolist()]
    atomic_write(path, "".join(f"{line}\n" for line in lines))


def reader(name: str) -> Callable[[Path], np.ndarray]:
    """Return the function that reads files with the suffix ``name``."""
    return lambda path: read_table(path, DELIMITERS[name])


def writer(name: str) -> Callable[[Path, np.ndarray], None]:
    """Return the function that writes files with the suffix ``name``."""
    return lambda path, array: write_table(path, array, DELIMITERS[name])
