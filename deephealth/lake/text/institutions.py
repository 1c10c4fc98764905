"""Names of hospitals, clinics and practices that nobody knows beforehand: "Klinikum X", "X Memorial Hospital"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from deephealth.lake.text.dates import MONTHS
from deephealth.lake.text.lists import word_set
from deephealth.lake.text.spans import Kind, Removed, merged
from deephealth.lake.text.vocabulary import Vocabulary
from deephealth.lake.text.words import Words

__all__ = ["INSTITUTION_WORDS", "find_institutions", "may_name_institutions"]

_NOUNS = word_set("institutions")
_SECOND = word_set("institution_second_words")
_FIRST_OF_TWO = word_set("institution_first_words")
_KINDS = word_set("institution_kinds")
_GENERIC = word_set("institution_generic")
_LINKS = word_set("institution_links")
_ADJECTIVES_FOR = word_set("clinica_after")
INSTITUTION_WORDS = _NOUNS | _SECOND
_COMPOUND = re.compile(r".{3,}(?:krankenhaus|klinikum|klinik|kliniken|spital|hospital|ziekenhuis)\Z")
_FIELD = re.compile(
    r".*(?:olog(?:y|ie|ia|ico|ica|ical|ique|isch|ische)|iatr(?:y|ie|ia|ic|ics)|p(?:a?e)dics?|surgery|chirurgie|"
    r"chirurgia|cirugia|medicine|medizin|ambulanz|station|clinic)\Z"
)
_MOVED = re.compile(
    r"\b(?:(?:transfer(?:red)?|referred|sent|arrived|transported|films?|images?|imaging|discs?|cds?|stud(?:y|ies)|"
    r"exams?|priors?)\s+(?:over\s+)?from|(?:transferred|discharged|repatriated)\s+to|"
    r"(?:verlegt|verlegung|ubernommen|ubernahme|zuverlegt|zuverlegung|rucktransfer|eingewiesen|uberwiesen|"
    r"fremdaufnahmen?|fremdbilder|voraufnahmen?)\s+(?:aus|von|vom|nach)(?:\s+(?:dem|der))?|"
    r"(?:transfert|transfere|adresse|provenant|venant|rapatrie)e?s?\s+(?:de\s+la|de|du|des|a|au|vers)|"
    r"(?:trasladad|derivad|remitid|procedente|proveniente|traid)[oa]?s?\s+(?:desde|del|de|a|al)|"
    r"(?:trasferit|inviat|proveniente|giunt)[oaie]?\s+(?:dall'|dalla|dal|da|presso|a))\s*(?:the\s+|l'|la\s+|el\s+|il\s+)?"
)
_SAINTS = word_set("institution_saints")
# Nouns that are written small before a name: "l'hôpital X"; and those that texts in capitals hold too often otherwise.
_SMALL = word_set("institution_small")
_NOT_IN_CAPITALS = word_set("institution_not_in_capitals")
_ENGLISH = word_set("institution_english")
_SPACE = re.compile(r"\s|-|\.\s?|'|\s?&\s?|\s-\s")


def may_name_institutions(words: set[str]) -> bool:
    """Return whether a text with these folded words may name an institution."""
    if not INSTITUTION_WORDS.isdisjoint(words) or "from" in words:
        return True
    return any(len(word) > 8 and (_COMPOUND.match(word) or word.startswith(_MOVES)) for word in words)


_MOVES = tuple(word_set("institution_moves"))


class _Finder:
    """Reads the names of institutions in one text."""

    def __init__(self, words: Words, vocabulary: Vocabulary) -> None:
        self.words, self.list, self.vocabulary = words, words.words, vocabulary
        self.text_is_upper = not words.cased and any(word.upper for word in words.words)

    def nouns(self) -> Iterator[tuple[int, int]]:
        """Yield the first and last word of each phrase that says what the place is: ``Medical Center``."""
        index = 0
        while index < len(self.list):
            last = self._phrase(index)
            if last is not None and (self.words.namelike(index) or self.list[index].folded in _SMALL):
                yield index, last
                index = last
            index += 1

    def _phrase(self, index: int) -> int | None:
        word = self.list[index].folded
        if word in _FIRST_OF_TWO:
            for second in (index + 1, index + 2):  # "Medical Center", "Casa di Cura"
                if second >= len(self.list) or not self._tied(second - 1):
                    break
                if self.list[second].folded in _SECOND and (word, self.list[second].folded) != ("care", "system"):
                    return second
                if self.list[second].folded not in _LINKS:
                    break
        if word in _NOUNS or _COMPOUND.match(word):
            return index
        return None

    def _tied(self, index: int) -> bool:
        return 0 <= index < len(self.list) - 1 and _SPACE.fullmatch(self.words.gap(index)) is not None

    def _unknown(self, index: int) -> bool:
        """Return whether a word can be what a place is called: capitalised, and no clinical word."""
        word = self.list[index]
        if (
            index > 0
            and self.list[index - 1].folded in _SAINTS
            and self._tied(index - 1)
            and self.list[index - 1].capital
        ):
            return word.capital
        if word.folded in _SAINTS and word.capital and index + 1 < len(self.list) and self.list[index + 1].capital:
            return self.words.cased and self._tied(index)
        known = word.folded in self.vocabulary.clinical and word.folded not in self.vocabulary.eponyms
        if known or word.folded in _GENERIC or len(word.folded) < 3 or _FIELD.match(word.folded):
            return False
        return word.capital if self.words.cased else word.folded not in self.vocabulary.common

    def before(self, first: int) -> tuple[int, bool]:
        """Return where the name before the noun begins, and whether there is a name."""
        start, found = first, False
        while start > 0 and first - start < 6 and self._tied(start - 1):
            word = self.list[start - 1]
            if self._unknown(start - 1):
                if found and not self.words.cased:
                    break
                found = True
            elif word.folded == "s" and self.words.gap(start - 2) == "'":
                pass  # "Children's"
            elif not (word.folded in _KINDS and self.words.namelike(start - 1)) and not (
                found and word.folded in _LINKS
            ):
                break
            start -= 1
        while start < first and self.list[start].folded in _LINKS and self.list[start].folded not in _KINDS:
            start += 1
        return start, found

    def after(self, last: int) -> tuple[int, bool]:
        """Return where the name after the noun ends, and whether there is a name."""
        end, kept, found, linked = last, last, False, False
        while end + 1 < len(self.list) and end - last < 7 and self._tied(end):
            word = self.list[end + 1]
            if self._unknown(end + 1):
                if not self.words.cased and found and not linked:
                    break
                found, kept, linked = True, end + 1, False
            elif word.folded in _KINDS and self.words.namelike(end + 1):
                kept = end + 1 if found else kept
            elif word.folded in _LINKS:
                linked = True
            else:
                break
            end += 1
        return kept, found

    def find(self) -> Iterator[Removed]:
        for first, last in self.nouns():
            start, before = self.before(first) if self.words.namelike(first) else (first, False)
            noun = self.list[last].folded
            end, after = (last, False)
            if self._may_follow(first, last):
                end, after = self.after(last)
            if noun in ("clinica", "clinico") and first > 0 and self.list[first - 1].folded in _ADJECTIVES_FOR:
                continue
            if before and not self._may_precede(noun, after=after, phrase=last > first):
                start, before = first, False
            if before or after:
                yield Removed(Kind.PLACE, self.list[start if before else first].start, self.list[end].end)

    def _may_precede(self, noun: str, *, after: bool, phrase: bool) -> bool:
        """Return whether a name may stand before this noun: English, or a German one ("Helios Klinikum")."""
        if self.words.cased:
            return noun in _ENGLISH or (not after and noun.endswith(("klinikum", "kliniken", "spital", "krankenhaus")))
        return (phrase and self.text_is_upper) or (
            noun in _ENGLISH and noun not in ("clinic", "radiology", "group", "center", "centre", "imaging")
        )

    def _may_follow(self, first: int, last: int) -> bool:
        """Return whether a name may stand after this noun; after an English one only with a link ("Hospital de X")."""
        noun = self.list[last].folded
        if noun in ("hospital", "hospitals", "clinic") and last + 1 < len(self.list):
            follows = self.list[last + 1].folded
            if not self.words.cased:
                return (follows in _LINKS and follows not in ("of", "the")) or follows in (
                    "st",
                    "san",
                    "santa",
                    "universitario",
                )
            return noun != "clinic" or follows in _LINKS
        if not self.words.cased and (not self.text_is_upper or noun in _NOT_IN_CAPITALS):
            return False
        return noun not in _ENGLISH

    def moved(self) -> Iterator[Removed]:
        """Yield one capitalised unknown word after "transferred from" and its like."""
        if not self.words.cased:
            return
        starts = {word.start: index for index, word in enumerate(self.list)}
        for match in _MOVED.finditer(self.words.folded):
            index = starts.get(match.end())
            if index is None or not self._unknown(index) or self.list[index].upper:
                continue
            if self.list[index].folded in MONTHS:
                continue
            end = index
            while (
                end + 1 < len(self.list) and self._tied(end) and self._unknown(end + 1) and not self.list[end + 1].upper
            ):
                end += 1
            yield Removed(Kind.PLACE, self.list[index].start, self.list[end].end)


def find_institutions(words: Words, vocabulary: Vocabulary) -> Iterator[Removed]:
    """Yield the names of institutions, with the word that says what they are.

    Example:
        >>> from deephealth.lake.text.vocabulary import load_vocabulary
        >>> words = Words("Prior study from St. Temupuini Medical Center, hospital acquired pneumonia")
        >>> [words.text[s.start : s.end] for s in find_institutions(words, load_vocabulary())]
        ['St. Temupuini Medical Center']
    """
    finder = _Finder(words, vocabulary)
    yield from merged([*finder.find(), *finder.moved()])
