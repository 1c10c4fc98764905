"""Text reports: decoded, cleaned with the patient's identifiers, rules and dictionaries, written as UTF-8."""

from __future__ import annotations

import unicodedata
from pathlib import Path

from deephealth.core.errors import QuarantineError
from deephealth.lake.actions import Action, Tally
from deephealth.lake.formats.context import FileContext, FileOutcome, writing
from deephealth.lake.formats.reading import decode_text, read_bounded
from deephealth.lake.reasons import Reason

__all__ = ["clean"]

_MOST_BYTES = 4 * 1024**2


def clean(source: Path, target: Path, who: FileContext) -> FileOutcome:
    """Write a report without identifiers, placeholders in their places.

    Invisible letters (soft hyphens, zero-width and direction marks) go first: they would hide a name from any search.

    Args:
        source: the file; UTF-8, UTF-16 with a mark, or Latin-1.
        target: where the cleaned report is to be.
        who: whose it is.

    Raises:
        QuarantineError: not a text, too long, no patient, or a text that could not be cleaned surely.
        StorageError: the target can't be written.
    """
    _ = who.subject
    text = visible(decode_text(read_bounded(source, _MOST_BYTES)))
    cleaned = who.report(text, who.identifiers)
    if cleaned.doubtful:
        raise QuarantineError(
            Reason.DOUBTFUL_TEXT,
            "the report holds something that may identify and could not be taken out surely",
            hint="read it in the quarantine, and release it by hand or leave it there",
        )
    with writing(target):
        target.write_bytes(cleaned.text.encode("utf-8"))
    tally = Tally({Action.KEPT if cleaned.text == text else Action.CLEANED: 1})
    return FileOutcome("report", "DOC", tally, {"characters": len(cleaned.text)})


def visible(text: str) -> str:
    r"""Return a text in composed letters, without those that nobody sees.

    Example:
        >>> visible("Do\u00ade\u200b")
        'Doe'
    """
    composed = unicodedata.normalize("NFC", text.replace("\r\n", "\n"))
    return "".join(letter for letter in composed if letter in "\n\t\r\f" or unicodedata.category(letter)[0] != "C")
