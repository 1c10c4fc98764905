"""The index: one row per object of the lake, in a Parquet file that any tool can read, asked through DuckDB."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from itertools import islice
from pathlib import Path
from typing import Any

from deephealth.core.errors import MissingDataError, UnreadableFileError
from deephealth.core.files import replacing, sha256
from deephealth.core.optional import require
from deephealth.lake.facts import ObjectFacts
from deephealth.lake.folder import LakeFolder
from deephealth.lake.layout.names import series_label
from deephealth.lake.layout.published import Entry, Published

__all__ = ["COLUMNS", "Index", "index_path", "open_index", "write_index"]

_BATCH = 10_000
_NUMBERS = ("bytes", "age", "series_number", "instance_number", "rows", "columns", "frames")

_FACTS = tuple(one.name for one in fields(ObjectFacts))

# column -> Arrow type; the facts, and where the object lies
COLUMNS: dict[str, str] = {
    "dataset": "string",
    "path": "string",
    "series": "string",
    **{one.name: "int64" if one.name in _NUMBERS else "string" for one in fields(ObjectFacts)},
}


def index_path(lake: LakeFolder) -> Path:
    """Return where the index lies."""
    return lake.catalogue / "index.parquet"


def write_index(lake: LakeFolder, objects: Iterable[Published]) -> int:
    """Write the index anew, sorted by data set and path, so that the same objects give the same bytes.

    Args:
        lake: where things lie.
        objects: every published object; read one by one, never all in memory.

    Returns:
        Number of objects.

    Raises:
        OptionalDependencyError: pyarrow or duckdb is not installed.
        StorageError: it can't be written.
    """
    arrow = require("pyarrow", purpose="the index of the lake")
    parquet = require("pyarrow.parquet", purpose="the index of the lake")
    duckdb = require("duckdb", purpose="the index of the lake")
    schema = arrow.schema([(name, getattr(arrow, kind)()) for name, kind in COLUMNS.items()])
    path, count = index_path(lake), 0
    with replacing(path, "writing the index of the lake") as sorted_file:
        unsorted = sorted_file.with_name(f"{sorted_file.name}.tmp")
        try:
            with parquet.ParquetWriter(unsorted, schema) as writer:
                remaining = iter(objects)
                while some := list(islice(remaining, _BATCH)):
                    count += len(some)
                    writer.write_table(arrow.Table.from_pylist([_row(one) for one in some], schema=schema))
            with duckdb.connect() as connection:
                connection.execute("SET threads = 1")
                rows = f"SELECT * FROM read_parquet({_quoted(unsorted)}) ORDER BY dataset, path"  # noqa: S608 - our path
                connection.execute(f"COPY ({rows}) TO {_quoted(sorted_file)} (FORMAT parquet, COMPRESSION zstd)")
        finally:
            unsorted.unlink(missing_ok=True)
    return count


class Index:
    """The index of a lake, opened for questions; nothing can be changed through it.

    Args:
        lake: where things lie.

    Raises:
        MissingDataError: there is no index.
        UnreadableFileError: the file is damaged.
        OptionalDependencyError: duckdb is not installed.
    """

    def __init__(self, lake: LakeFolder) -> None:
        self.path = index_path(lake)
        if not self.path.is_file():
            raise MissingDataError(
                "the lake has no index",
                hint="deephealth lake intake LAKE SOURCE writes it; deephealth lake index LAKE does",
            )
        duckdb = require("duckdb", purpose="asking the index of the lake")
        self._connection = duckdb.connect(config={"threads": "1"})
        try:
            rows = f"SELECT * FROM read_parquet({_quoted(self.path)})"  # noqa: S608 - our path
            self._connection.execute(f"CREATE TABLE objects AS {rows}")
        except duckdb.Error as error:
            raise UnreadableFileError(f"{self.path} is not an index of a lake") from error
        # from here on it can only compute: no files, no extensions, no way to change that
        for line in ("enable_external_access = false", "lock_configuration = true"):
            self._connection.execute(f"SET {line}")

    def ask(self, query: str, values: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a query over the table ``objects``.

        Args:
            query: SQL, written by this package; values from outside go into ``values``, never into the text.
            values: for the question marks.
        """
        answer: list[tuple[Any, ...]] = self._connection.execute(query, list(values)).fetchall()
        return answer

    def objects(self, condition: str = "TRUE", values: Iterable[Any] = ()) -> Iterator[Entry]:
        """Yield the objects that a condition picks, sorted by data set and path."""
        names = [one.name for one in fields(ObjectFacts)]
        listed = ", ".join(f'"{name}"' for name in ("dataset", "path", *names))
        query = f"SELECT {listed} FROM objects WHERE {condition} ORDER BY dataset, path"  # noqa: S608 - see ask
        for dataset, path, *row in self.ask(query, values):
            facts = dict(zip(names, row, strict=True))
            facts["labels"] = json.loads(facts["labels"] or "{}")
            yield Entry(ObjectFacts.from_dict(facts), dataset, path)

    def datasets(self) -> list[str]:
        """Return the names of the data sets."""
        return [name for (name,) in self.ask("SELECT DISTINCT dataset FROM objects ORDER BY 1")]

    def digest(self) -> str:
        """Return the SHA-256 of the index, by which a cohort says what it was drawn from."""
        return sha256(self.path)

    def close(self) -> None:
        """Let go of the memory."""
        self._connection.close()


@contextmanager
def open_index(lake: LakeFolder) -> Iterator[Index]:
    """Open the index for a block."""
    index = Index(lake)
    try:
        yield index
    finally:
        index.close()


def _row(one: Published) -> dict[str, Any]:
    values = {name: getattr(one.facts, name) for name in _FACTS}  # asdict copies deeply, and takes ten times as long
    values["labels"] = json.dumps(values["labels"], sort_keys=True, ensure_ascii=False)
    return {"dataset": one.dataset, "path": one.path, "series": series_label(one.facts), **values}


def _quoted(path: Path) -> str:
    """A path as SQL text: COPY and CREATE take no bound values. It is the lake's own, never from a data file."""
    return "'" + str(path).replace("'", "''") + "'"
