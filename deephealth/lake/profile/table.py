"""Table E.1-1: which attributes identify, and what each option does with them."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources

from deephealth.lake.profile.options import Option

__all__ = ["EDITION", "PRIVATE", "TABLE", "Row", "row_of", "rows_of_file"]

PRIVATE = "ggggeeee"
"""Pattern of the row that speaks for all private attributes."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row.

    Args:
        pattern: eight hexadecimal digits, ``x`` for any digit, or :data:`PRIVATE`.
        name: of the attribute.
        composite: whether a standard composite object may hold it.
        basic: action of the basic profile: ``D``, ``Z``, ``X``, ``U`` or a compound such as ``X/Z/D``.
        options: action of each option that has one: ``K`` or ``C``.

    Source: DICOM PS3.15 Table E.1-1; action codes in Table E.1-1a.
    """

    pattern: str
    name: str
    composite: bool
    basic: str
    options: dict[Option, str]


def rows_of_file(name: str) -> tuple[dict[str, str], list[dict[str, str]]]:
    """Read one of the package's tables.

    Returns:
        The words of its first comment lines, such as the edition, and the rows by column.
    """
    facts: dict[str, str] = {}
    lines = resources.files(__package__).joinpath(name).read_text(encoding="utf-8").splitlines()
    body = [line for line in lines if not line.startswith("#")]
    for line in lines[: len(lines) - len(body)]:
        key, _, value = line[1:].strip().partition("\t")
        facts[key] = value
    header = body[0].split("\t")
    return facts, [dict(zip(header, line.split("\t"), strict=True)) for line in body[1:]]


def _load() -> tuple[str, tuple[Row, ...]]:
    facts, lines = rows_of_file("table.tsv")
    rows = tuple(
        Row(
            pattern=line["tag"],
            name=line["name"],
            composite=line["iod"] == "Y",
            basic=line["basic"],
            options={option: line[option.value] for option in Option if line.get(option.value)},
        )
        for line in lines
    )
    return facts["edition"], rows


EDITION, TABLE = _load()
_BY_TAG = {int(row.pattern, 16): row for row in TABLE if "x" not in row.pattern and row.pattern != PRIVATE}
_BY_PATTERN = {row.pattern: row for row in TABLE}


def row_of(tag: int) -> Row | None:
    """Return the row that speaks for a tag, or None.

    Args:
        tag: group and element in one number.

    Example:
        >>> row_of(0x00100010).basic, row_of(0x60023000).name, row_of(0x50101234).basic, row_of(0x00280010)
        ('Z', 'Overlay Data', 'X', None)
    """
    row = _BY_TAG.get(tag)
    if row is not None:
        return row
    group = tag >> 16
    if group & 1:
        return _BY_PATTERN[PRIVATE]
    if 0x5000 <= group < 0x5100:
        return _BY_PATTERN["50xxxxxx"]
    if 0x6000 <= group < 0x6100:
        return _BY_PATTERN.get(f"60xx{tag & 0xFFFF:04X}")
    return None
