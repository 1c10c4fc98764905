"""Which kinds of DICOM objects may enter: nobody knows where the identifiers of an unknown kind are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from deephealth.core.errors import DataError
from deephealth.lake.profile.table import rows_of_file

__all__ = ["admission", "check_accepted", "iod_of"]

Admission = Literal["accepted", "ask", "unknown"]

_CLASSES = {row["uid"]: (row["admission"], row["iod"]) for row in rows_of_file("sop_classes.tsv")[1]}


def admission(sop_class: str) -> Admission:
    """Say whether objects of a kind are taken in, taken in only when asked for, or never.

    Images, radiotherapy objects, segmentations, structured reports, presentation states and waveforms are taken in:
    the research profile cleans them. Encapsulated documents, raw data, audio and retired trial objects are not,
    unless the steward asks.

    Args:
        sop_class: UID of the kind.

    Source: DICOM PS3.4 section B.5.

    Example:
        >>> admission("1.2.840.10008.5.1.4.1.1.2"), admission("1.2.840.10008.5.1.4.1.1.104.1"), admission("1.2.3")
        ('accepted', 'ask', 'unknown')
    """
    verdict = _CLASSES.get(sop_class.strip(" \0"), ("unknown", ""))[0]
    return "accepted" if verdict == "accepted" else "ask" if verdict == "ask" else "unknown"


def check_accepted(sop_classes: Iterable[str]) -> None:
    """Refuse SOP classes that a steward can't accept because nobody knows them.

    Args:
        sop_classes: UIDs, as given with ``--accept``.

    Raises:
        DataError: a UID that is not in the table.

    Example:
        >>> check_accepted(["1.2.840.10008.5.1.4.1.1.104.1"])
    """
    for uid in sorted(sop_classes):
        if admission(uid) == "unknown":
            asked = sorted(known for known, (verdict, _) in _CLASSES.items() if verdict == "ask")
            raise DataError(
                f"'{uid}' is no SOP class that can be accepted",
                allowed=f"the UID of a known kind of object; of those that are asked for: {', '.join(asked)}",
                hint="--accept 1.2.840.10008.5.1.4.1.1.104.1, for instance, accepts encapsulated PDF",
            )


def iod_of(sop_class: str) -> str:
    """Return the name of the information object of a SOP class, ``"-"`` when no table is known for it.

    Example:
        >>> iod_of("1.2.840.10008.5.1.4.1.1.2")
        'ct-image'
    """
    return _CLASSES.get(sop_class.strip(" \0"), ("", "-"))[1]
