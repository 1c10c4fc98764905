"""Looking for what is left of a subject: in names, in bytes, in what is compressed."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from deephealth.core.optional import require
from deephealth.lake.folder import LakeFolder

__all__ = ["Trace", "find_traces"]

_PART = 8 * 1024**2
_OVERLAP = 256
_PREFIX = 5  # all UIDs of a lake begin with 2.25. and a search for one fixed beginning is fast


@dataclass(frozen=True, slots=True)
class Trace:
    """A place where something of the subject still stands.

    Args:
        path: relative to the lake.
        where: ``name`` or ``content``.
    """

    path: str
    where: str


def find_traces(
    lake: LakeFolder,
    labels: Iterable[str],
    uids: Iterable[str] = (),
    *,
    leave_out: Iterable[str] = ("audit",),
    progress: Callable[[int, int], object] | None = None,
) -> list[Trace]:
    """Return where labels or UIDs still stand in a lake, in names of files and folders or in their bytes.

    Content is read in UTF-8 and UTF-16, through gzip, and in Parquet by its values. It can't be read in pictures, in
    what is encrypted (the quarantine), or inside compressed pixel data.

    Args:
        lake: where things lie.
        labels: pseudonyms of subjects, sessions and objects, found wherever they stand, inside longer words too.
        uids: found as whole words.
        leave_out: folders that are not looked at; the audit log may name a subject for as long as the law asks.
        progress: is called with (files read, files in all).
    """
    wanted = sorted(set(labels))
    needles = [part for name in wanted for part in (name.encode(), name.encode("utf-16-le"), name.encode("utf-16-be"))]
    words = {name.encode() for name in uids}
    beginnings = [re.compile(re.escape(start) + rb"[0-9.]*") for start in sorted({word[:_PREFIX] for word in words})]
    skipped = tuple(lake.root / name for name in leave_out)
    paths = [path for path in sorted(lake.root.rglob("*")) if not any(path.is_relative_to(top) for top in skipped)]
    found = []
    for done, path in enumerate(paths, 1):
        name = path.relative_to(lake.root).as_posix()
        if any(label in name for label in wanted) or _has_word(name.encode(), words, beginnings):
            found.append(Trace(name, "name"))
        if path.is_file() and not path.is_symlink() and _holds(path, needles, words, beginnings):
            found.append(Trace(name, "content"))
        if progress is not None:
            progress(done, len(paths))
    return found


def _holds(path: Path, needles: list[bytes], words: set[bytes], beginnings: list[re.Pattern[bytes]]) -> bool:
    for part in _parts(path):
        if any(needle in part for needle in needles):
            return True
        if _has_word(part, words, beginnings):
            return True
    return False


def _has_word(part: bytes, words: set[bytes], beginnings: list[re.Pattern[bytes]]) -> bool:
    return any(match[0].strip(b".") in words for start in beginnings for match in start.finditer(part))


def _parts(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        yield from _overlapping(stream)
    if path.suffix == ".gz":
        try:
            with gzip.open(path) as packed:
                yield from _overlapping(packed)
        except (OSError, EOFError, zlib.error):
            return
    if path.suffix == ".parquet":
        yield from _values(path)


def _overlapping(stream: IO[bytes] | gzip.GzipFile) -> Iterator[bytes]:
    tail = b""
    while part := stream.read(_PART):
        yield tail + part
        tail = part[-_OVERLAP:]


def _values(path: Path) -> Iterator[bytes]:
    parquet = require("pyarrow.parquet", purpose="looking into a Parquet file")
    with parquet.ParquetFile(path) as file:
        for batch in file.iter_batches():
            for column in batch.columns:
                yield "\n".join(str(value) for value in column.to_pylist()).encode()
