"""Rows of a table with lower-case column names, each with its file and line for messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from deephealth.core.errors import DataError
from deephealth.io.source import Source
from deephealth.io.table import read_table

__all__ = ["Row", "read_rows"]


class Row(NamedTuple):
    """One line of a table: ``where`` is ``file:line``."""

    where: str
    cells: Mapping[str, str]

    def get(self, column: str) -> str:
        """Return a cell, ``""`` where the column is missing."""
        return self.cells.get(column, "")


def read_rows(source: Source, required: Sequence[str]) -> list[Row]:
    """Read a table whatever the case of its column names.

    Args:
        source: the file.
        required: lower-case names of columns that must be there.

    Raises:
        UnreadableFileError: it is not a text table.
        DataError: a column is missing.
    """
    table = read_table(source)
    columns = {name: name.lower() for name in (table[0] if table else ())}
    missing = [name for name in required if name not in columns.values()]
    if missing and table:
        raise DataError(
            f"{source}, line 1: no column {', '.join(map(repr, missing))}",
            allowed=f"the columns {', '.join(required)}; found {', '.join(columns)}",
        )
    return [Row(f"{source}:{row.line}", {columns[name]: text for name, text in row.items()}) for row in table]
