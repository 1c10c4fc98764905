"""The options of the confidentiality profile, by the codes under which an object says what was done to it."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from deephealth.core.errors import ConfigError, did_you_mean

__all__ = ["BASIC", "RESEARCH", "Option", "parse_options"]


class Option(StrEnum):
    """One option; the value is its code in the DICOM terminology (coding scheme ``DCM``).

    Source: DICOM PS3.15 sections E.2 and E.3, PS3.16 CID 7050.

    Example:
        >>> Option.MODIFIED_DATES.value, Option.MODIFIED_DATES.keyword
        ('113107', 'modified-dates')
    """

    BASIC = "113100"
    CLEAN_PIXEL = "113101"
    CLEAN_FEATURES = "113102"
    CLEAN_GRAPHICS = "113103"
    CLEAN_CONTENT = "113104"
    CLEAN_DESCRIPTORS = "113105"
    FULL_DATES = "113106"
    MODIFIED_DATES = "113107"
    PATIENT_CHARACTERISTICS = "113108"
    DEVICE = "113109"
    UIDS = "113110"
    SAFE_PRIVATE = "113111"
    INSTITUTION = "113112"

    @property
    def meaning(self) -> str:
        """The code meaning that the standard gives."""
        return _MEANING[self]

    @property
    def keyword(self) -> str:
        """The word that a user types."""
        return self.name.lower().replace("_", "-")


_MEANING = {
    Option.BASIC: "Basic Application Confidentiality Profile",
    Option.CLEAN_PIXEL: "Clean Pixel Data Option",
    Option.CLEAN_FEATURES: "Clean Recognizable Visual Features Option",
    Option.CLEAN_GRAPHICS: "Clean Graphics Option",
    Option.CLEAN_CONTENT: "Clean Structured Content Option",
    Option.CLEAN_DESCRIPTORS: "Clean Descriptors Option",
    Option.FULL_DATES: "Retain Longitudinal Temporal Information Full Dates Option",
    Option.MODIFIED_DATES: "Retain Longitudinal Temporal Information Modified Dates Option",
    Option.PATIENT_CHARACTERISTICS: "Retain Patient Characteristics Option",
    Option.DEVICE: "Retain Device Identity Option",
    Option.UIDS: "Retain UIDs Option",
    Option.SAFE_PRIVATE: "Retain Safe Private Option",
    Option.INSTITUTION: "Retain Institution Identity Option",
}

BASIC: frozenset[Option] = frozenset({Option.BASIC})
"""The basic profile alone."""

RESEARCH: frozenset[Option] = frozenset(
    {
        Option.BASIC,
        Option.CLEAN_PIXEL,
        Option.CLEAN_GRAPHICS,
        Option.CLEAN_CONTENT,
        Option.CLEAN_DESCRIPTORS,
        Option.MODIFIED_DATES,
        Option.PATIENT_CHARACTERISTICS,
        Option.SAFE_PRIVATE,
    }
)
"""What research data sets are shared with: intervals, patient's characteristics and cleaned descriptions stay."""

_NAMED = {"basic": BASIC, "research": RESEARCH}


def parse_options(names: Iterable[str]) -> frozenset[Option]:
    """Read options as a user writes them: keywords, codes, ``basic`` or ``research``; the basic profile is always in.

    Raises:
        ConfigError: a word is unknown, or both ways to keep dates are asked for; all mistakes at once.

    Example:
        >>> sorted(option.keyword for option in parse_options(["modified-dates", "113109"]))
        ['basic', 'device', 'modified-dates']
    """
    known = {word: option for option in Option for word in (option.keyword, option.value)}
    found, problems = set(BASIC), []
    for name in names:
        word = name.strip().lower().replace("_", "-")
        if word in _NAMED:
            found |= _NAMED[word]
        elif word in known:
            found.add(known[word])
        else:
            problems.append(f"unknown option '{name}'; {did_you_mean(word, [*_NAMED, *(o.keyword for o in Option)])}")
    problems += contradictions(found)
    if problems:
        raise ConfigError(problems, source="the options of the confidentiality profile")
    return frozenset(found)


def contradictions(options: Iterable[Option]) -> list[str]:
    """Return what speaks against a set of options, one sentence each.

    Example:
        >>> contradictions({Option.FULL_DATES, Option.MODIFIED_DATES})
        ['full-dates and modified-dates exclude each other: choose one']
    """
    if {Option.FULL_DATES, Option.MODIFIED_DATES} <= set(options):
        return ["full-dates and modified-dates exclude each other: choose one"]
    return []
