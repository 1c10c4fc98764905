"""nnU-Net's spatial step: rotation, scale and mirroring about the middle, in one resample, or in none."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from deephealth.core.errors import ConfigError
from deephealth.transforms.volume.base import AFFINE, Batch, Draws, Params, VolumeTransform
from deephealth.transforms.volume.intensity import Range, checked_probability, checked_range
from deephealth.transforms.volume.spatial import Copying, Resampling, Size, copy_params, size_of, sizes

__all__ = ["RotateScaleMirror"]


class RotateScaleMirror(VolumeTransform):
    """Rotate about the middle, scale, mirror, and take the middle of the size of a patch.

    Rotation and scale happen independently. What is only mirrored and cropped is copied, not interpolated. Beyond the
    volume lies ``value``. A patch larger than the volume is filled up with it.

    Args:
        patch_size: D, H, W of the result.
        rotation: largest angle about each axis, degrees.
        rotation_probability: of rotating a sample.
        scale: range of the factor, the same for all axes; as in nnU-Net it is that of the positions that are looked up:
            above 1 objects become smaller.
        scale_probability: of scaling a sample.
        mirror_axes: axes that are mirrored half of the time each.
        in_slices: rotate about the first axis and scale the other two alone.
        mode: of images: ``linear``, ``cubic`` or ``nearest``.
        value: of images outside; labels have 0 there.
        image_keys: entries that are interpolated.
        label_keys: entries that take the nearest value.

    Example:
        >>> turn = RotateScaleMirror((4, 4, 4), mirror_axes=(2,))
        >>> batch = {"image": torch.rand(1, 1, 6, 6, 6)}
        >>> turn.apply(batch, [turn.draw(Draws(0, "0"), {"image": batch["image"][0]})])["image"].shape
        torch.Size([1, 1, 4, 4, 4])
    """

    looks_at_values = False

    def __init__(  # noqa: PLR0913 - each is a setting of nnU-Net's
        self,
        patch_size: Sequence[int],
        *,
        rotation: float = 30.0,
        rotation_probability: float = 0.2,
        scale: Range = (0.7, 1.4),
        scale_probability: float = 0.2,
        mirror_axes: Sequence[int] = (0, 1, 2),
        in_slices: bool = False,
        mode: str = "linear",
        value: float = 0.0,
        image_keys: Sequence[str] = ("image",),
        label_keys: Sequence[str] = ("label",),
    ) -> None:
        super().__init__(image_keys=image_keys, label_keys=label_keys)
        if len(set(mirror_axes)) != len(mirror_axes) or any(axis not in (0, 1, 2) for axis in mirror_axes):
            raise ConfigError([f"mirror_axes: {tuple(mirror_axes)}; 0, 1 and 2, each once"], source="RotateScaleMirror")
        self.patch_size = sizes("RotateScaleMirror", [int(size) for size in patch_size])
        self.rotation = checked_range("rotation", (-rotation, rotation))
        self.rotation_probability = checked_probability("rotation_probability", rotation_probability)
        self.scale = checked_range("scale", scale, least=1e-3)
        self.scale_probability = checked_probability("scale_probability", scale_probability)
        self.mirror_axes, self.in_slices = tuple(mirror_axes), in_slices
        common: dict[str, Any] = {"image_keys": image_keys, "label_keys": label_keys, "value": value}
        self._copying, self._resampling = _Copying(**common), _Resampling(mode=mode, **common)

    def draw(self, draws: Draws, sample: Mapping[str, torch.Tensor]) -> Params | None:
        """Draw rotation, scale and mirroring; see :meth:`VolumeTransform.draw`."""
        rotated, scaled = draws.happens(self.rotation_probability), draws.happens(self.scale_probability)
        angles = [math.radians(draws.uniform(*self.rotation)) for _ in range(3)]
        factor = draws.uniform(*self.scale)
        mirrored = [axis in self.mirror_axes and draws.happens(0.5) for axis in range(3)]
        source = size_of(self, sample)
        if rotated or scaled:
            turn = _rotation(angles, self.in_slices) if rotated else np.eye(3)
            zoom = np.diag([1.0 if self.in_slices else factor, factor, factor]) if scaled else np.eye(3)
            return self._warp_params(sample, source, turn @ zoom @ np.diag([-1.0 if yes else 1.0 for yes in mirrored]))
        if source == self.patch_size and not any(mirrored):
            return None
        start = [many // 2 - few // 2 for many, few in zip(source, self.patch_size, strict=True)]
        for axis, yes in enumerate(mirrored):
            if yes:  # counted from the other end
                start[axis] = source[axis] - self.patch_size[axis] - start[axis]
        return copy_params(sample, source, shape=self.patch_size, start=start, flips=mirrored)

    def apply(self, batch: Batch, params: Sequence[Params | None]) -> Batch:
        """Return the batch with patches of the new size and their affines; see :meth:`VolumeTransform.apply`."""
        return self._each(batch, params, lambda step, one, given: step.apply(one, given))

    def invert(self, batch: Batch, params: Sequence[Params | None]) -> Batch:
        """Return the batch in the size and the place from before; what the patch did not hold is ``value`` or 0."""
        return self._each(batch, params, lambda step, one, given: step.invert(one, given))

    def _each(
        self,
        batch: Batch,
        params: Sequence[Params | None],
        run: Callable[[VolumeTransform, Batch, Sequence[Params | None]], Batch],
    ) -> Batch:
        keys = [key for key in (*self.image_keys, *self.label_keys, AFFINE) if key in batch]
        parts = []
        for at, one in enumerate(params):
            step = self._copying if one is None or "flips" in one else self._resampling
            parts.append(run(step, {key: batch[key][at : at + 1] for key in keys}, [one]))
        if len(parts) < 2:
            return {**batch, **parts[0]} if parts else batch
        return {**batch, **{key: torch.cat([part[key] for part in parts]) for key in keys}}

    def _warp_params(self, sample: Mapping[str, torch.Tensor], source: Size, linear: np.ndarray) -> Params:
        middles = [(np.array(size) - 1) / 2 for size in (source, self.patch_size)]
        shift = middles[0] - linear @ middles[1]
        return {
            "matrix": np.concatenate([linear, shift[:, None]], 1),
            "control": None,
            "shape": self.patch_size,
            "source": source,
            "affine": sample.get(AFFINE),
        }


class _Copying(Copying):
    """Does what it is told."""

    def draw(self, draws: Draws, sample: Mapping[str, torch.Tensor]) -> Params | None:
        return None


class _Resampling(Resampling):
    """Does what it is told."""

    def draw(self, draws: Draws, sample: Mapping[str, torch.Tensor]) -> Params | None:
        return None


def _rotation(angles: Sequence[float], in_slices: bool) -> np.ndarray:
    """Return the rotation matrix, over (D, H, W): about D first, then H, then W; or about D alone."""
    found = np.eye(3)
    for axis, angle in enumerate(angles[:1] if in_slices else angles):
        first, second = [other for other in range(3) if other != axis]
        turn = np.eye(3)
        sign = -1 if axis == 1 else 1  # of right-handed rotations
        turn[first, first] = turn[second, second] = math.cos(angle)
        turn[first, second], turn[second, first] = -sign * math.sin(angle), sign * math.sin(angle)
        found = turn @ found
    return found
