"""Colour spaces. Grey values are cut as in the original (OpenCV would round); HSV and YCbCr are OpenCV's."""

from __future__ import annotations

import cv2
import numpy as np

from deephealth.ecvl.casting import saturate_cast
from deephealth.ecvl.enums import ColorType
from deephealth.ecvl.errors import EcvlError
from deephealth.ecvl.image import Image
from deephealth.ecvl.imgproc.luma import grey_values
from deephealth.ecvl.imgproc.moving import lying
from deephealth.ecvl.imgproc.stacks import keep
from deephealth.ecvl.planes import like, room

__all__ = ["ChangeColorSpace", "DropColorChannel"]

_COUNTS = {
    ColorType.GRAY: 1,
    ColorType.RGB: 3,
    ColorType.RGBA: 4,
    ColorType.BGR: 3,
    ColorType.HSV: 3,
    ColorType.YCbCr: 3,
}
_RED = {ColorType.RGB: 0, ColorType.RGBA: 0, ColorType.BGR: 2}
_TWINS, _PICTURE = {ColorType.RGB, ColorType.BGR}, ["c", "x", "y"]
_CV_TYPES = (np.uint8, np.uint16, np.float32)  # what cv2.cvtColor takes


def ChangeColorSpace(src: Image, dst: Image, new_type: ColorType | int) -> None:
    """Convert to another colour space.

    Grey is ``0.299 R + 0.587 G + 0.114 B``, cut to the type. HSV of uint8 has hues of 0-179 (degrees halved) and 0-255
    for the rest; floats, taken to lie in 0-1, have degrees and 0-1. YCbCr is the full-range one of JPEG. An alpha
    channel is opaque when it is added (the greatest value of the type; 1 for floats), and is dropped otherwise.

    Args:
        src: any axes with c; any type (HSV and YCbCr: not int8, int16, int32, int64; HSV: not uint16).
        dst: the result; may be ``src``.
        new_type: GRAY, RGB, BGR, RGBA, HSV or YCbCr.

    Raises:
        EcvlError: from or to ``none``, no c axis, too few channels, or a type without such colours.

    Example:
        >>> image = Image.fromarray(np.array([[[200, 100, 50]]], np.uint8), "xyc", ColorType.RGB)
        >>> ChangeColorSpace(image, image, ColorType.GRAY)
        >>> image.dims_, int(np.array(image)[0, 0, 0])
        ([1, 1, 1], 124)
    """
    target, source = ColorType(new_type), src.colortype_
    if src.IsEmpty():
        raise EcvlError("ChangeColorSpace: the image is empty")
    if ColorType.none in (source, target):
        raise EcvlError("ChangeColorSpace: from or to ColorType.none", hint="set colortype_ to what the image holds")
    if source is target:
        dst.assign(src)
        return
    if {source, target} == _TWINS and sorted(src.channels_) == _PICTURE and src.Channels() == _COUNTS[source]:
        hwc = lying(src, "ChangeColorSpace")
        if hwc is not None and hwc.dtype in _CV_TYPES:
            found = cv2.cvtColor(hwc, cv2.COLOR_RGB2BGR, dst=room(src, dst, hwc.shape))
            keep(src, dst, like(src, found))
            dst.colortype_ = target
            return
    axis = src.channels_.find("c")
    if axis < 0 or src.dims_[axis] < _COUNTS[source]:
        raise EcvlError(
            f"ChangeColorSpace: a {source} image with the axes '{src.channels_}' of {src.dims_}",
            allowed=f"an axis c of {_COUNTS[source]}",
        )
    pixels = src.pixels
    others = sorted((at for at in range(pixels.ndim) if at != axis), key=lambda at: -abs(pixels.strides[at]))
    order = [*others, axis]
    planar = bool(others) and pixels.strides[axis] >= pixels.strides[others[0]]
    found = _converted(pixels.transpose(order), source, target, planar=planar)
    keep(src, dst, found.transpose([order.index(at) for at in range(len(order))]))
    dst.colortype_ = target


