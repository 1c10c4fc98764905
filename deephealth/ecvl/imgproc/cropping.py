"""Cutting pictures and laying borders round them."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from deephealth.ecvl.enums import BorderType
from deephealth.ecvl.errors import EcvlError, EcvlValueError
from deephealth.ecvl.image import Image
from deephealth.ecvl.imgproc import draws
from deephealth.ecvl.imgproc.matrices import border_values, cv_border, whole_numbers
from deephealth.ecvl.imgproc.moving import plane_axes
from deephealth.ecvl.imgproc.stacks import from_opencv, in_groups, keep, opencv
from deephealth.ecvl.planes import like, room, to_hwc

__all__ = ["CenterCrop", "Pad", "RandomCrop"]

_PICTURE_RANK = 3
_GROUP = 4  # channels for which OpenCV takes border values at once
_MOST = 64  # channels that go through OpenCV at once; version 5 takes 128 at most


def CenterCrop(src: Image, dst: Image, size: Sequence[int]) -> None:
    """Cut out the middle.

    Args:
        src: axes x, y and one of c, z, o; any type.
        dst: the result; may be ``src``.
        size: ``[width, height]`` in pixels.

    Raises:
        EcvlError: other axes, or a size beyond the image's.

    Example:
        >>> image = Image.fromarray(np.zeros((4, 3, 1)), "xyc", 1)
        >>> CenterCrop(image, image, [2, 1])
        >>> image.dims_
        [2, 1, 1]
    """
    width, height = whole_numbers(size, (2,), "CenterCrop")
    free_x, free_y = _free(src, width, height, "CenterCrop")
    _cut(src, dst, (free_x // 2, free_y // 2), (width, height))


def RandomCrop(
    src: Image,
    dst: Image,
    size: Sequence[int],
    pad_if_needed: bool = False,
    border_type: BorderType | int = BorderType.BORDER_CONSTANT,
    border_value: float | Sequence[float] = 0,
    seed: int | None = None,
    *,
    rng: np.random.Generator | None = None,
) -> None:
    """Cut out a part at a random place.

    Args:
        src: axes x, y and one of c, z, o; any type, but not int64 where it must be padded.
        dst: the result; may be ``src``.
        size: ``[width, height]`` in pixels.
        pad_if_needed: lay what is missing, in full, on both sides of a smaller image first: the place is random then
            too. Else a smaller image is an error.
        border_type: as for :func:`Pad`.
        border_value: as for :func:`Pad`.
        seed: of this call; ``None`` and 1 draw from the process-wide generator.
        rng: a generator to draw from.

    Raises:
        EcvlError: other axes, or a size beyond the image's.

    Example:
        >>> image = Image.fromarray(np.zeros((4, 3, 1)), "xyc", 1)
        >>> RandomCrop(image, image, [6, 2], True, seed=3)
        >>> image.dims_
        [6, 2, 1]
    """
    width, height = whole_numbers(size, (2,), "RandomCrop")
    y, x = plane_axes(src, "RandomCrop")
    dims = src.dims_
    lacks_x, lacks_y = max(0, width - dims[x]), max(0, height - dims[y])
    if pad_if_needed and (lacks_x or lacks_y):
        Pad(src, dst, [lacks_y, lacks_x], border_type, border_value)
        src = dst
    free_x, free_y = _free(src, width, height, "RandomCrop")
    draw = draws.generator(seed, rng)
    start = int(draw.integers(0, free_x + 1)), int(draw.integers(0, free_y + 1))
    _cut(src, dst, start, (width, height))


def Pad(
    src: Image,
    dst: Image,
    padding: Sequence[int],
    border_type: BorderType | int = BorderType.BORDER_CONSTANT,
    border_value: float | Sequence[float] = 0,
) -> None:
    """Lay a border round an image.

    Args:
        src: axes x, y and one of c, z, o; any type but int64.
        dst: the result; may be ``src``.
        padding: pixels: ``[everywhere]``, ``[top and bottom, left and right]`` or ``[top, bottom, left, right]``.
        border_type: what the border holds.
        border_value: of a constant border. A number paints the first channel of a BGR picture only (of an RGB one:
            the blue channel), as in the original; a list has one number per channel in the image's own order.

    Raises:
        EcvlError: other axes, int64, negative widths, or a border that OpenCV can't lay.

    Example:
        >>> image = Image.fromarray(np.ones((1, 1, 1)), "xyc", 1)
        >>> Pad(image, image, [0, 1], border_value=5)
        >>> np.array(image).ravel().tolist()
        [5.0, 1.0, 5.0]
    """
    top, bottom, left, right = _sides(padding)
    hwc = to_hwc(src, "Pad")
    kind = cv_border(border_type)
    height, width, count = hwc.shape
    if kind == cv2.BORDER_CONSTANT and border_value == 0 and count <= _MOST:
        place = room(src, dst, (height + top + bottom, width + left + right, count))
        with opencv("Pad"):
            found = cv2.copyMakeBorder(hwc, top, bottom, left, right, kind, dst=place)
        from_opencv(src, dst, found)
        return
    values = border_values(src, border_value, hwc.shape[2])
    most = _MOST if kind != cv2.BORDER_CONSTANT or not any(values) else _GROUP
    starts = iter(range(0, hwc.shape[2], most))

    def padded(part: np.ndarray) -> np.ndarray:
        at = next(starts)
        value = values[at : at + _GROUP] + [0.0] * _GROUP
        return cv2.copyMakeBorder(part, top, bottom, left, right, kind, value=value[:_GROUP])

    with opencv("Pad"):
        found = in_groups(hwc, most, padded)
    from_opencv(src, dst, found)


def _sides(padding: Sequence[int]) -> tuple[int, int, int, int]:
    widths = whole_numbers(padding, (1, 2, 4), "Pad")
    if min(widths) < 0:
        raise EcvlValueError(f"Pad: {widths}", allowed="0 or more pixels")
    if len(widths) == 1:
        widths *= 4
    elif len(widths) == 2:
        widths = [widths[0], widths[0], widths[1], widths[1]]
    return widths[0], widths[1], widths[2], widths[3]


def _free(src: Image, width: int, height: int, what: str) -> tuple[int, int]:
    """Return how many pixels more than that the image has in x and y."""
    y, x = plane_axes(src, what)
    dims = src.dims_
    if not (0 < width <= dims[x] and 0 < height <= dims[y]):
        raise EcvlError(
            f"{what}: {width} x {height} pixels out of {dims[x]} x {dims[y]}",
            allowed="1 pixel up to the size of the image",
            hint="pad the image first" if what == "CenterCrop" else "set pad_if_needed",
        )
    return dims[x] - width, dims[y] - height


def _cut(src: Image, dst: Image, start: tuple[int, int], size: tuple[int, int]) -> None:
    y, x = plane_axes(src, "crop")
    if len(src.channels_) == _PICTURE_RANK:
        third = 3 - y - x
        place = room(src, dst, (size[1], size[0], src.dims_[third]))
        if place is not None:
            rows, columns = slice(start[1], start[1] + size[1]), slice(start[0], start[0] + size[0])
            place[...] = src.pixels.transpose(y, x, third)[rows, columns]
            keep(src, dst, like(src, place))
            return
    window = [slice(None)] * len(src.dims_)
    window[x] = slice(start[0], start[0] + size[0])
    window[y] = slice(start[1], start[1] + size[1])
    keep(src, dst, src.pixels[tuple(window)].copy(order="K"))
