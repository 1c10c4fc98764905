"""Labels for a cohort: a value that came with the objects, or a table in ``derivatives/<dataset>/labels``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from deephealth.core.errors import DataError, MissingDataError, did_you_mean
from deephealth.core.files import below
from deephealth.io.table import Row, read_table
from deephealth.lake.facts import ObjectFacts
from deephealth.lake.folder import LakeFolder
from deephealth.lake.layout.names import series_label

__all__ = ["Labels", "read_labels"]

# column of a label table -> what of an object it names, the most particular first
_KEYS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("object", ("object", "object_key", "key")),
    ("series", ("series", "series_label")),
    ("session", ("session", "session_id", "ses")),
    ("subject", ("subject", "participant_id", "subject_id", "sub", "patient_id")),
)


@dataclass(frozen=True, slots=True)
class Labels:
    """Where the label of an object stands.

    Args:
        column: name of the value that came with each object; empty when a table holds the labels.
        tables: kind of key (``object``, ``series``, ``session``, ``subject``) -> key -> label.
    """

    column: str = ""
    tables: Mapping[str, Mapping[str, str]] | None = None

    def of(self, facts: ObjectFacts) -> str:
        """Return the label of an object, or an empty text.

        Example:
            >>> labels = Labels(tables={"subject": {"AB": "mel"}})
            >>> labels.of(ObjectFacts("AB", "C", "K", "dicom", "XC", "", 0, ""))
            'mel'
        """
        if self.tables is None:
            return facts.labels.get(self.column, "")
        names = {
            "object": facts.key,
            "series": series_label(facts),
            "session": facts.session,
            "subject": facts.subject,
        }
        return next((self.tables[kind][names[kind]] for kind in self.tables if names[kind] in self.tables[kind]), "")


def read_labels(lake: LakeFolder, labels: str) -> Labels:
    """Find out where labels stand.

    ``chest/labels/findings.tsv:grade`` is the column ``grade`` of a table below ``derivatives``; without the part
    behind the colon it is the column ``label``. The table has a column ``object``, ``series``, ``session`` or
    ``participant_id``; of several the most particular one counts. Any other text names a value that came with the
    objects.

    Args:
        lake: where things lie.
        labels: table and column, or the value's name.

    Raises:
        MissingDataError: no such table.
        DataError: a column is missing, or one key has two labels.
    """
    table, _, column = labels.partition(":")
    if not table.endswith((".tsv", ".csv")):
        return Labels(labels)
    column = column or "label"
    path = below(lake.derivatives, table)
    if not path.is_file():
        raise MissingDataError(f"there is no label table {table}", hint="put it into derivatives/<dataset>/labels/")
    rows = read_table(path)
    names = list(rows[0]) if rows else []
    if column not in names:
        raise DataError(
            f"{path.name} has no column '{column}'", allowed=", ".join(names), hint=did_you_mean(column, names)
        )
    for kind, aliases in _KEYS:
        for alias in aliases:
            if alias in names:
                return Labels(tables={kind: _keyed(rows, alias, column, path.name)})
    raise DataError(
        f"{path.name} has no column that says whose labels these are",
        allowed=", ".join(alias for _, aliases in _KEYS for alias in aliases),
    )


def _keyed(rows: list[Row], key: str, column: str, name: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for row in rows:
        plain = row[key].removeprefix("sub-").removeprefix("ses-")
        value = "" if row[column] == "n/a" else row[column]
        if plain and value and found.setdefault(plain, value) != value:
            raise DataError(f"{name}, line {row.line}: the same {key} has two labels", allowed="one label for each")
    return found
