"""What a segment of a DICOM segmentation is, and a segmentation that was read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from deephealth.core.errors import DataError, UnknownNameError
from deephealth.io.dicom.writing.codes import Code
from deephealth.io.volume import Volume

__all__ = ["TISSUE", "Kind", "Segment", "Segmentation"]

Kind = Literal["labels", "masks", "fractions"]
TISSUE = Code("85756007", "SCT", "Tissue")
_ALGORITHMS = ("AUTOMATIC", "SEMIAUTOMATIC", "MANUAL")
_MAX_NUMBER = 65535


@dataclass(frozen=True, slots=True)
class Segment:
    """One structure.

    Args:
        label: its name, at most 64 characters.
        category: what sort of thing it is, such as ``"AnatomicalStructure"`` or ``"MorphologicallyAbnormalStructure"``
            (DICOM context group 7150): a :class:`Code`, or its keyword.
        type: what it is, such as ``"Liver"`` or ``"Neoplasm"`` (context group 7151); by default a private code made
            of the label.
        number: its value in a label map; 0 stands for its place in the list of segments, from 1.
        algorithm: ``"AUTOMATIC"``, ``"SEMIAUTOMATIC"`` or ``"MANUAL"``.
        algorithm_name: of the model; needed unless it was drawn by hand.
        colour: recommended display colour, R G B of 0 to 255.
        tracking_id: what this very finding is called, across studies.
        tracking_uid: the UID of that finding.

    Raises:
        DataError: a value that DICOM can't hold.
        UnknownNameError: a keyword that is no concept.

    Example:
        >>> Segment("liver", "AnatomicalStructure", "Liver").type
        Code(value='10200004', scheme='SCT', meaning='Liver')
    """

    label: str
    category: Code | str = TISSUE
    type: Code | str | None = None
    number: int = 0
    algorithm: str = "AUTOMATIC"
    algorithm_name: str = "deephealth"
    colour: tuple[int, int, int] | None = None
    tracking_id: str | None = None
    tracking_uid: str | None = None

    def __post_init__(self) -> None:
        if not 0 < len(self.label) <= 64 or "\\" in self.label:
            raise DataError(f"the segment label '{self.label}'", allowed="1 to 64 characters, no \\")
        if self.algorithm not in _ALGORITHMS:
            raise UnknownNameError("segment algorithm type", self.algorithm, _ALGORITHMS)
        if not 0 <= self.number <= _MAX_NUMBER:
            raise DataError(f"segment number {self.number}", allowed=f"1 to {_MAX_NUMBER}, or 0 for its place")
        if (self.tracking_id is None) != (self.tracking_uid is None):
            raise DataError(f"segment '{self.label}' has one of tracking_id and tracking_uid", allowed="both or none")
        object.__setattr__(self, "category", Code.of(self.category))
        object.__setattr__(self, "type", Code.private(self.label) if self.type is None else Code.of(self.type))


@dataclass(frozen=True, eq=False)
class Segmentation:
    """What :func:`read_segmentation` returns.

    Args:
        volume: by ``kind``. ``"labels"``: (D, H, W) uint8 or uint16, 0 or the number of a segment. ``"masks"``: some
            segments overlap, (C, D, H, W) bool, one channel per segment. ``"fractions"``: (C, D, H, W) float32, 0 to 1.
        segments: their descriptions, in the order of the channels.
        kind: how to read the volume.
        series_uid: SeriesInstanceUID of the images that were segmented, empty if the file does not say.

    Example:
        >>> volume = Volume(np.array([[[0, 2]]], np.uint8), np.eye(4))
        >>> found = Segmentation(volume, (Segment("a", number=1), Segment("b", number=2)), "labels")
        >>> found.mask("b").tolist(), found.labels
        ([[[False, True]]], ('a', 'b'))
    """

    volume: Volume
    segments: tuple[Segment, ...]
    kind: Kind
    series_uid: str = field(default="")

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the segments."""
        return tuple(segment.label for segment in self.segments)

    def mask(self, segment: str | int) -> np.ndarray:
        """Return (D, H, W) of one segment, by its label or its number: bool, or float32 for fractions.

        Raises:
            UnknownNameError: no such segment.
        """
        index = self._index(segment)
        if self.kind == "labels":
            return self.volume.data == self.segments[index].number
        return self.volume.data[index]

    def _index(self, segment: str | int) -> int:
        names: Sequence[str | int] = (
            self.labels if isinstance(segment, str) else tuple(item.number for item in self.segments)
        )
        if segment not in names:
            raise UnknownNameError("segment", str(segment), map(str, names))
        return names.index(segment)