def DropColorChannel(src: Image) -> None:
    """Remove the axis c of a grey image, in place; of several planes only the first stays.

    Args:
        src: a GRAY image; one without the axis c stays as it is.

    Raises:
        EcvlError: another colour type.

    Example:
        >>> image = Image.fromarray(np.zeros((4, 3, 1)), "xyc", ColorType.GRAY, [0.5, 0.7, 1])
        >>> DropColorChannel(image)
        >>> image.channels_, image.dims_, image.spacings_, image.colortype_.name
        ('xy', [4, 3], [0.5, 0.7], 'none')
    """
    if src.colortype_ is not ColorType.GRAY:
        raise EcvlError(f"DropColorChannel: the image is {src.colortype_}", allowed="ColorType.GRAY")
    axis = src.channels_.find("c")
    if axis < 0:
        return
    steps = src.spacings_
    src.rebind(
        src.pixels[(slice(None),) * axis + (0,)],
        channels=src.channels_[:axis] + src.channels_[axis + 1 :],
        colortype=ColorType.none,
        spacings=steps[:axis] + steps[axis + 1 :] if len(steps) > axis else steps,
        meta=src.meta_,
    )


def _converted(colours: np.ndarray, source: ColorType, target: ColorType, *, planar: bool) -> np.ndarray:
    """Convert an array whose last axis is colour, and whose other axes are in memory order."""
    colours = colours[..., : _COUNTS[source]]
    if source is target:
        return colours
    if source in (ColorType.HSV, ColorType.YCbCr):
        return _converted(_special(colours, source, back=True), ColorType.RGB, target, planar=False)
    if target in (ColorType.HSV, ColorType.YCbCr):
        rgb = colours if source is ColorType.RGB else _converted(colours, source, ColorType.RGB, planar=False)
        return _special(rgb, target, back=False)
    if target is ColorType.GRAY:
        return grey_values(colours, red=_RED[source])
    if source is ColorType.GRAY:
        return _spread(colours, target, planar=planar)
    return _reordered(colours, source, target, planar=planar)


def _spread(grey: np.ndarray, target: ColorType, *, planar: bool) -> np.ndarray:
    if target is not ColorType.RGBA and not planar and grey.dtype in _CV_TYPES and grey.shape[-1] == 1:
        flat = np.ascontiguousarray(grey).reshape(grey.shape[0], -1)
        return cv2.cvtColor(flat, cv2.COLOR_GRAY2RGB).reshape(*grey.shape[:-1], 3)
    planes = [grey[..., 0]] * 3 + [_opaque(grey[..., 0])] * (target is ColorType.RGBA)
    return _merged(planes, planar=planar)


def _reordered(colours: np.ndarray, source: ColorType, target: ColorType, *, planar: bool) -> np.ndarray:
    order = [0, 1, 2] if _RED[source] == _RED[target] else [2, 1, 0]
    if len(order) == colours.shape[-1] == _COUNTS[target] and colours.dtype in _CV_TYPES and not planar:
        flat = np.ascontiguousarray(colours).reshape(1, -1, 3)
        return cv2.cvtColor(flat, cv2.COLOR_BGR2RGB).reshape(colours.shape)
    planes = [colours[..., at] for at in order]
    if target is ColorType.RGBA:
        planes.append(_opaque(planes[0]))
    return _merged(planes, planar=planar)


def _merged(planes: list[np.ndarray], *, planar: bool) -> np.ndarray:
    """Return planes as one array with colour last, laid out plane after plane or colour by colour."""
    if planar:
        return np.moveaxis(np.stack(planes), 0, -1)
    if planes[0].dtype == np.int64:
        return np.stack(planes, axis=-1)
    flat = [np.ascontiguousarray(plane).reshape(1, -1) for plane in planes]
    return cv2.merge(flat).reshape(*planes[0].shape, len(planes))


def _opaque(plane: np.ndarray) -> np.ndarray:
    return np.full_like(plane, 1 if plane.dtype.kind == "f" else np.iinfo(plane.dtype).max)


def _special(colours: np.ndarray, space: ColorType, *, back: bool) -> np.ndarray:
    """Convert between RGB and HSV or YCbCr."""
    dtype = colours.dtype
    wide = np.dtype(np.float32) if dtype == np.float64 else dtype
    allowed = _CV_TYPES if space is ColorType.YCbCr else (np.uint8, np.float32)
    if wide not in allowed:
        raise EcvlError(f"ChangeColorSpace: {space} of {dtype}", allowed="uint8 and floats; YCbCr: uint16 too")
    flat = np.ascontiguousarray(colours, wide).reshape(1, -1, 3)
    if space is ColorType.HSV:
        found = cv2.cvtColor(flat, cv2.COLOR_HSV2RGB if back else cv2.COLOR_RGB2HSV)
    elif back:
        found = cv2.cvtColor(np.ascontiguousarray(flat[..., [0, 2, 1]]), cv2.COLOR_YCrCb2RGB)
    else:
        found = cv2.cvtColor(flat, cv2.COLOR_RGB2YCrCb)[..., [0, 2, 1]]
    return saturate_cast(found, dtype).reshape(colours.shape)
