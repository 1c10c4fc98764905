"""Reading files that nobody vouches for: never more than was allowed, never an encoding by guess alone."""

from __future__ import annotations

from pathlib import Path

from deephealth.core.errors import QuarantineError
from deephealth.core.units import format_bytes
from deephealth.lake.formats.context import damaged, too_large
from deephealth.lake.reasons import Reason

__all__ = ["decode_text", "encoding_of", "read_bounded"]

_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\0\0", "utf-32"),
    (b"\0\0\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_CONTROLS = bytes(code for code in range(32) if code not in b"\t\n\r\f\x0b\x1a")


def read_bounded(path: Path, most: int) -> bytes:
    """Return a file's bytes, or refuse it when there are more than ``most``.

    Raises:
        QuarantineError: the file is larger.
        MissingDataError: it is not there.
    """
    size = path.stat().st_size
    if size > most:
        raise too_large(f"the file holds {format_bytes(size)}, at most {format_bytes(most)} are read")
    with path.open("rb") as stream:
        data = stream.read(most + 1)
    if len(data) > most:
        raise too_large(f"the file grew above {format_bytes(most)} while it was read")
    return data


def encoding_of(start: bytes, *, whole: bool = True) -> str:
    """Return the encoding of a text that begins with ``start``.

    Args:
        start: the first bytes.
        whole: whether that is the whole text; else a letter may be cut at its end.

    Returns:
        ``utf-8-sig``, ``utf-16``, ``utf-32``, ``utf-8``, or ``cp1252`` for what is none of these.

    Raises:
        QuarantineError: control characters: not a text.

    Example:
        >>> encoding_of("Müller".encode()), encoding_of("Müller".encode("latin-1"))
        ('utf-8', 'cp1252')
    """
    for mark, name in _MARKS:
        if start.startswith(mark):
            return name
    if start.translate(None, _CONTROLS) != start:
        what = "the text holds control characters"
        raise QuarantineError(Reason.UNKNOWN_FORMAT, what, allowed="UTF-8, UTF-16 with a mark, Latin-1")
    for cut in range(1 if whole else 4):
        try:
            start[: len(start) - cut].decode("utf-8")
        except UnicodeDecodeError:
            continue
        return "utf-8"
    return "cp1252"


def decode_text(data: bytes) -> str:
    """Return the text of a file; letters that the encoding does not know become the replacement character.

    Raises:
        QuarantineError: not a text.

    Example:
        >>> decode_text("Größe".encode("utf-16")), decode_text("Größe".encode("latin-1"))
        ('Größe', 'Größe')
    """
    text = data.decode(encoding_of(data), "replace")
    if "\0" in text:
        raise damaged("the text holds null characters")
    return text
