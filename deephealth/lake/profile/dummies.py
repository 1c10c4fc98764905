"""Values that stand in the place of values: of the right kind, the same for everybody."""

from __future__ import annotations

from typing import Any, Final

from pydicom.dataset import Dataset

__all__ = ["DUMMY_TEXT", "dummy_bytes", "dummy_item", "dummy_value"]

DUMMY_TEXT: Final = "ANONYMIZED"

_TEXTS: Final[dict[str, str]] = {
    "AE": DUMMY_TEXT,
    "AS": "000Y",
    "CS": DUMMY_TEXT,
    "DA": "19000101",
    "DS": "0",
    "DT": "19000101000000",
    "IS": "0",
    "LO": DUMMY_TEXT,
    "LT": DUMMY_TEXT,
    "PN": DUMMY_TEXT,
    "SH": DUMMY_TEXT,
    "ST": DUMMY_TEXT,
    "TM": "000000",
    "UC": DUMMY_TEXT,
    "UR": "https://anonymized.invalid",
    "UT": DUMMY_TEXT,
}
_WIDTHS: Final = {
    "AT": 4,
    "FD": 8,
    "FL": 4,
    "OD": 8,
    "OF": 4,
    "OL": 4,
    "OV": 8,
    "SL": 4,
    "SS": 2,
    "SV": 8,
    "UL": 4,
    "US": 2,
    "UV": 8,
}


def dummy_bytes(vr: str) -> bytes:
    r"""Return an encoded dummy value of a representation other than ``SQ`` and ``UI``; its length is even.

    Example:
        >>> dummy_bytes("LO"), dummy_bytes("TM"), dummy_bytes("US"), dummy_bytes("OB")
        (b'ANONYMIZED', b'000000', b'\x00\x00', b'\x00\x00')
    """
    text = _TEXTS.get(vr)
    if text is None:
        return bytes(_WIDTHS.get(vr, 2))
    return (text + " " * (len(text) % 2)).encode("ascii")


def dummy_value(vr: str) -> Any:
    """Return a dummy as pydicom holds it: text, number or bytes."""
    if vr in _TEXTS:
        return _TEXTS[vr]
    if vr in ("FD", "FL"):
        return 0.0
    return 0 if vr in _WIDTHS and not vr.startswith("O") else dummy_bytes(vr)


def dummy_item() -> Dataset:
    """Return a code that says that there was one.

    Example:
        >>> dummy_item().CodeMeaning
        'ANONYMIZED'
    """
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = DUMMY_TEXT, "99DEEPHEALTH", DUMMY_TEXT
    return item
