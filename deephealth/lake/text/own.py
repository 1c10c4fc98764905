"""The identifiers of one known patient, found in any text however they are spelled."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from deephealth.lake.identifiers import Identifiers
from deephealth.lake.text.dates import own_date_pattern
from deephealth.lake.text.eponyms import is_eponym
from deephealth.lake.text.folding import fold
from deephealth.lake.text.spans import Kind, Removed
from deephealth.lake.text.vocabulary import Vocabulary
from deephealth.lake.text.words import Words

__all__ = ["OwnNames", "OwnNumbers", "compact"]

_LETTERS = re.compile(r"[^\W\d_]+")
_NOT_LETTER = re.compile(r"[\W_]+")
_TITLES = frozenset(
    "dr prof md phd mr mrs ms miss jr sr ii iii iv do np rn herr frau mme mlle med dipl ing dra drs univ".split()
)
_SEPARATOR = r"[\s\-_./\\:,#()+]{0,2}"
_UNIT = r"(?!\s?(?:mm|cm|ms|sec|s|ml|cc|mg|kg|g|kv|kvp|ma|mas|hz|hu|gy|mgy|t|%|x|°)(?![^\W_]))"
_INTRODUCED = r"(?:\b(?:id|mrn|pid|acc|nr|no|num|pat|patient|paciente|paziente|fall|case|ref|order|study|exam|hc|nhc|nip|ipp|dossier|#)[\s.:#=_-]{1,3})"


def compact(folded: str) -> str:
    """Return the letters and digits only."""
    return _NOT_LETTER.sub("", folded)


def _is_latin(word: str) -> bool:
    return word < "\u0250"


class OwnNames:
    """Finds the parts of one patient's names.

    A part that no vocabulary knows is taken out wherever it stands. A part that is an ordinary word goes where it is
    capitalised; a part that is a clinical word (a patient called Foot) only beside another part of the name.
    """

    def __init__(self, identifiers: Identifiers, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.whole: set[str] = set()
        self.initials: set[str] = set()
        self.parts: set[str] = set()
        self.script: set[str] = set()
        for name in identifiers.names:
            self._learn(name)
        self.strong = {
            p for p in self.parts if len(p) > 2 and p not in vocabulary.clinical and p not in vocabulary.common
        }
        self.gates = tuple(sorted(p for p in self.parts if len(p) > 2))

    def _learn(self, name: str) -> None:
        for component in re.split(r"[\^=,]", name):
            joined = compact(fold(component))
            if _LETTERS.fullmatch(joined) and len(joined) > 3 and joined not in self.vocabulary.clinical:
                self.parts.add(joined)  # "vanderlinde"
        pieces = [piece for piece in re.split(r"[\^=\s,;.&/_]+", name) if piece]
        folded = [fold(piece) for piece in pieces]
        kept = [(piece, word) for piece, word in zip(pieces, folded, strict=True) if word not in _TITLES]
        for piece, word in kept:
            letters = _LETTERS.findall(word)
            if not letters:
                continue
            if not _is_latin(word):
                self.script.add("".join(letters))
            self.parts.update(letters)
            self.parts.add("".join(letters))
            self.initials.update(part[0] for part in letters)
            if not piece.isascii() and _is_latin(word):
                self.parts.update(
                    _LETTERS.findall(fold(unicodedata.normalize("NFC", piece).lower().translate(_UMLAUTS)))
                )
            for written, plain in (("ue", "u"), ("oe", "o"), ("ae", "a")):
                if written in word and len(word) > 4:
                    self.parts.update(_LETTERS.findall(word.replace(written, plain)))
        self.parts = {part for part in self.parts if len(part) > 1 or not _is_latin(part)}
        self.whole.add(compact("".join(word for _, word in kept)))

    def suspect(self, folded: str, words: set[str]) -> bool:
        """Return whether the text may hold a part; most texts are done with here."""
        if not self.parts:
            return False
        if not self.parts.isdisjoint(words) or any(gate in folded for gate in self.gates):
            return True
        return any(name in folded for name in self.script)

    def find(self, words: Words) -> Iterator[Removed]:
        """Yield the name's parts in a text."""
        yield from self._in_other_scripts(words.folded)
        hits = self._certain(words)
        weak = {i for i, w in enumerate(words.words) if w.folded in self.parts and i not in hits}
        self._spread(words, hits, weak)
        for first, last in _runs(words, sorted(hits)):
            start, end = words.words[first].start, words.words[last].end
            glued = re.compile(r"\d*").match(words.folded, end)
            yield Removed(Kind.NAME, start, glued.end() if glued else end)

    def _certain(self, words: Words) -> set[int]:
        hits = set()
        for index, word in enumerate(words.words):
            if word.folded in self.strong:
                hits.add(index)
            elif word.folded in self.parts and self._stands_as_name(words, index):
                hits.add(index)
            elif word.folded not in self.parts and self._glued(word.folded):
                hits.add(index)
        return hits

    def _stands_as_name(self, words: Words, index: int) -> bool:
        word = words.words[index]
        if len(word.folded) < 2 or not words.namelike(index):
            return False
        if word.folded in self.vocabulary.clinical and (word.folded not in self.vocabulary.eponyms or is_eponym(words, index, index, self.vocabulary)):
            return False
        if not words.cased:
            return True
        return len(word.folded) > 2 or word.capital

    def _glued(self, word: str) -> bool:
        """Return whether a word is made of the name: ``doejane``, ``jdoe``, ``kowalskibrain``."""
        if word in self.vocabulary.clinical or word in self.vocabulary.common or len(word) < 4:
            return False
        for part in self.parts:
            if len(part) < 3 or part not in word or not _is_latin(part):
                continue
            before, _, after = word.partition(part)
            strong = part in self.strong
            if strong and len(part) > 4:
                return True
            if all(self._explained(rest, strong) for rest in (before, after)):
                return True
        return False

    def _explained(self, rest: str, strong: bool) -> bool:
        if not rest or rest in self.parts or (len(rest) <= 2 and set(rest) <= self.initials):
            return True
        return strong and len(rest) > 2 and rest in self.vocabulary.clinical

    def _spread(self, words: Words, hits: set[int], weak: set[int]) -> None:
        """Add parts and initials beside what was found, and weak parts that stand together."""
        listed = words.words
        for index in sorted(weak):
            if index + 1 in weak and words.near(index) and listed[index].folded != listed[index + 1].folded:
                if len(listed[index].folded) > 2 or len(listed[index + 1].folded) > 2:
                    hits.update((index, index + 1))
            for side in (index - 1, index + 1):  # "Chest, J." and "M. Foot"
                if 0 <= side < len(listed) and self._initial(words, index, side):
                    hits.update((index, side))
        grown = True
        while grown:
            grown = False
            for index in sorted(hits):
                for side, between in ((index - 1, index - 1), (index + 1, index)):
                    if 0 <= side < len(listed) and side not in hits and words.near(between):
                        word = listed[side].folded
                        if side in weak or (word in self.initials and words.initial(side) and words.namelike(side)):
                            hits.add(side)
                            grown = True

    def _initial(self, words: Words, index: int, side: int) -> bool:
        word = words.words[side]
        between = min(index, side)
        if (
            len(word.folded) != 1
            or word.folded not in self.initials
            or not words.near(between)
            or not words.namelike(index)
        ):
            return False
        gap = words.gap(between)
        return "," in gap or "^" in gap or words.folded[word.end : word.end + 1] == "."

    def _in_other_scripts(self, folded: str) -> Iterator[Removed]:
        for name in self.script:
            start = folded.find(name)
            while start >= 0:
                if len(name) > 1 or self._single_sign(folded, start):
                    yield Removed(Kind.NAME, start, start + len(name))
                start = folded.find(name, start + 1)

    def _single_sign(self, folded: str, start: int) -> bool:
        """Return whether a one-sign surname stands as a name: before the given name, a title, or on its own."""
        rest = folded[start + 1 :].lstrip(" ^=")
        before = folded[:start].rstrip(" ^=")
        if any(len(n) > 1 and (rest.startswith(n) or before.endswith(n)) for n in self.script):
            return True
        honorific = (
            "先生",
            "さん",
            "様",
            "氏",
            "医師",
            "女士",
            "小姐",
            "씨",
            "님",
            "선생",
            "교수",
            "教授",
            "医生",
            "大夫",
        )
        return rest.startswith(honorific) or not rest and not before


