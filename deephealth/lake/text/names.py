"""Given and family names of many countries, from Faker's public lists, folded and kept as two sets."""

from __future__ import annotations

import functools
import importlib
import pkgutil
import re
from typing import NamedTuple

from deephealth.core.optional import require
from deephealth.lake.text.folding import fold
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
    """Return the names; the first call reads them (about 0.2 s), later ones answer at once.

    Raises:
        OptionalDependencyError: Faker is not installed.

    Source: the person providers of Faker (MIT licence), which are lists of common names by country.

    Example:
        >>> names = load_names()
        >>> "giovanni" in names.given, "mueller" in names.family, "muller" in names.family
        (True, True, True)
    """
    people = require("faker.providers.person", purpose="finding names in free text")
    given: set[str] = set()
    family: set[str] = set()
    for module in pkgutil.iter_modules(people.__path__):
        if module.name not in _SKIPPED:
            provider = importlib.import_module(f"{people.__name__}.{module.name}").Provider
            for attribute in vars(provider):
                if attribute.startswith(("first_name", "last_name")):
                    (given if attribute.startswith("first") else family).update(_parts(getattr(provider, attribute)))
    return Names(frozenset(given), frozenset(family))


def _parts(values: object) -> set[str]:
    """Return the folded words of a provider's list; anything that is not a list of texts has none."""
    if not isinstance(values, (tuple, list, set, frozenset, dict)):
        return set()
    words: set[str] = set()
    text = " ".join(v for v in values if isinstance(v, str) and v < "\u0250")
    for spelling in (fold(text), fold(text.lower().translate(_UMLAUTS))):
        for word in _SPLIT.split(spelling):
            pieces = _WORD.findall(word)
            words.update(pieces)
            words.add("".join(pieces))
    return {word for word in words if len(word) > 2 and word not in PARTICLES}
