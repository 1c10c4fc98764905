"""Elements by the paths of the answer key: ``00400275[0]/00400007``, ``p0019|CREATOR|0C``, ``meta:Keyword``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydicom.dataelem import DataElement

__all__ = ["Found", "flat", "lookup", "values_of"]


@dataclass
class Found:
    """What lies at a path: the element, or why not (``parent``: the sequence item around it is gone)."""

    element: Any = None
    parent: bool = True


def lookup(ds: Any, path: str) -> Found:
    """Return the element at a path of the answer key."""
    if path.startswith("meta:"):
        return _meta(ds, path[5:])
    *around, last = _split(path)
    for step in around:
        tag, _, index = step.partition("[")
        sequence = ds.get(int(tag, 16)) if not tag.startswith("p") else None
        items = sequence.value if sequence is not None and sequence.VR == "SQ" else ()
        place = int(index[:-1])
        if place >= len(items or ()):
            return Found(None, parent=False)
        ds = items[place]
    if last.startswith("p"):
        return Found(_private(ds, last[1:]))
    return Found(_get(ds, int(last, 16)))


def _split(path: str) -> list[str]:
    """Split at the slashes that end a sequence item (a private creator may hold one)."""
    return path.replace("]/", "]\0").split("\0")


def _get(ds: Any, tag: int) -> DataElement | None:
    try:
        return ds.get(tag)
    except Exception:  # an element that cannot be decoded is there all the same
        raw = ds.get_item(tag)
        return DataElement(tag, "OB", raw.value or b"")


def _meta(ds: Any, keyword: str) -> Found:
    if keyword == "preamble":
        preamble = (getattr(ds, "preamble", b"") or b"").rstrip(b"\0")
        return Found(DataElement(0x00080008, "LT", preamble.decode("latin-1")) if preamble else None)
    meta = getattr(ds, "file_meta", None)
    return Found(meta[keyword] if meta is not None and keyword in meta else None)


def _private(ds: Any, place: str) -> DataElement | None:
    group, creator, element = place.split("|")
    for slot in range(0x10, 0x100):
        owner = _get(ds, int(group, 16) << 16 | slot)
        if owner is not None and str(owner.value).strip() == creator:
            return _get(ds, int(group, 16) << 16 | slot << 8 | int(element, 16))
    return None


def values_of(element: DataElement | None) -> list[str]:
    """Return an element's values as strings; empty for an absent or empty one."""
    if element is None or element.value is None or element.value == "":
        return []
    value = element.value
    if element.VR == "SQ":
        return flat(element)
    if isinstance(value, (bytes, bytearray)):
        return [bytes(value).decode("latin-1")]
    many = value if element.VM > 1 and not isinstance(value, str) else [value]
    return [str(one) for one in many]


def flat(element: DataElement) -> list[str]:
    """Return all values in a sequence, at any depth."""
    return [
        text for one in element.value or () for inner in one.iterall() if inner.VR != "SQ" for text in values_of(inner)
    ]
