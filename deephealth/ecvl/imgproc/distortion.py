"""Random distortions: of a grid, of every pixel, and of a lens."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from deephealth.ecvl.enums import BorderType, DataType, InterpolationType
from deephealth.ecvl.errors import EcvlValueError
from deephealth.ecvl.image import Image
from deephealth.ecvl.imgproc import draws
from deephealth.ecvl.imgproc.matrices import border_values, cv_border, cv_interpolation, rounded_half_away
from deephealth.ecvl.imgproc.stacks import from_opencv, opencv
from deephealth.ecvl.imgproc.warping import Maps, float_maps, separable_maps, warp
from deephealth.ecvl.planes import picture_axes, to_hwc
from deephealth.ecvl.strictness import is_strict

__all__ = ["ElasticTransform", "GridDistortion", "OpticalDistortion"]

_DISTORT = (-0.3, 0.3)
_SHIFT = (-0.1, 0.1)
_TAPS = 17  # of the filter that smooths an elastic field
_MOVED = (DataType.int8, DataType.int32)  # types that the original can't interpolate


def GridDistortion(
    src: Image,
    dst: Image,
    num_steps: int = 5,
    distort_limit: Sequence[float] | None = None,
    interp: InterpolationType | int = InterpolationType.linear,
    border_type: BorderType | int = BorderType.BORDER_REFLECT_101,
    border_value: float | Sequence[float] = 0,
    seed: int | None = None,
    *,
    rng: np.random.Generator | None = None,
) -> None:
    """Stretch the columns and rows of a grid's cells at random.

    Args:
        src: axes x, y and one of c, z, o; any type but int64 (int8 and int32 take the nearest pixel).
        dst: the result; may be ``src``.
        num_steps: cells per axis.
        distort_limit: least and most a cell's size changes, as a share; ``None`` for -0.3 to 0.3.
        interp: interpolation.
        border_type: what lies outside the image.
        border_value: of a constant border; see :func:`~deephealth.ecvl.imgproc.cropping.Pad`.
        seed: of this call; ``None`` and 1 draw from the process-wide generator.
        rng: a generator to draw from.

    Raises:
        EcvlError: other axes, int64, or no cell.

    Example:
        >>> image = Image.fromarray(np.full((5, 4, 1), 7, np.uint8), "xyc", 1)
        >>> GridDistortion(image, image, 3, seed=2)
        >>> set(np.array(image).ravel().tolist())
        {7}
    """
    height, width = _size(src, "GridDistortion")
    if int(num_steps) < 1:
        raise EcvlValueError(f"GridDistortion: num_steps {num_steps}", allowed="1 or more")
    low, high = _limits(distort_limit, _DISTORT)
    cells = min(int(num_steps), max(height, width) + 1)  # of more, none would be seen
    steps = 1 + draws.generator(seed, rng).uniform(low, high, (cells + 1, 2))
    flag = _flag(src, interp)
    columns, rows = (_stretched(size, steps[:, axis]) for axis, size in enumerate((width, height)))
    maps = separable_maps(columns, rows, nearest=flag == cv2.INTER_NEAREST)
    _distort(src, dst, maps, flag, (border_type, border_value))


def ElasticTransform(
    src: Image,
    dst: Image,
    alpha: float = 34,
    sigma: float = 4,
    interp: InterpolationType | int = InterpolationType.linear,
    border_type: BorderType | int = BorderType.BORDER_REFLECT_101,
    border_value: float | Sequence[float] = 0,
    seed: int | None = None,
    *,
    rng: np.random.Generator | None = None,
) -> None:
    """Move every pixel by a smooth random field.

    Args:
        src: axes x, y and one of c, z, o; any type but int64 (int8 and int32 take the nearest pixel).
        dst: the result; may be ``src``.
        alpha: strength of the field, in pixels.
        sigma: smoothness of the field, in pixels; the filter has 17 taps whatever it is.
        interp: interpolation.
        border_type: what lies outside the image.
        border_value: of a constant border; see :func:`~deephealth.ecvl.imgproc.cropping.Pad`.
        seed: of this call; ``None`` and 1 draw from the process-wide generator.
        rng: a generator to draw from.

    Source: Simard, Steinkraus, Platt, "Best practices for convolutional neural networks", ICDAR 2003.

    Example:
        >>> image = Image.fromarray(np.full((5, 4, 1), 7, np.uint8), "xyc", 1)
        >>> ElasticTransform(image, image, seed=2)
        >>> set(np.array(image).ravel().tolist())
        {7}
    """
    height, width = _size(src, "ElasticTransform")
    draw = draws.generator(seed, rng)
    kernel = _gaussian(float(sigma)) * float(alpha)
    fields = []
    for start in (np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)[:, None]):
        noise = draw.random((height, width), dtype=np.float32)
        noise *= 2
        noise -= 1
        smooth = cv2.sepFilter2D(noise, -1, kernel, kernel / float(alpha or 1), borderType=cv2.BORDER_REPLICATE)
        smooth += start
        fields.append(smooth)
    flag = _flag(src, interp)
    maps = float_maps(*fields, nearest=flag == cv2.INTER_NEAREST)
    _distort(src, dst, maps, flag, (border_type, border_value))


def OpticalDistortion(
    src: Image,
    dst: Image,
    distort_limit: Sequence[float] | None = None,
    shift_limit: Sequence[float] | None = None,
    interp: InterpolationType | int = InterpolationType.linear,
    border_type: BorderType | int = BorderType.BORDER_REFLECT_101,
    border_value: float | Sequence[float] = 0,
    seed: int | None = None,
    *,
    rng: np.random.Generator | None = None,
) -> None:
    """Distort as a random lens does: as a barrel or a pincushion.

    Args:
        src: axes x, y and one of c, z, o; any type but int64 (int8 and int32 take the nearest pixel).
        dst: the result; may be ``src``.
        distort_limit: least and most of both radial coefficients; ``None`` for -0.3 to 0.3.
        shift_limit: least and most shift of the lens, in pixels, rounded (below 0.5 there is none); ``None`` for
            -0.1 to 0.1.
        interp: interpolation.
        border_type: what lies outside the image.
        border_value: of a constant border; see :func:`~deephealth.ecvl.imgproc.cropping.Pad`.
        seed: of this call; ``None`` and 1 draw from the process-wide generator.
        rng: a generator to draw from.

    Example:
        >>> image = Image.fromarray(np.full((5, 4, 1), 7, np.uint8), "xyc", 1)
        >>> OpticalDistortion(image, image, [0.2, 0.2], seed=2)
        >>> set(np.array(image).ravel().tolist())
        {7}
    """
    height, width = _size(src, "OpticalDistortion")
    draw = draws.generator(seed, rng)
    strength = draw.uniform(*_limits(distort_limit, _DISTORT))
    x, y = (rounded_half_away(draw.uniform(*_limits(shift_limit, _SHIFT))) for _ in range(2))
    camera = np.array([[width, 0, width / 2 + x], [0, height, height / 2 + y], [0, 0, 1]], np.float32)
    lens = np.array([strength, strength, 0, 0, 0], np.float32)
    with opencv("OpticalDistortion"):
        centred = cv2.getDefaultNewCameraMatrix(camera, (width, height), True)
        fields = cv2.initUndistortRectifyMap(camera, lens, None, centred, (width, height), cv2.CV_32FC1)
    flag = _flag(src, interp)
    maps = float_maps(*fields, nearest=flag == cv2.INTER_NEAREST)
    _distort(src, dst, maps, flag, (border_type, border_value))


def _size(src: Image, what: str) -> tuple[int, int]:
    """Return height and width."""
    y, x, _ = picture_axes(src, what)
    return src.dims_[y], src.dims_[x]


def _flag(src: Image, interp: InterpolationType | int) -> int:
    return cv2.INTER_NEAREST if src.elemtype_ in _MOVED else cv_interpolation(interp)


def _distort(
    src: Image, dst: Image, maps: Maps, flag: int, border: tuple[BorderType | int, float | Sequence[float]]
) -> None:
    hwc = to_hwc(src, "distortion")
    with opencv("distortion"):
        found = warp(hwc, maps, flag, cv_border(border[0]), border_values(src, border[1], hwc.shape[2]))
    from_opencv(src, dst, found)


def _limits(given: Sequence[float] | None, default: tuple[float, float]) -> tuple[float, float]:
    limits = [float(limit) for limit in (default if given is None else given)]
    if len(limits) != 2 or limits[0] > limits[1]:
        raise EcvlValueError(f"limits {limits}", allowed="[least, most]")
    return limits[0], limits[1]


def _stretched(size: int, shares: np.ndarray) -> np.ndarray:
    """Return where each column (or row) comes from: cells that follow each other, each stretched by its share.

    A cell runs from its start, cut to a whole pixel, to its end in even steps. What the cells leave over at the end,
    where ``size`` is not a multiple of their number, goes on as the last cell did (the original leaves 0 there).
    """
    count = len(shares) - 1
    found = np.zeros(size, np.float32)
    if count > size:  # more cells than pixels: the original's rule repeats pixel 0
        if is_strict():
            return found
        count = size
    step = size // count
    start, slope = 0, 1.0
    for cell in range(count):
        end = start + step * float(shares[cell])
        slope = (end - start) / (step - 1) if step > 1 else 0.0
        found[cell * step : (cell + 1) * step] = start + slope * np.arange(step)
        start = int(end)
    rest = size - count * step
    if rest and not is_strict():
        found[-rest:] = found[count * step - 1] + (slope or 1.0) * np.arange(1, rest + 1)
    return found


def _gaussian(sigma: float) -> np.ndarray:
    if sigma <= 0:
        sigma = 0.3 * ((_TAPS - 1) * 0.5 - 1) + 0.8  # ECVL's and OpenCV's rule
    positions = np.arange(_TAPS) - _TAPS // 2
    weights = np.exp(-(positions**2) / (2 * sigma * sigma))
    return weights / weights.sum()
