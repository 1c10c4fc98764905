"""CSV tables as publishers write them: any common delimiter, a byte-order mark or none; errors name the line."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from deephealth.core.errors import DataError, UnreadableFileError, did_you_mean
from deephealth.core.files import atomic_write
from deephealth.io.limits import DEFAULT_LIMITS, Limits
from deephealth.io.source import Source

__all__ = ["Row", "read_table", "write_table"]

_DELIMITERS = ",;\t|"


class Row(dict[str, str]):
    """One row of a table, column name to text; ``line`` is its line in the file, counted from 1.

    Args:
        values: column name to text.
        line: line in the file.
    """

    def __init__(self, values: Mapping[str, str], line: int) -> None:
        super().__init__(values)
        self.line = line


def read_table(
    source: Source | Path | str,
    *,
    required: Sequence[str] = (),
    delimiter: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> list[Row]:
    """Read a table whose first line names the columns.

    Names and values lose the spaces around them; empty lines are skipped. UTF-8 with or without a byte-order mark, and
    UTF-16 with one, are read.

    Args:
        source: a file, or a member of a zip archive.
        required: columns that must be there.
        delimiter: what stands between two values; found in the first line when not given.
        limits: largest file.

    Returns:
        One dict per row, column name to text.

    Raises:
        MissingDataError: no such file.
        UnreadableFileError: not text, or quoting that does not end.
        DataError: no header, a column twice, required columns missing (all are listed), or a row of another length.
    """
    where = Source.parse(source) if isinstance(source, str) else Source(source) if isinstance(source, Path) else source
    text = _decode(where.read_bytes(limits.max_bytes), str(where))
    header_line = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter or _find_delimiter(header_line), strict=True)
    try:
        columns = [name.strip() for name in next(reader, [])]
        _check_columns(columns, required, str(where))
        return [_row(columns, cells, reader.line_num, str(where)) for cells in reader if any(map(str.strip, cells))]
    except csv.Error as error:
        raise UnreadableFileError(
            f"{where}, line {reader.line_num}: {error}", hint="open the file in a spreadsheet and save it again as CSV"
        ) from error


def write_table(path: Path | str, rows: Iterable[Mapping[str, object]], columns: Sequence[str]) -> None:
    """Write rows as CSV (UTF-8, comma, Unix line ends), atomically.

    Args:
        path: the file.
        rows: column name to value; a missing one is written empty.
        columns: the columns and their order.

    Raises:
        StorageError: it can't be written.
    """
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns, restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    atomic_write(path, stream.getvalue())


def _decode(data: bytes, name: str) -> str:
    utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = data.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UnreadableFileError(
            f"{name}, line {line}: byte {error.start} is not {error.encoding} text", hint="save the table as UTF-8"
        ) from error
    return _refuse_nul(text, name)


def _refuse_nul(text: str, name: str) -> str:
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise UnreadableFileError(f"{name}, line {line}: a NUL character", hint="save the table as UTF-8")
    return text


def _find_delimiter(header: str) -> str:
    return max(_DELIMITERS, key=header.count)


def _check_columns(columns: list[str], required: Sequence[str], name: str) -> None:
    if not any(columns):
        raise DataError(f"{name} is empty", allowed="a first line with the names of the columns")
    twice = sorted({column for column in columns if columns.count(column) > 1})
    if twice:
        raise DataError(f"{name}, line 1: the column '{twice[0]}' stands there twice", hint="rename one of them")
    missing = [column for column in required if column not in columns]
    if missing:
        listed = ", ".join(f"'{column}'" for column in missing)
        raise DataError(
            f"{name}, line 1: no column {listed}",
            allowed=f"the columns {', '.join(required)}; found {', '.join(columns)}",
            hint=did_you_mean(missing[0], columns),
        )


def _row(columns: list[str], cells: list[str], line: int, name: str) -> Row:
    if len(cells) != len(columns):
        raise DataError(
            f"{name}, line {line}: {len(cells)} values for {len(columns)} columns",
            allowed=f"one value for each of {', '.join(columns)}",
            hint="look for a missing or an unquoted delimiter in that line",
        )
    return Row(dict(zip(columns, map(str.strip, cells), strict=True)), line)
