"""Sums, differences, products, quotients and negatives of images."""

from __future__ import annotations

import numpy as np

from deephealth.ecvl.casting import cast, dtype_of, wrap_cast
from deephealth.ecvl.combine import combine, operand
from deephealth.ecvl.copying import place
from deephealth.ecvl.enums import DataType
from deephealth.ecvl.errors import EcvlError
from deephealth.ecvl.image import Image
from deephealth.ecvl.strictness import is_strict

__all__ = ["Add", "Div", "Mul", "Neg", "Sub"]

Operand = Image | int | float
_READ_BACK = ("add", "mul")  # the original copies the first operand to the result before it reads the second


def Neg(src: Image, dst: Image, dst_type: DataType | int = DataType.none, saturate: bool = True) -> None:
    """Change the sign of every element.

    Args:
        src: image of a signed type.
        dst: becomes the result; may be ``src``.
        dst_type: element type of the result; ``none`` keeps that of ``dst``, or of ``src`` where ``dst`` is empty.
        saturate: clamp to the range of the type; else wrap.

    Raises:
        EcvlError: an unsigned type.

    Example:
        >>> src, dst = Image.fromarray(np.array([-128, 5], np.int8), "x", 0), Image.empty()
        >>> Neg(src, dst)
        >>> np.array(dst).tolist()
        [127, -5]
    """
    wanted = _type_of_result(src, dst, dst_type)
    pixels = src.pixels
    if pixels.dtype.kind == "u" or wanted in (DataType.uint8, DataType.uint16):
        raise EcvlError(
            f"the negative of {src.elemtype_} as {wanted}",
            allowed="signed types",
            hint="convert with ConvertTo first, or pass dst_type",
        )
    wide = pixels.astype(np.int64) if pixels.dtype.itemsize < 8 and pixels.dtype.kind == "i" else pixels
    found = np.negative(wide)
    if saturate and wide.dtype == np.int64:
        found = np.where(wide == np.iinfo(np.int64).min, np.iinfo(np.int64).max, found)
    place(src, dst, cast(found, dtype_of(wanted), saturate=saturate))


def Add(
    src1: Operand, src2: Operand, dst: Image, dst_type: DataType | int = DataType.none, saturate: bool = True
) -> None:
    """Add two images, or an image and a number.

    Args:
        src1: image or number.
        src2: image of the same dims and axes, or number.
        dst: becomes the result; may be an operand.
        dst_type: element type of the result; ``none`` keeps that of ``dst``, or of the image where ``dst`` is empty.
        saturate: clamp to the range of the type; else wrap.

    Raises:
        EcvlError: other dims or axes.

    Example:
        >>> image, dst = Image.fromarray(np.array([250, 5], np.uint8), "x", 0), Image.empty()
        >>> Add(image, 10, dst)
        >>> np.array(dst).tolist()
        [255, 15]
    """
    _binary("add", src1, src2, dst, dst_type, saturate)


def Sub(
    src1: Operand, src2: Operand, dst: Image, dst_type: DataType | int = DataType.none, saturate: bool = True
) -> None:
    """Subtract the second from the first; arguments as in :func:`Add`.

    Example:
        >>> image, dst = Image.fromarray(np.array([250, 5], np.uint8), "x", 0), Image.empty()
        >>> Sub(image, 10, dst)
        >>> np.array(dst).tolist()
        [240, 0]
    """
    _binary("sub", src1, src2, dst, dst_type, saturate)


def Mul(
    src1: Operand, src2: Operand, dst: Image, dst_type: DataType | int = DataType.none, saturate: bool = True
) -> None:
    """Multiply; arguments as in :func:`Add`.

    Example:
        >>> image, dst = Image.fromarray(np.array([250, 5], np.uint8), "x", 0), Image.empty()
        >>> Mul(image, 10, dst)
        >>> np.array(dst).tolist()
        [255, 50]
    """
    _binary("mul", src1, src2, dst, dst_type, saturate)


def Div(
    src1: Operand, src2: Operand, dst: Image, dst_type: DataType | int = DataType.none, saturate: bool = True
) -> None:
    """Divide the first by the second; arguments as in :func:`Add`. Whole numbers are cut towards zero.

    Raises:
        EcvlError: other dims or axes, or whole numbers divided by zero.

    Example:
        >>> image, dst = Image.fromarray(np.array([250, 5], np.uint8), "x", 0), Image.empty()
        >>> Div(image, 10, dst)
        >>> np.array(dst).tolist()
        [25, 0]
    """
    _binary("div", src1, src2, dst, dst_type, saturate)


def _binary(name: str, src1: Operand, src2: Operand, dst: Image, dst_type: DataType | int, saturate: bool) -> None:
    image = src1 if isinstance(src1, Image) else src2
    if not isinstance(image, Image):
        msg = f"{name}: one operand must be an Image, and they are {src1!r} and {src2!r}"
        raise TypeError(msg)
    wanted = dtype_of(_type_of_result(image, dst, dst_type))
    left = image.pixels if image is src1 else operand(image, src1)
    right = operand(image, src2)
    if src2 is dst and src1 is not dst and name in _READ_BACK and is_strict():
        right = wrap_cast(image.pixels, wanted)
    place(image, dst, combine(name, left, right, wanted, saturate=saturate))


def _type_of_result(src: Image, dst: Image, dst_type: DataType | int) -> DataType:
    wanted = DataType(dst_type)
    if wanted is not DataType.none:
        return wanted
    return src.elemtype_ if dst.IsEmpty() else dst.elemtype_
