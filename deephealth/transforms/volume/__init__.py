"""Transforms of volumes: batched, drawn per sample from a counter, the same on processor and accelerator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deephealth.core.lazy import lazy_exports

if TYPE_CHECKING:
    from deephealth.transforms.volume.base import AFFINE, TRACE, Batch, Draws, Params, VolumeTransform
    from deephealth.transforms.volume.catalogue import VOLUME_TRANSFORMS, build_chain
    from deephealth.transforms.volume.chain import Chain
    from deephealth.transforms.volume.crop import (
        CenterSpatialCrop,
        CropForeground,
        RandomCropByPosNegLabel,
        RandomSpatialCrop,
        SpatialCrop,
    )
    from deephealth.transforms.volume.intensity import (
        BiasField,
        BrightnessAdditive,
        BrightnessMultiplicative,
        Contrast,
        Gamma,
        GaussianNoise,
        NormalizeIntensity,
        ScaleIntensityRange,
    )
    from deephealth.transforms.volume.intensity_filters import ClipPercentiles, GaussianBlur, SimulateLowResolution
    from deephealth.transforms.volume.monai import MonaiTransform
    from deephealth.transforms.volume.nnunet import nnunet_augmentation
    from deephealth.transforms.volume.pad import DivisiblePad, ResizeWithPadOrCrop, SpatialPad
    from deephealth.transforms.volume.resample import Resize, Spacing
    from deephealth.transforms.volume.rotate_scale_mirror import RotateScaleMirror
    from deephealth.transforms.volume.spatial_affine import RandomAffineElastic
    from deephealth.transforms.volume.spatial_turns import Orientation, RandomFlip, RandomRotate90

__all__ = [
    "AFFINE",
    "TRACE",
    "VOLUME_TRANSFORMS",
    "Batch",
    "BiasField",
    "BrightnessAdditive",
    "BrightnessMultiplicative",
    "CenterSpatialCrop",
    "Chain",
    "ClipPercentiles",
    "Contrast",
    "CropForeground",
    "DivisiblePad",
    "Draws",
    "Gamma",
    "GaussianBlur",
    "GaussianNoise",
    "MonaiTransform",
    "NormalizeIntensity",
    "Orientation",
    "Params",
    "RandomAffineElastic",
    "RandomCropByPosNegLabel",
    "RandomFlip",
    "RandomRotate90",
    "RandomSpatialCrop",
    "Resize",
    "ResizeWithPadOrCrop",
    "RotateScaleMirror",
    "ScaleIntensityRange",
    "SimulateLowResolution",
    "Spacing",
    "SpatialCrop",
    "SpatialPad",
    "VolumeTransform",
    "build_chain",
    "nnunet_augmentation",
]

_HOMES = {
    "AFFINE": "base",
    "TRACE": "base",
    "VOLUME_TRANSFORMS": "catalogue",
    "Batch": "base",
    "BiasField": "intensity",
    "BrightnessAdditive": "intensity",
    "BrightnessMultiplicative": "intensity",
    "CenterSpatialCrop": "crop",
    "Chain": "chain",
    "ClipPercentiles": "intensity_filters",
    "Contrast": "intensity",
    "CropForeground": "crop",
    "DivisiblePad": "pad",
    "Draws": "base",
    "Gamma": "intensity",
    "GaussianBlur": "intensity_filters",
    "GaussianNoise": "intensity",
    "MonaiTransform": "monai",
    "NormalizeIntensity": "intensity",
    "Orientation": "spatial_turns",
    "Params": "base",
    "RandomAffineElastic": "spatial_affine",
    "RandomCropByPosNegLabel": "crop",
    "RandomFlip": "spatial_turns",
    "RandomRotate90": "spatial_turns",
    "RandomSpatialCrop": "crop",
    "Resize": "resample",
    "ResizeWithPadOrCrop": "pad",
    "RotateScaleMirror": "rotate_scale_mirror",
    "ScaleIntensityRange": "intensity",
    "SimulateLowResolution": "intensity_filters",
    "Spacing": "resample",
    "SpatialCrop": "crop",
    "SpatialPad": "pad",
    "VolumeTransform": "base",
    "build_chain": "catalogue",
    "nnunet_augmentation": "nnunet",
}

__getattr__, __dir__ = lazy_exports(__name__, _HOMES)
