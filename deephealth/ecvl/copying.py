"""Copying, aliasing, re-ordering and converting images."""

from __future__ import annotations

import numpy as np

from deephealth.ecvl.casting import cast, dtype_of, wrap_cast
from deephealth.ecvl.enums import DataType
from deephealth.ecvl.errors import EcvlError, EcvlValueError
from deephealth.ecvl.image import Image
from deephealth.ecvl.strictness import is_strict

__all__ = ["ConvertTo", "CopyImage", "RearrangeChannels", "ShallowCopyImage", "place"]


def CopyImage(src: Image, dst: Image, new_type: DataType | int | None = None) -> None:
    """Copy an image.

    Args:
        src: the image.
        dst: becomes the copy. An empty one becomes a full clone; one with content keeps its element type, and takes
            the other's dims, axes, colour type (values are cast without saturation).
        new_type: element type of the copy.

    Raises:
        EcvlError: ``src`` has no element type; ``dst`` is ``src`` and a type change was asked for; or ``dst`` does not
            own its memory and would have to change.

    Example:
        >>> from deephealth.ecvl.enums import ColorType
        >>> src, dst = Image([2, 2], DataType.uint8, "xy", ColorType.none), Image.empty()
        >>> CopyImage(src, dst, DataType.float32)
        >>> dst
        <Image xy 2 x 2 float32 none>
    """
    if src.elemtype_ is DataType.none:
        raise EcvlError("an image without element type can't be copied", hint="fill it first")
    wanted = DataType.none if new_type is None else DataType(new_type)
    if src is dst:
        if wanted not in (DataType.none, src.elemtype_):
            raise EcvlError("src and dst are one image, and the type changes", hint="use ConvertTo, or another dst")
        return
    if wanted is DataType.none:
        wanted = src.elemtype_ if dst.IsEmpty() else dst.elemtype_
    fresh = wanted is not src.elemtype_
    pixels = wrap_cast(src.pixels, dtype_of(wanted)) if fresh else src.pixels.copy(order="K")
    place(src, dst, pixels)


def ShallowCopyImage(src: Image, dst: Image) -> None:
    """Make ``dst`` a window on the memory of ``src``, which stays its owner.

    Raises:
        EcvlError: they are the same image.
    """
    if src is dst:
        raise EcvlError("an image can't alias itself", allowed="two images")
    dst.alias(src)


def RearrangeChannels(src: Image, dst: Image, channels: str, new_type: DataType | int | None = None) -> None:
    """Re-order the axes.

    Args:
        src: the image.
        dst: becomes the re-ordered image; may be ``src``.
        channels: the same letters in another order.
        new_type: element type of the result.

    Raises:
        EcvlValueError: other letters than those of ``src``.

    Example:
        >>> from deephealth.ecvl.enums import ColorType
        >>> src, dst = Image([3, 8, 6], DataType.uint8, "cxy", ColorType.BGR), Image.empty()
        >>> RearrangeChannels(src, dst, "xyc")
        >>> dst.dims_
        [8, 6, 3]
    """
    order = _order(src.channels_, channels)
    pixels = src.pixels.transpose(order)
    wanted = src.elemtype_ if new_type is None or DataType(new_type) is DataType.none else DataType(new_type)
    moved = wrap_cast(pixels, dtype_of(wanted)) if wanted is not src.elemtype_ else pixels.copy(order="K")
    steps = src.spacings_
    spacings = [steps[at] for at in order] if len(steps) == len(order) else steps
    meta = {} if is_strict() and channels != src.channels_ else src.meta_
    dst.rebind(moved, channels=channels, colortype=src.colortype_, spacings=spacings, meta=meta)


def ConvertTo(src: Image, dst: Image, dtype: DataType | int, saturate: bool = True) -> None:
    """Convert the elements to another type: fractions are cut off; numbers out of range are clamped, or wrap.

    Args:
        src: the image.
        dst: becomes the converted image; may be ``src``.
        dtype: element type of the result.
        saturate: clamp to the range of the type.

    Example:
        >>> from deephealth.ecvl.enums import ColorType
        >>> src, dst = Image.fromarray(np.array([[300.7]]), "xy", ColorType.none), Image.empty()
        >>> ConvertTo(src, dst, DataType.uint8)
        >>> np.array(dst).tolist()
        [[255]]
    """
    array = cast(src.pixels, dtype_of(dtype), saturate=saturate)
    meta = {} if is_strict() and DataType(dtype) is not src.elemtype_ else src.meta_
    dst.rebind(array, channels=src.channels_, colortype=src.colortype_, spacings=src.spacings_, meta=meta)


def place(src: Image, dst: Image, pixels: np.ndarray) -> None:
    """Give ``dst`` the result of an operation on ``src``; where it fits, in the memory that ``dst`` has already.

    Args:
        src: what the result is laid out like.
        dst: what it goes to.
        pixels: memory of its own.

    Raises:
        EcvlError: ``dst`` does not own its memory, and its size, type or colour type would change.
    """
    same = not dst.IsEmpty() and dst.dims_ == src.dims_ and dst.channels_ == src.channels_
    same = same and dst.pixels.dtype == pixels.dtype
    if not dst.IsOwner() and (not same or dst.colortype_ is not src.colortype_):
        raise EcvlError("dst does not own its memory, and its size, type or colour would change", hint="use an owner")
    colortype, spacings, meta = src.colortype_, src.spacings_, src.meta_
    if same and dst.is_shared():
        dst.pixels[...] = pixels
        dst.colortype_ = colortype
        dst.spacings_, dst.meta_ = spacings, meta
        return
    dst.rebind(pixels, channels=src.channels_, colortype=colortype, spacings=spacings, meta=meta)


def _order(have: str, wanted: str) -> list[int]:
    if sorted(have) != sorted(wanted):
        raise EcvlValueError(f"axes '{have}' can't become '{wanted}'", allowed="the same letters in another order")
    found, used = [], set[int]()
    for letter in wanted:
        at = next(at for at, name in enumerate(have) if name == letter and at not in used)
        used.add(at)
        found.append(at)
    return found
