"""The numbers, dates, places and UIDs of one known patient, found in any text however they are spelled."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from deephealth.lake.identifiers import Identifiers
from deephealth.lake.text.dates import OwnDates
from deephealth.lake.text.folding import fold
from deephealth.lake.text.spans import Kind, Removed
from deephealth.lake.text.vocabulary import Vocabulary
from deephealth.lake.text.words import Words

__all__ = ["OwnNumbers", "compact", "one_edit"]

_LETTERS = re.compile(r"[^\W\d_]+")
_TOKEN = re.compile(r"[^\W_]+")
_NOT_LETTER = re.compile(r"[\W_]+")
_SEPARATORS = frozenset(" \t\n\r\f\v\xa0-_./\\:,#()+")
_NOT_FOLLOWED = re.compile(r"[^\W_]|[.,]\d")
_UNIT = re.compile(r"\s?(?:mm|cm|ms|sec|s|ml|cc|mg|kg|g|kv|kvp|ma|mas|hz|hu|gy|mgy|t|%|x|°)(?![^\W_])")
_INTRODUCED = re.compile(
    r"(?:\b(?:id|mrn|pid|acc|nr|no|num|pat|patient|paciente|paziente|fall|case|ref|order|study|exam|hc|nhc|nip|"
    r"ipp|dossier|#)[\s.:#=_-]{1,3})\Z"
)
_LONGEST_INTRODUCTION = 16
_AFTER_DIGIT = re.compile(r"\d[.,]\Z")
_WIDEST_GAP = 2
_READ_AS_DIGITS = str.maketrans("oilzesbgq", "011235899")


def compact(folded: str) -> str:
    """Return the letters and digits only."""
    return _NOT_LETTER.sub("", folded)


def one_edit(left: str, right: str) -> bool:
    """Return whether two words are the same but for one letter wrong, missing or too many.

    Example:
        >>> one_edit("kowalsky", "kowalski"), one_edit("kowalki", "kowalski"), one_edit("kowal", "kowalski")
        (True, True, False)
    """
    if abs(len(left) - len(right)) > 1:
        return False
    start = 0
    while start < min(len(left), len(right)) and left[start] == right[start]:
        start += 1
    if len(left) == len(right):
        return left[start + 1 :] == right[start + 1 :]
    shorter, longer = sorted((left, right), key=len)
    return longer[start + 1 :] == shorter[start:]


class OwnNumbers:
    """Finds one patient's numbers, dates, places and UIDs.

    Nothing is compiled for a patient: a number is looked up among the text's letters and digits, and what stands
    between and around them decides.
    """

    def __init__(self, identifiers: Identifiers, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._numbers = sorted({form for number in identifiers.numbers for form in _forms(compact(fold(number)))})
        self._dates = OwnDates(identifiers.dates)
        self._place_words: set[str] = set()
        self._places: set[tuple[str, ...]] = set()
        for place in identifiers.places:
            self._learn_place(fold(place))
        self._uids = sorted({uid.strip() for uid in identifiers.uids if len(uid) > 5})
        self._gates = tuple(
            {*self._numbers, *map("".join, self._places), *self._place_words, *map(compact, self._uids)}
        )

    def _learn_place(self, place: str) -> None:
        tokens = tuple(_TOKEN.findall(place))
        telling = len(tokens) > 1 or (bool(tokens) and len(tokens[0]) > 2 and not self._is_word(tokens[0]))
        if telling and not all(token in self._vocabulary.clinical for token in tokens):
            self._places.add(tokens)
        self._place_words.update(w for w in _LETTERS.findall(place) if len(w) > 3 and not self._is_word(w))

    def _is_word(self, word: str) -> bool:
        return word in self._vocabulary.clinical or word in self._vocabulary.common

    def suspect(self, folded: str, *, dates: bool) -> bool:
        """Return whether the text may hold one of them; ``dates`` says whether something in it may be a date."""
        if self._dates and dates:
            return True
        if not self._gates:
            return False
        letters = compact(folded)
        return any(gate in letters for gate in self._gates)

    def nearly(self, tokens: set[str]) -> bool:
        """Return whether a token that OCR read is a number of five signs or more, letters and digits mistaken."""
        long = [form.translate(_READ_AS_DIGITS) for form in self._numbers if len(form) > 4]
        read = [token.translate(_READ_AS_DIGITS) for token in tokens]
        return any(one_edit(token, form) if len(form) > 5 else token == form for token in read for form in long)

    def find(self, words: Words) -> Iterator[Removed]:
        """Yield the numbers, dates, places and UIDs in a text."""
        folded = words.folded
        at = [place for place, char in enumerate(folded) if char.isalnum()]
        letters = "".join(folded[place] for place in at)
        for form in self._numbers:
            start = letters.find(form)
            while start >= 0:
                span = self._number(folded, form, at[start : start + len(form)])
                if span is not None:
                    yield Removed(Kind.ID, *span)
                start = letters.find(form, start + 1)
        yield from self._dates.find(folded)
        if self._places or self._place_words:
            yield from self._find_places(folded)
        for uid in self._uids:
            start = folded.find(uid)
            while start >= 0:
                around = folded[start - 1 : start], folded[start + len(uid) : start + len(uid) + 1]
                if not (around[0].isdigit() or around[0] == "." or around[1].isdigit()):
                    yield Removed(Kind.UID, start, start + len(uid))
                start = folded.find(uid, start + 1)

    def _number(self, folded: str, form: str, places: list[int]) -> tuple[int, int] | None:
        """Return where a number stands if it may be the patient's: the longer, the less must stand around it."""
        start, end = places[0], places[-1] + 1
        together = end - start == len(form)
        if len(form) > 4 and not self._is_word(form):
            if together:
                while start > 0 and folded[start - 1].isalnum():
                    start -= 1
                while end < len(folded) and folded[end].isalnum():
                    end += 1
                return start, end
            return (start, end) if self._separated(folded, places) else None
        if not together or _NOT_FOLLOWED.match(folded, end):
            return None
        if len(form) <= 3 or self._is_word(form):
            before = folded[max(0, start - _LONGEST_INTRODUCTION) : start]
            return (start, end) if _INTRODUCED.search(before) else None
        before = folded[max(0, start - 2) : start]
        if before[-1:].isalnum() or _AFTER_DIGIT.search(before) or _UNIT.match(folded, end):
            return None
        return start, end

    @staticmethod
    def _separated(folded: str, places: list[int]) -> bool:
        """Return whether the signs of a number stand by themselves with no more than separators between them."""
        start, end = places[0], places[-1] + 1
        if folded[start - 1 : start].isalnum() or folded[end : end + 1].isalnum():
            return False
        if any(after - before > _WIDEST_GAP + 1 for before, after in itertools.pairwise(places)):
            return False
        signs = set(places)
        return all(folded[place] in _SEPARATORS for place in range(start, end) if place not in signs)

    def _find_places(self, folded: str) -> Iterator[Removed]:
        tokens = [(match.group(), match.start(), match.end()) for match in _TOKEN.finditer(folded)]
        for word, start, end in tokens:
            if word in self._place_words:
                yield Removed(Kind.PLACE, start, end)
        listed = [word for word, _, _ in tokens]
        for place in self._places:
            for first, word in enumerate(listed):
                last = first + len(place) - 1
                if word != place[0] or tuple(listed[first : last + 1]) != place:
                    continue
                if all(tokens[i + 1][1] - tokens[i][2] <= 3 for i in range(first, last)):
                    yield Removed(Kind.PLACE, tokens[first][1], tokens[last][2])


def _forms(number: str) -> set[str]:
    """Return the spellings of a number: without leading zeros, and the digits alone where there are five or more."""
    digits = re.sub(r"\D", "", number)
    shorter = {form for form in (number.lstrip("0"), digits, digits.lstrip("0")) if len(form) > 4}
    return ({number} | shorter) - {""}
