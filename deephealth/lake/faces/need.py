"""Which objects show a face: by modality, body part, the cleaned descriptions and the number of images."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Protocol

from deephealth.lake.facts import ObjectFacts

__all__ = ["LEAST_IMAGES", "needs_defacing", "series_needs_defacing"]

LEAST_IMAGES = 20  # fewer slices over a head are 6 mm apart or more, or do not go down to the face
_MODALITIES = frozenset({"CT", "MR", "PT"})
_NO_VOLUME = ("1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.66", "1.2.840.10008.5.1.4.1.1.88")
_PARTS = re.compile(
    r"HEAD|BRAIN|SKULL|NECK|FACE|FACIAL|ORBIT|EYE|SINUS|CEREBR|CEREBEL|PITUIT|EAR$|MASTOID|IAC|TEMPORALBONE|JAW|MAXILL"
    r"|MANDIB|TMJ|NOSE|NASAL|WHOLEBODY"
)
_WORDS = re.compile(
    r"\b(head|brain|skull|neck|face|facial|orbits?|sinus(es)?|cranial|cranium|cerebral|pituitary|iac|maxillofacial"
    r"|mprage|mp2rage|bravo|flair|tof|neuro|kopf|schaedel|hirn|cerveau|cr[aâ]ne|t[eê]te|cabeza|cerebro|cr[aá]neo"
    r"|cervello|testa|cranio)\b"
)
_FORMATS = ("dicom", "nifti")


class HasFacts(Protocol):
    """An object of the lake."""

    @property
    def facts(self) -> ObjectFacts:
        """What is known of it."""
        ...


def needs_defacing(facts: ObjectFacts) -> bool:
    """Return whether an object is part of a head image; a single slice of it says nothing of how many there are.

    Args:
        facts: of the object.

    Example:
        >>> needs_defacing(ObjectFacts("A", "B", "K", "dicom", "CT", "", 0, "", rows=512, body_part="HEAD"))
        True
        >>> needs_defacing(ObjectFacts("A", "B", "K", "dicom", "CT", "", 0, "", rows=512, body_part="CHEST"))
        False
    """
    if facts.format not in _FORMATS or facts.modality.upper() not in _MODALITIES or not facts.rows:
        return False
    if facts.sop_class.startswith(_NO_VOLUME):
        return False
    part = re.sub(r"[^A-Z]", "", facts.body_part.upper())
    if part:
        return _PARTS.search(part) is not None
    words = re.sub(r"[^a-zâêáé0-9]+", " ", f"{facts.description} {facts.protocol}".lower())
    return _WORDS.search(words) is not None or facts.format == "nifti"


def series_needs_defacing(objects: Iterable[HasFacts]) -> bool:
    """Return whether the objects of one series are a head image with enough slices to show a face.

    Args:
        objects: all released objects of the series.
    """
    heads = [one.facts for one in objects if needs_defacing(one.facts)]
    return sum(facts.frames or 1 for facts in heads) >= LEAST_IMAGES
