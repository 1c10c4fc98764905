"""Grey values: gamma, normalisation, scaling. Results are clamped to the image's type and cut, never rounded."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np

from deephealth.ecvl.casting import saturate_scalar
from deephealth.ecvl.errors import EcvlError, EcvlValueError
from deephealth.ecvl.image import Image
from deephealth.ecvl.imgproc.moving import in_memory_order
from deephealth.ecvl.imgproc.stacks import keep
from deephealth.ecvl.imgproc.tables import Wide, mapped, mapped_by_plane
from deephealth.ecvl.strictness import is_strict

__all__ = ["GammaContrast", "Normalize", "ScaleFromTo", "ScaleTo"]

_CLOSE = 16  # quotient of mean and deviation up to which a product and a sum are as exact as the definition
_WHITE = 255.0  # for every type, as in the original


def GammaContrast(src: Image, dst: Image, gamma: float) -> None:
    """Raise values to a power: ``(value / 255) ** gamma * 255``, whatever the type.

    Args:
        src: any type and axes.
        dst: the result; may be ``src``.
        gamma: above 1 darkens, below 1 brightens.

    Raises:
        EcvlError: empty.

    Example:
        >>> image = Image.fromarray(np.array([[[50], [255]]], np.uint8), "xyc", 1)
        >>> GammaContrast(image, image, 3)
        >>> np.array(image).ravel().tolist()
        [1, 255]
    """
    power = float(gamma)
    keep(src, dst, mapped(src.pixels, lambda values: _raised(values, power)))


def Normalize(src: Image, dst: Image, mean: float | Sequence[float], std: float | Sequence[float]) -> None:
    """Subtract a mean and divide by a deviation, in the image's own type: convert it to floats first.

    Args:
        src: any type; any axes with one number, and axes with c (or z, or o) with a list.
        dst: the result; may be ``src``.
        mean: one number, or one per channel.
        std: one number, or one per channel; not 0.

    Raises:
        EcvlError: a deviation of 0, or another number of entries than channels.

    Example:
        >>> image = Image.fromarray(np.array([[[3.0, 8.0]]]), "xyc", 1)
        >>> Normalize(image, image, [1, 2], [4, 3])
        >>> np.array(image).ravel().tolist()
        [0.5, 2.0]
    """
    means, deviations = _listed(mean), _listed(std)
    if 0 in deviations:
        raise EcvlError("Normalize: the deviation is 0", allowed="any other number", hint="leave the channel out")
    if len(means) == 1 and len(deviations) == 1:
        keep(src, dst, mapped(src.pixels, _normaliser(means[0], deviations[0])))
        return
    pixels, axis = src.pixels, _plane_axis(src)
    if len(means) != pixels.shape[axis] or len(deviations) != pixels.shape[axis]:
        raise EcvlValueError(
            f"Normalize: {len(means)} means and {len(deviations)} deviations for {pixels.shape[axis]} channels",
            allowed="one number, or one per channel",
        )
    found = _at_once(pixels, axis, means, deviations)
    if found is not None:
        keep(src, dst, found)
        return
    functions = [_normaliser(*pair) for pair in zip(means, deviations, strict=True)]
    keep(src, dst, mapped_by_plane(src, axis, functions))


def ScaleTo(src: Image, dst: Image, new_min: float, new_max: float) -> None:
    """Map the least value of the image to one number, the greatest to another, and what lies between in proportion.

    Args:
        src: any type and axes.
        dst: the result; may be ``src``.
        new_min: least value of the result; also what a constant image becomes.
        new_max: greatest value of the result.

    Raises:
        EcvlError: empty.

    Example:
        >>> image = Image.fromarray(np.array([[[14], [32], [60]]], np.uint8), "xyc", 1)
        >>> ScaleTo(image, image, 0, 255)
        >>> np.array(image).ravel().tolist()
        [0, 99, 255]
    """
    pixels = src.pixels
    low, high = _extremes(pixels)
    if low == high and not is_strict():
        found = np.full_like(pixels, saturate_scalar(float(new_min), pixels.dtype))
    else:
        extent = float(pixels.dtype.type(high) - pixels.dtype.type(low)) if pixels.dtype.kind == "f" else high - low
        found = mapped(pixels, _scaler(extent, high, float(new_min), float(new_max)), double=True)
    keep(src, dst, found)


def ScaleFromTo(src: Image, dst: Image, old_min: float, old_max: float, new_min: float, new_max: float) -> None:
    """Clamp values to a range and map that range to another one.

    Args:
        src: any type and axes.
        dst: the result; may be ``src``.
        old_min: becomes ``new_min``; so does what is less, even where it is above ``old_max``.
        old_max: becomes ``new_max``.
        new_min: least value of the result.
        new_max: greatest value of the result.

    Raises:
        EcvlError: empty, or an old range of no extent for floating-point values, which would become NaN (they do in
            strict mode); whole numbers become what NaN becomes in their type, as in the original.

    Example:
        >>> image = Image.fromarray(np.array([[[14.0], [32.0], [60.0]]]), "xyc", 1)
        >>> ScaleFromTo(image, image, 20, 40, 0, 1)
        >>> np.array(image).ravel().tolist()
        [0.0, 0.6000000000000001, 1.0]
    """
    pixels = src.pixels
    if old_min == old_max and pixels.dtype.kind == "f" and not is_strict():
        raise EcvlValueError(f"ScaleFromTo: the old range is {old_min} to {old_max}", allowed="two different numbers")
    ends = [float(saturate_scalar(float(end), pixels.dtype)) for end in (old_min, old_max)]
    scale = _scaler(float(old_max) - float(old_min), float(old_max), float(new_min), float(new_max))

    def clamped(values: np.ndarray) -> np.ndarray:
        if old_min <= old_max:
            np.clip(values, *ends, out=values)
        else:
            below = values < old_min
            values[values > old_max] = ends[1]
            values[below] = ends[0]
        return scale(values)

    keep(src, dst, mapped(pixels, clamped, double=True))


def _raised(values: np.ndarray, power: float) -> np.ndarray:
    if values.size <= 256 and power >= 0 and values.min() >= 0:
        # a table for bytes: NumPy's own power may differ from C's in the last bit, and what follows cuts
        return np.array([math.pow(value / _WHITE, power) * _WHITE for value in values.tolist()], values.dtype)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        values /= values.dtype.type(_WHITE)
        np.power(values, values.dtype.type(power), out=values)
        values *= values.dtype.type(_WHITE)
    return values


def _normaliser(mean: float, deviation: float) -> Wide:
    def normalised(values: np.ndarray) -> np.ndarray:
        values -= values.dtype.type(mean)
        values /= values.dtype.type(deviation)
        return values

    return normalised


def _at_once(pixels: np.ndarray, axis: int, means: Sequence[float], deviations: Sequence[float]) -> np.ndarray | None:
    """Normalise interleaved single-precision channels in one pass, where that costs no accuracy."""
    memory, back = in_memory_order(pixels)
    ratios = [abs(mean / deviation) for mean, deviation in zip(means, deviations, strict=True)]
    if pixels.dtype != np.float32 or back[axis] != memory.ndim - 1 or not 1 < len(means) <= 4 or max(ratios) > _CLOSE:
        return None
    matrix = np.zeros((len(means), len(means) + 1))
    for at, (mean, deviation) in enumerate(zip(means, deviations, strict=True)):
        matrix[at, at], matrix[at, -1] = 1 / deviation, -mean / deviation
    rows = memory.reshape(memory.shape[0], -1, len(means))
    return cv2.transform(rows, matrix).reshape(memory.shape).transpose(back)


def _scaler(extent: float, high: float, new_low: float, new_high: float) -> Wide:
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        slope = float(np.float64(new_high - new_low) / np.float64(extent))
    offset = new_high - slope * high

    def scaled(values: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore"):
            values *= values.dtype.type(slope)
            values += values.dtype.type(offset)
        return values

    return scaled


def _extremes(pixels: np.ndarray) -> tuple[float, float]:
    memory, _ = in_memory_order(pixels)
    if memory.dtype == np.int64 or not memory.size:
        return float(memory.min()), float(memory.max())
    low, high, _, _ = cv2.minMaxLoc(memory.reshape(1, -1))
    return low, high


def _listed(values: float | Sequence[float]) -> list[float]:
    if isinstance(values, Sequence | np.ndarray):
        return [float(value) for value in values]
    return [float(values)]


def _plane_axis(src: Image) -> int:
    for letter in "czo":
        if letter in src.channels_:
            return src.channels_.index(letter)
    raise EcvlError(f"Normalize: an image with the axes '{src.channels_}' has no channels", allowed="one number")
