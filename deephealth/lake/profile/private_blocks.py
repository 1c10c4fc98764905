"""Private blocks: only what is known to identify nobody stays, with the block's creator."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from deephealth.lake.actions import Action
from deephealth.lake.profile.elements import Element, is_empty, items_of, text_of
from deephealth.lake.profile.safe_private import safe_vr
from deephealth.lake.profile.texts import TEXT_VRS, Codec

if TYPE_CHECKING:
    from deephealth.lake.profile.walk import Walk

__all__ = ["clean_private"]

_NUMBER = re.compile(r"\s*[-+]?[0-9.eE+-]+\s*(?:\\\s*[-+0-9.eE]+\s*)*")
_WIDTHS: Final = {"AT": 4, "FD": 8, "FL": 4, "SL": 4, "SS": 2, "UL": 4, "US": 2}
_VERSION = re.compile(r"[0-9.]{1,64}")


def clean_private(walk: Walk, dataset: Dataset, codec: Codec, *, keep: bool) -> None:
    """Remove the private attributes of a data set, safe ones excepted.

    Byte streams go even where the standard calls them safe: nobody can look into them.

    Args:
        walk: the walk that does it.
        dataset: a data set or an item.
        codec: of its texts.
        keep: whether safe ones stay.

    Source: DICOM PS3.15 section E.3.10 and Table E.3.10-1; PS3.5 section 7.8.1.
    """
    creators = _creators(dataset, codec) if keep else {}
    used = set()
    for base_tag, element in list(dataset._dict.items()):
        tag = int(base_tag)
        if not tag >> 16 & 1 or (tag & 0xFF00 == 0 and tag & 0xFFFF >= 0x10 and keep):
            continue
        block = (tag >> 16, (tag & 0xFFFF) >> 8)
        vr = safe_vr(creators[block], tag) if block in creators else ""
        if vr and _cleaned(walk, dataset, tag, element, vr, codec):
            used.add(block)
        else:
            del dataset._dict[tag]
            walk.note(tag, Action.REMOVED)
    for tag in [int(tag) for tag in dataset._dict if tag >> 16 & 1 and tag & 0xFF00 == 0]:
        if (tag >> 16, tag & 0xFF) not in used:
            del dataset._dict[tag]
            walk.note(tag, Action.REMOVED)
        else:
            walk.note(tag, Action.KEPT)


def _creators(dataset: Dataset, codec: Codec) -> dict[tuple[int, int], str]:
    return {
        (tag >> 16, tag & 0xFF): text_of(element, codec)[0]
        for tag, element in dataset._dict.items()
        if tag >> 16 & 1 and tag & 0xFF00 == 0 and tag & 0xFFFF >= 0x10
    }


def _cleaned(walk: Walk, dataset: Dataset, tag: int, element: Element, vr: str, codec: Codec) -> bool:
    """Clean one safe attribute; False when its value is not what the standard says."""
    if vr == "SQ":
        items = items_of(dataset, tag)
        for item in items:
            walk.dataset(item, codec, tag)
        walk.note(tag, Action.KEPT)
        return isinstance(dataset._dict[tag].value, Sequence)
    if is_empty(element):
        walk.note(tag, Action.KEPT)
        return True
    if vr in _WIDTHS:
        return _is_binary(walk, tag, element, _WIDTHS[vr])
    if vr not in TEXT_VRS and vr != "UI*":
        return False
    text, encoding = text_of(element, codec)
    if vr in ("DS", "IS") or vr == "UI*":
        sound = bool((_VERSION if vr == "UI*" else _NUMBER).fullmatch(text.strip(" \0")))
        walk.note(tag, Action.KEPT)
        return sound
    if vr == "UI":
        new = "\\".join(walk.subject.uid(part.strip(" \0")) for part in text.split("\\"))
    else:
        new = walk.sweeper.full(text) if vr in ("LT", "ST", "UT") else walk.sweeper.known(text)
    if new != text:
        walk.put(dataset, tag, new, codec, vr, encoding)
    walk.note(tag, Action.UID if vr == "UI" else Action.CLEANED if new != text else Action.KEPT)
    return True


def _is_binary(walk: Walk, tag: int, element: Element, width: int) -> bool:
    walk.note(tag, Action.KEPT)
    if isinstance(element, RawDataElement):
        return element.VR in (None, "UN", *_WIDTHS) and len(element.value or b"") % width == 0
    return not isinstance(element.value, str)
