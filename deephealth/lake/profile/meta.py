"""File meta information and preamble: what stands before the data set, and says where the file came from."""

from __future__ import annotations

from collections.abc import Callable

from pydicom.dataset import Dataset

from deephealth.lake.actions import Action

__all__ = ["clean_meta"]

_PREAMBLE = 128
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
    uid = dataset.get("SOPInstanceUID")
    if uid:
        meta.MediaStorageSOPInstanceUID = uid
        note(0x00020003, Action.UID)
    elif "MediaStorageSOPInstanceUID" in meta:
        del meta.MediaStorageSOPInstanceUID
        note(0x00020003, Action.REMOVED)
