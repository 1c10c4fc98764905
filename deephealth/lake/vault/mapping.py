"""The tables from originals to pseudonyms, sealed or, when asked for, in the clear."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from deephealth.core.files import replacing
from deephealth.lake.vault.sealed import seal_file

__all__ = ["write_mapping"]


def write_mapping(path: Path, pairs: Iterable[tuple[str, str]], key: bytes | None) -> Path:
    """Write ``id_old,id_new`` lines.

    Args:
        path: the table.
        pairs: original and pseudonym.
        key: 32 bytes to seal it with, then ``.sealed`` is added to its name; ``None`` writes it in the clear.

    Returns:
        the file.

    Raises:
        StorageError: it can't be written.
    """
    if key is not None:
        target = path.with_name(path.name + ".sealed")
        seal_file(io.BufferedReader(_Lines(pairs)), target, key, context=path.name)  # never in the clear on a disk
        return target
    with replacing(path, "writing a mapping") as temporary:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.writelines(_lines(pairs))
    return path


class _Lines(io.RawIOBase):
    """A stream of the table's bytes."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        super().__init__()
        self._rest, self._lines = b"", _lines(pairs)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        if not self._rest:
            self._rest = next(self._lines, b"")
        piece, self._rest = self._rest[: len(view)], self._rest[len(view) :]
        view[: len(piece)] = piece
        return len(piece)


def _lines(pairs: Iterable[tuple[str, str]]) -> Iterator[bytes]:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("id_old", "id_new"))
    for pair in pairs:
        writer.writerow(pair)
        if text.tell() > 1 << 16:
            yield text.getvalue().encode("utf-8", "surrogatepass")
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode("utf-8", "surrogatepass")
