"""What an adapter finds in a data set: samples, classes, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from deephealth.io.source import Source

__all__ = ["DataIndex", "Problem", "Sample"]


@dataclass(frozen=True, slots=True)
class Sample:
    """One image with what is known about it.

    Args:
        id: unique in the data set, such as ``ISIC_0024312``.
        group: patient or lesion; a group never stands in two splits.
        image: the picture.
        label: class name; ``None`` when unknown.
        mask: binary mask of the same height and width as the picture.
        split: ``train``, ``val`` or ``test`` when the data set itself says so.
        facts: age, sex, site, ... as text; an empty text means unknown.
    """

    id: str
    group: str
    image: Source
    label: str | None = None
    mask: Source | None = None
    split: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with a data set.

    Args:
        severity: an error stops training, a warning does not.
        kind: ``missing-image``, ``missing-label``, ``unreadable-image``, ``duplicate``, ``leak``, ...
        where: file or sample.
        message: what is wrong, in a sentence.
    """

    severity: Literal["error", "warning"]
    kind: str
    where: str
    message: str


@dataclass(frozen=True, slots=True)
class DataIndex:
    """What an adapter found in a folder.

    Args:
        root: the folder (or the file that describes the set).
        layout: name of the layout.
        classes: class names, in the order of the network's outputs.
        samples: all samples, labelled or not.
        problems: what the adapter could not use.
        licence: under which the data was published.
        citation: whom to cite.
    """

    root: Path
    layout: str
    classes: tuple[str, ...]
    samples: tuple[Sample, ...]
    problems: tuple[Problem, ...] = ()
    licence: str = ""
    citation: str = ""
