"""What layout and catalogue are given: objects that lie in the lake, and the series they belong to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from deephealth.lake.facts import ObjectFacts
from deephealth.lake.layout.names import TABLES, series_label

__all__ = ["Entry", "Published", "Series", "series_of"]


class Published(Protocol):
    """An object of the lake; the intake's journal yields such."""

    @property
    def facts(self) -> ObjectFacts:
        """What is known about it."""
        ...

    @property
    def dataset(self) -> str:
        """The data set it belongs to."""
        ...

    @property
    def path(self) -> str:
        """Where it lies, relative to the lake's root."""
        ...


@dataclass(frozen=True, slots=True)
class Entry:
    """The plainest :class:`Published`.

    Args:
        facts: what is known about it.
        dataset: the data set it belongs to.
        path: where it lies, relative to the lake's root.
    """

    facts: ObjectFacts
    dataset: str
    path: str


@dataclass(frozen=True, slots=True)
class Series:
    """The objects of one series, in the order of their instance numbers.

    Args:
        label: as :func:`~deephealth.lake.layout.names.series_label` gives it.
        objects: at least one.
    """

    label: str
    objects: tuple[Published, ...]

    @property
    def facts(self) -> ObjectFacts:
        """The first object's facts, which stand for the series."""
        return self.objects[0].facts

    @property
    def order(self) -> tuple[int, str]:
        """What decides who gets the smaller run number when nobody has one yet."""
        number = self.facts.series_number
        return (10**9 if number is None else number, self.label)


def series_of(objects: Iterable[Published], dataset: str) -> list[Series]:
    """Group the objects of a data set into series, sorted by subject, session and series number.

    Args:
        objects: of any data sets; those of others are left out, and so are tables, which belong to no visit.
        dataset: name of the data set.
    """
    groups: dict[tuple[str, str, str], list[Published]] = defaultdict(list)
    for one in objects:
        if one.dataset == dataset and one.facts.format not in TABLES:
            groups[one.facts.subject, one.facts.session, series_label(one.facts)].append(one)
    series = [
        (subject, session, Series(label, tuple(sorted(members, key=_instance))))
        for (subject, session, label), members in groups.items()
    ]
    return [one for _, _, one in sorted(series, key=lambda item: (item[0], item[1], item[2].order))]


def _instance(one: Published) -> tuple[int, str]:
    number = one.facts.instance_number
    return (10**9 if number is None else number, one.facts.key)
