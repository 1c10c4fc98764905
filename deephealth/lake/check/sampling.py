"""Which released objects are looked at as pictures: all where writing is likely, and some of the others."""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from deephealth.core.errors import DataError
from deephealth.lake.intake.journal import PublishedObject

__all__ = ["AT_RISK", "Choice", "Picked", "PictureSample", "choose", "is_picture"]

AT_RISK = frozenset({"US", "IVUS", "SC", "OT", "ES", "XA", "RF", "CR", "DX", "MG"})
_SECONDARY = "1.2.840.10008.5.1.4.1.1.7."  # secondary capture and its multi-frame kinds
_PICTURES = frozenset({"nifti", "jpeg", "png", "webp", "bmp", "gif", "tiff"})
_NO_PIXELS = frozenset({"SR", "PR", "KO", "ECG", "EPS", "HD", "AU", "RTSTRUCT", "RTPLAN", "RTRECORD", "REG", "DOC"})


@dataclass(frozen=True, slots=True)
class PictureSample:
    """How many objects are looked at.

    Args:
        at_risk: at most so many objects in which boxes were painted, or of a modality whose pictures often hold
            writing (ultrasound, captures, endoscopy, angiography, fluoroscopy, radiography, mammography); the painted
            ones first. 0 for none.
        others: so many objects of each other modality, drawn by chance.
        frames: at most so many frames of an object: the first, the last and some between.
        seed: the same seed draws the same objects.

    Raises:
        DataError: a number below 0, or no frame.

    Example:
        >>> PictureSample(others=2).at_risk
        200
    """

    at_risk: int = 200
    others: int = 5
    frames: int = 3
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.at_risk, self.others) < 0 or self.frames < 1:
            raise DataError("a sample of pictures can't be drawn so", allowed="numbers from 0, and 1 frame at least")


@dataclass(frozen=True, slots=True)
class Picked:
    """One object that is to be looked at.

    Args:
        path: relative to the lake.
        subject: pseudonym of its patient.
        format: such as ``dicom``.
        modality: such as ``US``.
        painted: whether boxes were painted in it.
    """

    path: str
    subject: str
    format: str
    modality: str
    painted: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """The sample.

    Args:
        picked: the objects, in the order of their paths.
        pictures: how many objects there are that may hold a picture, by modality.
        at_risk: how many of them are at risk, or painted.
    """

    picked: tuple[Picked, ...]
    pictures: Counter[str]
    at_risk: int


def is_picture(one: PublishedObject) -> bool:
    """Whether an object may hold a picture."""
    if one.facts.format == "dicom":
        return one.facts.modality not in _NO_PIXELS
    return one.facts.format in _PICTURES


def choose(objects: Iterable[PublishedObject], sample: PictureSample) -> Choice:
    """Draw the sample; memory grows with the sample, not with the lake.

    Args:
        objects: all released objects.
        sample: how many.
    """
    pictures: Counter[str] = Counter()
    likely = _Smallest(sample.at_risk)
    others: dict[str, _Smallest] = {}
    at_risk = 0
    for one in filter(is_picture, objects):
        modality = one.facts.modality or one.facts.format
        pictures[modality] += 1
        picked = Picked(one.path, one.facts.subject, one.facts.format, modality, bool(one.boxes))
        draw = hashlib.sha256(f"{sample.seed}/{one.path}".encode()).hexdigest()
        if picked.painted or modality in AT_RISK or f"{one.facts.sop_class}.".startswith(_SECONDARY):
            at_risk += 1
            likely.offer(f"{int(not picked.painted)}{draw}", picked)
        else:
            others.setdefault(modality, _Smallest(sample.others)).offer(draw, picked)
    drawn = [picked for part in (likely, *others.values()) for picked in part.kept()]
    return Choice(tuple(sorted(drawn, key=lambda picked: picked.path)), pictures, at_risk)


class _Smallest:
    """Keeps the ``number`` entries with the smallest keys."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._heap: list[tuple[int, str, Picked]] = []

    def offer(self, key: str, picked: Picked) -> None:
        entry = (-int(key, 16), picked.path, picked)  # a heap gives its smallest: turned round, the largest goes first
        if len(self._heap) < self._number:
            heapq.heappush(self._heap, entry)
        elif self._heap:
            heapq.heappushpop(self._heap, entry)

    def kept(self) -> list[Picked]:
        return [picked for *_, picked in self._heap]
