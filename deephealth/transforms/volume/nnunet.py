"""The augmentation of nnU-Net v2, in one chain: the same distributions, one resample, few passes.

Source: Isensee et al., nnU-Net, Nature Methods 2021; the settings are those of ``nnUNetTrainer`` of nnU-Net 2.6.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from deephealth.core.errors import ConfigError
from deephealth.transforms.volume.base import VolumeTransform
from deephealth.transforms.volume.chain import Chain
from deephealth.transforms.volume.intensity import BrightnessMultiplicative, Contrast, Gamma, GaussianNoise
from deephealth.transforms.volume.intensity_filters import GaussianBlur, SimulateLowResolution
from deephealth.transforms.volume.rotate_scale_mirror import RotateScaleMirror

__all__ = ["nnunet_augmentation"]

_ANISOTROPIC = 3  # a patch whose longest side is more than this times its depth is rotated in its slices alone


def nnunet_augmentation(
    patch_size: Sequence[int],
    *,
    mirror_axes: Sequence[int] | None = None,
    in_slices: bool | None = None,
    spatial: VolumeTransform | None = None,
    image_keys: Sequence[str] = ("image",),
    label_keys: Sequence[str] = ("label",),
) -> Chain:
    """Return the chain that nnU-Net's default trainer augments with.

    Rotation (20 %, 30 degrees about each axis), scale (20 %, 0.7 to 1.4), noise (10 %), blur (20 %), brightness (15 %),
    contrast (15 %), low resolution (25 %), gamma of the negative image (10 %), gamma (30 %), mirror (each axis 50 %).
    The mirroring is part of the spatial step: every later step gives the same distribution on a mirrored image.
    Labels take the nearest value, where nnU-Net interpolates each label and takes the largest.

    Args:
        patch_size: D, H, W of the result; the given volumes may be larger, and their middle is taken. A depth of 1
            stands for nnU-Net's 2-D configuration.
        mirror_axes: axes (0, 1, 2 for D, H, W) that are mirrored; all that are longer than 1 if not given.
        in_slices: rotate in the slices alone and keep the depth at low resolution, as nnU-Net does for patches whose
            longest side is more than three times their depth; found from the patch size if not given.
        spatial: takes the place of rotation, scale and mirror.
        image_keys: entries that are interpolated and change in intensity.
        label_keys: entries that take the nearest value.

    Raises:
        ConfigError: the patch size is not three numbers above 0, or an axis is not 0, 1 or 2.

    Example:
        >>> import torch
        >>> chain = nnunet_augmentation((16, 16, 16))
        >>> batch = {"image": torch.rand(2, 1, 20, 20, 20), "label": torch.zeros(2, 1, 20, 20, 20, dtype=torch.uint8)}
        >>> chain(batch, seeds=[1, 2])["label"].shape
        torch.Size([2, 1, 16, 16, 16])
    """
    if len(patch_size) != 3 or any(size < 1 for size in patch_size):
        raise ConfigError([f"patch_size: {tuple(patch_size)}; three numbers above 0"], source="nnunet_augmentation")
    if mirror_axes is None:
        mirror_axes = [axis for axis, size in enumerate(patch_size) if size > 1]
    if in_slices is None:
        in_slices = max(patch_size) / patch_size[0] > _ANISOTROPIC
    keys: dict[str, Any] = {"image_keys": image_keys}
    return Chain(
        [
            spatial
            or RotateScaleMirror(
                patch_size,
                rotation=_rotation(patch_size, in_slices),
                rotation_probability=0.2,
                scale=(0.7, 1.4),
                scale_probability=0.2,
                mirror_axes=mirror_axes,
                in_slices=in_slices,
                image_keys=image_keys,
                label_keys=label_keys,
            ),
            GaussianNoise((0.0, 0.1), probability=0.1, same_for_channels=True, **keys),
            GaussianBlur((0.5, 1.0), probability=0.2, channel_probability=0.5, **keys),
            BrightnessMultiplicative((0.75, 1.25), probability=0.15, **keys),
            Contrast((0.75, 1.25), probability=0.15, **keys),
            SimulateLowResolution(
                (0.5, 1.0),
                probability=0.25,
                channel_probability=0.5,
                same_for_axes=True,
                ignore_axes=(0,) if in_slices else (),
                **keys,
            ),
            Gamma((0.7, 1.5), probability=0.1, invert_probability=1.0, **keys),
            Gamma((0.7, 1.5), probability=0.3, **keys),
        ],
        image_keys=image_keys,
        label_keys=label_keys,
    )


def _rotation(patch_size: Sequence[int], in_slices: bool) -> float:
    """Return the largest angle in degrees: all around in slices, unless a 2-D patch is oblong."""
    if not in_slices:
        return 30.0
    oblong = patch_size[0] == 1 and max(patch_size[1:]) / min(patch_size[1:]) > 1.5
    return 15.0 if oblong else 180.0
