"""File meta information and preamble: what stands before the data set, and says where the file came from."""

from __future__ import annotations

from collections.abc import Callable

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from deephealth.lake.actions import Action
from deephealth.lake.profile.elements import text_of
from deephealth.lake.profile.texts import codec_for

__all__ = ["clean_meta"]

_PREAMBLE = 128
_OBJECT, _IN_META = Tag(0x00080018), Tag(0x00020003)
_KEPT = {0x00020000, 0x00020001, 0x00020002, 0x00020003, 0x00020010, 0x00020012, 0x00020013}


def clean_meta(dataset: Dataset, note: Callable[[int, Action], None]) -> None:
    """Leave in the file meta information what readers need; the rest names senders, receivers and vendors.

    The preamble becomes zeros: nobody knows what is in it, and it can be a program or another image.

    Args:
        dataset: cleaned already, so that its SOP Instance UID is the new one.
        note: told what was done.

    Source: DICOM PS3.10 section 7.1; PS3.15 Table E.1-1 (0002,0003).
    """
    if getattr(dataset, "preamble", None):
        dataset.preamble = bytes(_PREAMBLE)
    meta = getattr(dataset, "file_meta", None)
    if meta is None:
        return
    for tag in list(meta._dict):
        if tag not in _KEPT:
            del meta._dict[tag]
            note(int(tag), Action.REMOVED)
    uid = text_of(dataset._dict[_OBJECT], codec_for(dataset))[0].strip(" \0") if _OBJECT in dataset._dict else ""
    if uid:
        meta._dict[_IN_META] = DataElement(_IN_META, "UI", uid)
        note(int(_IN_META), Action.UID)
    elif meta._dict.pop(_IN_META, None) is not None:
        note(int(_IN_META), Action.REMOVED)
