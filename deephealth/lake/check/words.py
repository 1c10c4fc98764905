"""Whether a line that was read in a picture holds an identifier that the vault knows, or looks like one."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import pairwise

from deephealth.core.optional import require
from deephealth.lake.identifiers import Identifiers
from deephealth.lake.text.folding import fold
from deephealth.lake.text.names import load_names
from deephealth.lake.text.vocabulary import load_vocabulary

__all__ = ["KnownWords", "looks_like"]

_MIN_NAME, _MIN_NUMBER, _MIN_FOREIGN_NUMBER = 4, 5, 8
_MIN_TOLERANT = 6  # letters; one wrong letter in fewer is another word
_MIN_INSIDE = 8  # letters; a shorter name of another patient stands inside other words by chance
_LETTERS = str.maketrans("01589", "olsbg")
_DIGITS = str.maketrans("oqdilsbgz", "000115892")
_DATE = re.compile(
    r"(?<!\d)(?:(?P<y>(?:19|20)\d\d)[./\-\s]?(?P<m>[01]?\d)[./\-\s]?(?P<d>[0-3]?\d)"
    r"|(?P<a>[0-3]?\d)[./\-\s](?P<b>[0-3]?\d)[./\-\s](?P<z>(?:19|20)?\d\d))(?!\d)"
)
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()  # noqa: SIM905
_MONTH_DATE = re.compile(rf"(?<!\d)(\d{{1,2}})[\s.\-]*({'|'.join(_MONTHS)})[a-z]*[\s.,\-]*((?:19|20)?\d\d)(?!\d)")


class KnownWords:
    """The identifiers of all patients of a lake, ready to be compared with what was read.

    Names count by their parts of four letters and more; from six letters on one letter may be wrong, missing or too
    many. Letters and digits that look alike (O and 0, l and 1) are equal. Numbers count from five characters; short
    ones, dates, and names that are ordinary words too, count for the patient's own pictures only.

    Args:
        known: pseudonym and identifiers of each patient.

    Source: the index by left-out letters is that of SymSpell (Garbe, 2012).

    Example:
        >>> words = KnownWords([("S1", Identifiers(names=frozenset({"QUIMBY^ZELDA"}), dates=frozenset({"19620304"})))])
        >>> sorted(words.find("Zelda QU1MBV born 04.03.1962", "S1"))
        [('S1', 'date'), ('S1', 'name')]
        >>> words.find("CHEST PA 120 kV", "S1")
        set()
    """

    def __init__(self, known: Iterable[tuple[str, Identifiers]]) -> None:
        self._names: dict[str, set[str]] = defaultdict(set)
        self._numbers: dict[str, set[str]] = defaultdict(set)
        self._own: dict[str, set[tuple[str, str]]] = defaultdict(set)  # what counts for its owner only
        self._places: dict[str, list[tuple[str, frozenset[str]]]] = defaultdict(list)
        self._dates: dict[str, frozenset[str]] = {}
        for owner, identifiers in known:
            self._add(owner, identifiers)
        self._near: dict[str, set[str]] = defaultdict(set)
        for name in self._names:
            if len(name) >= _MIN_TOLERANT:
                for shorter in _shorter(name):
                    self._near[shorter].add(name)
        long = [name for name in self._names if len(name) >= _MIN_INSIDE]
        automaton = require("ahocorasick_rs", purpose="looking for identifiers in released files")
        self._inside = automaton.AhoCorasick(long) if long else None

    def _add(self, owner: str, identifiers: Identifiers) -> None:
        for part in identifiers.name_parts():
            self._add_name(owner, part)
        for number in identifiers.numbers:
            squashed = _number(number)
            if len(squashed) >= _MIN_NUMBER and any(map(str.isdigit, number)):
                self._own[owner].add(("number", squashed))
                if len(squashed) >= _MIN_FOREIGN_NUMBER or not number.isdigit():
                    self._numbers[squashed].add(owner)
        for place in identifiers.places:
            words = frozenset(word for word in _words(place) if len(word) >= _MIN_NAME)
            if len(_word(place)) >= _MIN_INSIDE:
                for word in words - _ordinary():  # under each: one of them may be misread
                    self._places[word].append((owner, words))
        self._dates[owner] = identifiers.dates

    def _add_name(self, owner: str, part: str) -> None:
        word, names = _word(part), load_names()
        if len(word) < (_MIN_NAME if part.isascii() else 2):
            return
        ordinary = word in _ordinary()
        if not ordinary and (part.isascii() or len(word) > 2):
            self._names[word].add(owner)
        if not ordinary or word in names.family or word in names.given:
            self._own[owner].add(("name", word))

    def find(self, text: str, subject: str = "") -> set[tuple[str, str]]:
        """Return owner and kind of every identifier in a line.

        Args:
            text: the line.
            subject: pseudonym of the patient whose picture it is.
        """
        words = _words(text)
        found = {(owner, "name") for word in words for name in self._like(word) for owner in self._names[name]}
        squashed = _word(text)
        if self._inside is not None:
            hits = self._inside.find_matches_as_strings(squashed)
            found |= {(owner, "name") for name in hits for owner in self._names[name]}
        for number in _numbers(text):
            found |= {(owner, "number") for owner in self._numbers.get(number, ())}
        found |= {(subject, kind) for kind in self._owned(text, squashed, subject)}
        return found | set(self._place(words))

    def _like(self, word: str) -> set[str]:
        """Return the known names that a word may be."""
        found = {word} if word in self._names else set()
        if len(word) >= _MIN_TOLERANT - 1 and word not in _ordinary():
            near = {name for form in (word, *_shorter(word)) for name in self._near.get(form, ())}
            found |= {name for name in near if _one_apart(word, name)}
        return found

    def _owned(self, text: str, squashed: str, subject: str) -> Iterator[str]:
        words, ordinary = set(_words(text)), _ordinary()
        numbers, digits = _numbers(text), _number(text)
        for kind, known in self._own.get(subject, ()):
            if kind == "name":
                stands = known in words if known in ordinary else known in squashed
            else:
                stands = known in digits or any(_one_apart(number, known) for number in numbers)
            if stands:
                yield kind
        if self._dates.get(subject, frozenset()) & set(dates_in(text)):
            yield "date"

    def _place(self, words: list[str]) -> Iterator[tuple[str, str]]:
        for word in words:
            for owner, wanted in self._places.get(word, ()):
                if all(any(one == other or _one_apart(one, other) for other in words) for one in wanted):
                    yield owner, "place"


def looks_like(text: str) -> str:
    """Return what a line looks like: ``date``, ``number``, ``name``, or nothing of the kind.

    Example:
        >>> [looks_like(text) for text in ("03/04/1962", "ID 558213", "Giovanni", "CHEST PA", "120 kV 3.5 mAs")]
        ['date', 'number', 'name', '', '']
    """
    if dates_in(text):
        return "date"
    if any(sum(map(str.isdigit, word)) >= _MIN_NUMBER for word in re.split(r"[^\w.\-/]+", text)):
        return "number"
    names, ordinary = load_names(), _ordinary()
    if any(
        len(word) >= _MIN_NAME and word not in ordinary and (word in names.given or word in names.family)
        for word in _words(text)
    ):
        return "name"
    return ""


def dates_in(text: str) -> list[str]:
    """Return every date that a text may hold, as ``YYYYMMDD``; day and month both ways round.

    Example:
        >>> dates_in("04.03.1962"), dates_in("3 Mar 2019"), dates_in("99.99.1962")
        (['19620304', '19620403'], ['20190303'], [])
    """
    folded, found = fold(text), []
    for match in _DATE.finditer(folded):
        if match["y"]:
            found.append((match["y"], match["m"], match["d"]))
        else:
            found += [(match["z"], match["b"], match["a"]), (match["z"], match["a"], match["b"])]
    for day, month, year in _MONTH_DATE.findall(folded):
        found.append((year, str(_MONTHS.index(month) + 1), day))
    full = [(y, m, d) for year, m, d in found for y in ([year] if len(year) == 4 else [f"19{year}", f"20{year}"])]
    return [f"{y}{int(m):02}{int(d):02}" for y, m, d in full if 1 <= int(m) <= 12 and 1 <= int(d) <= 31]


def _words(text: str) -> list[str]:
    return [word for part in re.split(r"[\W_]+", fold(text)) if (word := part.translate(_LETTERS))]


def _word(text: str) -> str:
    return "".join(_words(text))


def _number(text: str) -> str:
    return re.sub(r"[\W_]+", "", fold(text)).translate(_DIGITS)


def _numbers(text: str) -> set[str]:
    """Return the words of a line that hold a digit, and each two that stand beside each other, as numbers."""
    parts = re.split(r"\s+", text)
    both = [*parts, *(f"{one}{other}" for one, other in pairwise(parts))]
    both += [piece for part in parts for piece in re.split(r"[^\w]+", part)]
    return {_number(part) for part in both if any(map(str.isdigit, part))}


def _shorter(word: str) -> set[str]:
    return {word[:at] + word[at + 1 :] for at in range(len(word))}


def _one_apart(one: str, other: str) -> bool:
    """Whether one letter was changed, left out or added, in words of six letters and more."""
    if max(len(one), len(other)) < _MIN_TOLERANT or abs(len(one) - len(other)) > 1:
        return False
    if len(one) == len(other):
        return sum(a != b for a, b in zip(one, other, strict=True)) <= 1
    short, long = sorted((one, other), key=len)
    return short in _shorter(long)


@cache
def _ordinary() -> frozenset[str]:
    """Words of medicine and of every day: a patient called Chest does not make a chest an identifier."""
    words = load_vocabulary()
    return frozenset(word.translate(_LETTERS) for word in words.clinical | words.common)
