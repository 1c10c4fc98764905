"""Which writing may stay: marks that say where left is, units, scales. Everything else that can be read goes."""

from __future__ import annotations

import re
import unicodedata
from enum import Enum

from deephealth.lake.identifiers import Identifiers

__all__ = ["NOBODY", "Verdict", "is_strong", "judge"]

NOBODY = Identifiers()


class Verdict(Enum):
    """What a line that was read is."""

    WRITING = "writing"
    HARMLESS = "harmless"
    NOTHING = "nothing"


_MARK_WORDS = """
    l r a p h f s i al ar pl pr la ra ap pa lat ll rl lpo rpo lao rao rlat llat rcc lcc cc mlo rmlo lmlo ml lm xccl
    left right erect upright supine prone decub portable sitting standing anterior posterior head feet
    cm mm hz khz mhz db kv kvp ma mas ms cm/s m/s fps gain dr mi tis tib fr zoom
"""
_MARKS = frozenset(_MARK_WORDS.split())
_NUMBER = re.compile(r"[+-]?\d{1,3}([.,]\d{1,2})?")
_VALUE = re.compile(r"[+-]?\d{1,4}([.,]\d{1,2})?(cm|mm|hz|khz|mhz|db|kv|kvp|ma|mas|ms|cm/s|m/s|fps|%|x|°)")
_MINIMS, _RINGS = frozenset("il1jtmnuvw|"), frozenset("oc0qe8")  # what bars and discs read as
_STRONG = 0.9
_LETTERS = re.compile(r"[^\W_]", re.UNICODE)
_LATIN = re.compile(r"[0-9A-Za-z\u00c0-\u024f]")


def judge(text: str, score: float, identifiers: Identifiers = NOBODY, *, least: float = 0.6) -> Verdict:
    """Say what a line is.

    Args:
        text: as the recogniser read it.
        score: how sure it is, 0 to 1.
        identifiers: of the patient; a line that holds one is writing however short.
        least: score from which a line of three letters or more counts.

    Example:
        >>> judge("R", 0.99), judge("DOE^JANE", 0.93), judge("ii.", 0.3)
        (<Verdict.HARMLESS: 'harmless'>, <Verdict.WRITING: 'writing'>, <Verdict.NOTHING: 'nothing'>)
    """
    folded = _folded(text)
    letters = _LETTERS.findall(folded)
    latin = _LATIN.findall(folded)
    if not letters:
        return Verdict.NOTHING
    if _known(folded, identifiers):
        return Verdict.WRITING
    words = [word for word in re.split(r"[\s:;,()\[\]=|/\-]+", folded) if word]
    if all(_harmless(word) for word in words) and len(words) <= 4 and not _may_be_date(folded):
        return Verdict.HARMLESS if score >= 0.5 else Verdict.NOTHING
    return Verdict.WRITING if score >= _needed(letters, len(latin), least) else Verdict.NOTHING


def is_strong(text: str, score: float) -> bool:
    """Whether a line can't be anything but writing: a sure reading of four letters that are no bars and no discs.

    Example:
        >>> is_strong("DOE^JANE", 0.95), is_strong("mui", 0.95), is_strong("IIIII", 0.99), is_strong("OOOC", 0.95)
        (True, False, False, False)
    """
    letters = _LATIN.findall(_folded(text))
    return score >= _STRONG and len(letters) >= 4 and len(set(letters)) >= 3 and not _simple(letters)


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip().lower()


def _simple(letters: list[str]) -> bool:
    return set(letters) <= _MINIMS or set(letters) <= _RINGS


def _needed(found: list[str], latin: int, least: float) -> float:
    """Return the score that a line needs: anatomy reads as few, equal, plain or foreign letters."""
    letters, different = len(found), len(set(found))
    if different <= 1:
        return 1.1 if letters > 1 or not latin or _simple(found) else 0.97
    if _simple(found):
        return 0.97
    if letters == 2:
        return max(least, 0.85)
    if latin < 0.5 * letters:
        return max(least, 0.85)
    return least if letters >= 4 else max(least, 0.7)


def _may_be_date(folded: str) -> bool:
    """Whether numbers follow each other as in 15/02/80, or in what is left of a longer one, as in 20--27."""
    numbers = re.findall(r"\d+", folded)
    return len(numbers) >= 3 or (len(numbers) == 2 and bool(re.search(r"\d\s*[-/:]+\s*\d", folded)))


def _harmless(word: str) -> bool:
    return word in _MARKS or bool(_NUMBER.fullmatch(word)) or bool(_VALUE.fullmatch(word))


def _known(folded: str, identifiers: Identifiers) -> bool:
    """Whether one of the patient's identifiers stands in the line; two letters alone prove nothing."""
    plain = re.sub(r"[\W_]+", "", folded)
    known = [*identifiers.name_parts(), *identifiers.numbers, *identifiers.dates]
    return any(len(key) >= 3 and key in plain for key in (re.sub(r"[\W_]+", "", one.lower()) for one in known))
