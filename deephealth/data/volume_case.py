"""A case on disk (images, label, further maps) and the same case in memory, checked to be one place in one patient."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from deephealth.core.errors import DataError
from deephealth.io.limits import DEFAULT_LIMITS, Limits
from deephealth.io.volume import Volume
from deephealth.io.volumes import read_volume

__all__ = ["CaseArrays", "VolumeCase", "read_case"]

_FAR_MM = 1e-3
_PAIRS = (".hdr", ".img", ".nhdr", ".mhd")  # headers whose voxels lie in a file beside them
_IMAGE_DTYPES = ("uint8", "int8", "int16", "uint16", "int32", "float16", "float32")
_LABEL_DTYPES = (np.uint8, np.int16, np.int32)  # those that torch has


@dataclass(frozen=True, slots=True)
class VolumeCase:
    """The files of one examination.

    Args:
        id: unique in the set.
        images: one path per modality (or a single path): NIfTI, NRRD, MetaImage, or the folder of a DICOM series. They
            become channels in this order; a file of several volumes gives several.
        label: map of class ids.
        extras: further maps of the same shape, such as weights or distances; name -> path.
        group: the patient; the id when not given.

    Raises:
        DataError: no image.
    """

    id: str
    images: Sequence[Path | str] | Path | str
    label: Path | str | None = None
    extras: Mapping[str, Path | str] = field(default_factory=dict, hash=False)
    group: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "images", self.paths)  # hashable, whatever sequence was given
        object.__setattr__(self, "group", self.group or self.id)
        if not self.images:
            raise DataError(f"the case '{self.id}' has no image", allowed="one path or more")

    @property
    def paths(self) -> tuple[Path, ...]:
        """Where the images are."""
        return (Path(self.images),) if isinstance(self.images, str | Path) else tuple(map(Path, self.images))

    def files(self) -> dict[str, list[Path]]:
        """Return the files of each part, in a fixed order: what a cache knows the case by."""
        wheres = {f"image {at}": path for at, path in enumerate(self.paths)}
        wheres |= {} if self.label is None else {"label": Path(self.label)}
        wheres |= {f"extra {name}": Path(self.extras[name]) for name in sorted(self.extras)}
        return {name: _files_of(where) for name, where in wheres.items()}


@dataclass(frozen=True, slots=True, eq=False)
class CaseArrays:
    """A case in memory.

    Args:
        image: C×D×H×W.
        affine: 4×4, voxel (i, j, k) = (W, H, D) index -> RAS+ mm.
        label: 1×D×H×W of whole numbers.
        extras: name -> C×D×H×W.
    """

    image: np.ndarray
    affine: npt.NDArray[np.float64]
    label: np.ndarray | None = None
    extras: Mapping[str, np.ndarray] = field(default_factory=dict)

    def parts(self) -> dict[str, np.ndarray]:
        """Return all arrays by name: ``image``, ``label`` and the extras."""
        return {"image": self.image, **({} if self.label is None else {"label": self.label}), **self.extras}


def read_case(
    case: VolumeCase, *, orientation: str | None = "RAS", fill_nan: float | None = None, limits: Limits = DEFAULT_LIMITS
) -> CaseArrays:
    """Read a case, and check that all of it has one shape and one place.

    Args:
        case: its files.
        orientation: the axes are turned so that i, j, k point there (nothing is resampled); as stored if ``None``.
        fill_nan: stands in for NaN and infinity in images and extras; without it they are an error.
        limits: what a file may claim.

    Raises:
        DataError: shapes or places of two files differ, an image is not finite, or a label is no map of whole numbers.
            The message names the files.
        MissingDataError, UnreadableFileError, LimitError: a file can't be read.
    """

    def read(path: Path | str) -> Volume:
        volume = read_volume(path, limits=limits)
        return volume if orientation is None else volume.reorient(orientation)

    paths = case.paths
    volumes = [read(path) for path in paths]
    first = volumes[0]
    for path, volume in zip(paths[1:], volumes[1:], strict=True):
        _check_same_place(first, volume, paths[0], path)
    channels = [_finite(_channels(volume), path, fill_nan) for path, volume in zip(paths, volumes, strict=True)]
    label = None
    if case.label is not None:
        volume = read(case.label)
        _check_same_place(first, volume, paths[0], case.label)
        label = whole_numbers(_channels(volume), str(case.label))
    extras = {}
    for name, where in case.extras.items():
        volume = read(where)
        _check_same_place(first, volume, paths[0], where)
        extras[name] = _finite(_channels(volume), where, fill_nan)
    return CaseArrays(channels[0] if len(channels) == 1 else np.concatenate(channels), first.affine, label, extras)


def whole_numbers(label: np.ndarray, name: str) -> np.ndarray:
    """Return a label in the smallest of uint8, int16 and int32 that holds it.

    Raises:
        DataError: values that are not whole, or too large; several channels.
    """
    if label.ndim != 4 or label.shape[0] != 1:
        raise DataError(f"the label {name} has the shape {label.shape}", allowed="one channel of class ids")
    if not label.size:
        return label.astype(np.uint8)
    if label.dtype.kind not in "iub":
        bad = int((~np.isfinite(label) | (label != np.rint(label))).sum())
        if bad:
            raise DataError(f"{bad} values of the label {name} are not whole numbers", allowed="class ids")
    low, high = float(label.min()), float(label.max())
    for dtype in _LABEL_DTYPES:
        if np.iinfo(dtype).min <= low and high <= np.iinfo(dtype).max:
            return label.astype(dtype)
    raise DataError(f"the label {name} holds ids from {low:g} to {high:g}", allowed="class ids that fit 32 bits")


def storable(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype in which images of another are stored and read back as patches."""
    if dtype.kind == "b":
        return np.dtype(np.uint8)
    return dtype.newbyteorder("=") if dtype.name in _IMAGE_DTYPES else np.dtype(np.float32)


