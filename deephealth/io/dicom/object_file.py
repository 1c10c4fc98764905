"""Opening a DICOM object of one kind, such as a segmentation, and reading numbers out of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom import Dataset

from deephealth.core.errors import UnreadableFileError
from deephealth.io.dicom.dataset import read_dataset
from deephealth.io.dicom.guard import guarded
from deephealth.io.limits import Limits

__all__ = ["items", "numbers", "open_object", "whole"]


def open_object(path: Path, modality: str, what: str, limits: Limits) -> Dataset:
    """Read a DICOM object with its pixels still encoded.

    Args:
        path: the file.
        modality: what its Modality must be.
        what: what errors call such an object, such as ``"segmentation"``.
        limits: largest file.

    Raises:
        MissingDataError: no such file.
        LimitError: the file is too large.
        UnreadableFileError: it is damaged, or something else.
    """
    name = str(path)
    dataset = read_dataset(path, limits=limits)
    with guarded(name):
        found = str(dataset.get("Modality") or "")
        if found != modality:
            raise UnreadableFileError(
                f"{name} is no {what}: its modality is '{found}'", allowed=modality, hint="choose another file"
            )
    return dataset


def items(dataset: Dataset, keyword: str) -> list[Dataset]:
    """Return the items of a sequence; none if it is missing or empty."""
    found = dataset.get(keyword)
    return list(found) if isinstance(found, pydicom.Sequence | list) else []


def whole(dataset: Dataset, keyword: str, name: str, *, low: int = 0, default: int | None = None) -> int:
    """Return a whole number.

    Args:
        dataset: where it stands.
        keyword: which element.
        name: what errors call the file.
        low: the least it may be.
        default: stands in for a missing one.

    Raises:
        UnreadableFileError: it is missing, no whole number, or too small.
    """
    value: Any = dataset.get(keyword, default)
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        number = low - 1
    if number < low:
        raise UnreadableFileError(f"{keyword} of {name} is {str(value)[:40]!r}", allowed=f"a whole number from {low}")
    return number


def numbers(dataset: Dataset, keyword: str, count: int, name: str) -> npt.NDArray[np.float64] | None:
    """Return ``count`` finite numbers, or ``None`` if the element is missing or empty.

    Raises:
        UnreadableFileError: another count, or something else.
    """
    value: Any = dataset.get(keyword)
    if value is None or (isinstance(value, str | list | pydicom.multival.MultiValue) and not len(value)):
        return None
    try:
        found = np.asarray(value, dtype=np.float64).ravel()
    except (TypeError, ValueError):
        found = np.empty(0)
    if found.size != count or not np.isfinite(found).all():
        raise UnreadableFileError(f"{keyword} of {name} is {str(value)[:80]!r}", allowed=f"{count} finite numbers")
    return found
