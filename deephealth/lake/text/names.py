"""Given and family names of many countries, from Faker's public lists, folded and kept as two sets."""

from __future__ import annotations

import functools
import importlib
import pkgutil
import re
from collections.abc import Iterator
from typing import NamedTuple

from deephealth.core.optional import require
from deephealth.lake.text.folding import fold
from deephealth.lake.text.kept_words import kept_words
from deephealth.lake.text.lists import word_set

__all__ = ["PARTICLES", "Names", "load_names"]

# Lists that hold words or syllables rather than names as Latin-script texts write them.
_SKIPPED = {"en_TH", "zh_CN", "zh_TW", "ja_JP", "ko_KR", "en"}
_WORD = re.compile(r"[^\W\d_]+")
_SPLIT = re.compile(r"[^\w'’-]+")
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})
PARTICLES = word_set("particles")


class Names(NamedTuple):
    """Folded single names: ``given`` before the family's, and ``family``."""

    given: frozenset[str]
    family: frozenset[str]


@functools.cache
def load_names() -> Names:
    """Return the names; a user's first call builds them (0.4 s), later ones read a cache file.

    Raises:
        OptionalDependencyError: Faker is not installed.

    Source: the person providers of Faker (MIT licence), which are lists of common names by country.

    Example:
        >>> names = load_names()
        >>> "giovanni" in names.given, "mueller" in names.family, "muller" in names.family
        (True, True, True)
    """
    given, family = kept_words("names", "Faker", _build)
    return Names(given, family)


def _build() -> tuple[frozenset[str], frozenset[str]]:
    people = require("faker.providers.person", purpose="finding names in free text")
    given: list[str] = []
    family: list[str] = []
    for module in pkgutil.iter_modules(people.__path__):
        if module.name not in _SKIPPED:
            provider = importlib.import_module(f"{people.__name__}.{module.name}").Provider
            for attribute in vars(provider):
                if attribute.startswith(("first_name", "last_name")):
                    (given if attribute.startswith("first") else family).extend(_texts(getattr(provider, attribute)))
    return _parts(given), _parts(family)


def _texts(values: object) -> Iterator[str]:
    """Yield the Latin-script texts of a provider's list; anything that is not a list of texts has none."""
    if isinstance(values, (tuple, list, set, frozenset, dict)):
        yield from (value for value in values if isinstance(value, str) and value < "\u0250")


def _parts(texts: list[str]) -> frozenset[str]:
    """Return the folded words of many names, whole and in the pieces that a hyphen or an apostrophe parts."""
    text = " ".join(dict.fromkeys(texts))  # most names stand in several lists
    spellings = f"{fold(text)} {fold(text.lower().translate(_UMLAUTS))}"
    words = set(_SPLIT.split(spellings))
    parted = [word for word in words if not word.isalpha()]
    words.difference_update(parted)
    for word in parted:
        pieces = _WORD.findall(word)
        words.update(pieces)
        words.add("".join(pieces))
    return frozenset(word for word in words if len(word) > 2 and word not in PARTICLES)
