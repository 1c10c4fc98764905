"""Moves of voxels, with exact bookkeeping: flips, turns, crops and pads copy voxels, warps resample them once.

Either kind is a map from output voxel to source voxel, and ``batch["affine"]`` is multiplied by it: what a voxel shows
keeps its place in the patient. The sample's parameters hold the map, the source's size and its affine, so that
``invert`` brings images, labels and predictions back to the source's grid, and the affine back bit by bit. What lay
outside a crop is filled with ``value`` (labels: ``label_value``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import zip_longest
from typing import Any, ClassVar

import numpy as np
import torch

from deephealth.core.errors import ConfigError, DataError, did_you_mean
from deephealth.kernels.warp import MODES, PADDINGS, warp
from deephealth.kernels.warp_reference import fold
from deephealth.transforms.volume.base import AFFINE, Batch, Params, VolumeTransform

__all__ = ["Copying", "Resampling", "Size", "copy_params", "size_of", "sizes", "voxel_affine"]

Size = tuple[int, int, int]


class Copying(VolumeTransform):
    """A step that moves whole voxels: any permutation and flip of the axes, then a crop or pad; nothing is resampled.

    Args:
        image_keys: the images.
        label_keys: the labels.
        padding: what lies outside: ``constant``, ``border`` or ``reflection`` (about the outer voxels' centres).
        value: of images outside, for ``constant`` and for ``invert``.
        label_value: of labels outside.
    """

    looks_at_values: ClassVar[bool] = False

    def __init__(
        self,
        *,
        image_keys: Sequence[str] = ("image",),
        label_keys: Sequence[str] = ("label",),
        padding: str = "constant",
        value: float = 0.0,
        label_value: int = 0,
    ) -> None:
        super().__init__(image_keys=image_keys, label_keys=label_keys)
        _check_word(type(self).__name__, "padding", padding, PADDINGS)
        self.padding, self.value, self.label_value = padding, value, label_value

    def apply(self, batch: Batch, params: Sequence[Params | None]) -> Batch:
        """Return the batch with the voxels moved and the affines updated.

        Raises:
            DataError: the samples would get different sizes.
        """
        return self._each(batch, params, lambda volume, one, value: _moved(volume, one, self.padding, value), _forward)

    def invert(self, batch: Batch, params: Sequence[Params | None]) -> Batch:
        """Return the batch on the source's grid; what was cropped away is filled."""
        return self._each(batch, params, _unmoved, _backward)

    def _each(
        self,
        batch: Batch,
        params: Sequence[Params | None],
        move: Callable[[torch.Tensor, Params, float], torch.Tensor],
        place: Callable[[torch.Tensor, Params], torch.Tensor],
    ) -> Batch:
        found = dict(batch)
        fills = dict.fromkeys(self.image_keys, self.value) | dict.fromkeys(self.label_keys, self.label_value)
        for key, value in fills.items():
            if key in batch:
                given = zip(batch[key], params, strict=True)
                parts = [volume if one is None else move(volume, one, value) for volume, one in given]
                found[key] = _stacked(key, parts, batch[key])
        return _placed(found, params, place)


class Resampling(VolumeTransform):
    """A step that resamples once, through an affine map and, if there is one, a spline of displacements.

    An elastic part is not in the affine (no matrix could hold it); ``invert`` undoes it.

    Args:
        image_keys: the images.
        label_keys: the labels; the nearest voxel is taken.
        mode: of images: ``linear``, ``cubic`` or ``nearest``.
        padding: what lies outside: ``constant``, ``border`` or ``reflection``.
        value: of images outside, for ``constant``.
        label_value: of labels outside.
    """

    looks_at_values: ClassVar[bool] = False

    def __init__(
        self,
        *,
        image_keys: Sequence[str] = ("image",),
        label_keys: Sequence[str] = ("label",),
        mode: str = "linear",
        padding: str = "constant",
        value: float = 0.0,
        label_value: int = 0,
    ) -> None:
        super().__init__(image_keys=image_keys, label_keys=label_keys)
        _check_word(type(self).__name__, "mode", mode, MODES)
        _check_word(type(self).__name__, "padding", padding, PADDINGS)
        self.settings: dict[str, Any] = {"mode": mode, "padding": padding, "value": value, "label_value": label_value}

    def apply(self, batch: Batch, params: Sequence[Params | None]) -> Batch:
        """Return the batch resampled and the affines updated.

        Raises:
            DataError: the samples would get different sizes, or an image and its label have different ones.
        """
        return _placed(self._warped(batch, params, undo=False), params, _forward)

    def invert(self, batch: Batch, params: Sequence[Params | None]) -> Batch:
        """Return the batch on the source's grid: resampled once more, through the inverse map."""
        return _placed(self._warped(batch, params, undo=True), params, _backward)

    def _warped(self, batch: Batch, params: Sequence[Params | None], *, undo: bool) -> Batch:
        found = dict(batch)
        images = [key for key in self.image_keys if key in batch]
        labels = [key for key in self.label_keys if key in batch]
        groups = _alike(params)
        for pair in zip_longest(images, labels):
            parts: list[list[Any]] = [[None] * len(params) for _ in pair]
            for members in groups:
                whole = len(members) == len(params)
                given = [None if key is None else batch[key] if whole else batch[key][members] for key in pair]
                ours = [params[at] for at in members]
                moved = given if ours[0] is None else self._warp(given, ours, undo)
                for part, volumes in zip(parts, moved, strict=True):
                    for at, member in enumerate(members):
                        part[member] = None if volumes is None else volumes[at]
            for key, part in zip(pair, parts, strict=True):
                if key is not None:
                    found[key] = _stacked(key, part, batch[key])
        return found

    def _warp(self, given: Sequence[Any], params: Sequence[Any], undo: bool) -> tuple[Any, Any]:
        image, label = given
        device = next(volume for volume in given if volume is not None).device
        matrix = torch.from_numpy(np.stack([one["matrix"] for one in params])).to(device)
        control = None
        if params[0]["control"] is not None:
            control = torch.from_numpy(np.stack([one["control"] for one in params])).to(device)
        inverse = params[0]["source"] if undo else None
        return warp(image, matrix, control, label=label, shape=params[0]["shape"], inverse=inverse, **self.settings)


def _alike(params: Sequence[Params | None]) -> list[list[int]]:
    """Return the samples in groups that one call of the kernel can take."""
    groups: dict[Any, list[int]] = {}
    for at, one in enumerate(params):
        points = None if one is None or one["control"] is None else one["control"].shape
        groups.setdefault(None if one is None else (one["shape"], one["source"], points), []).append(at)
    return list(groups.values())


def copy_params(
    sample: Mapping[str, torch.Tensor],
    source: Size,
    *,
    shape: Sequence[int],
    start: Sequence[int] = (0, 0, 0),
    axes: Sequence[int] = (0, 1, 2),
    flips: Sequence[bool] = (False, False, False),
) -> Params:
    """Return the parameters of a :class:`Copying` step for one sample.

    Args:
        sample: for its affine.
        source: D, H, W of the sample.
        shape: D, H, W of the result.
        start: where the result begins, in the permuted and flipped source; below 0 it is padded.
        axes: which source axis each axis of the result is.
        flips: which axes of the result run backwards.
    """
    matrix = np.zeros((3, 4))
    for axis, other in enumerate(axes):
        matrix[other, axis] = -1.0 if flips[axis] else 1.0
        matrix[other, 3] = source[other] - 1 - start[axis] if flips[axis] else start[axis]
    return {
        "axes": tuple(axes),
        "flips": tuple(flips),
        "start": tuple(start),
        "shape": tuple(shape),
        "source": tuple(source),
        "matrix": matrix,
        "affine": sample.get(AFFINE),
    }


def sizes(name: str, size: Sequence[int] | int, least: int = 1) -> Size:
    """Return a setting as three sizes D, H, W.

    Raises:
        ConfigError: it is not one or three whole numbers of at least ``least``.
    """
    given = (size,) * 3 if isinstance(size, int) else tuple(size)
    if len(given) != 3 or any(not isinstance(one, int) or one < least for one in given):
        raise ConfigError([f"size is {size}; give one or three (D, H, W) whole numbers from {least}"], source=name)
    return given  # type: ignore[return-value]


def size_of(transform: VolumeTransform, sample: Mapping[str, torch.Tensor]) -> Size:
    """Return D, H, W of the sample's images and labels.

    Raises:
        DataError: there are none, or they differ in size.
    """
    keys = [key for key in (*transform.image_keys, *transform.label_keys) if key in sample]
    name = type(transform).__name__
    if not keys:
        wanted = ", ".join((*transform.image_keys, *transform.label_keys))
        raise DataError(f"{name}: the sample has only {', '.join(sample) or 'nothing'}", allowed=f"some of {wanted}")
    found = {key: tuple(sample[key].shape[-3:]) for key in keys}
    if len(set(found.values())) > 1:
        listed = ", ".join(f"{key} {size}" for key, size in found.items())
        raise DataError(f"{name}: {listed} differ in size", allowed="the same D, H and W for all keys")
    return found[keys[0]]  # type: ignore[return-value]


def voxel_affine(matrix: np.ndarray) -> torch.Tensor:
    """Return a 3×4 map of voxels in the order (D, H, W) as a 4×4 map in the order (i, j, k) = (W, H, D).

    Example:
        >>> voxel_affine(np.array([[2.0, 0, 0, 5], [0, 1, 0, 0], [0, 0, 1, 0]]))[2].tolist()
        [0.0, 0.0, 2.0, 5.0]
    """
    turned = np.eye(4)
    turned[:3, :3] = matrix[::-1, 2::-1]
    turned[:3, 3] = matrix[::-1, 3]
    return torch.from_numpy(turned)


def _forward(affine: torch.Tensor, one: Params) -> torch.Tensor:
    return affine @ voxel_affine(one["matrix"]).to(affine)


def _backward(affine: torch.Tensor, one: Params) -> torch.Tensor:
    if one["affine"] is not None:
        return one["affine"].to(affine)
    return affine @ torch.linalg.inv(voxel_affine(one["matrix"])).to(affine)


def _placed(batch: Batch, params: Sequence[Params | None], place: Callable[..., torch.Tensor]) -> Batch:
    if AFFINE in batch and len(params):
        given = zip(batch[AFFINE], params, strict=True)
        batch[AFFINE] = torch.stack([affine if one is None else place(affine, one) for affine, one in given])
    return batch


def _stacked(key: str, parts: Sequence[torch.Tensor], given: torch.Tensor) -> torch.Tensor:
    found = [tuple(part.shape[1:]) for part in parts]
    if len(set(found)) > 1:
        raise DataError(
            f"'{key}': the samples would get the sizes {', '.join(map(str, dict.fromkeys(found)))}",
            allowed="one size for all samples of a batch",
            hint="use batches of one, and ResizeWithPadOrCrop before samples are put together",
        )
    if len(parts) == 1:
        return parts[0][None]  # without a copy
    return torch.stack(list(parts)) if parts else given


def _window(one: Params) -> tuple[list[slice], list[slice]]:
    """Return where the kept part lies in the permuted source, and where in the result."""
    here, there = [], []
    for axis in range(3):
        length = one["source"][one["axes"][axis]]
        start, size = one["start"][axis], one["shape"][axis]
        low, high = max(start, 0), max(max(start, 0), min(start + size, length))
        low = min(low, high)
        here.append(slice(length - high, length - low) if one["flips"][axis] else slice(low, high))
        there.append(slice(low - start, high - start))
    return here, there


def _moved(volume: torch.Tensor, one: Params, padding: str, value: float) -> torch.Tensor:
    turned = volume.permute(0, *(axis + 1 for axis in one["axes"]))
    here, there = _window(one)
    inside = all(part.stop - part.start == size for part, size in zip(here, one["shape"], strict=True))
    backwards = [axis + 1 for axis in range(3) if one["flips"][axis]]
    if not inside and padding != "constant":
        return _folded(turned, one, padding)
    piece = turned[(slice(None), *here)].flip(backwards) if backwards else turned[(slice(None), *here)]
    if inside:
        return piece
    found = volume.new_full((len(volume), *one["shape"]), value)
    found[(slice(None), *there)] = piece
    return found


def _folded(turned: torch.Tensor, one: Params, padding: str) -> torch.Tensor:
    for axis in range(3):
        length = turned.shape[axis + 1]
        where = one["start"][axis] + torch.arange(one["shape"][axis], dtype=torch.float64, device=turned.device)
        index = fold(where, length, padding).long()
        turned = turned.index_select(axis + 1, length - 1 - index if one["flips"][axis] else index)
    return turned


def _unmoved(volume: torch.Tensor, one: Params, value: float) -> torch.Tensor:
    here, there = _window(one)
    backwards = [axis + 1 for axis in range(3) if one["flips"][axis]]
    found = volume.new_full((len(volume), *one["source"]), value)
    turned = found.permute(0, *(axis + 1 for axis in one["axes"]))
    turned[(slice(None), *here)] = volume[(slice(None), *there)].flip(backwards)
    return found


def _check_word(name: str, setting: str, word: str, known: Sequence[str]) -> None:
    if word not in known:
        raise ConfigError([f"{setting}: there is no '{word}'; {did_you_mean(word, known)}"], source=name)
