"""What was made of a visit's series: names, run numbers and files, in ``sourcedata/sub-X/ses-Y/images.tsv``.

A run number is given once, in the order of the series, and never changes. A series that arrives later gets the next
free number even when its series number is smaller; a series that is gone leaves its number unused. So a name once
published never comes to mean another image.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from deephealth.core.errors import DataError
from deephealth.core.files import atomic_write

__all__ = ["IMAGES_FILE", "Candidate", "ImageRow", "VisitTable"]

IMAGES_FILE = "images.tsv"
_COLUMNS = ("series", "name", "run", "digest", "files")


@dataclass(frozen=True, slots=True)
class Candidate:
    """An image that needs a number.

    Args:
        label: of its series (or of the object, where each object becomes an image), unique in the visit.
        name: its path without the run, as :attr:`ImageName.without_run` gives it.
        order: who comes first among those that have no number yet.
    """

    label: str
    name: str
    order: tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class ImageRow:
    """One line of the table.

    Args:
        label: as in :class:`Candidate`.
        name: as in :class:`Candidate`.
        run: its number among the images of that name.
        digest: of the objects that the image was made from; empty while there is no image.
        files: what was made, relative to the data set.
    """

    label: str
    name: str
    run: int
    digest: str = ""
    files: tuple[str, ...] = ()


class VisitTable:
    """The table of one visit.

    Args:
        path: the file.
        rows: label -> line.
    """

    def __init__(self, path: Path, rows: dict[str, ImageRow]) -> None:
        self.path, self.rows = path, rows

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read the table of ``sourcedata/sub-X/ses-Y``; empty where there is none.

        Raises:
            DataError: it is damaged.
        """
        path = folder / IMAGES_FILE
        return cls(path, _read(path) if path.is_file() else {})

    def assign(self, candidates: Iterable[Candidate]) -> None:
        """Give a number to every candidate that has none under its name.

        Example:
            >>> table = VisitTable(Path("images.tsv"), {})
            >>> table.assign([Candidate("B", "sub-1_T1w", (2,)), Candidate("C", "sub-1_T1w", (3,))])
            >>> table.assign([Candidate("A", "sub-1_T1w", (1,)), Candidate("C", "sub-1_T1w", (3,))])
            >>> {label: row.run for label, row in table.rows.items()}
            {'B': 1, 'C': 2, 'A': 3}
        """
        used: dict[str, int] = {}
        for row in self.rows.values():
            used[row.name] = max(used.get(row.name, 0), row.run)
        for one in sorted(candidates, key=lambda candidate: (candidate.order, candidate.label)):
            known = self.rows.get(one.label)
            if known is None or known.name != one.name:  # new, or called something else since its facts changed
                used[one.name] = used.get(one.name, 0) + 1
                files = known.files if known is not None else ()
                self.rows[one.label] = ImageRow(one.label, one.name, used[one.name], "", files)

    def record(self, label: str, digest: str, files: Iterable[str]) -> None:
        """Note which files stand for an image now; an empty digest says there is none."""
        self.rows[label] = replace(self.rows[label], digest=digest, files=tuple(sorted(files)))

    def save(self) -> None:
        """Write the table if it changed.

        Raises:
            StorageError: it can't be written.
        """
        text = io.StringIO()
        writer = csv.writer(text, delimiter="\t", lineterminator="\n")
        writer.writerow(_COLUMNS)
        for label, row in sorted(self.rows.items()):
            writer.writerow([label, row.name, row.run, row.digest, ";".join(row.files)])
        if not self.path.is_file() or self.path.read_text(encoding="utf-8") != text.getvalue():
            atomic_write(self.path, text.getvalue())


def _read(path: Path) -> dict[str, ImageRow]:
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream, delimiter="\t", strict=True))
        return {
            row["series"]: ImageRow(
                row["series"], row["name"], int(row["run"]), row["digest"], tuple(filter(None, row["files"].split(";")))
            )
            for row in rows
        }
    except (AttributeError, KeyError, TypeError, ValueError, csv.Error) as error:
        raise DataError(
            f"{path} is damaged, so nobody knows which run number belongs to which series",
            allowed=f"the columns {', '.join(_COLUMNS)}",
            hint="restore it from a backup; removing it may give the images of this visit other names",
        ) from error
