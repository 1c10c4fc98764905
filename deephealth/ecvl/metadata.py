"""One piece of an image's metadata."""

from __future__ import annotations

from typing import Any

__all__ = ["MetaData"]


class MetaData:
    """A value that a file said about itself.

    Args:
        value: whole number, number or text; readers of medical files also give tuples, lists and nested tables.

    Example:
        >>> MetaData(2.5).Get(), MetaData(2.5).GetStr(), MetaData(7).GetStr()
        (2.5, '2.500000', '7')
    """

    __slots__ = ("_value",)

    def __init__(self, value: Any) -> None:
        self._value = value.Get() if isinstance(value, MetaData) else value

    def Get(self) -> Any:
        """Return the value."""
        return self._value

    def GetStr(self) -> str:
        """Return the value as text: numbers with a fraction have six decimals."""
        if isinstance(self._value, float):
            return f"{self._value:.6f}"
        return str(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MetaData) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self.GetStr())

    def __repr__(self) -> str:
        return f"MetaData({self._value!r})"
