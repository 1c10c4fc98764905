"""The annotations of EDF+: time-stamped lists, ``+onset[0x15 duration]0x14 text 0x14 ... 0x14 0x00``."""

from __future__ import annotations

import re
from collections.abc import Callable

__all__ = ["clean_annotations"]

_LIST = re.compile(rb"([+-]\d+(?:\.\d*)?(?:\x15\d+(?:\.\d*)?)?)\x14(.*)\x14", re.DOTALL)


def clean_annotations(data: bytes, sweep: Callable[[str], str]) -> tuple[bytes, int]:
    r"""Clean the texts of one record's annotations; onsets and durations stay.

    Args:
        data: the annotation signal of one record.
        sweep: cleans a text.

    Returns:
        As many bytes as came in, and how many lists could not be read (they are left out).

    Source: EDF+ specification, section 2.2.

    Example:
        >>> clean_annotations(b"+0\x14\x14\x00+1.5\x152\x14Jane Doe sleeps\x14\x00\x00", lambda text: text[9:])
        (b'+0\x14\x14\x00+1.5\x152\x14sleeps\x14\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00', 0)
    """
    kept, dropped = bytearray(), 0
    for piece in data.split(b"\0"):
        if not piece:
            continue
        found = _LIST.fullmatch(piece)
        if not found:
            dropped += 1
            continue
        onset, texts = found[1], found[2]
        fresh = onset + b"\x14" + b"\x14".join(_clean(text, sweep) for text in texts.split(b"\x14")) + b"\x14\0"
        if len(kept) + len(fresh) > len(data):  # a cleaned text may be longer in UTF-8 than it was
            dropped += 1
            continue
        kept += fresh
    return bytes(kept).ljust(len(data), b"\0"), dropped


def _clean(text: bytes, sweep: Callable[[str], str]) -> bytes:
    if not text:
        return text
    try:
        decoded = text.decode("utf-8")
    except UnicodeDecodeError:  # older software writes the letters of its own machine
        decoded = text.decode("cp1252", "replace")
    fresh = re.sub(r"[\x00-\x08\x0b-\x1f]", " ", sweep(decoded))
    return text if fresh == decoded and _is_utf8(text) else fresh.encode("utf-8")


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
