"""Images of any rank as H x W x K arrays for pixel operations, and OpenCV's limits and errors kept in one place."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import cv2
import numpy as np

from deephealth.ecvl.enums import ColorType
from deephealth.ecvl.errors import EcvlError
from deephealth.ecvl.imgproc.luma import grey_values
from deephealth.ecvl.planes import like, to_hwc
from deephealth.ecvl.strictness import is_strict

if TYPE_CHECKING:
    from deephealth.ecvl.image import Image

__all__ = [
    "MOST_CHANNELS",
    "elementwise",
    "from_opencv",
    "from_planar",
    "from_stack",
    "in_groups",
    "keep",
    "opencv",
    "single_plane",
    "to_stack",
]

_PICTURE_RANK = 3
_COLOURS = 3
MOST_CHANNELS = 128  # of a matrix in OpenCV 5


class opencv:
    """Turn what OpenCV raises inside the ``with`` block into an :class:`EcvlError`.

    Args:
        what: name of the operation, for the message.
    """

    __slots__ = ("what",)

    def __init__(self, what: str) -> None:
        self.what = what

    def __enter__(self) -> None:
        """Nothing to do yet."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        """Raise the error under its new name."""
        if isinstance(error, cv2.error | OverflowError):
            said = str(getattr(error, "err", "") or error).strip()
            raise EcvlError(f"{self.what}: OpenCV refuses the arguments ({said})") from error


def to_stack(image: Image, what: str) -> np.ndarray:
    """Return the pixels as a C-contiguous H x W x K array, all axes but x and y folded into K; memory may be shared.

    Args:
        image: with axes x and y, and any others; not written to by callers.
        what: name of the operation, for messages.

    Raises:
        EcvlError: the image is empty or lacks x or y.

    Example:
        >>> from deephealth.ecvl.image import Image
        >>> to_stack(Image([8, 6, 4, 2], 6, "xyzt", 0), "GaussianBlur").shape
        (6, 8, 8)
    """
    channels = image.channels_
    _check_content(image, what)
    if "x" not in channels or "y" not in channels:
        raise EcvlError(f"{what}: the image has the axes '{channels}'", allowed="x, y, and any others")
    if len(channels) == _PICTURE_RANK and image.dims_[_rest(channels)[0]] <= MOST_CHANNELS and "t" not in channels:
        return to_hwc(image, what, any_type=True)
    moved = image.pixels.transpose(_order(channels))
    return np.ascontiguousarray(moved.reshape(*moved.shape[:2], -1))


def from_stack(
    src: Image,
    dst: Image,
    stack: np.ndarray,
    *,
    spacings: Iterable[float] | None = None,
    colortype: ColorType | None = None,
) -> None:
    """Give ``dst`` a result laid out as :func:`to_stack` laid out ``src``; everything else is kept from ``src``.

    Args:
        src: what the operation read.
        dst: what it writes; may be ``src``.
        stack: H x W x K, or H x W; memory of its own; height and width may be others than those of ``src``.
        spacings: of the result; ``None`` keeps those of ``src``.
        colortype: of the result; ``None`` keeps that of ``src``.
    """
    channels, dims = src.channels_, src.dims_
    moved = stack.reshape(*stack.shape[:2], *(dims[at] for at in _rest(channels)))
    order = _order(channels)
    back = [order.index(at) for at in range(len(order))]
    keep(src, dst, moved.transpose(back), spacings=spacings, colortype=colortype)


def from_opencv(src: Image, dst: Image, stack: np.ndarray, *, spacings: Iterable[float] | None = None) -> None:
    """Do as :func:`from_stack`, save that strict mode takes pictures for grey or BGR ones, as the original does.

    Whatever an image was, a matrix of one channel is grey to the original and one of three is BGR, and is then turned
    into the image's own colour type, if it has any. Spacings are lost.

    Args:
        src: what the operation read.
        dst: what it writes; may be ``src``.
        stack: H x W x K, or H x W; memory of its own.
        spacings: of the result; ``None`` keeps those of ``src``.
    """
    channels, colortype = src.channels_, src.colortype_
    if len(channels) != _PICTURE_RANK:
        from_stack(src, dst, stack, spacings=spacings)
        return
    hwc = stack if stack.ndim == _PICTURE_RANK else stack[:, :, None]
    steps = src.spacings_ if spacings is None else spacings
    if is_strict():
        steps = ()
        if hwc.shape[2] == src.Channels():  # not where slices were interpolated
            hwc, colortype = _guessed(hwc, colortype)
    dst.rebind(like(src, hwc), channels=channels, colortype=colortype, spacings=steps, meta=src.meta_)


def _guessed(hwc: np.ndarray, colortype: ColorType) -> tuple[np.ndarray, ColorType]:
    """Return what the original makes of a matrix, and its colour type."""
    count = hwc.shape[2]
    if colortype is ColorType.none:
        return hwc, {1: ColorType.GRAY, _COLOURS: ColorType.BGR}.get(count, colortype)
    if colortype is ColorType.GRAY and count == _COLOURS:
        return grey_values(hwc, red=2), colortype
    if colortype in (ColorType.RGB, ColorType.BGR) and count == 1:
        return np.repeat(hwc, _COLOURS, axis=2), colortype
    return hwc, colortype


def from_planar(src: Image, dst: Image, stack: np.ndarray) -> None:
    """Do as :func:`from_stack`, save that strict mode leaves pictures as "xyc" without metadata, as the original does.

    Args:
        src: what the operation read.
        dst: what it writes; may be ``src``.
        stack: H x W x K; memory of its own.
    """
    channels = src.channels_
    if not is_strict() or len(channels) != _PICTURE_RANK or channels.startswith("xy"):
        from_stack(src, dst, stack)
        return
    order = "xy" + next(letter for letter in channels if letter not in "xy")
    steps = dict(zip(channels, src.spacings_, strict=False))
    dst.rebind(
        stack.transpose(1, 0, 2),
        channels=order,
        colortype=src.colortype_,
        spacings=[steps[letter] for letter in order] if len(steps) == _PICTURE_RANK else (),
    )


def keep(
    src: Image,
    dst: Image,
    array: np.ndarray,
    *,
    spacings: Iterable[float] | None = None,
    colortype: ColorType | None = None,
) -> None:
    """Give ``dst`` an array in the axes of ``src``, and their names, the colour type, spacings and metadata."""
    dst.rebind(
        array,
        channels=src.channels_,
        colortype=src.colortype_ if colortype is None else colortype,
        spacings=src.spacings_ if spacings is None else spacings,
        meta=src.meta_,
    )


def elementwise(src: Image, dst: Image, what: str, function: Callable[[np.ndarray], np.ndarray]) -> None:
    """Apply a function of single elements, in whatever order they lie in memory.

    Args:
        src: any image.
        dst: becomes the result; may be ``src``.
        what: name of the operation, for messages.
        function: takes a C-contiguous matrix and returns a new one of its shape.

    Raises:
        EcvlError: the image is empty.
    """
    _check_content(src, what)
    array = src.pixels
    order = sorted(range(array.ndim), key=lambda at: -array.strides[at])
    lying = np.ascontiguousarray(array.transpose(order))
    found = function(lying.reshape(lying.shape[0], -1)).reshape(lying.shape)
    keep(src, dst, found.transpose([order.index(at) for at in range(array.ndim)]))


def single_plane(image: Image, what: str) -> np.ndarray:
    """Return the only plane of an image as a C-contiguous H x W array.

    Raises:
        EcvlError: the image is empty, lacks x or y, or has more than one plane.
    """
    stack = to_stack(image, what)
    if stack.shape[2] != 1:
        raise EcvlError(
            f"{what}: the image has {stack.shape[2]} planes",
            allowed="one channel",
            hint="take one channel, or convert to ColorType.GRAY",
        )
    return stack[:, :, 0]


def in_groups(hwc: np.ndarray, most: int, call: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Return ``call`` of an H x W x C array, at most ``most`` channels at a time, with the channel axis kept."""
    count = hwc.shape[2]
    if count <= most:
        return _with_channels(call(hwc), count)
    parts = [
        _with_channels(call(np.ascontiguousarray(hwc[:, :, at : at + most])), min(most, count - at))
        for at in range(0, count, most)
    ]
    return np.concatenate(parts, axis=2)


def _check_content(image: Image, what: str) -> None:
    if image.IsEmpty():
        raise EcvlError(f"{what}: the image is empty")
    if 0 in image.dims_:
        raise EcvlError(f"{what}: the image has the sizes {image.dims_}", allowed="sizes of 1 or more")


def _rest(channels: str) -> list[int]:
    return [at for at, letter in enumerate(channels) if letter not in "xy"]


def _order(channels: str) -> list[int]:
    return [channels.index("y"), channels.index("x"), *_rest(channels)]


def _with_channels(found: np.ndarray, count: int) -> np.ndarray:
    return found.reshape(found.shape[0], found.shape[1], count)
