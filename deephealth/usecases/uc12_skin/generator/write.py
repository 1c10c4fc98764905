"""Writes a generated data set in the layout of ISIC 2018, so that it is read by the same adapter as the real one."""

from __future__ import annotations

import csv
import io
import os
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from deephealth.core.errors import DataError
from deephealth.core.files import atomic_write, atomic_write_json, storage_errors, writable_folder
from deephealth.core.log import get_logger
from deephealth.usecases.uc12_skin.generated import GENERATED, read_marker
from deephealth.usecases.uc12_skin.generator.picture import draw_image
from deephealth.usecases.uc12_skin.generator.plan import Planned, plan

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["generate"]

_VERSION = 1  # raise it when the same seed draws other pictures
_IMAGES = "ISIC2018_Task3_Training_Input"
_MASKS = "ISIC2018_Task1_Training_GroundTruth"
_TRUTH = "ISIC2018_Task3_Training_GroundTruth/ISIC2018_Task3_Training_GroundTruth.csv"
_LESIONS = "ISIC2018_Task3_Training_LesionGroupings.csv"
_COLUMNS = ("mel", "nv", "bcc", "akiec", "bkl", "df", "vasc")  # ISIC 2018's order
_JPEG_QUALITY = 92
_LOG = get_logger(__name__)


def generate(
    root: Path | str,
    n: int,
    seed: int = 0,
    size: tuple[int, int] = (150, 200),
    progress: Callable[[int, int], object] | None = None,
    *,
    balanced: bool = False,
    hardness: float = 0.5,
) -> Path:
    """Draw a data set of dermoscopy images with masks, diagnoses and lesion ids.

    The same arguments give the same bytes. An interrupted run leaves only whole files and no ground-truth table; the
    same call again completes it. Where the set is there already, nothing is done.

    Args:
        root: folder to make; must be missing, empty, or made by this function with the same arguments.
        n: number of images, at least 7; about three quarters as many lesions.
        seed: of everything.
        size: height and width, pixels, 32 to 4096.
        progress: called with (done, total).
        balanced: as many lesions of each class, instead of HAM10000's frequencies.
        hardness: 0 (every lesion typical) to 1 (classes overlap widely).

    Returns:
        The folder.

    Raises:
        DataError: an argument is out of range, or the folder holds something else.
        StorageError: the disk is full or the folder can't be written.
    """
    root = Path(root)
    _check_arguments(n, size, hardness)
    settings = {"usecase": "uc12-skin", "version": _VERSION, "n": n, "seed": seed, "size": list(size)}
    settings |= {"balanced": balanced, "hardness": hardness}
    if _is_complete(root, settings):
        _LOG.info("%s is there already", root)
        return root
    planned = plan(n, seed, balanced=balanced)
    _start(root, settings)
    for done, item in enumerate(planned, 1):
        image, mask = draw_image(
            item.label, seed=seed, lesion_id=item.lesion_id, image_id=item.image_id, size=size, hardness=hardness
        )
        _put(root / _IMAGES / f"{item.image_id}.jpg", image, quality=_JPEG_QUALITY)
        _put(root / _MASKS / f"{item.image_id}_segmentation.png", mask * 255)
        if progress is not None:
            progress(done, n)
    _finish(root, settings, planned)
    return root


def _check_arguments(n: int, size: tuple[int, int], hardness: float) -> None:
    if n < len(_COLUMNS):
        raise DataError(f"{n} images can't show {len(_COLUMNS)} classes", allowed="n of 7 or more", hint="try n=200")
    if not all(32 <= side <= 4096 for side in size):
        raise DataError(f"the image size is {size[0]} x {size[1]}", allowed="32 to 4096 pixels each way")
    if not 0 <= hardness <= 1:
        raise DataError(f"hardness is {hardness}", allowed="a number from 0 to 1")


def _is_complete(root: Path, settings: dict[str, Any]) -> bool:
    """Return whether the set is finished; refuse a folder that is not ours or was made with other settings."""
    if not root.exists() or (root.is_dir() and not any(root.iterdir())):
        return False
    found = read_marker(root)
    if found is None:
        raise DataError(
            f"{root} is not empty and was not made by this generator",
            allowed="a new or an empty folder",
            hint="choose another folder; nothing in this one was changed",
        )
    different = [key for key in settings if found.get(key) != settings[key]]
    if different:
        said = ", ".join(f"{key}={found.get(key)!r} instead of {settings[key]!r}" for key in different)
        raise DataError(f"{root} was generated with {said}", hint="choose another folder, or remove this one first")
    return bool(found["complete"])


def _start(root: Path, settings: dict[str, Any]) -> None:
    writable_folder(root, "generating a data set")
    atomic_write_json(root / GENERATED, settings | {"complete": False})
    for name in (_IMAGES, _MASKS):
        folder = writable_folder(root / name, "generating a data set")
        for left_over in folder.glob(".*.tmp"):
            left_over.unlink(missing_ok=True)


def _put(path: Path, array: npt.NDArray[np.uint8], **options: Any) -> None:
    """Write an image under another name first, so that an interruption leaves no half of it.

    Not flushed to disk one by one, which would take longer than drawing: a set counts as complete only by its marker,
    and that is written after everything was flushed.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    with storage_errors(path, "writing a generated image"):
        try:
            with temporary.open("wb") as stream:
                Image.fromarray(array).save(stream, format="JPEG" if path.suffix == ".jpg" else "PNG", **options)
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


def _finish(root: Path, settings: dict[str, Any], planned: Sequence[Planned]) -> None:
    truth = [["image", *(name.upper() for name in _COLUMNS)]]
    lesions = [["image", "lesion_id", "diagnosis_confirm_type"]]
    for item in planned:
        truth.append([item.image_id, *("1.0" if item.label == name else "0.0" for name in _COLUMNS)])
        lesions.append([item.image_id, item.lesion_id, item.confirmation])
    _flush(root)
    atomic_write(root / _LESIONS, _csv_text(lesions))
    atomic_write(root / _TRUTH, _csv_text(truth))
    atomic_write(root / "README.txt", _README.format(**settings))
    atomic_write_json(root / GENERATED, settings | {"complete": True})


def _flush(root: Path) -> None:
    for name in (_IMAGES, _MASKS):
        for path in (root / name).iterdir():
            with storage_errors(path, "writing a generated image"), path.open("rb") as stream:
                os.fsync(stream.fileno())


def _csv_text(rows: list[list[str]]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue()


_README = """These {n} images were drawn by a program (deephealth, use case {usecase}, seed {seed}).
They show no patient. They are for trying out and testing software; no result on them says anything about medicine.
The layout is that of the ISIC 2018 challenge, task 3, with lesion outlines as in task 1.
"""
