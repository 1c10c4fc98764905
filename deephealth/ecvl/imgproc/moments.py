"""Moments of images of any rank."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from deephealth.ecvl.casting import dtype_of
from deephealth.ecvl.enums import ColorType, DataType
from deephealth.ecvl.errors import EcvlError
from deephealth.ecvl.strictness import is_strict

if TYPE_CHECKING:
    from deephealth.ecvl.image import Image

__all__ = ["CentralMoments", "Moments"]


def Moments(src: Image, dst: Image, order: int = 3, type_: DataType | int = DataType.float64) -> None:
    """Sum every element times powers of its coordinates.

    Args:
        src: image, ``GRAY`` or ``none``; of a colour axis the first channel counts.
        dst: becomes the moments, ``order + 1`` per axis of ``src`` but the colour axis; element [i, j] is the sum of
            x^i y^j times the pixel.
        order: highest power on each axis.
        type_: ``DataType.float32`` or ``DataType.float64``.

    Raises:
        EcvlError: empty, a colour image, another type, or a negative order.

    Source: Hu, "Visual pattern recognition by moment invariants", IRE Trans. Information Theory 8 (1962) 179-187.

    Example:
        >>> from deephealth.ecvl.image import Image
        >>> moments = Image.empty()
        >>> Moments(Image.fromarray(np.array([[1.0, 2.0], [3.0, 4.0]]), "xy", 0), moments, 1)
        >>> np.array(moments).tolist()
        [[10.0, 6.0], [7.0, 4.0]]
    """
    rank = sum(letter != "c" for letter in src.channels_)
    _moments(src, dst, [0.0] * rank, order, type_, "Moments")


def CentralMoments(
    src: Image, moments: Image, center: Sequence[float], order: int = 3, type_: DataType | int = DataType.float64
) -> None:
    """Sum every element times powers of its distance from a centre, axis by axis.

    Args:
        src: image, ``GRAY`` or ``none``; of a colour axis the first channel counts.
        moments: becomes the moments, as in :func:`Moments`.
        center: coordinates in pixels, one per axis of ``src`` but the colour axis, in the order of the axes; the first
            two not negative.
        order: highest power on each axis.
        type_: ``DataType.float32`` or ``DataType.float64``.

    Raises:
        EcvlError: as :func:`Moments`, another number of coordinates, or negative ones.

    Example:
        >>> from deephealth.ecvl.image import Image
        >>> moments = Image.empty()
        >>> CentralMoments(Image.fromarray(np.ones((3, 3)), "xy", 0), moments, [1, 1], 1)
        >>> np.array(moments).tolist()
        [[9.0, 0.0], [0.0, 0.0]]
    """
    middle = [float(at) for at in center]
    rank = sum(letter != "c" for letter in src.channels_)
    if len(middle) != rank:
        raise EcvlError(
            f"CentralMoments: {len(middle)} coordinates for the axes '{src.channels_}'",
            allowed="one for each axis but c",
        )
    if any(at < 0 for at in middle[:2]):
        raise EcvlError(f"CentralMoments: the centre is {middle}", allowed="coordinates of 0 or more")
    _moments(src, moments, middle, order, type_, "CentralMoments")


def _moments(src: Image, dst: Image, center: Sequence[float], order: int, type_: DataType | int, what: str) -> None:
    if src.IsEmpty():
        raise EcvlError(f"{what}: the image is empty")
    if src.colortype_ not in (ColorType.GRAY, ColorType.none):
        raise EcvlError(f"{what}: the image is {src.colortype_}", allowed="ColorType.GRAY, ColorType.none")
    wanted = DataType(type_)
    if wanted not in (DataType.float32, DataType.float64):
        raise EcvlError(f"{what}: the type is {wanted}", allowed="DataType.float32, DataType.float64")
    if order < 0:
        raise EcvlError(f"{what}: the order is {order}", allowed="0 or more")
    pixels, channels = src.pixels, src.channels_
    colour = channels.find("c")
    if colour >= 0:
        pixels, channels = pixels.take(0, axis=colour), channels.replace("c", "", 1)
    powers = [
        (np.arange(size) - at) ** np.arange(order + 1)[:, None] for size, at in zip(pixels.shape, center, strict=True)
    ]
    narrow = wanted is DataType.float32 and is_strict()
    found = _summed_narrowly(pixels, powers) if narrow else _contract(pixels.astype(np.float64), powers)
    dst.rebind(found.astype(dtype_of(wanted)), channels=channels, colortype=ColorType.none, meta=src.meta_)


def _contract(pixels: np.ndarray, powers: Sequence[np.ndarray]) -> np.ndarray:
    """Multiply along every axis with its matrix of powers; the axes keep their order."""
    for table in powers:
        pixels = np.tensordot(pixels, table, axes=(0, 1))
    return pixels


def _summed_narrowly(pixels: np.ndarray, powers: Sequence[np.ndarray]) -> np.ndarray:
    """Add element by element in float32, first axis fastest, with the rounding that the original's sums have."""
    found = np.empty([len(table) for table in powers], np.float32)
    for at in product(*(range(len(table)) for table in powers)):
        factor = np.ones(1)
        for axis, (index, table) in enumerate(zip(at, powers, strict=True)):
            factor = factor[..., None] * table[index] if axis else table[index].astype(np.float64)
        terms = (factor * pixels).ravel(order="F").astype(np.float32)
        found[at] = np.add.accumulate(terms, dtype=np.float32)[-1]
    return found
