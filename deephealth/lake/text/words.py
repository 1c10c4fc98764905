"""A text cut into words, with what is needed to tell a name from a word: case, neighbours and what stands between."""

from __future__ import annotations

import re
from typing import NamedTuple

from deephealth.lake.text.folding import back_map, fold

__all__ = ["Word", "Words"]

_WORD = re.compile(r"[^\W\d_]+")
_GAP = re.compile(r"[ \t\xa0.,;'^_=/&-]{0,3}")


class Word(NamedTuple):
    """One run of letters, folded, from ``start`` to before ``end``; ``capital`` and ``upper`` tell its case."""

    folded: str
    start: int
    end: int
    capital: bool
    upper: bool


class Words:
    """A text prepared for the detectors.

    Attributes:
        text: the original characters, one for each of ``folded``.
        folded: the text as it is compared.
        words: its words in order.
        cased: whether capitals mean something: some words are capitalised and some are not.

    Example:
        >>> words = Words("Seen by Dr. Jane DOE")
        >>> [word.folded for word in words.words], words.cased
        (['seen', 'by', 'dr', 'jane', 'doe'], True)
    """

    __slots__ = ("_places", "cased", "folded", "text", "words")

    def __init__(self, text: str) -> None:
        self.folded = fold(text)
        self._places = back_map(text) if len(self.folded) != len(text) else None
        self.text = text if self._places is None else "".join(text[place] for place in self._places[:-1])
        self.words = [
            Word(self.folded[a:b], a, b, self.text[a].isupper(), self.text[a:b].isupper())
            for a, b in (match.span() for match in _WORD.finditer(self.folded))
        ]
        self.cased = self.text != self.text.upper() and self.text != self.text.lower()

    def gap(self, index: int) -> str:
        """Return what stands between word ``index`` and the next one."""
        return self.folded[self.words[index].end : self.words[index + 1].start]

    def near(self, index: int) -> bool:
        """Return whether word ``index`` and the next one can be parts of one name."""
        return index >= 0 and index + 1 < len(self.words) and _GAP.fullmatch(self.gap(index)) is not None

    def namelike(self, index: int) -> bool:
        """Return whether the case of a word allows a name: capitalised, or in a text without cases."""
        return self.words[index].capital or not self.cased

    def place(self, position: int) -> int:
        """Return where in the original text a position of ``folded`` is."""
        return position if self._places is None else self._places[position]

    def initial(self, index: int) -> bool:
        """Return whether a word is one letter that no digit touches: not the ``T`` of ``T2``."""
        word = self.words[index]
        beside = self.folded[word.start - 1 : word.start] + self.folded[word.end : word.end + 1]
        return len(word.folded) == 1 and not any(char.isdigit() for char in beside)
