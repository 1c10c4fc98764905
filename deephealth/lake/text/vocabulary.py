"""Which words are clinical, which are ordinary, and which can only be somebody's name."""

from __future__ import annotations

import functools
import re
from importlib.resources import files
from typing import NamedTuple

from deephealth.lake.text.folding import fold
from deephealth.lake.text.kept_words import kept_words
from deephealth.lake.text.names import load_names

__all__ = ["Vocabulary", "load_vocabulary"]

_CAMEL = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


class Vocabulary(NamedTuple):
    """Sets of folded words.

    Args:
        clinical: anatomy, findings, protocols, devices, header words: never a name on their own.
        common: ordinary words that are names too.
        sure_names: given and family names that are neither.
        given: given names, whether or not they are words too.
        names: every name.
        word_given: ordinary words that are given names.
        not_clinical: names that are no clinical words.
        eponyms: the clinical words that are people's names: ``parkinson``.
        core: the clinical words of our own list; the standard's words hold ``arrived`` and ``time`` too.
    """

    clinical: frozenset[str]
    common: frozenset[str]
    sure_names: frozenset[str]
    given: frozenset[str]
    names: frozenset[str]
    word_given: frozenset[str]
    not_clinical: frozenset[str]
    eponyms: frozenset[str]
    core: frozenset[str]


def word_list(name: str) -> frozenset[str]:
    """Return the words of one of this package's lists; lines that begin with ``#`` are comments."""
    text = files("deephealth.lake.text").joinpath(name).read_text(encoding="utf-8")
    return frozenset(word for line in text.splitlines() if not line.startswith("#") for word in line.split())


@functools.cache
def load_vocabulary() -> Vocabulary:
    """Return the vocabulary; the first call builds it, later ones answer at once.

    Raises:
        OptionalDependencyError: Faker, which brings the lists of names, is not installed.

    Example:
        >>> words = load_vocabulary()
        >>> "chest" in words.clinical, "young" in words.common, "giovanni" in words.sure_names
        (True, True, True)
    """
    names = load_names()
    everybody = names.given | names.family
    eponyms = word_list("eponyms.txt")
    own = word_list("clinical.txt") | eponyms
    # The standard's words hold eponyms and breeds; what is a name too counts only when our own list has it.
    clinical = own | (kept_words("standard", "pydicom", _standard_words)[0] - everybody)
    common = word_list("common.txt") - own
    return Vocabulary(
        clinical,
        common,
        everybody - clinical - common,
        names.given,
        everybody,
        common & names.given,
        everybody - clinical,
        eponyms,
        own,
    )


def _standard_words() -> tuple[frozenset[str]]:
    """Return the words of DICOM's attribute names and of the coded concepts that pydicom knows by name."""
    from pydicom.datadict import DicomDictionary
    from pydicom.sr.codedict import codes

    text = " ".join(entry[2] for entry in DicomDictionary.values())
    keywords = [keyword for scheme in ("SCT", "DCM", "UCUM") for keyword in getattr(codes, scheme).dir()]
    camel = {part.lower() for keyword in keywords for part in _CAMEL.findall(keyword)}
    words = frozenset(word for word in camel | set(re.findall(r"[a-z]+", fold(text))) if len(word) > 2)
    return (words,)
