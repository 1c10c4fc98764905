"""A patient with planted identifiers, a text cleaner that takes exactly those out, and a scan of raw bytes."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from deephealth.lake.formats.context import FileContext
from deephealth.lake.identifiers import Identifiers
from deephealth.lake.pseudonyms import Pseudonyms

PLANTED = ("Zyxwhurst", "Quillfeather", "MRN7712345", "1951-07-23", "Quenby Street")
NOTHING = Identifiers()
JUNK = " / ".join(PLANTED)


@dataclass
class Clean:
    text: str
    doubtful: bool = False


class StandIn:
    """Takes the planted identifiers out, and what is known; doubts whatever says so."""

    def __init__(self, identifiers=NOTHING, placeholders=False):
        known = [*PLANTED, *identifiers.name_parts(), *identifiers.numbers]
        self.pattern = re.compile("|".join(map(re.escape, sorted(known, key=len, reverse=True))), re.IGNORECASE)

    def clean(self, text: str) -> Clean:
        return Clean(" ".join(self.pattern.sub(" ", text).split(" ")).strip(), "doubtful" in text)


def encodings(text: str) -> set[bytes]:
    codecs = ("utf-8", "utf-16-le", "utf-16-be", "latin-1")
    return {form.encode(codec) for codec in codecs for form in (text, text.upper(), text.lower())}


def leaks(data: bytes) -> list[str]:
    """The planted identifiers that are in ``data`` in any case and encoding."""
    return [text for text in PLANTED if any(form in data for form in encodings(text))]


@pytest.fixture
def who() -> FileContext:
    known = Identifiers.of(names=["Zyxwhurst^Quillfeather"], numbers=["MRN7712345"], dates=["19510723"])
    return FileContext(
        Pseudonyms(bytes(range(32))),
        "MRN7712345",
        identifiers=known,
        text=StandIn,
        report=lambda text, identifiers: StandIn(identifiers).clean(text),
    )


@pytest.fixture
def junk() -> bytes:
    """The identifiers in every encoding, as they might lie in any gap."""
    return b"\n".join([JUNK.encode(), JUNK.encode("utf-16-le"), b"\0", JUNK.encode("utf-16-be")])


@pytest.fixture
def scan() -> Callable[[bytes], list[str]]:
    return leaks
