"""Predictions as files: one CSV table, and masks, probability maps and overlays beside it.

A classification has the columns ``file, label`` and one probability per class. A mask has ``file, label``, the mean
probability inside it (named after its class), ``area_fraction`` and ``mask``, a path relative to the table.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import cv2
import numpy as np

from deephealth.core.errors import StorageError
from deephealth.core.files import atomic_write
from deephealth.infer.overlay import caption_tile, draw_overlay
from deephealth.infer.prediction import Failure, Prediction
from deephealth.io.raster import read_rgb, write_png

if TYPE_CHECKING:
    import numpy.typing as npt

    from deephealth.core.types import MaskHW

__all__ = ["FileNames", "Written", "csv_text", "write_map", "write_mask", "write_predictions"]

Task = Literal["classification", "segmentation"]


@dataclass(frozen=True, slots=True)
class Written:
    """What was written.

    Args:
        table: the CSV file.
        count: rows in it.
        folders: folders with masks, maps and overlays.
        failures: files that could not be predicted.
    """

    table: Path
    count: int
    folders: tuple[Path, ...]
    failures: tuple[Failure, ...]


class FileNames:
    """Names for output files: harmless letters only, and never the same one twice (whatever the case of letters).

    Example:
        >>> names = FileNames()
        >>> names("a/x y.jpg"), names("b/X y.jpg"), names("../../.jpg")
        ('x_y', 'X_y-2', 'jpg')
    """

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def __call__(self, name: str) -> str:
        """Return a new stem for the file ``name``."""
        last = re.split(r"[/\\]", name)[-1]
        stem = last.rpartition(".")[0] or last
        clean = re.sub(r"[^A-Za-z0-9._-]+", "_", stem).lstrip(".-")[:100] or "image"
        candidate, number = clean, 1
        while candidate.lower() in self._taken:
            number += 1
            candidate = f"{clean}-{number}"
        self._taken.add(candidate.lower())
        return candidate


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    r"""Return a table as CSV (RFC 4180 quoting, lines end in a line feed).

    Example:
        >>> csv_text(["file", "label"], [["a,b.jpg", "nv"]])
        'file,label\n"a,b.jpg",nv\n'
    """
    stream = io.StringIO()
    plain = csv.writer(stream, lineterminator="\n")
    # Python's writer leaves a carriage return bare, and readers would end the row there
    careful = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_ALL)
    for row in (columns, *rows):
        (careful if any("\r" in str(cell) for cell in row) else plain).writerow(row)
    return stream.getvalue()


def write_mask(path: Path, mask_hw: MaskHW) -> None:
    """Write a mask as PNG of 0 and 255, atomically."""
    write_png(path, (mask_hw > 0).astype(np.uint8) * np.uint8(255))


def write_map(path: Path, probability_hw: npt.NDArray[np.float32]) -> None:
    """Write probabilities 0 to 1 as a 16-bit PNG, 0 to 65535, atomically.

    Raises:
        StorageError: it can't be encoded or written.
    """
    levels = np.rint(np.clip(probability_hw, 0, 1) * np.float64(65535)).astype(np.uint16)
    encoded, data = cv2.imencode(".png", levels)
    if not encoded:
        raise StorageError(f"a probability map can't be written as PNG: {path}")
    atomic_write(path, data.tobytes())


def write_predictions(
    predictions: Iterable[Prediction | Failure],
    table: Path | str,
    *,
    labels: Sequence[str],
    task: Task,
    overlays: bool = False,
    maps: bool = False,
) -> Written:
    """Write predictions as they come: images first, the table last, so that a table never names a missing mask.

    Args:
        predictions: from :meth:`Predictor.predict` or, for any number of files, :meth:`Predictor.stream`.
        table: the CSV file; masks go to the folder ``<stem>_masks`` beside it, likewise maps and overlays.
        labels: the model's class labels, in order.
        task: ``"classification"`` or ``"segmentation"``.
        overlays: also draw the outline (or the answer) on each image.
        maps: also write probability maps as 16-bit PNG.

    Returns:
        What was written, and which files had failed.

    Raises:
        StorageError: the disk is full or the folder can't be written.
    """
    path = Path(table)
    names = FileNames()
    folders: set[Path] = set()
    rows: list[list[Any]] = []
    failures: list[Failure] = []
    for outcome in predictions:
        if isinstance(outcome, Failure):
            failures.append(outcome)
            continue
        files = _side_files(outcome, path, names(outcome.source.name), overlays=overlays, maps=maps)
        folders.update(file.parent for file in files.values())
        rows.append(_row(outcome, labels, path, files))
    foreground = [labels[-1], "area_fraction", "mask"]
    columns = ["file", "label", *(labels if task == "classification" else foreground)]
    atomic_write(path, csv_text(columns, rows))
    return Written(path, len(rows), tuple(sorted(folders)), tuple(failures))


def _row(prediction: Prediction, labels: Sequence[str], table: Path, files: dict[str, Path]) -> list[Any]:
    start = [prediction.file, prediction.label]
    if prediction.mask is None:
        return start + [f"{prediction.probabilities[label]:.6f}" for label in labels]
    inside = f"{prediction.probabilities[labels[-1]]:.6f}"
    return [*start, inside, f"{prediction.area_fraction:.6f}", files["masks"].relative_to(table.parent).as_posix()]


def _side_files(prediction: Prediction, table: Path, stem: str, *, overlays: bool, maps: bool) -> dict[str, Path]:
    """Write the pictures that belong to a prediction; kind -> path."""
    files: dict[str, Path] = {}

    def place(kind: str) -> Path:
        files[kind] = table.parent / f"{table.stem}_{kind}" / f"{stem}.png"
        return files[kind]

    if prediction.mask is not None:
        write_mask(place("masks"), prediction.mask)
    if maps and prediction.probability_map is not None:
        write_map(place("maps"), prediction.probability_map)
    if overlays:
        image = read_rgb(prediction.source)
        probability = max(prediction.probabilities.values())
        if prediction.mask is None:
            write_png(place("overlays"), caption_tile(image, [f"{prediction.label} {probability:.2f}"]))
        else:
            write_png(place("overlays"), draw_overlay(image, prediction.mask))
    return files
