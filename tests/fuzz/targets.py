"""What reads a damaged file, by format. Runs in the worker, and says what came of it."""

from __future__ import annotations

import os
import re
import resource
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from deephealth.core.errors import DeepHealthError, UnreadableFileError

__all__ = ["READERS", "run_case", "warm"]

# what libraries say when an allocation failed: a reader that wraps it in a typed error has still asked for too much
_NO_MEMORY = re.compile(
    r"insufficient memory|out of memory|bad_alloc|cannot allocate|MemoryError|failed to allocate", re.I
)


def warm(kind: str, paths: list[str]) -> int:
    """Read undamaged files, so that every library is loaded before memory is limited; return how many could be read."""
    return sum(run_case(kind, path)["outcome"] == "read" for path in paths)


def run_case(kind: str, path: str) -> dict[str, Any]:
    """Read one file with every reader of its format.

    Returns:
        ``outcome``: ``read`` (by one reader at least), ``refused`` (typed errors), or what must not be: ``untyped`` or
        ``memory``; ``reader`` and ``detail`` say where.
    """
    outcome = "refused"
    details = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, reader in READERS[kind].items():
            try:
                reader(path)
                outcome = "read"
            except Exception as error:
                trouble = _judge(error)
                details.append(f"{name}: {type(error).__name__}: {error}"[:300])
                if trouble:
                    return {"outcome": trouble, "reader": name, "detail": _where(error)}
    return {"outcome": outcome, "reader": "", "detail": "\n".join(details), "peak": _peak()}


def _judge(error: BaseException) -> str | None:
    chain, seen = error, set()
    while chain is not None and id(chain) not in seen:
        seen.add(id(chain))
        if isinstance(chain, MemoryError) or (not isinstance(chain, DeepHealthError) and _NO_MEMORY.search(str(chain))):
            return "memory"
        chain = chain.__cause__ or chain.__context__  # type: ignore[assignment]
    return None if isinstance(error, DeepHealthError) else "untyped"


def _where(error: Exception) -> str:
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "deephealth" in frame.filename]
    places = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames[-3:]))
    root: BaseException = error
    while root.__cause__ or root.__context__:
        root = root.__cause__ or root.__context__  # type: ignore[assignment]
    what = f"{type(error).__name__}: {error}" + (f" (from {type(root).__name__}: {root})" if root is not error else "")
    return f"{what} at {places}"[:600]


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _touch(value: Any) -> None:
    """Use the values: what is mapped, or made on demand, must come out too."""
    if isinstance(value, np.ndarray):
        if value.dtype.kind in "biuf" and value.size:
            value.max()
    elif hasattr(value, "data") and isinstance(value.data, np.ndarray):
        _touch(value.data)
    elif isinstance(value, dict):
        for part in value.values():
            _touch(part)
    elif isinstance(value, (list, tuple, Iterator)):
        for part in value:
            _touch(part)


def _plain(home: str, name: str, **options: Any) -> Callable[[str], None]:
    def read(path: str) -> None:
        module = __import__(home, fromlist=[name])
        _touch(getattr(module, name)(path, **options))

    return read


def _dataset(path: str) -> None:
    from deephealth.io.dicom import describe, read_dataset

    describe(read_dataset(path))


def _series(path: str) -> None:
    from deephealth.io.dicom import read_series

    _touch(read_series(Path(path).parent))


def _rtstruct(path: str) -> None:
    from deephealth.io.dicom.rtstruct import read_rtstruct
    from deephealth.io.volume import Volume

    affine = np.diag([-1.0, -1.0, 1.0, 1.0])
    _touch(read_rtstruct(path, Volume(np.zeros((4, 32, 32), np.uint8), affine), outside="cut"))


def _slide(path: str) -> None:
    from deephealth.io.slide import open_slide

    with open_slide(path) as slide:
        for level in range(min(len(slide.levels), 3)):
            slide.read_region(level, 0, 0, 100, 100)
        slide.thumbnail(64)
        for name in list(slide.associated)[:2]:
            slide.associated_image(name)
        _ = (slide.mpp, dict(slide.properties))


