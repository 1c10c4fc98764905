"""Rows of a CSV or TSV file that nobody vouches for: lines, cells, columns and rows all have a limit."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from deephealth.core.errors import QuarantineError
from deephealth.lake.formats.context import damaged, too_large
from deephealth.lake.formats.reading import encoding_of
from deephealth.lake.reasons import Reason

__all__ = ["TableFile", "open_table"]

_LINE = 1024**2
_SAMPLE = 64 * 1024
_MOST_COLUMNS = 4_096
_MOST_ROWS = 2_000_000
_MOST_BYTES = 1024**3
_VALUE = re.compile(r"[+-]?\d+([.,]\d+)?|\d{1,4}[./-]\d{1,2}[./-]\d{1,4}.*|[\w.+-]+@[\w.-]+")


@dataclass(frozen=True, slots=True)
class TableFile:
    """How a table is written.

    Args:
        path: the file.
        encoding: of its text.
        delimiter: between cells.
        names: of the columns.
    """

    path: Path
    encoding: str
    delimiter: str
    names: tuple[str, ...]

    def rows(self) -> Iterator[list[str]]:
        """Yield the rows, each with as many cells as there are columns; empty rows are passed over.

        Raises:
            QuarantineError: a row with more cells than columns, or something above a limit.
        """
        width = len(self.names)
        for number, row in enumerate(_rows(self.path, self.encoding, self.delimiter)):
            if not number or not any(row):
                continue
            if number > _MOST_ROWS:
                raise too_large(f"the table has more than {_MOST_ROWS:,} rows")
            if len(row) > width and any(row[width:]):
                raise damaged("a row of the table has more cells than the table has columns")
            yield (row + [""] * (width - len(row)))[:width]


def open_table(path: Path) -> TableFile:
    """Find out how a table is written.

    Args:
        path: the file; in ``.tsv`` cells are between tabs.

    Raises:
        QuarantineError: not a text, no column names in its first line, or above a limit.
    """
    if path.stat().st_size > _MOST_BYTES:
        raise too_large("the table is larger than a table may be")
    with path.open("rb") as stream:
        start = stream.read(_SAMPLE)
    encoding = encoding_of(start, whole=len(start) < _SAMPLE)
    if encoding == "utf-8":
        encoding = _whole_encoding(path)
    first = next(_lines(path, encoding), "")
    delimiter = "\t" if path.suffix.lower() == ".tsv" else max(",;\t|", key=first.count)
    names = next(_rows(path, encoding, delimiter), [])
    while names and not names[-1].strip():
        names.pop()
    if not names or len(names) > _MOST_COLUMNS:
        raise damaged(f"the table has {len(names):,} columns, 1 to {_MOST_COLUMNS:,} are allowed")
    _check_names([name.strip() for name in names])
    return TableFile(path, encoding, delimiter, tuple(name.strip() for name in names))


def _check_names(names: list[str]) -> None:
    """Refuse a table whose first line is a row of values: nobody can say what its columns are."""
    counted = names in ([str(n) for n in range(len(names))], ["", *(str(n) for n in range(len(names) - 1))])
    if not counted and any(_VALUE.fullmatch(name) for name in names):
        raise QuarantineError(
            Reason.UNKNOWN_FORMAT,
            "the first line of the table holds values, not names of columns",
            allowed="a first line with the names of the columns",
        )


def _whole_encoding(path: Path) -> str:
    """Return ``utf-8``, or ``cp1252`` when a later part of the file is none."""
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            for _ in _bounded(stream):
                pass
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _lines(path: Path, encoding: str) -> Iterator[str]:
    with path.open(encoding=encoding, errors="replace", newline="") as stream:
        yield from _bounded(stream)


def _bounded(stream: TextIO) -> Iterator[str]:
    """Yield lines; one without an end in sight is refused before it fills the memory."""
    while line := stream.readline(_LINE):
        if len(line) >= _LINE and not line.endswith(("\n", "\r")):
            raise too_large("a line of the table is longer than a line may be")
        yield line


def _rows(path: Path, encoding: str, delimiter: str) -> Iterator[list[str]]:
    try:
        yield from csv.reader(_lines(path, encoding), delimiter=delimiter)
    except csv.Error as error:  # a cell of more than 128 KiB, or a null character
        raise damaged("a cell of the table is longer than a cell may be, or holds null characters") from error
