"""The table of steps that a configuration may name, and the chain that it makes of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from deephealth.core.errors import ConfigError, DeepHealthError, did_you_mean
from deephealth.core.registry import Registry

if TYPE_CHECKING:
    from deephealth.transforms.volume.base import VolumeTransform
    from deephealth.transforms.volume.chain import Chain

__all__ = ["VOLUME_TRANSFORMS", "build_chain"]

_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
_HERE = "deephealth.transforms.volume"

VOLUME_TRANSFORMS: Registry[Callable[..., VolumeTransform | Chain]] = Registry("transform of volumes")
for _name, _target, _summary in (
    ("nnunet", "nnunet:nnunet_augmentation", "the whole augmentation of nnU-Net v2"),
    ("rotate_scale_mirror", "rotate_scale_mirror:RotateScaleMirror", "nnU-Net's spatial step, in one resample"),
    (
        "affine_elastic",
        "spatial_affine:RandomAffineElastic",
        "turn, scale, shear, shift, flip, bend in one resample",
    ),
    ("flip", "spatial_turns:RandomFlip", "mirror along axes"),
    ("rotate90", "spatial_turns:RandomRotate90", "quarter turns"),
    ("orientation", "spatial_turns:Orientation", "bring the axes to an orientation such as RAS"),
    ("spacing", "resample:Spacing", "resample to a spacing in mm"),
    ("resize", "resample:Resize", "resample to a size in voxels"),
    ("crop", "crop:SpatialCrop", "cut out a box"),
    ("center_crop", "crop:CenterSpatialCrop", "cut out the middle"),
    ("random_crop", "crop:RandomSpatialCrop", "cut out a box anywhere"),
    ("crop_foreground", "crop:CropForeground", "cut to the box of what is above a value"),
    ("crop_by_label", "crop:RandomCropByPosNegLabel", "cut out a box around foreground or background"),
    ("pad", "pad:SpatialPad", "pad to a least size"),
    ("pad_divisible", "pad:DivisiblePad", "pad to multiples"),
    ("pad_or_crop", "pad:ResizeWithPadOrCrop", "pad or crop to a size"),
    ("gaussian_noise", "intensity:GaussianNoise", "add normal noise"),
    ("brightness", "intensity:BrightnessMultiplicative", "multiply"),
    ("brightness_additive", "intensity:BrightnessAdditive", "add"),
    ("contrast", "intensity:Contrast", "stretch about the mean"),
    ("gamma", "intensity:Gamma", "power of the scaled intensities"),
    ("bias_field", "intensity:BiasField", "multiply by a smooth field, as MR coils do"),
    ("scale_range", "intensity:ScaleIntensityRange", "map a range of intensities to another"),
    ("normalize", "intensity:NormalizeIntensity", "mean 0, standard deviation 1"),
    ("clip_percentiles", "intensity_filters:ClipPercentiles", "clip to percentiles"),
    ("gaussian_blur", "intensity_filters:GaussianBlur", "blur"),
    ("low_resolution", "intensity_filters:SimulateLowResolution", "sample coarsely and back"),
):
    VOLUME_TRANSFORMS.add(_name, f"{_HERE}.{_target}", summary=_summary)


def build_chain(steps: Sequence[Mapping[str, Any]]) -> Chain:
    """Return the chain that a configuration describes.

    Args:
        steps: each a mapping with ``name``, of :data:`VOLUME_TRANSFORMS`, and the step's own settings.

    Raises:
        ConfigError: unknown names or settings, settings that are missing, and values that can't be; all at once.

    Example:
        >>> chain = build_chain([{"name": "nnunet", "patch_size": [8, 8, 8]}, {"name": "bias_field"}])
        >>> len(chain.transforms)
        9
    """
    from deephealth.transforms.volume.chain import Chain

    problems: list[str] = []
    made: list[Any] = []
    for place, step in enumerate(steps):
        settings = dict(step)
        name = settings.pop("name", None)
        try:
            target = VOLUME_TRANSFORMS.get(str(name))
            problems += [f"{place}/{name}: {problem}" for problem in _misfits(target, settings)]
            if not problems:
                found = target(**settings)
                made += found.transforms if isinstance(found, Chain) else [found]
        except ConfigError as error:
            problems += [f"{place}/{name}: {problem}" for problem in error.problems]
        except DeepHealthError as error:
            problems.append(f"{place}: {error.what}; {error.hint}")
    if problems:
        raise ConfigError(problems, source="the chain")
    return Chain(made)


def _misfits(target: Callable[..., Any], settings: Mapping[str, Any]) -> list[str]:
    known = _parameters(target)
    found = [f"no setting '{key}'; {did_you_mean(key, known)}" for key in settings if key not in known]
    lacking = [key for key, one in known.items() if one.default is one.empty and key not in settings]
    return found + [f"the setting '{key}' is missing" for key in lacking]


def _parameters(target: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """Return the settings of a function, or of a class with the keywords that it hands on to its bases."""
    found: dict[str, inspect.Parameter] = {}
    for kind in target.__mro__ if isinstance(target, type) else (target,):
        if kind is not target and "__init__" not in vars(kind):
            continue
        own = list(inspect.signature(kind).parameters.values())
        handed = [one for one in own if one.kind is one.KEYWORD_ONLY or (kind is target and one.kind in _NAMED)]
        found = {one.name: one for one in handed} | found
        if not any(one.kind is one.VAR_KEYWORD for one in own):
            break
    return found
