"""The free-text cleaner: identifiers out, clinical text kept."""

from __future__ import annotations

import re
from dataclasses import dataclass

from deephealth.lake.identifiers import Identifiers
from deephealth.lake.text.context import CONTEXT_WORDS, find_names
from deephealth.lake.text.dates import find_dates
from deephealth.lake.text.folding import fold
from deephealth.lake.text.numbers import find_numbers, may_hold_numbers
from deephealth.lake.text.own import OwnNames, OwnNumbers
from deephealth.lake.text.spans import Kind, Removed, merged
from deephealth.lake.text.vocabulary import load_vocabulary
from deephealth.lake.text.words import Words

__all__ = ["CleanedText", "Kind", "Removed", "TextCleaner"]

_LETTERS = re.compile(r"[^\W\d_]+")
_REMEMBERED = 4096


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


class TextCleaner:
    """Takes identifiers out of free text.

    Args:
        identifiers: what is known about the patient; it goes out in every spelling.
        placeholders: write ``[NAME]``, ``[DATE]`` ... in the place of what was taken out, for reports; otherwise it
            is cut and the blanks are tidied.

    Raises:
        OptionalDependencyError: Faker, which brings the lists of names, is not installed.

    Source: DICOM PS3.15 E.3.6 (clean descriptors option); 45 CFR 164.514(b)(2), the identifiers of HIPAA's safe harbor.

    Example:
        >>> cleaner = TextCleaner(Identifiers.of(names=["DOE^JANE"], numbers=["4711-22"], dates=["19600102"]))
        >>> cleaner.clean("CHEST PA Doe, J. (471122) 02.01.1960").text
        'CHEST PA'
        >>> cleaner.clean("T2 TSE fs tra L4/5, s/p CABG").text
        'T2 TSE fs tra L4/5, s/p CABG'
        >>> TextCleaner(placeholders=True).clean("Seen by Dr. Smith on 3 March 2019.").text
        'Seen by Dr. [NAME] on [DATE].'
    """

    def __init__(self, identifiers: Identifiers = Identifiers(), *, placeholders: bool = False) -> None:  # noqa: B008
        self._vocabulary = load_vocabulary()
        self._names = OwnNames(identifiers, self._vocabulary)
        self._numbers = OwnNumbers(identifiers, self._vocabulary)
        self._placeholders = placeholders
        self._remembered: dict[str, CleanedText] = {}

    def clean(self, text: str) -> CleanedText:
        """Return the text without identifiers."""
        known = self._remembered.get(text)
        if known is None:
            known = self._clean(text)
            if len(self._remembered) < _REMEMBERED and len(text) < 200:
                self._remembered[text] = known
        return known

    def _clean(self, text: str) -> CleanedText:
        folded = fold(text)
        found = set(_LETTERS.findall(folded))
        own_name = self._names.suspect(folded, found)
        form = may_hold_numbers(folded, found)
        own_number = self._numbers.suspect(folded, dates=form)
        people = not (CONTEXT_WORDS.isdisjoint(found) and self._vocabulary.sure_names.isdisjoint(found)) or self._maybe(
            text
        )
        if not (own_name or own_number or form or people):
            return CleanedText(text)
        words = Words(text)
        spans: list[Removed] = []
        if own_name:
            spans.extend(self._names.find(words))
        if own_number:
            spans.extend(self._numbers.find(words))
        if form:
            spans.extend(find_dates(words.folded))
            spans.extend(find_numbers(words.text, words.folded))
        if people:
            spans.extend(find_names(words, self._vocabulary))
        return self._cut(text, words, merged(spans))

    def _maybe(self, text: str) -> bool:
        return _TWO_CAPITALISED.search(text) is not None

    def _cut(self, text: str, words: Words, spans: list[Removed]) -> CleanedText:
        removed = tuple(Removed(span.kind, words.place(span.start), words.place(span.end)) for span in spans)
        if not removed:
            return CleanedText(text)
        pieces, position = [], 0
        for span in removed:
            pieces.append(text[position : span.start])
            pieces.append(f"[{span.kind.upper()}]" if self._placeholders else _HOLE)
            position = span.end
        pieces.append(text[position:])
        joined = "".join(pieces)
        return CleanedText(joined if self._placeholders else _tidy(joined), removed)


_TWO_CAPITALISED = re.compile(r"[A-ZÀ-Þ][a-zß-ÿ]+ [A-ZÀ-Þ][a-zß-ÿ]+")


_HOLE = "\0"
_TIDYING = tuple(
    (re.compile(pattern), by)
    for pattern, by in (
        (r"\0(?:[\s,;^_=/.\-(){}\[\]]*\0)+", "\0"),  # a row of holes is one
        (r"[(\[{<\"]\s*\0[\s,;.]*[)\]}>\"]", "\0"),  # brackets round nothing
        (r"\0\.(?=\s*\0|\s*\Z)", "\0"),
        (r"\A\s*\0[\s,;:^_=/.\-]*", ""),
        (r"[\s,;^_=/\-]*\0\s*\Z", ""),
        (r"[ \t]*\0[ \t]*(?=[,;.:)\]\n])", ""),
        (r"(?<=[\n(\[])[ \t]*\0[ \t]*", ""),
        (r"[ \t]*\0[ \t]*", " "),
    )
)


def _tidy(text: str) -> str:
    """Close the gaps that were left, and take away the brackets and separators that now hold nothing."""
    for pattern, by in _TIDYING:
        text = pattern.sub(by, text)
    return text
