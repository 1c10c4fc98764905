"""Putting images together: side by side, one below the other, and on top of each other."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from deephealth.ecvl.enums import ColorType
from deephealth.ecvl.errors import EcvlError, EcvlValueError
from deephealth.ecvl.image import Image
from deephealth.ecvl.imgproc.stacks import keep
from deephealth.ecvl.planes import picture_axes
from deephealth.ecvl.strictness import is_strict

__all__ = ["HConcat", "Stack", "VConcat"]

_PICTURE_RANK = 3


def HConcat(src: Sequence[Image], dst: Image) -> None:
    """Put images side by side, from left to right.

    Args:
        src: images of the same axes (with c, x and y among them), type, and sizes but for x.
        dst: the result; colour type, spacings and metadata are those of the first image.

    Raises:
        EcvlError: no image, or images that don't fit.

    Example:
        >>> image = Image.fromarray(np.array([[[1]], [[2]]]), "xyc", 1)
        >>> HConcat([image, image], image)
        >>> np.array(image).ravel().tolist()
        [1, 2, 1, 2]
    """
    _concatenate(src, dst, "x", "HConcat")


def VConcat(src: Sequence[Image], dst: Image) -> None:
    """Put images one below the other, from top to bottom.

    Args:
        src: images of the same axes (with c, x and y among them), type, and sizes but for y.
        dst: the result; colour type, spacings and metadata are those of the first image. In strict mode columns overlap
            where x follows y in ``channels_``, as in the original.

    Raises:
        EcvlError: no image, or images that don't fit.

    Example:
        >>> image = Image.fromarray(np.array([[[1]], [[2]]]), "xyc", 1)
        >>> VConcat([image, image], image)
        >>> image.dims_
        [2, 2, 1]
    """
    _concatenate(src, dst, "y", "VConcat")


def Stack(src: Sequence[Image], dst: Image) -> None:
    """Put the planes of images on top of each other.

    Args:
        src: images of axes x, y and one of c, z, o, of the same width and height.
        dst: the result: axes ``"xyo"`` without colour; spacings and metadata are those of the first image. Where types
            differ, as those of DICOM slices may, the smallest that holds all values.

    Raises:
        EcvlError: no image, or images that don't fit.

    Example:
        >>> image = Image.fromarray(np.array([[[1]], [[2]]]), "xyc", 1)
        >>> Stack([image, image, image], image)
        >>> image
        <Image xyo 2 x 1 x 3 int64 none>
    """
    first, planes = _first(src, "Stack", one_type=False), []
    for image in src:
        y, x, third = picture_axes(image, "Stack")
        if (image.Width(), image.Height()) != (first.Width(), first.Height()):
            raise _unlike(first, image, "Stack", "the same width and height")
        planes.append(image.pixels.transpose(third, y, x))
    y, x, third = picture_axes(first, "Stack")
    steps = first.spacings_
    dst.rebind(
        np.concatenate(planes).transpose(2, 1, 0),
        channels="xyo",
        colortype=ColorType.none,
        spacings=[steps[x], steps[y], steps[third]] if len(steps) == len(first.dims_) else steps,
        meta=first.meta_,
    )


def _concatenate(src: Sequence[Image], dst: Image, letter: str, what: str) -> None:
    first = _first(src, what)
    if not set("xyc") <= set(first.channels_):
        raise EcvlError(f"{what}: images with the axes '{first.channels_}'", allowed="axes with x, y and c among them")
    axis = first.channels_.index(letter)
    for image in src:
        others = [size for at, size in enumerate(image.dims_) if at != axis]
        if image.channels_ != first.channels_ or others != [s for at, s in enumerate(first.dims_) if at != axis]:
            raise _unlike(first, image, what, f"the same channels_, and the same dims_ but for {letter}")
    if is_strict() and letter == "y" and len(first.channels_) == _PICTURE_RANK and first.channels_.index("x") > axis:
        keep(first, dst, _overlapping(src))
        return
    strides = first.pixels.strides
    order = sorted(range(len(strides)), key=lambda at: -abs(strides[at]))
    parts = [image.pixels.transpose(order) for image in src]
    found = np.concatenate(parts, axis=order.index(axis))
    keep(first, dst, found.transpose([order.index(at) for at in range(len(order))]))


def _overlapping(src: Sequence[Image]) -> np.ndarray:
    """Return what the original makes where x follows y: it steps from column to column as in the first image.

    So columns overlap, and the end of each plane is never written; here it is 0.
    """
    axes = [src[0].channels_.index(letter) for letter in "yxc"]
    dims = src[0].dims_
    step_x = math.prod(dims[: axes[1]])
    dims[axes[0]] = sum(image.Height() for image in src)
    step_c = math.prod(dims[: axes[2]])
    step_y = math.prod(dims[: axes[0]])  # x follows y, so no axis before y grows
    flat = np.zeros(math.prod(dims), src[0].pixels.dtype)
    columns = np.arange(src[0].Width())[:, None] * step_x + np.arange(dims[axes[2]]) * step_c
    rows = (row for image in src for row in image.pixels.transpose(axes))
    for at, row in enumerate(rows):
        flat[at * step_y + columns] = row
    return flat.reshape(dims, order="F")


def _first(src: Sequence[Image], what: str, *, one_type: bool = True) -> Image:
    if not len(src):
        raise EcvlValueError(f"{what}: no images", allowed="one or more")
    for image in src:
        if image.IsEmpty():
            raise EcvlError(f"{what}: an image is empty")
        if one_type and image.elemtype_ is not src[0].elemtype_:
            raise _unlike(src[0], image, what, "one element type")
    return src[0]


def _unlike(first: Image, image: Image, what: str, allowed: str) -> EcvlError:
    return EcvlError(f"{what}: {first!r} and {image!r} don't fit", allowed=allowed, hint="convert or resize them first")
