"""The free-text cleaner: identifiers out, clinical text kept."""

from __future__ import annotations

import re

from deephealth.lake.identifiers import Identifiers
from deephealth.lake.text.context import CONTEXT_WORDS, find_names
from deephealth.lake.text.cutting import CleanedText, cut
from deephealth.lake.text.dates import find_dates
from deephealth.lake.text.folding import fold
from deephealth.lake.text.institutions import find_institutions, may_name_institutions
from deephealth.lake.text.numbers import find_numbers, may_hold_numbers
from deephealth.lake.text.own import OwnNames
from deephealth.lake.text.own_numbers import OwnNumbers
from deephealth.lake.text.spans import Kind, Removed, merged
from deephealth.lake.text.vocabulary import load_vocabulary
from deephealth.lake.text.words import Words

__all__ = ["CleanedText", "Kind", "Removed", "TextCleaner"]

_LETTERS = re.compile(r"[^\W\d_]+")
_REMEMBERED = 4096


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
        spans, doubtful = self.find(text)
        return cut(text, spans, doubtful=doubtful, placeholders=self._placeholders)

    def find(self, text: str) -> tuple[list[Removed], bool]:
        """Return where the identifiers are, in order, and whether a word may be one and may not."""
        folded = fold(text)
        found = set(_LETTERS.findall(folded))
        form = may_hold_numbers(folded, found)
        own_name = self._names.suspect(folded, found)
        own_number = self._numbers.suspect(folded, dates=form)
        people = self._may_name_people(text, found)
        institutions = may_name_institutions(found)
        if not (own_name or own_number or form or people or institutions):
            return [], False
        words = Words(text)
        spans: list[Removed] = list(self._numbers.find(words)) if own_number else []
        unsure: list[Removed] = []
        if form:
            spans.extend(find_dates(words.folded))
        if own_name:
            names, unsure = self._names.find(words, [s for s in spans if s.kind in (Kind.ID, Kind.DATE)])
            spans.extend(names)
        if form:
            spans.extend(find_numbers(words.text, words.folded))
        if people:
            spans.extend(find_names(words, self._vocabulary))
        if institutions:
            spans.extend(find_institutions(words, self._vocabulary))
        going = merged(spans)
        doubtful = any(not any(s.start <= u.start < s.end for s in going) for u in unsure)
        return [Removed(s.kind, words.place(s.start), words.place(s.end)) for s in going], doubtful

    def _may_name_people(self, text: str, words: set[str]) -> bool:
        if not CONTEXT_WORDS.isdisjoint(words) or not self._vocabulary.sure_names.isdisjoint(words):
            return True
        return "//" in text or _CAPITALISED.search(text) is not None

    def looks_like_identifier(self, text: str) -> bool:
        """Return whether a text that OCR read may hold an identifier; long parts may have one mistake.

        Args:
            text: what was read.

        Example:
            >>> cleaner = TextCleaner(Identifiers.of(names=["KOWALSKI^ANNA"], numbers=["0471182"]))
            >>> [cleaner.looks_like_identifier(text) for text in ("KOWALSK1", "O471I82", "R PORTABLE", "ERECT AP")]
            [True, True, False, False]
        """
        spans, doubtful = self.find(text)
        if spans or doubtful:
            return True
        tokens = set(re.findall(r"[^\W_]+", fold(text)))
        known = self._vocabulary.clinical
        return self._names.nearly(tokens - known) or self._numbers.nearly(tokens - known)


_CAPITALISED = re.compile(r"[A-ZÀ-Þ](?:[a-zß-ÿ]+ |\. )[A-ZÀ-Þ][a-zß-ÿ]+")
