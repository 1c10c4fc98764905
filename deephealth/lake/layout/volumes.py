"""A DICOM series to NIfTI: dcm2niix does it, in a folder of its own, and its headers are swept."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deephealth.core.errors import DataError
from deephealth.core.optional import require
from deephealth.lake.layout.side_cars import swept

__all__ = ["Volume", "convert_volume"]

_SECONDS = 1800
_HEADER = 348
_DESCRIPTION = slice(148, 252)  # descrip[80] and aux_file[24]: dcm2niix writes the time of the acquisition there
_DIMENSIONS = 40  # dim[0]; dcm2niix writes the byte order of the machine, and only little ones are served
_COPY = 1024**2


@dataclass(frozen=True, slots=True)
class Volume:
    """What was made from a series.

    Args:
        image: the ``.nii.gz``.
        side_car: its JSON, swept.
        dimensions: of the image, 3 or 4.
        extra: suffix -> file, such as ``.bval`` and ``.bvec``.
    """

    image: Path
    side_car: dict[str, Any]
    dimensions: int = 3
    extra: dict[str, Path] = field(default_factory=dict)


def convert_volume(source: Path, work: Path) -> list[Volume]:
    """Convert the DICOM files of one series.

    Args:
        source: a folder that holds the series and nothing else.
        work: an empty folder for what is made.

    Returns:
        One volume per image that dcm2niix found in the series, in the order of their names; a series of several echoes
        or with localizers in it gives several.

    Raises:
        OptionalDependencyError: dcm2niix is not installed.
        DataError: dcm2niix made nothing of it.

    Source: Li X. et al., The first step for neuroimaging data analysis, J Neurosci Methods 264:47 (2016).
    """
    program = require("dcm2niix", purpose="turning a DICOM series into NIfTI").bin
    arguments = ["-b", "y", "-ba", "y", "-z", "n", "-w", "1", "-f", "image", "-o", str(work), str(source)]
    try:
        done = subprocess.run(  # noqa: S603 - the program of an installed package, no shell, no text from outside
            [program, *arguments], capture_output=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise DataError(f"dcm2niix took more than {_SECONDS} s for one series") from error
    images = sorted(work.glob("*.nii"))
    if not images:  # its messages name files and patients: they are not repeated
        raise DataError(f"dcm2niix made no image of the series (exit code {done.returncode})")
    return [_swept_volume(image) for image in images]


def _swept_volume(image: Path) -> Volume:
    side_car = image.with_suffix(".json")
    values = json.loads(side_car.read_text(encoding="utf-8", errors="replace")) if side_car.is_file() else {}
    extra = {ending: image.with_suffix(ending) for ending in (".bval", ".bvec") if image.with_suffix(ending).is_file()}
    target, dimensions = _compressed(image)
    return Volume(target, swept(values), dimensions, extra)


def _compressed(image: Path) -> tuple[Path, int]:
    """Compress with an empty description and without the time: the same voxels give the same bytes."""
    target = image.with_name(f"{image.name}.gz")
    with (
        image.open("rb") as plain,
        target.open("wb") as raw,
        gzip.GzipFile("", "wb", compresslevel=6, fileobj=raw, mtime=0) as packed,
    ):
        header = bytearray(plain.read(_HEADER))
        dimensions = int.from_bytes(header[_DIMENSIONS : _DIMENSIONS + 2], "little")
        header[_DESCRIPTION] = bytes(_DESCRIPTION.stop - _DESCRIPTION.start)
        packed.write(header)
        shutil.copyfileobj(plain, packed, _COPY)
    image.unlink()
    return target, dimensions
