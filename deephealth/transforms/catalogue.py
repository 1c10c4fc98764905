"""The tables of augmentations and of test-time augmentations: names to factories, nothing imported yet."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from deephealth.core.registry import Registry

if TYPE_CHECKING:
    from deephealth.transforms.augment import Augment
    from deephealth.transforms.tta import View

__all__ = ["AUGMENTATIONS", "TTA"]

AUGMENTATIONS: Registry[Callable[..., Augment]] = Registry("augmentation")
AUGMENTATIONS.add("none", "deephealth.transforms.augment:none", summary="resize only")
AUGMENTATIONS.add("flips", "deephealth.transforms.augment:flips", summary="mirror images, nothing resampled")
AUGMENTATIONS.add(
    "upright",
    "deephealth.transforms.augment:upright",
    summary="small turns, shifts and light: anatomy with an up and a down",
)
AUGMENTATIONS.add(
    "dermoscopy",
    "deephealth.transforms.augment:dermoscopy",
    summary="any turn, mirror, zoom, shear and shift in one resample; light, contrast and colour cast",
)

TTA: Registry[Callable[[], tuple[View, ...]]] = Registry("test-time augmentation")
TTA.add("none", "deephealth.transforms.tta:none", summary="the image as it is", views=1)
TTA.add("hflip", "deephealth.transforms.tta:hflip", summary="and its mirror image", views=2)
TTA.add("flips", "deephealth.transforms.tta:flips", summary="both mirror axes", views=4)
TTA.add("dihedral", "deephealth.transforms.tta:dihedral", summary="mirrors and quarter turns", views=8)
