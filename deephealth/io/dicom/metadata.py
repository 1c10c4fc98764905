"""A DICOM data set as a plain dictionary: by keyword, sequences nested, bulk data as its size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydicom.dataelem import DataElement
    from pydicom.dataset import Dataset

__all__ = ["describe"]

_BULK = frozenset("OB OD OF OL OV OW UN".split())  # noqa: SIM905 - reads like the standard
_MAX_DEPTH = 32
_MAX_ELEMENTS = 200_000


def describe(dataset: Dataset) -> dict[str, Any]:
    """Return every element of a data set.

    Keys are DICOM keywords; a private or unknown element has its tag, such as ``"(0009,1001)"``, and so has a group
    length. Text stays text, several values become a list, numbers become ``int`` or ``float``, a sequence a list of
    dictionaries, and bulk data (pixels, curves, unknown content) ``{"bytes": size}``. An element that can't be decoded
    becomes ``{"error": what is wrong}``: nothing is raised, because one damaged element is no reason to lose the rest.

    Args:
        dataset: from :func:`~deephealth.io.dicom.dataset.read_dataset`, or any of pydicom's.

    Example:
        >>> from pydicom.dataset import Dataset
        >>> item, image = Dataset(), Dataset()
        >>> item.CodeValue = "T-D1100"
        >>> image.Rows, image.PixelSpacing, image.AnatomicRegionSequence = 512, [0.5, 0.25], [item]
        >>> describe(image)
        {'AnatomicRegionSequence': [{'CodeValue': 'T-D1100'}], 'Rows': 512, 'PixelSpacing': [0.5, 0.25]}
    """
    return _items(dataset, 0, [_MAX_ELEMENTS])


def _items(dataset: Dataset, depth: int, left: list[int]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for tag in sorted(dataset.keys()):
        left[0] -= 1
        if left[0] < 0 or depth > _MAX_DEPTH:
            found["..."] = {"error": "too many or too deeply nested elements"}
            break
        name = f"({tag.group:04x},{tag.element:04x})"
        try:
            element = dataset[tag]
            found[element.keyword or name] = _value(element, depth, left)
        except Exception as error:
            found[_keyword(tag) or name] = {"error": f"{type(error).__name__}: {str(error)[:200]}"}
    return found


def _keyword(tag: int) -> str:
    from pydicom.datadict import keyword_for_tag

    return keyword_for_tag(tag)


def _value(element: DataElement, depth: int, left: list[int]) -> Any:
    value = element.value
    if element.VR == "SQ":
        return [_items(item, depth + 1, left) for item in value or ()]
    if isinstance(value, bytes | bytearray) or element.VR in _BULK:
        return {"bytes": len(value) if value is not None else 0}
    if isinstance(value, list | tuple) or type(value).__name__ == "MultiValue":
        return [_plain(part) for part in value]
    return _plain(value)


def _plain(value: Any) -> Any:
    """Return a value as a built-in type: pydicom's numbers, dates, tags and names carry more."""
    if value is None:
        return ""
    if isinstance(value, bool | int) and not hasattr(value, "original_string") and type(value).__name__ != "BaseTag":
        return int(value)
    if type(value).__name__ == "BaseTag":
        return f"({value.group:04x},{value.element:04x})"
    if isinstance(value, int):
        return int(value)
    if type(value).__name__ == "DSdecimal" or isinstance(value, float):
        return float(value)
    return str(value)
