"""Taking found identifiers out of a text: a placeholder in their place, or a cut and tidy blanks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from deephealth.lake.text.spans import Removed

__all__ = ["CleanedText", "cut"]

_HOLE = "\0"
_TIDYING = tuple(
    (re.compile(pattern), by)
    for pattern, by in (
        (r"\0(?:[\s,;^_=/.\-(){}\[\]]*\0)+", "\0"),  # a row of holes is one
        (r"[(\[{<\"]\s*\0[\s,;.]*[)\]}>\"]", "\0"),  # brackets round nothing
        (r"[\^=]*\0[\^=]+|[\^=]+\0", "\0 "),  # the empty components of a person name
        (r"\0\.(?=\s*\0|\s*\Z)", "\0"),
        (r"\A\s*\0[\s,;:^_=/.\-]*", ""),
        (r"[\s,;^_=/\-]*\0\s*\Z", ""),
        (r"[ \t]*\0[ \t]*(?=[,;.:)\]\n])", ""),
        (r"(?<=[\n(\[])[ \t]*\0[ \t]*", ""),
        (r"[ \t]*\0[ \t]*", " "),
    )
)


@dataclass(frozen=True, slots=True)
class CleanedText:
    """A text after cleaning.

    Args:
        text: what is left; the text as it came when nothing was found.
        removed: what was taken out, with places in the text as it came.
        doubtful: a word is the patient's name and a clinical word, and its place doesn't tell which is meant.
    """

    text: str
    removed: tuple[Removed, ...] = ()
    doubtful: bool = False


def cut(text: str, spans: Sequence[Removed], *, doubtful: bool = False, placeholders: bool = False) -> CleanedText:
    """Return the text without the given pieces.

    Args:
        text: the text.
        spans: what goes, in order and without overlaps.
        doubtful: passed on.
        placeholders: write ``[NAME]`` ... in the place of each piece; otherwise the gap is closed.

    Example:
        >>> from deephealth.lake.text.spans import Kind
        >>> cut("CHEST (Doe) PA", [Removed(Kind.NAME, 7, 10)]).text
        'CHEST PA'
    """
    if not spans:
        return CleanedText(text, doubtful=doubtful)
    pieces, position = [], 0
    for span in spans:
        pieces.append(text[position : span.start].replace(_HOLE, " "))
        pieces.append(f"[{span.kind.upper()}]" if placeholders else _HOLE)
        position = span.end
    pieces.append(text[position:].replace(_HOLE, " "))
    joined = "".join(pieces)
    return CleanedText(joined if placeholders else _tidy(joined), tuple(spans), doubtful)


def _tidy(text: str) -> str:
    """Close the gaps that were left, and take away the brackets and separators that now hold nothing."""
    for pattern, by in _TIDYING:
        text = pattern.sub(by, text)
    return text
