"""Names in the words of medicine: Baker's cyst, Weber fracture, Morbus Wilson."""

from __future__ import annotations

from deephealth.lake.text.lists import word_set
from deephealth.lake.text.vocabulary import Vocabulary
from deephealth.lake.text.words import Words

__all__ = ["is_eponym"]

_NOUNS = word_set("eponym_nouns")
_BEFORE = word_set("eponym_before")


def is_eponym(words: Words, first: int, last: int, vocabulary: Vocabulary) -> bool:
    """Return whether the words from ``first`` to ``last`` name a disease, a sign, a device ... rather than somebody.

    Example:
        >>> from deephealth.lake.text.vocabulary import load_vocabulary
        >>> [is_eponym(Words(text), 0, 0, load_vocabulary()) for text in ("Wilson's disease", "Wilson has cough")]
        [True, False]
    """
    listed = words.words

    def tied(index: int, between: int) -> bool:
        """Return whether a hyphen ties the name to a word of medicine: ``Weber-Fraktur``, ``Creutzfeldt-Jakob``."""
        if not 0 <= index < len(listed) or words.gap(between) != "-":
            return False
        return listed[index].folded in vocabulary.clinical or listed[index].folded in _NOUNS

    if tied(first - 1, first - 1) or tied(last + 1, last):
        return True
    if first > 0 and words.gap(first - 1) in (" ", "/", "-") and listed[first - 1].folded in vocabulary.eponyms:
        return True  # "Salter Harris"
    after = [word.folded for word in listed[last + 1 : last + 4]]
    if after and after[0] == "s":
        after = after[1:]
    before = [word.folded for word in listed[max(0, first - 2) : first]]
    return bool(_NOUNS.intersection(after[:2]) or _BEFORE.intersection(before))
