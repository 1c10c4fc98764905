"""The names of one known patient and of those around, found in any text however they are spelled."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from deephealth.lake.identifiers import Identifiers
from deephealth.lake.text.eponyms import is_eponym
from deephealth.lake.text.folding import fold
from deephealth.lake.text.lists import word_pairs, word_set
from deephealth.lake.text.names import PARTICLES
from deephealth.lake.text.own_numbers import compact, one_edit
from deephealth.lake.text.scripts import ScriptNames, is_latin
from deephealth.lake.text.spans import Kind, Removed
from deephealth.lake.text.vocabulary import Vocabulary
from deephealth.lake.text.words import Word, Words

__all__ = ["OwnNames"]

_LETTERS = re.compile(r"[^\W\d_]+")
_POSSESSIVE = re.compile(r"'s?(?![^\W_])")
_TITLES = word_set("own_titles")
# Ordinary words that are part of a clinical expression, even when the patient is called so.
_FIXED = word_pairs("fixed")
_INTRODUCTIONS = word_set("own_introductions") | (word_set("roles") - {"patient", "patientin", "paciente", "paziente"})
_GERMAN_BEFORE = word_set("german_before")
_MAKERS, _LABELS = word_set("makers"), word_set("labels")


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
        self.script = ScriptNames(identifiers.names)
        self._medical = vocabulary.core | (vocabulary.clinical - _LABELS)
        for name in identifiers.names:
            self._learn(name)
        self.strong = {part for part in self.parts if len(part) > 2 and not self._is_word(part)}
        self.gates = tuple(sorted(p for p in self.parts if len(p) > 2))

    def _is_word(self, part: str) -> bool:
        return part in self.vocabulary.clinical or part in self.vocabulary.common or part in PARTICLES

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
            self.parts.update(letters)
            self.parts.add("".join(letters))
            self.initials.update(part[0] for part in letters)
            if not piece.isascii() and is_latin(word):
                self.parts.update(
                    _LETTERS.findall(fold(unicodedata.normalize("NFC", piece).lower().translate(_UMLAUTS)))
                )
            for written, plain in (("ue", "u"), ("oe", "o"), ("ae", "a")):
                if written in word and len(word) > 4:
                    self.parts.update(_LETTERS.findall(word.replace(written, plain)))
        self.parts = {part for part in self.parts if len(part) > 1 or not is_latin(part)}
        self.whole.add(compact("".join(word for _, word in kept)))

    def suspect(self, folded: str, words: set[str]) -> bool:
        """Return whether the text may hold a part; most texts are done with here."""
        if not self.parts:
            return False
        if not self.parts.isdisjoint(words) or any(gate in folded for gate in self.gates):
            return True
        return self.script.suspect(folded)

    def nearly(self, tokens: set[str]) -> bool:
        """Return whether a token that OCR read is a part of five letters or more with one letter wrong."""
        long = [part for part in self.parts if len(part) > 4]
        return any(one_edit(token.translate(_READ_AS_LETTERS), part) for token in tokens for part in long)

    def find(self, words: Words, anchors: Iterable[Removed] = ()) -> tuple[list[Removed], list[Removed]]:
        """Return the name's parts in a text, and the words that may be one and may not.

        Args:
            words: the text.
            anchors: what else of the patient was found; a clinical word beside it is the name.
        """
        hits = self._certain(words)
        weak = {i for i, w in enumerate(words.words) if w.folded in self.parts and i not in hits}
        hits.update(i for i in weak if any(_touch(words, words.words[i], anchor) for anchor in anchors))
        self._spread(words, hits, weak - hits)
        listed = words.words
        unsure = [Removed(Kind.NAME, *listed[i][1:3]) for i in sorted(weak - hits) if self._doubtful(words, i)]
        return [*self.script.find(words.folded), *self._spans(words, hits)], unsure

    def _doubtful(self, words: Words, index: int) -> bool:
        """Return whether a clinical word that is the patient's name stands, capitalised, beside no clinical word."""
        word = words.words[index]
        if not words.cased or not word.capital or word.upper or len(words.words) < 3:
            return False
        following = words.words[index + 1].folded if words.near(index) else ""
        if (word.folded, following) in _FIXED or is_eponym(words, index, index, self.vocabulary):
            return False
        beside = words.words[max(0, index - 1) : index] + words.words[index + 1 : index + 2]
        return not any(other.folded in self.vocabulary.core for other in beside)

    def _spans(self, words: Words, hits: set[int]) -> Iterator[Removed]:
        for first, last in _runs(words, sorted(hits)):
            start, end = words.words[first].start, words.words[last].end
            glued = re.compile(r"\d*").match(words.folded, end)
            yield Removed(Kind.NAME, start, glued.end() if glued else end)

    def _certain(self, words: Words) -> set[int]:
        hits = set()
        for index, word in enumerate(words.words):
            if (
                word.folded in self.strong
                or (word.folded in self.parts and self._stands_as_name(words, index))
                or (word.folded not in self.parts and self._glued(word.folded))
                or self.script.has(word.folded)
            ):
                hits.add(index)
        return hits

    def _stands_as_name(self, words: Words, index: int) -> bool:  # noqa: PLR0911
        word = words.words[index]
        if len(word.folded) < 2 or word.folded in PARTICLES or not words.namelike(index):
            return False
        if words.cased and word.capital and not word.upper and _POSSESSIVE.match(words.folded, word.end):
            return not is_eponym(words, index, index, self.vocabulary)
        if self._placed_as_name(words, index):
            return True
        small = not words.cased and not word.upper  # a text in small letters
        if small and (word.folded in self.vocabulary.clinical or word.folded in self.vocabulary.common):
            return self._introduced_small(words, index)
        if (
            word.folded in self.vocabulary.clinical
            and word.folded not in _MAKERS
            and (word.folded not in self.vocabulary.eponyms or is_eponym(words, index, index, self.vocabulary))
        ):
            return False
        following = words.words[index + 1].folded if words.near(index) else ""
        if (word.folded, following) in _FIXED:
            return False
        return not words.cased or len(word.folded) > 2 or word.capital

    def _placed_as_name(self, words: Words, index: int) -> bool:  # noqa: PLR0911
        """Return whether a clinical word that is a name stands as a name: alone, introduced, or capital among small."""
        word = words.words[index]
        following = words.words[index + 1].folded if words.near(index) else ""
        if (word.folded, following) in _FIXED or is_eponym(words, index, index, self.vocabulary):
            return False
        if all(other.folded in self.parts for other in words.words):
            alone = words.folded.strip() == word.folded or len(words.words) > 1
            return alone and (words.cased or (word.upper and word.folded in self.vocabulary.names))
        if index == 0:  # "Burns, allergic"
            comma = words.cased and not word.upper and len(words.words) > 1 and words.gap(0).startswith(",")
            return comma and words.words[1].folded not in self.vocabulary.clinical
        before, gap = words.words[index - 1], words.gap(index - 1)
        if len(words.words) == 2 and words.cased and not word.upper and self._labelled(word, before):
            return True
        if before.folded in _INTRODUCTIONS and gap.strip(" ") in ("", ".", ":", ".:"):
            return words.cased or (":" in gap and before.folded not in ("pt", "contact"))
        if words.cased and not word.upper and all(other.upper for other in words.words if other is not word):
            return True  # "CHEST Costa"
        return (
            words.cased
            and not word.upper
            and gap == " "
            and not before.capital
            and len(before.folded) > 1
            and before.folded not in _GERMAN_BEFORE
        )

    def _labelled(self, word: Word, before: Word) -> bool:
        """Return whether a name stands behind one word that is not of medicine: ``Overlay Crane``, ``Marks Crane``."""
        if word.folded not in self.vocabulary.names or before.folded in self.parts:
            return False
        return before.capital and not before.upper and len(before.folded) > 2 and before.folded not in self._medical

    def _introduced_small(self, words: Words, index: int) -> bool:
        """Return whether a word in a text of small letters is introduced as a name: ``for white``, ``mr green``."""
        return index > 0 and words.words[index - 1].folded in _INTRODUCTIONS | {"for", "patient"}

    def _glued(self, word: str) -> bool:
        """Return whether a word is made of the name: ``doejane``, ``jdoe``, ``kowalskibrain``."""
        if word in self.vocabulary.clinical or word in self.vocabulary.common or len(word) < 4:
            return False
        for part in self.parts:
            if len(part) < 3 or part not in word or not is_latin(part):
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
            if index + 1 in weak and self._pair(words, index):
                hits.update((index, index + 1))
            for side in (index - 1, index + 1):  # "Chest, J." and "M. Foot"
                if 0 <= side < len(listed) and self._initial(words, index, side):
                    hits.update((index, side))
        while self._grow(words, hits, weak):
            pass

    def _pair(self, words: Words, index: int) -> bool:
        """Return whether two words stand as family and given name: ``MAY CHEST``."""
        first, second = words.words[index].folded, words.words[index + 1].folded
        return words.near(index) and first != second and max(len(first), len(second)) > 2

    def _grow(self, words: Words, hits: set[int], weak: set[int]) -> bool:
        """Add parts and initials right beside the hits; return whether any was added."""
        before = len(hits)
        for index in sorted(hits):
            for side, between in ((index - 1, index - 1), (index + 1, index)):
                if 0 <= side < len(words.words) and words.near(between):
                    initial = words.initial(side) and words.namelike(side) and words.words[side].folded in self.initials
                    if side in weak or initial:
                        hits.add(side)
        return len(hits) > before

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
        if "," in gap or "^" in gap or words.folded[word.end : word.end + 1] == ".":
            return True
        # "G Long" is a name; "L Foot" and "R Hand" are sides.
        return (
            side < index
            and words.cased
            and words.words[index].capital
            and word.folded not in "lr"
            and not words.words[index].upper
        )


_READ_AS_LETTERS = str.maketrans("01358", "olesb")
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})


def _touch(words: Words, word: Word, span: Removed) -> bool:
    between = words.folded[word.end : span.start] if word.end <= span.start else words.folded[span.end : word.start]
    apart = word.end <= span.start or span.end <= word.start
    return apart and re.fullmatch(r"[\s,;^_=/.#()-]{1,3}", between) is not None


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