_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})


def _runs(words: Words, hits: list[int]) -> Iterator[tuple[int, int]]:
    """Yield first and last word of each run of hits that stand together, over particles between them."""
    run: list[int] = []
    for index in hits:
        if run and not (index == run[-1] + 1 and words.near(run[-1])):
            yield run[0], run[-1]
            run = []
        run.append(index)
    if run:
        yield run[0], run[-1]


class OwnNumbers:
    """Finds one patient's numbers, dates, places and UIDs."""

    def __init__(self, identifiers: Identifiers, vocabulary: Vocabulary) -> None:
        self._patterns: list[tuple[Kind, str, re.Pattern[str]]] = []
        for number in sorted(identifiers.numbers):
            self._learn_number(compact(fold(number)), vocabulary)
        for date in sorted(identifiers.dates):
            if re.fullmatch(r"(?:1[89]|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])", date):
                self._patterns.append((Kind.DATE, "", re.compile(own_date_pattern(date))))
        for place in sorted(identifiers.places):
            self._learn_place(fold(place), vocabulary)
        for uid in sorted(identifiers.uids):
            if len(uid) > 5:
                self._patterns.append(
                    (Kind.UID, compact(uid), re.compile(rf"(?<![\d.]){re.escape(uid.strip())}(?![\d])"))
                )
        self._dates = any(kind is Kind.DATE for kind, _, _ in self._patterns)

    def _learn_number(self, number: str, vocabulary: Vocabulary) -> None:
        if not number:
            return
        forms = {number}
        stripped = number.lstrip("0")
        digits = re.sub(r"\D", "", number)
        forms.update(form for form in (stripped, digits, digits.lstrip("0")) if len(form) > 4)
        for form in sorted(forms, key=len, reverse=True):
            self._patterns.append((Kind.ID, form, re.compile(_number_pattern(form, vocabulary))))

    def _learn_place(self, place: str, vocabulary: Vocabulary) -> None:
        words = _LETTERS.findall(place)
        known = vocabulary.clinical | vocabulary.common
        tokens = re.findall(r"[^\W_]+", place)
        if tokens and (len(tokens) > 1 or (len(tokens[0]) > 2 and tokens[0] not in known)):
            whole = r"[\W_]{1,3}".join(map(re.escape, tokens))
            if not all(token in vocabulary.clinical for token in tokens):
                self._patterns.append((Kind.PLACE, "".join(tokens), re.compile(rf"(?<![^\W_]){whole}(?![^\W_])")))
        for word in words:
            if len(word) > 3 and word not in known:
                self._patterns.append((Kind.PLACE, word, re.compile(rf"(?<![^\W_]){re.escape(word)}(?![^\W_])")))

    def suspect(self, folded: str, *, dates: bool) -> bool:
        """Return whether the text may hold one of them; ``dates`` says whether something in it may be a date."""
        if not self._patterns:
            return False
        if self._dates and dates:
            return True
        letters = compact(folded)
        return any(gate in letters for _, gate, _ in self._patterns if gate)

    def find(self, words: Words) -> Iterator[Removed]:
        """Yield the numbers, dates, places and UIDs in a text."""
        letters = compact(words.folded)
        for kind, gate, pattern in self._patterns:
            if gate in letters:
                for match in pattern.finditer(words.folded):
                    yield Removed(kind, *match.span("value" if kind is Kind.ID else 0))


def _number_pattern(form: str, vocabulary: Vocabulary) -> str:
    """Return the pattern of a number: the longer it is, the less must stand around it."""
    spaced = _SEPARATOR.join(map(re.escape, form))
    plain = re.escape(form)
    if len(form) <= 3 or form in vocabulary.clinical or form in vocabulary.common:
        return rf"{_INTRODUCED}(?P<value>{plain})(?![^\W_]|[.,]\d)"
    if len(form) == 4:
        return rf"(?<![^\W_])(?<!\d[.,])(?P<value>{plain})(?![^\W_]|[.,]\d){_UNIT}"
    return rf"(?P<value>(?<![^\W_])(?:{spaced})(?![^\W_])|[^\W_]*{plain}[^\W_]*)"
