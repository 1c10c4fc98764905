"""Taking identifiers out of header texts; texts repeat from slice to slice, so answers are remembered."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from deephealth.lake.identifiers import Identifiers
from deephealth.lake.profile.dates import dates_in
from deephealth.lake.text.dates import OwnDates
from deephealth.lake.text.folding import fold

__all__ = ["Cleaner", "MakeCleaner", "Sweeper", "text_cleaner"]

_REMEMBERED, _LONGEST_REMEMBERED = 20_000, 256
_SHORTEST_NUMBER = 4
_SHORT, _LONG = 3, 6
_PIECES = re.compile(r"[^\W\d_]{3,}")
_LAST_WORD = re.compile(r"[^\W_]{4,}\Z")
_TELLING = re.compile(r"@|://|\d+(?:\.\d+){5}|(?<!\d)\d{3}[-. ]\d{2}[-. ]\d{4}(?!\d)|(?:\d[-/() ]{0,2}){9}")
"""What looks like an address, a UID, a social security or telephone number wherever it stands."""


class _Cleaned(Protocol):
    @property
    def text(self) -> str: ...


class Cleaner(Protocol):
    """What takes identifiers out of a text, such as :class:`deephealth.lake.text.cleaner.TextCleaner`."""

    def clean(self, text: str) -> _Cleaned:
        """Return the text without them."""
        ...


MakeCleaner = Callable[[Identifiers], Cleaner]


def text_cleaner(identifiers: Identifiers) -> Cleaner:
    """Build the lake's own text cleaner."""
    from deephealth.lake.text.cleaner import TextCleaner

    return TextCleaner(identifiers)


class Sweeper:
    """Cleans the texts of one patient's objects.

    Args:
        identifiers: what is known to identify the patient.
        make: builds the cleaner.
    """

    __slots__ = ("_cleaner", "_compact", "_dates", "_full", "_known", "_names", "_starts", "clean_bytes")

    def __init__(self, identifiers: Identifiers, make: MakeCleaner = text_cleaner) -> None:
        self._cleaner = make(replace(identifiers, uids=frozenset()))  # any UID in a text goes, known or not
        self.clean_bytes: set[tuple[str, bytes]] = set()  # ways of sweeping, and ASCII values that they leave alone
        self._full: dict[str, str] = {}
        self._known: dict[str, bool] = {}
        words = {fold(part) for part in identifiers.name_parts()}
        words |= {piece for word in words for piece in _PIECES.findall(word)}  # one half of a double name stands alone
        self._starts = tuple(words | {fold(number) for number in identifiers.numbers})
        words |= {fold(place) for place in identifiers.places}
        self._names = _any_of(words)
        self._compact = _any_of(_compact_forms(identifiers))
        self._dates = OwnDates(date for text in identifiers.dates for date in dates_in(text))

    def remember(self, way: str, value: bytes) -> None:
        """Note that a value in ASCII has nothing to take out under one way of sweeping."""
        if len(self.clean_bytes) > _REMEMBERED:
            self.clean_bytes.clear()
        if len(value) <= _LONGEST_REMEMBERED:
            self.clean_bytes.add((way, value))

    def full(self, text: str) -> str:
        """Take out all that identifies: the patient's own identifiers, and what looks like anybody's."""
        known = self._full.get(text)
        if known is None:
            if len(self._full) > _REMEMBERED:
                self._full.clear()
            known = self._cleaner.clean(text).text if text.strip(" \0") else text
            if len(text) <= _LONGEST_REMEMBERED:
                self._full[text] = known
        return known

    def known(self, text: str) -> str:
        """Take out identifiers only if one that is known to be the patient's stands in the text."""
        return self.full(text) if self.suspects(text) else text

    def coded(self, text: str) -> str:
        """Take out identifiers only if a number or date of the patient, or two parts of a name, stand in a code."""
        if not self.suspects(text):
            return text
        folded = fold(text)
        parts = set(self._names.findall(folded)) if self._names else set()
        number = self._compact is not None and self._compact.search(re.sub(r"[\W_]+", "", folded))
        return self.full(text) if number or len(parts) > 1 else text

    def without_stump(self, text: str, *, full: bool) -> str:
        """Take out the last word if it is the beginning of one of the patient's names or numbers, cut off.

        Args:
            text: a value.
            full: whether its field was full, so that something must have been cut off; otherwise most of the name has
                to be there.
        """
        last = _LAST_WORD.search(text)
        if last is None:
            return text
        stump = fold(last[0])
        for start in self._starts:
            most = len(stump) >= _LONG and len(stump) * 3 >= len(start) * 2
            if (full or most) and start != stump and start.startswith(stump):
                return text[: last.start()].rstrip(" ,;:^_-")
        return text

    def suspects(self, text: str) -> bool:
        """Whether something that is known to identify the patient may stand in a text."""
        answer = self._known.get(text)
        if answer is None:
            if len(self._known) > _REMEMBERED:
                self._known.clear()
            folded = fold(text)
            answer = bool(
                (self._names and self._names.search(folded))
                or (self._compact and self._compact.search(re.sub(r"[\W_]+", "", folded)))
                or _TELLING.search(text)
                or next(self._dates.find(folded), None)
            )
            if len(text) <= _LONGEST_REMEMBERED:
                self._known[text] = answer
        return answer


def _any_of(words: set[str]) -> re.Pattern[str] | None:
    """Return a pattern for any of some words: long ones within a word too, short ones only on their own."""
    within = [re.escape(word) for word in sorted(words) if len(word) > _SHORT]
    alone = [re.escape(word) for word in sorted(words) if 1 < len(word) <= _SHORT]
    parts = [*within, *([rf"(?<![^\W\d_])(?:{'|'.join(alone)})(?![^\W\d_])"] if alone else [])]
    return re.compile("|".join(parts)) if parts else None


def _compact_forms(identifiers: Identifiers) -> set[str]:
    numbers = {re.sub(r"[\W_]+", "", fold(number)) for number in identifiers.numbers}
    forms = {number for number in numbers if len(number) >= _SHORTEST_NUMBER}
    for text in identifiers.dates:
        for date in dates_in(text):
            year, month, day = date[:4], date[4:6], date[6:]
            forms |= {date, day + month + year, month + day + year}
    return forms
