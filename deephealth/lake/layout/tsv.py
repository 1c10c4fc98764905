"""Tab-separated tables as BIDS wants them: UTF-8, a header, ``n/a`` for what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from deephealth.core.errors import DataError
from deephealth.core.files import atomic_write

__all__ = ["MISSING", "read_tsv", "write_tsv"]

MISSING = "n/a"


def write_tsv(path: Path, rows: Iterable[Mapping[str, object]], columns: Sequence[str] | None = None) -> None:
    """Write a table, atomically; a file that would not change is left alone.

    Args:
        path: the file.
        rows: column -> value; what is missing, ``None`` or empty is written as ``n/a``; tabs and line breaks become
            spaces.
        columns: order of the columns; those of the first row by default.

    Raises:
        StorageError: it can't be written.
    """
    listed = list(rows)
    names = list(columns or (listed[0] if listed else ()))
    lines = [names, *([_cell(row.get(name)) for name in names] for row in listed)]
    content = "".join("\t".join(cells) + "\n" for cells in lines)
    if not path.is_file() or path.read_text(encoding="utf-8") != content:
        atomic_write(path, content)


def read_tsv(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    """Return the columns and the rows of a table.

    Raises:
        DataError: a row is longer or shorter than the header.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "a.tsv"
        >>> write_tsv(path, [{"participant_id": "sub-1", "age": None}])
        >>> read_tsv(path)
        (['participant_id', 'age'], [{'participant_id': 'sub-1', 'age': 'n/a'}])
    """
    lines = path.read_text(encoding="utf-8").splitlines()
    columns = lines[0].split("\t") if lines else []
    rows = []
    for number, line in enumerate(lines[1:], 2):
        cells = line.split("\t")
        if len(cells) != len(columns):
            raise DataError(f"{path.name}, line {number}: {len(cells)} cells", allowed=f"{len(columns)}, as its header")
        rows.append(dict(zip(columns, cells, strict=True)))
    return columns, rows


def _cell(value: object) -> str:
    text = "" if value is None else " ".join(str(value).split())
    return text or MISSING
