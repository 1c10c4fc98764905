"""The patient's name in scripts other than Latin: Chinese, Japanese, Korean, Thai, Devanagari, Arabic, Cyrillic ..."""

from __future__ import annotations

import re
from collections.abc import Iterator

from deephealth.lake.text.folding import fold
from deephealth.lake.text.lists import word_set
from deephealth.lake.text.spans import Kind, Removed

__all__ = ["ScriptNames", "is_latin"]

_LETTERS = re.compile(r"[^\W\d_]+")
_PIECES = re.compile(r"[\^=\s,;.&/_()\[\]]+")
# Scripts whose words stand without blanks, or take their particles without one (Korean), with the shortest part of a
# name that is told by itself inside other letters.
_UNSPACED: tuple[tuple[int, int, int], ...] = (
    (0x0E00, 0x109F, 4),  # Thai, Lao, Tibetan, Burmese
    (0x1780, 0x17FF, 4),  # Khmer
    (0x2E80, 0x303F, 2),
    (0x3040, 0x30FF, 3),  # Kana
    (0x3100, 0x9FFF, 2),  # Han
    (0xAC00, 0xD7FF, 2),  # Hangul
    (0xF900, 0xFAFF, 2),
    (0x20000, 0x3FFFF, 2),
)
_SEPARATORS = frozenset(" \t\xa0^=,.;·-_/'")
_WIDEST_GAP = 3
_HONORIFICS = tuple(fold(word) for word in word_set("honorifics"))
_INTRODUCING = tuple(fold(word) for word in word_set("script_introductions"))
_LATIN_BEFORE = re.compile(r"(?:[:#]|\b(?:contact|patient|name|by|pt|pat|dr|tech|mother|father|wife|husband))\s*\Z")


def is_latin(word: str) -> bool:
    """Return whether a folded word is written in Latin letters."""
    return word < "\u0250"


def _told_from(char: str) -> int:
    """Return how many letters of an unspaced script make a name; 0 for a script whose words blanks part."""
    code = ord(char)
    if code < _UNSPACED[0][0]:
        return 0
    return next((least for first, last, least in _UNSPACED if first <= code <= last), 0)


class ScriptNames:
    """The parts of names in other scripts than Latin.

    Example:
        >>> names = ScriptNames(["Zhong^Ping=钟^平"])
        >>> text = "contact 平 钟, CHEST"
        >>> [text[s.start : s.end] for s in names.find(text)]
        ['平 钟']
    """

    def __init__(self, names: list[str] | frozenset[str]) -> None:
        self.signs: set[str] = set()
        self.words: set[str] = set()
        for name in names:
            if not name.isascii():
                self._learn(name)
        self._stems = {word[:-1] if len(word) > 5 else word for word in self.words if len(word) > 3}

    def _learn(self, name: str) -> None:
        for piece in _PIECES.split(fold(name)):
            word = "".join(_LETTERS.findall(piece))
            if word and not is_latin(word):
                (self.signs if _told_from(word[0]) else self.words).add(word)

    def __bool__(self) -> bool:
        return bool(self.signs or self.words)

    def suspect(self, folded: str) -> bool:
        """Return whether the text may hold one of them."""
        return bool(self) and not folded.isascii()

    def has(self, word: str) -> bool:
        """Return whether a word is a part, two parts in one, or a part with an ending or a prefix of its language."""
        if is_latin(word) or not self.words:
            return False
        if word in self.words:
            return len(word) > 1
        if any(word.startswith(stem) and len(word) - len(stem) < 5 for stem in self._stems):
            return True
        if any(word[: len(word) - len(part)] in self.words for part in self.words if word.endswith(part)):
            return True
        return any(len(part) > 2 and word.endswith(part) and len(word) - len(part) < 3 for part in self.words)

    def find(self, folded: str) -> Iterator[Removed]:
        """Yield the parts that stand in scripts without blanks, in any order and with anything usual between them."""
        if not self.signs or folded.isascii():
            return
        places = [place for place, char in enumerate(folded) if char not in _SEPARATORS]
        tight = "".join(folded[place] for place in places)
        for start, end, pieces in self._runs(tight, places):
            first, last = places[start], places[end - 1] + 1
            if len(pieces) > 1 or self._alone(folded, first, last, next(iter(pieces))):
                yield Removed(Kind.NAME, first, last)

    def _runs(self, tight: str, places: list[int]) -> list[tuple[int, int, set[str]]]:
        """Return where parts stand side by side, in places of the text without separators, and which parts."""
        hits = sorted((at, at + len(sign), sign) for sign in self.signs for at in _occurrences(tight, sign))
        runs: list[tuple[int, int, set[str]]] = []
        for start, end, sign in hits:
            if runs and start <= runs[-1][1] and places[start] - places[runs[-1][1] - 1] <= _WIDEST_GAP + 1:
                before, until, pieces = runs[-1]
                runs[-1] = (before, max(end, until), pieces | {sign})
            elif places[end - 1] - places[start] < 2 * len(sign) + _WIDEST_GAP:
                runs.append((start, end, {sign}))
        return runs

    def _alone(self, folded: str, start: int, end: int, sign: str) -> bool:
        """Return whether one part is told by itself: it is long, a word of its own, introduced, or honoured."""
        before, after = folded[:start].rstrip(" ^="), folded[end:].lstrip(" ^=")
        if len(sign) >= _told_from(sign[0]) or after.startswith(_HONORIFICS) or before.endswith(_INTRODUCING):
            return True
        if (folded[start - 1 : start] + folded[end : end + 1]).strip().isalpha():
            return False
        if len(sign) > 1 or not (before or after) or _LATIN_BEFORE.search(folded[:start]) is not None:
            return True
        return not any(_told_from(char) for char in before + after if char not in sign)


def _occurrences(text: str, part: str) -> Iterator[int]:
    at = text.find(part)
    while at >= 0:
        yield at
        at = text.find(part, at + 1)
