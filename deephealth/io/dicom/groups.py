"""Functional groups of enhanced multi-frame objects: what holds for all frames, and what for each.

Source: DICOM PS3.3 C.7.6.16.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from deephealth.core.errors import UnreadableFileError

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

__all__ = ["group_value", "rescale_of_frames"]


def group_value(dataset: Dataset, frame: int, sequence: str, keyword: str) -> Any:
    """Return a value of a frame's functional groups; the frame's own goes before the shared one; ``None`` without.

    Args:
        dataset: an enhanced object.
        frame: number, from 0.
        sequence: keyword of the group, such as ``"PlanePositionSequence"``.
        keyword: of the value.
    """
    for holder in ("PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence"):
        items = dataset.get(holder)
        at = frame if holder.startswith("Per") else 0
        if not items or at >= len(items):
            continue
        group = items[at].get(sequence)
        if group and group[0].get(keyword) is not None:
            return group[0].get(keyword)
    return None


def rescale_of_frames(dataset: Dataset, frames: Sequence[int], name: str) -> list[tuple[float, float]]:
    """Return (slope, intercept) of each frame.

    Raises:
        UnreadableFileError: values that are no numbers.
    """
    top = _pair(dataset.get("RescaleSlope"), dataset.get("RescaleIntercept"), name)
    if top is not None or "SharedFunctionalGroupsSequence" not in dataset:
        return [top or (1.0, 0.0)] * len(frames)
    found = []
    for frame in frames:
        slope = group_value(dataset, frame, "PixelValueTransformationSequence", "RescaleSlope")
        intercept = group_value(dataset, frame, "PixelValueTransformationSequence", "RescaleIntercept")
        found.append(_pair(slope, intercept, name) or (1.0, 0.0))
    return found


def _pair(slope: Any, intercept: Any, name: str) -> tuple[float, float] | None:
    if slope is None or intercept is None or slope == "" or intercept == "":
        return None
    try:
        return float(slope), float(intercept)
    except (TypeError, ValueError) as error:
        raise UnreadableFileError(
            f"{name} has the rescale slope {slope!r} and intercept {intercept!r}", allowed="one number each"
        ) from error
