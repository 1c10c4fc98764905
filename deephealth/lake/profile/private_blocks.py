"""Private blocks: only what is known to identify nobody stays, with the block's creator."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag

from deephealth.lake.actions import Action
from deephealth.lake.profile.elements import Element, is_empty, items_of, text_of
from deephealth.lake.profile.safe_private import safe_elements
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
    safe = _safe_blocks(dataset, codec) if keep else {}
    used, unsafe = set(), []
    for base_tag, element in list(dataset._dict.items()):
        tag = int(base_tag)
        if not tag & 0x10000 or (keep and tag & 0xFF00 == 0 and tag & 0xFFFF >= 0x10):
            continue
        block = tag >> 8
        vr = safe[block].get(tag & 0xFF, "") if block in safe else ""
        if vr and _cleaned(walk, dataset, tag, element, vr, codec):
            used.add(block)
        else:
            unsafe.append(base_tag)
    _remove(walk, dataset, unsafe)
    creators = [tag for tag in dataset._dict if tag & 0x10000 and tag & 0xFF00 == 0]
    _remove(walk, dataset, [tag for tag in creators if _block_of(tag) not in used])
    for tag in creators:
        if _block_of(tag) in used:
            walk.note(int(tag), Action.KEPT)


def _remove(walk: Walk, dataset: Dataset, tags: list[BaseTag]) -> None:
    """Remove elements; all at once, since a scanner's private blocks hold more of them than all the rest."""
    for tag in tags:
        del dataset._dict[tag]
    if tags:
        walk.tally[Action.REMOVED] += len(tags)
        walk.by_tag.update(dict.fromkeys(map(int, tags), Action.REMOVED))


def _block_of(creator: int) -> int:
    """Return group and block number, in one number, of what a Private Creator reserves."""
    return creator >> 16 << 8 | creator & 0xFF


def _safe_blocks(dataset: Dataset, codec: Codec) -> dict[int, dict[int, str]]:
    """Return the blocks with safe attributes, and these with their representations."""
    blocks = {
        _block_of(int(tag)): safe_elements(text_of(element, codec)[0], int(tag) >> 16)
        for tag, element in dataset._dict.items()
        if tag & 0x10000 and tag & 0xFF00 == 0 and tag & 0xFFFF >= 0x10
    }
    return {block: elements for block, elements in blocks.items() if elements}


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
        changed = new != text
    else:
        sweep = walk.sweeper.full if vr in ("LT", "ST", "UT") else walk.sweeper.known
        new, encoding, changed = walk.cleaned(element, codec, sweep)
    if changed:
        walk.put(dataset, tag, new, codec, vr, encoding)
    walk.note(tag, Action.UID if vr == "UI" else Action.CLEANED if changed else Action.KEPT)
    return True


def _is_binary(walk: Walk, tag: int, element: Element, width: int) -> bool:
    walk.note(tag, Action.KEPT)
    if isinstance(element, RawDataElement):
        return element.VR in (None, "UN", *_WIDTHS) and len(element.value or b"") % width == 0
    return not isinstance(element.value, str)
