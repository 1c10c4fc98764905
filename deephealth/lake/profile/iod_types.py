"""Types of the attributes with compound actions: an attribute that an object must have can't be removed."""

from __future__ import annotations

from functools import lru_cache

from deephealth.lake.profile.sop_classes import iod_of
from deephealth.lake.profile.table import rows_of_file

__all__ = ["type_of"]

_TYPES: dict[tuple[int, int, str], int] = {
    (int(row["tag"], 16), 0 if row["within"] == "-" else int(row["within"], 16), iod): int(row["type"])
    for row in rows_of_file("iod_types.tsv")[1]
    for iod in row["iods"].split()
}


@lru_cache(maxsize=4096)
def type_of(tag: int, sop_class: str, within: int = 0) -> int:
    """Return the type of an attribute: 1 must have a value, 2 must be present, 3 may be left out, 0 nobody knows.

    Args:
        tag: of the attribute; only those with compound actions in Table E.1-1 are known.
        sop_class: UID of the object's kind.
        within: tag of the sequence around it, 0 at the top.

    Source: DICOM PS3.3, the module tables; 1C counts as 1 and 2C as 2, because the attribute is there.

    Example:
        >>> ct, rt_dose = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.481.2"
        >>> type_of(0x00081070, ct), type_of(0x00081070, rt_dose), type_of(0x00081070, "1.2.3")
        (3, 2, 0)
    """
    if within:
        return _TYPES.get((tag, within, "*"), 3)
    iod = iod_of(sop_class)
    return 0 if iod == "-" else _TYPES.get((tag, 0, iod), 3)
