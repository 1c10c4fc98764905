"""From the files of a case to the arrays that are cached: orientation, crop, spacing and a small dtype."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Protocol, get_args

import numpy as np
import torch

from deephealth.core.errors import ConfigError, DataError
from deephealth.core.log import get_logger
from deephealth.data.volume_case import CaseArrays, VolumeCase, read_case, storable
from deephealth.transforms.volume.base import AFFINE, Draws
from deephealth.transforms.volume.resample import Spacing

__all__ = ["Prepare", "PrepareVolume", "StoreDtype", "resample"]

_LOG = get_logger(__name__)

StoreDtype = Literal["source", "uint8", "int16", "float16", "float32"]
Mode = Literal["linear", "cubic"]
PREPARE_VERSION = 1  # raise it when the same settings would give other numbers


class Prepare(Protocol):
    """What makes the arrays of a case. It may be any callable; its ``config`` is part of the cache's key."""

    @property
    def config(self) -> Any:
        """All settings that change the arrays, as JSON can hold them."""
        ...

    def __call__(self, case: VolumeCase) -> CaseArrays:
        """Return the arrays of a case; it is called in threads."""
        ...


@dataclass(frozen=True, slots=True)
class PrepareVolume:
    """Reads a case and brings it to one orientation and spacing.

    Args:
        orientation: where i, j, k point; ``None`` leaves the axes as stored.
        spacing: millimetres along D, H, W (after turning); ``None`` keeps a voxel's size.
        mode: of the interpolation of images and extras: ``"linear"`` or ``"cubic"``; labels take the nearest voxel.
        crop_above: cut to the box of the voxels above this in any channel (nnU-Net: 0); a case without any stays whole.
        dtype: of the stored image: ``"source"`` keeps the file's own (float64 becomes float32; resampled integers are
            rounded); values that do not fit are an error, and fractions are rounded in integer dtypes.
        fill_nan: stands in for NaN and infinity; without it they are an error.

    Raises:
        ConfigError: a spacing that is not above 0, or an unknown dtype.

    Example:
        >>> PrepareVolume(spacing=(2.5, 1.0, 1.0), dtype="int16").config["spacing"]
        [2.5, 1.0, 1.0]
    """

    orientation: str | None = "RAS"
    spacing: tuple[float, float, float] | None = None
    mode: Mode = "linear"
    crop_above: float | None = None
    dtype: StoreDtype = "source"
    fill_nan: float | None = None

    def __post_init__(self) -> None:
        problems = []
        if self.spacing is not None and (len(self.spacing) != 3 or not all(0 < step < np.inf for step in self.spacing)):
            problems.append(f"spacing: {self.spacing} is not three numbers above 0 mm")
        if self.dtype not in get_args(StoreDtype):
            problems.append(f"dtype: '{self.dtype}' is none of {', '.join(get_args(StoreDtype))}")
        if self.mode not in ("linear", "cubic"):
            problems.append(f"mode: '{self.mode}' is neither 'linear' nor 'cubic'")
        if problems:
            raise ConfigError(problems, source="PrepareVolume")

    @property
    def config(self) -> dict[str, Any]:
        """All settings, and the version of the code."""
        spacing = None if self.spacing is None else [float(step) for step in self.spacing]
        return {**asdict(self), "spacing": spacing, "prepare_volume": PREPARE_VERSION}

    def __call__(self, case: VolumeCase) -> CaseArrays:
        """Return the arrays of a case.

        Raises:
            DataError: as :func:`~deephealth.data.volume_case.read_case`, or values that ``dtype`` can't hold.
        """
        arrays = read_case(case, orientation=self.orientation, fill_nan=self.fill_nan)
        if self.crop_above is not None:
            arrays = _cropped(arrays, self.crop_above, case.id)
        source = storable(arrays.image.dtype)
        if self.spacing is not None:
            arrays = resample(arrays, self.spacing, mode=self.mode)
        image = arrays.image
        if self.dtype == "source" and source.kind in "iu" and image.dtype.kind == "f":
            image = image.clip(np.iinfo(source).min, np.iinfo(source).max)  # cubic interpolation overshoots
        wanted = source if self.dtype == "source" else np.dtype(self.dtype)
        extras = {name: array.astype(np.float32, copy=False) for name, array in arrays.extras.items()}
        return replace(arrays, image=_cast(image, wanted, case.id), extras=extras)


def resample(arrays: CaseArrays, spacing: Sequence[float], *, mode: Mode = "linear") -> CaseArrays:
    """Return the arrays at another spacing, as :class:`~deephealth.transforms.volume.resample.Spacing` does it.

    Args:
        arrays: of a case.
        spacing: millimetres along D, H, W.
        mode: of images and extras; labels take the nearest voxel.

    Returns:
        Images and extras as float32, the label in its own dtype; the very arrays if they have that spacing already.

    Example:
        >>> case = CaseArrays(np.arange(5.0).reshape(1, 1, 1, 5), np.eye(4))
        >>> coarse = resample(case, (1.0, 1.0, 2.0))
        >>> coarse.image.ravel().tolist(), coarse.affine[0].tolist()
        ([0.0, 2.0, 4.0], [2.0, 0.0, 0.0, 0.0])
    """
    step = Spacing(spacing, mode=mode, image_keys=("image", *arrays.extras))
    batch: dict[str, Any] = {AFFINE: torch.from_numpy(np.array(arrays.affine))[None]}
    for name, array in arrays.parts().items():
        whole = array.astype(array.dtype if name == "label" else np.float32, order="C", copy=False)
        batch[name] = torch.from_numpy(np.require(whole, requirements="W"))[None]
    params = [step.draw(Draws(0, "spacing"), {name: value[0] for name, value in batch.items()})]
    if params[0] is None:
        return arrays
    done = {name: value[0].numpy() for name, value in step.apply(batch, params).items()}
    return CaseArrays(done.pop("image"), done.pop(AFFINE), done.pop("label", None), done)


def _cropped(arrays: CaseArrays, above: float, name: str) -> CaseArrays:
    inside = np.asarray((arrays.image > above).any(axis=0))
    if not inside.any():
        _LOG.warning("no voxel of '%s' is above %g: it is not cropped", name, above)
        return arrays
    cut = []
    for axis in range(3):
        where = np.flatnonzero(np.moveaxis(inside, axis, 0).reshape(inside.shape[axis], -1).any(axis=1))
        cut.append(slice(int(where[0]), int(where[-1]) + 1))
    move = np.eye(4)
    move[:3, 3] = [part.start for part in reversed(cut)]
    parts = {part: array[(slice(None), *cut)] for part, array in arrays.parts().items()}
    image, label = parts.pop("image"), parts.pop("label", None)
    return CaseArrays(image, arrays.affine @ move, label, parts)


def _cast(image: np.ndarray, dtype: np.dtype[Any], name: str) -> np.ndarray:
    if image.dtype == dtype or image.dtype.kind == "b":
        return image.astype(dtype, copy=False)
    facts: Any = np.iinfo(dtype) if dtype.kind in "iu" else np.finfo(dtype)
    low, high = (float(image.min()), float(image.max())) if image.size else (0.0, 0.0)
    if dtype.kind in "iu" and image.dtype.kind == "f":
        image, low, high = np.rint(image), float(np.rint(low)), float(np.rint(high))
    if low < float(facts.min) or high > float(facts.max):
        raise DataError(
            f"the image of '{name}' holds values from {low:g} to {high:g}, which {dtype} can't hold",
            allowed=f"{facts.min:g} to {facts.max:g}",
            hint="choose dtype='float32', or 'source'",
        )
    return image.astype(dtype)
