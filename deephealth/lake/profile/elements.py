"""Elements as pydicom holds them: raw bytes as long as nobody asked for the value, converted ones after that."""

from __future__ import annotations

import warnings
from typing import Any, TypeAlias

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.valuerep import PersonName

from deephealth.lake.profile.texts import Codec

__all__ = ["Element", "is_empty", "items_of", "put_bytes", "put_text", "readings_of", "text_of"]

Element: TypeAlias = DataElement | RawDataElement


def is_empty(element: Element) -> bool:
    """Whether an element has no value."""
    value = element.value
    return value is None or (hasattr(value, "__len__") and len(value) == 0)


def text_of(element: Element, codec: Codec) -> tuple[str, str]:
    """Return all values of an element as one text, joined by backslashes, and the name of its encoding."""
    return readings_of(element, codec)[0]


def readings_of(element: Element, codec: Codec) -> tuple[tuple[str, str], ...]:
    """Return what :func:`text_of` does, and a second reading if nobody can tell which one was meant."""
    value: Any = element.value
    return codec.readings(value) if isinstance(value, bytes) else ((_joined(value), _encoding(value)),)


def _encoding(value: Any) -> str:
    return "ascii" if value is None else ""


def _joined(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str | PersonName) or not hasattr(value, "__iter__"):
        return str(value)
    return "\\".join(str(part) for part in value)


def put_text(dataset: Dataset, element: Element, text: str, codec: Codec, encoding: str, vr: str) -> bool:
    """Give an element another text.

    Returns:
        Whether the element's encoding can hold the text; if it can't, the element is left as it was.
    """
    if isinstance(element, RawDataElement):
        encoded = codec.encode(text, encoding)
        if encoded is None:
            return False
        put_bytes(dataset, element, encoded, vr)
        return True
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset._dict[element.tag] = DataElement(element.tag, element.VR, text)
    return True


def put_bytes(dataset: Dataset, element: RawDataElement, encoded: bytes, vr: str) -> None:
    """Give a raw element another encoded value, padded to an even length."""
    if len(encoded) % 2:
        encoded += b"\0" if vr in ("UI", "OB", "UN") else b" "
    dataset._dict[element.tag] = element._replace(value=encoded, length=len(encoded))


def items_of(dataset: Dataset, tag: int) -> list[Dataset]:
    """Return the items of a sequence; none where the element can't be read as one."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = dataset[tag].value
    except Exception:  # whatever a damaged sequence makes pydicom raise: the caller sees that nothing could be read
        return []
    return list(value) if isinstance(value, Sequence) else []
