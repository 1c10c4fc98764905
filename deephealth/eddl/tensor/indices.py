"""Indices written as text, such as ``"0"``, ``"-1"``, ``":"``, ``"1:3"``, one per dimension."""

from __future__ import annotations

import re
from collections.abc import Sequence

from deephealth.eddl.errors import EddlError, EddlValueError

__all__ = ["as_slices", "parse_indices"]

_TITLE = "utils::parse_indices"
_ONE = re.compile(r"[+-]?\d+")
_RANGE = re.compile(r"([+-]?\d+)?:([+-]?\d+)?")
_ALLOWED = "':', '5', '-1', '2:', ':5' or '2:5' (the last index of a range is not included)"


def _bounds(text: str, size: int) -> tuple[int, int]:
    """Return the first and the last index that ``text`` names, the last one included; they may be outside."""
    if _ONE.fullmatch(text):
        first = last = int(text)
        return (first + size if first < 0 else first, last + size if last < 0 else last)
    parts = _RANGE.fullmatch(text)
    if parts is None:
        raise EddlValueError(f"{_TITLE}: '{text}' is no index", allowed=_ALLOWED)
    first = int(parts[1] or 0)
    end = size if parts[2] is None else int(parts[2])
    if end == 0:
        end = size  # EDDL counts the 0 as from the end: ":0" is everything
    return (first + size if first < 0 else first, (end + size if end < 0 else end) - 1)


def parse_indices(indices: Sequence[str], shape: Sequence[int]) -> list[list[int]]:
    """Return the first and last index (included) along each dimension; dimensions that are not named are whole.

    Args:
        indices: one text per dimension, from the first one (the batch).
        shape: sizes of the tensor.

    Raises:
        EddlError: outside the tensor, empty, or more indices than dimensions.
        EddlValueError: not an index at all.

    Example:
        >>> parse_indices(["1:3", "-1"], [4, 5, 6])
        [[1, 2], [4, 4], [0, 5]]
    """
    if len(indices) > len(shape):
        what = f"{len(indices)} indices for a tensor of shape {list(shape)}"
        raise EddlError(_TITLE, what, allowed=f"at most {len(shape)}, one per dimension")
    ranges = []
    for text, size in zip([*indices, *[":"] * (len(shape) - len(indices))], shape, strict=True):
        first, last = _bounds(str(text).replace(" ", ""), size)
        if not 0 <= first <= last < size:
            what = f"invalid indices '{text}' for a dimension of size {size}"
            raise EddlError(_TITLE, what, allowed=f"at least one of the indices 0 to {size - 1}")
        ranges.append([first, last])
    return ranges


def as_slices(indices: Sequence[str], shape: Sequence[int]) -> tuple[slice, ...]:
    """Return the slices that ``indices`` mean; see :func:`parse_indices`.

    Example:
        >>> as_slices(["1"], [4])
        (slice(1, 2, None),)
    """
    return tuple(slice(first, last + 1) for first, last in parse_indices(indices, shape))
