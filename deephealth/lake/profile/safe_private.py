"""Private attributes that are known to identify nobody, by the vendor's block they live in."""

from __future__ import annotations

from collections.abc import Iterator

from deephealth.lake.profile.table import rows_of_file

__all__ = ["EDITION", "SAFE_PRIVATE", "safe_elements", "safe_vr"]

_FACTS, _ROWS = rows_of_file("safe_private.tsv")
EDITION = _FACTS["edition"]


def _elements(text: str) -> Iterator[tuple[int, str]]:
    for token in text.split():
        span, vr = token.split(":")
        first, _, last = span.partition("-")
        for element in range(int(first, 16), int(last or first, 16) + 1):
            yield element, vr


SAFE_PRIVATE: dict[tuple[str, int], dict[int, str]] = {
    (row["creator"].casefold(), int(row["group"], 16)): dict(_elements(row["elements"])) for row in _ROWS
}


def safe_vr(creator: str, tag: int) -> str:
    """Return the value representation of a safe private attribute, ``""`` for one that isn't safe.

    Args:
        creator: who reserved the block.
        tag: group and element in one number; the block's number doesn't matter.

    Returns:
        A VR; ``UI*`` for a version that looks like a UID, ``UN`` where the standard gives none.

    Source: DICOM PS3.15 Table E.3.10-1.

    Example:
        >>> safe_vr("SIEMENS MR HEADER", 0x0019100C), safe_vr("SIEMENS MR HEADER", 0x00191008)
        ('IS', '')
    """
    return safe_elements(creator, tag >> 16).get(tag & 0xFF, "")


def safe_elements(creator: str, group: int) -> dict[int, str]:
    """Return the safe attributes of a block: the last two digits of their numbers, and what :func:`safe_vr` says.

    Args:
        creator: who reserved the block.
        group: of the block.
    """
    return SAFE_PRIVATE.get((creator.strip(" \0").casefold(), group), {})
