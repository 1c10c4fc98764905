"""Known identifiers, in every form in which they could stand in a file, found in one pass over its bytes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from deephealth.core.optional import require
from deephealth.lake.identifiers import Identifiers

__all__ = ["Hit", "Needles"]

_MIN_NAME, _MIN_NUMBER = 4, 5
_MIN_FOREIGN_NUMBER = 8  # shorter digits of another patient stand in any file by chance: times, counts, serial numbers
_ALONE_BELOW = 8  # shorter ones count only between other characters than letters and digits
_IN_TEXT_BELOW = 6  # and still shorter ones only among printable characters: compressed pixels hold every four letters
_CONTEXT = 5
_WIDE = ("utf-16-le", "utf-16-be")
_NATIONAL = (
    *("latin-1", "iso8859-2", "iso8859-5", "iso8859-7", "iso8859-6", "iso8859-8", "iso8859-9", "tis-620"),
    *("iso2022_jp_2", "shift_jis", "euc_jp", "iso2022_kr", "euc_kr", "gb18030", "cp1251"),
)
_SHIFTS = re.compile(
    rb"\x1b[\x28-\x2f\x24]+[A-Za-z0-9]|[\x0e\x0f]"
)  # ISO 2022 designations stand around a value, not in it


@dataclass(frozen=True, slots=True)
class Hit:
    """An identifier that was found where none may be.

    Args:
        owner: pseudonym of the patient it belongs to.
        kind: ``name``, ``number``, ``date``, ``place`` or ``uid``.
        encoding: in which it stood.
        offset: at which byte.
    """

    owner: str
    kind: str
    encoding: str
    offset: int


@dataclass(frozen=True, slots=True)
class _Needle:
    owner: str
    kind: str
    encoding: str
    length: int
    own_only: bool


class Needles:
    """The identifiers of all patients of a lake, ready to be looked for.

    Names count by their parts of four letters and more, and whole. A part that is also a word of the DICOM dictionary
    counts in the patient's own files where it is a common name ("Brown"), and else not at all ("Chest"). Numbers count
    from five characters; places and replaced object identifiers whole. Letters are compared without case. Forms: UTF-8,
    UTF-16 in both byte orders, Latin-1 and the other character sets of DICOM, ISO 2022 with its shifts taken out.

    Args:
        known: pseudonym and identifiers of each patient.

    Source: Aho and Corasick, Communications of the ACM 18(6), 1975, for finding all of them in one pass.

    Example:
        >>> needles = Needles([("S1", Identifiers(names=frozenset({"QUIMBY^ZELDA"})))])
        >>> [(hit.kind, hit.encoding) for hit in needles.find(b"seen by Zelda today", "S1")]
        [('name', 'utf-8')]
        >>> needles.find("nothing here".encode("utf-16-le"), "S1")
        []
    """

    def __init__(self, known: Iterable[tuple[str, Identifiers]]) -> None:
        forms: dict[bytes, list[_Needle]] = {}
        for owner, identifiers in known:
            for kind, text, own_only in _texts(identifiers):
                for encoding, content in _encoded(text):
                    forms.setdefault(content, []).append(_Needle(owner, kind, encoding, len(text), own_only))
        self._patterns = list(forms)
        self._needles = [forms[pattern] for pattern in self._patterns]
        automaton = require("ahocorasick_rs", purpose="looking for identifiers in released files")
        self._automaton: Any = automaton.BytesAhoCorasick(self._patterns) if self._patterns else None

    def __len__(self) -> int:
        return len(self._patterns)

    def find(self, content: bytes, subject: str = "") -> list[Hit]:
        """Return what was found in a file's bytes.

        Args:
            content: the bytes, of any kind.
            subject: pseudonym of the patient whose file it is; short numbers and dates of others are chance.
        """
        if self._automaton is None:
            return []
        lowered = content.lower()
        hits = list(self._hits(lowered, subject))
        if b"\x1b" in content:  # ISO 2022: the same value, once with its shifts and once without
            hits += self._hits(_SHIFTS.sub(b"", content).lower(), subject)
        return hits

    def _hits(self, content: bytes, subject: str) -> Iterator[Hit]:
        for pattern, start, end in self._automaton.find_matches_as_indexes(content, overlapping=True):
            for needle in self._needles[pattern]:
                if needle.own_only and needle.owner != subject:
                    continue
                if _stands(content, start, end, needle):
                    yield Hit(needle.owner, needle.kind, needle.encoding, start)


def _texts(identifiers: Identifiers) -> Iterator[tuple[str, str, bool]]:
    """Yield kind, text and whether it counts in the patient's own files only."""
    words, common = _dictionary_words(), _common_names()
    for part in identifiers.name_parts():
        word = part.casefold()
        if len(part) >= (_MIN_NAME if part.isascii() else 2) and (word not in words or word in common):
            yield "name", part, word in words
    for name in identifiers.names:
        parts = [part for part in re.split(r"[\^=\s,]+", name) if part]
        if len(parts) > 1:
            yield from (("name", separator.join(parts[:2]), False) for separator in ("^", " ", ", ", "_"))
            yield "name", " ".join(reversed(parts[:2])), False
    for number in identifiers.numbers:
        if len(number) >= _MIN_NUMBER:
            yield "number", number, number.isdigit() and len(number) < _MIN_FOREIGN_NUMBER
    for place in identifiers.places:
        if len(place) >= _MIN_FOREIGN_NUMBER and place.casefold() not in words:
            yield "place", place, False
    yield from (("uid", uid, False) for uid in identifiers.uids if len(uid) > _MIN_FOREIGN_NUMBER)


def _encoded(text: str) -> Iterator[tuple[str, bytes]]:
    seen: set[bytes] = set()
    encodings = ("utf-8", *_WIDE) if text.isascii() else ("utf-8", *_WIDE, *_NATIONAL)
    for form in (text,) if text.isascii() else (text, text.lower(), text.upper()):
        for encoding in encodings:
            try:
                content = _SHIFTS.sub(b"", form.encode(encoding)).lower()
            except UnicodeEncodeError:
                continue
            if content not in seen and len(content) > 1:
                seen.add(content)
                yield encoding, content


def _stands(content: bytes, start: int, end: int, needle: _Needle) -> bool:
    """Whether short letters are a word of their own, in a text, and not chance."""
    if needle.length >= _ALONE_BELOW:
        return True
    step = 2 if needle.encoding in _WIDE else 1
    low = 1 if needle.encoding == "utf-16-be" else 0
    before = content[start - step + low : start - step + low + 1] if start >= step else b""
    after = content[end + low : end + low + 1]
    if before.isalnum() or after.isalnum():
        return False
    if needle.length >= _IN_TEXT_BELOW:
        return True
    around = content[max(0, start - _CONTEXT * step) : start] + content[end : end + _CONTEXT * step]
    return all(byte in _PRINTABLE for byte in around)


_PRINTABLE = frozenset({0, 9, 10, 12, 13, *range(32, 127)})


@cache
def _dictionary_words() -> frozenset[str]:
    """Words of the standard's element names and codes: a patient called Chest does not make a chest an identifier."""
    from pydicom.datadict import DicomDictionary
    from pydicom.sr.codedict import codes

    names = [str(entry[2]) for entry in DicomDictionary.values()]
    names += [name for scheme in (codes.DCM, codes.SCT) for name in scheme.dir()]
    return frozenset(word.casefold() for name in names for word in re.findall(r"[A-Z]?[a-z]{2,}", name))


@cache
def _common_names() -> frozenset[str]:
    from deephealth.lake.text.names import load_names

    names = load_names()
    return names.given | names.family