def check_arrays(arrays: CaseArrays, name: str) -> CaseArrays:
    """Return what a preparation gave, in dtypes that can be stored, or say what is wrong with it.

    Raises:
        DataError: ranks or shapes differ, nothing is left, or values are not finite.
    """
    shape = arrays.image.shape
    for part, array in arrays.parts().items():
        if array.ndim != 4 or array.shape[1:] != shape[1:] or not array.size:
            raise DataError(
                f"{part} of '{name}' was prepared to the shape {array.shape}, its image to {shape}",
                allowed="C×D×H×W with the same D, H, W, not empty",
            )
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise DataError(f"{part} of '{name}' is not finite after its preparation", allowed="finite numbers")
    label = None if arrays.label is None else whole_numbers(np.asarray(arrays.label), f"of '{name}'")
    extras = {part: array.astype(storable(array.dtype), copy=False) for part, array in arrays.extras.items()}
    image = arrays.image.astype(storable(arrays.image.dtype), copy=False)
    return replace(arrays, image=image, label=label, extras=extras)


def _files_of(where: Path) -> list[Path]:
    if where.is_dir():
        return sorted(Path(folder) / name for folder, _, names in os.walk(where) for name in names)
    name = where.name.lower().removesuffix(".gz")
    if name.endswith(_PAIRS) and where.exists():
        stem = where.name[: len(name) - len(Path(name).suffix)]
        return sorted({where, *where.parent.glob(f"{_literal(stem)}.*")})
    return [where]


def _literal(text: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in text)


def _channels(volume: Volume) -> np.ndarray:
    return volume.data if volume.data.ndim == 4 else volume.data[None]


def _finite(data: np.ndarray, path: Path | str, fill: float | None) -> np.ndarray:
    if data.dtype.kind != "f":
        return data
    good = np.isfinite(data)
    if good.all():
        return data
    if fill is None:
        first = tuple(int(at) for at in np.argwhere(~good)[0])
        raise DataError(
            f"{int((~good).sum())} voxels of {path} are NaN or infinite, the first at (c, d, h, w) = {first}",
            allowed="finite numbers",
            hint="set fill_nan to the value that shall stand there",
        )
    return np.where(good, data, data.dtype.type(fill))


def _check_same_place(one: Volume, other: Volume, path: Path | str, other_path: Path | str) -> None:
    sizes, others = one.shape[-3:], other.shape[-3:]
    if sizes != others:
        raise DataError(
            f"{path} has {_shown(sizes)} voxels and {other_path} has {_shown(others)} (D×H×W)",
            allowed="the same shape for all files of a case",
            hint="resample one onto the other",
        )
    ends = np.array([[at[2], at[1], at[0], 1] for at in np.ndindex(2, 2, 2)]) * [*(size - 1 for size in sizes[::-1]), 1]
    apart = float(np.linalg.norm(ends @ (one.affine - other.affine).T, axis=1).max())
    if apart > _FAR_MM:
        raise DataError(
            f"{path} and {other_path} have the same shape and lie up to {apart:.4g} mm apart",
            allowed=f"the same place, within {_FAR_MM:g} mm",
            hint="resample one onto the other, or correct the affine of the file",
        )


def _shown(sizes: Iterable[int]) -> str:
    return "×".join(map(str, sizes))