def _ecvl_dataset(path: str) -> None:
    from deephealth.ecvl import Dataset

    dataset = Dataset(path)
    dataset.GetLocations()
    for split in dataset.split_:
        dataset.GetSplit(split.split_name_)


def _augmentation(path: str) -> None:
    from deephealth import ecvl

    text = Path(path).read_bytes().decode(errors="replace")
    augmentation = ecvl.AugmentationFactory.create(text)
    image = ecvl.Image.fromarray(np.zeros((8, 6, 3), np.uint8, order="F"), "xyc", ecvl.ColorType.RGB)
    augmentation.Apply(image)


def _ecvl(name: str) -> Callable[[str], None]:
    def read(path: str) -> None:
        from deephealth import ecvl

        _touch(np.array(getattr(ecvl, name)(path)))

    return read


def _crash(path: str) -> None:
    os.abort()


def _hang(path: str) -> None:
    time.sleep(60)


def _eat(path: str) -> None:
    np.ones(800 * 1024**2, np.uint8)


def _mask(path: str) -> None:
    try:
        _eat(path)
    except MemoryError as error:
        raise UnreadableFileError(f"{path} can't be read") from error


def _raw(path: str) -> None:
    raise ZeroDivisionError(path)


_DICOM = "deephealth.io.dicom"
READERS: dict[str, dict[str, Callable[[str], None]]] = {
    "raster": {
        "read_rgb": _plain("deephealth.io.raster", "read_rgb"),
        "read_mask": _plain("deephealth.io.raster", "read_mask"),
        "read_size": _plain("deephealth.io.raster", "read_size"),
        "ecvl.ImRead": _ecvl("ImRead"),
    },
    "svs": {"open_slide": _slide},
    "slide-dicom": {"open_slide": _slide},
    "nifti": {
        "read_nifti": _plain("deephealth.io.nifti", "read_nifti"),
        "read_nifti_header": _plain("deephealth.io.nifti", "read_nifti_header"),
        "ecvl.NiftiRead": _ecvl("NiftiRead"),
    },
    "dicom": {
        "read_dataset": _dataset,
        "read_pixels": _plain(_DICOM, "read_pixels"),
        "read_pixels rgb": _plain(_DICOM, "read_pixels", colour="rgb"),
        "read_series": _plain(_DICOM, "read_series"),
        "scan": _plain("deephealth.io.dicom.scanning", "scan"),
        "ecvl.DicomRead": _ecvl("DicomRead"),
    },
    "series": {"read_series": _series, "list_series": _plain(_DICOM, "list_series")},
    "seg": {
        "read_segmentation": _plain("deephealth.io.dicom.segmentation", "read_segmentation"),
        "read_pixels": _plain(_DICOM, "read_pixels"),
    },
    "rtstruct": {
        "read_rtstruct": _rtstruct,
        "rtstruct_names": _plain("deephealth.io.dicom.rtstruct", "rtstruct_names"),
    },
    "itk": {"read_itk": _plain("deephealth.io.itk", "read_itk")},
    "yaml": {
        "read_dataset_yaml": _plain("deephealth.io.dataset_yaml", "read_dataset_yaml"),
        "ecvl.Dataset": _ecvl_dataset,
    },
    "augmentation": {"AugmentationFactory": _augmentation},
    # what must be noticed: the harness is tested with these
    "bad: crash": {"crash": _crash},
    "bad: hang": {"hang": _hang},
    "bad: eat": {"eat": _eat},
    "bad: mask": {"mask": _mask},
    "bad: raw": {"raw": _raw},
    "eddl-bin": {
        "read_bin": _plain("deephealth.io.eddl_bin", "read_bin"),
        "read_records": _plain("deephealth.io.eddl_bin", "read_records"),
    },
}
"""Name of a format -> its readers."""
