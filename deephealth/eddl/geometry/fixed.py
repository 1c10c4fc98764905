"""Fixed geometric transformations of image tensors, to the pixel as in the original; layers and ``Tensor`` use them.

All take images [B, C, H, W] (``scale`` also volumes [B, C, D, H, W]) on any device, give new tensors, and are
differentiable. Random versions are in :mod:`deephealth.eddl.geometry.drawn`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from deephealth.eddl.errors import EddlError, EddlShapeError
from deephealth.eddl.geometry.coordinates import resize_coordinates, rotation_coordinates
from deephealth.eddl.geometry.sampling import pick, pick_dense

__all__ = [
    "centred_corners",
    "centred_crop",
    "crop",
    "crop_scale",
    "cutout",
    "flip",
    "four_sides",
    "pad",
    "require_images",
    "rotate",
    "scale",
    "shift",
]


def require_images(x: Tensor, title: str, ndim: int = 4) -> None:
    """Raise :class:`EddlShapeError` unless ``x`` is a batch of images (4) or volumes (5)."""
    if x.ndim != ndim:
        wanted = "[batch, channels, height, width]" if ndim == 4 else "[batch, channels, depth, height, width]"
        what = f"it needs a {ndim}-D tensor and got shape {list(x.shape)}"
        raise EddlShapeError(title, what, allowed=wanted, hint="reshape the input to that first")


def shift(x: Tensor, shift: Sequence[int], *, wrap: str = "constant", cval: float = 0.0) -> Tensor:
    """Move images by whole pixels.

    Args:
        x: images [B, C, H, W].
        shift: how far down and to the right, [y, x], in pixels.
        wrap: what comes in at the border: a wrapping mode; ``"original"`` keeps the pixel that stood there.
        cval: the value that comes in, for ``"constant"``.

    Raises:
        EddlError: a shift as large as the image.

    Example:
        >>> shift(torch.tensor([[[[1.0, 2.0, 3.0]]]]), [0, 1], wrap="nearest").tolist()
        [[[[1.0, 1.0, 2.0]]]]
    """
    require_images(x, "Tensor::shift")
    for step, size in zip(shift, x.shape[2:], strict=True):
        if abs(step) >= size:
            what = f"the shift {list(shift)} is greater than the image size {list(x.shape[2:])}"
            raise EddlError("Tensor::shift", what, allowed="less than the size on each axis")
    places = [_line(size, x) - step for size, step in zip(x.shape[2:], shift, strict=True)]
    return pick(x, places, wrap, cval)


def rotate(
    x: Tensor, angle: float, *, center: Sequence[int] = (0, 0), wrap: str = "constant", cval: float = 0.0
) -> Tensor:
    """Turn images about their middle; each pixel of the result takes one of the source.

    Args:
        x: images [B, C, H, W].
        angle: degrees; positive turns clockwise as the image is shown.
        center: rows and columns from the middle to the centre of rotation.
        wrap: wrapping mode for pixels that come from outside.
        cval: their value, for ``"constant"``.

    Example:
        >>> rotate(torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]]), 180.0, wrap="constant").tolist()
        [[[[0.0, 0.0], [0.0, 4.0]]]]
    """
    require_images(x, "Tensor::rotate")
    degrees = torch.full((1,), angle, dtype=torch.float64, device=x.device)
    rows, columns = rotation_coordinates(x.shape[2], x.shape[3], degrees, (center[0], center[1]))
    return pick_dense(x, rows, columns, wrap, cval)


def scale(
    x: Tensor,
    new_shape: Sequence[int],
    *,
    wrap: str = "constant",
    cval: float = 0.0,
    coordinate: str = "asymmetric",
    keep_size: bool = False,
) -> Tensor:
    """Resize images or volumes to a shape, taking the nearest pixel.

    Args:
        x: images [B, C, H, W] with ``new_shape`` [h, w], or volumes [B, C, D, H, W] with [d, h, w].
        new_shape: shape to resize to.
        wrap: wrapping mode for the margin, when ``keep_size`` and the new shape is smaller.
        cval: the value in the margin, for ``"constant"``.
        coordinate: coordinate transformation mode.
        keep_size: keep the tensor's shape, and show the centre of the resized image in it.

    Raises:
        EddlError: a shape that is not positive.
        EddlShapeError: not as many sizes as spatial axes.

    Example:
        >>> scale(torch.tensor([[[[1.0, 2.0]]]]), [1, 4]).tolist()
        [[[[1.0, 1.0, 2.0, 2.0]]]]
    """
    require_images(x, "Tensor::scale", len(new_shape) + 2)
    if min(new_shape) <= 0:
        raise EddlError("Tensor::scale", f"the new shape {list(new_shape)} must be greater than zero")
    quick = None if keep_size else _enlarged(x, new_shape, coordinate)
    if quick is not None:
        return quick
    shown = x.shape[2:] if keep_size else new_shape
    places = [
        resize_coordinates(size, torch.full((1,), new, device=x.device), out, coordinate)
        for size, new, out in zip(x.shape[2:], new_shape, shown, strict=True)
    ]
    # Without a margin nothing lies outside: spare the masks.
    return pick(x, places, wrap if keep_size else "nearest", cval)


def _enlarged(x: Tensor, new_shape: Sequence[int], coordinate: str) -> Tensor | None:
    """Enlarge by whole factors without index tables: the case that networks train through; ``None`` for other cases.

    Reducing by a whole factor has no such way: the original divides by a rounded 1 / factor, and may land one short.
    """
    whole = all(new % size == 0 and new // size <= _FACTOR for size, new in zip(x.shape[2:], new_shape, strict=True))
    if coordinate == "asymmetric" and whole:
        return functional.interpolate(x, size=list(new_shape), mode="nearest")
    return None


_FACTOR = 32
"""Up to this factor torch's nearest interpolation is known to give dst // factor exactly."""


def flip(x: Tensor, axis: int) -> Tensor:
    """Reverse the rows (axis 0) or the columns (axis 1) of images.

    Args:
        x: images [B, C, H, W].
        axis: 0 or 1.

    Raises:
        EddlError: another axis.

    Example:
        >>> flip(torch.tensor([[[[1.0, 2.0]]]]), 1).tolist()
        [[[[2.0, 1.0]]]]
    """
    require_images(x, "Tensor::flip")
    if axis not in (0, 1):
        raise EddlError("Tensor::flip", f"axis {axis} is not one of an image", allowed="0 (rows) or 1 (columns)")
    return x.flip(axis + 2)


def crop(
    x: Tensor, from_yx: Sequence[int], to_yx: Sequence[int], *, cval: float = 0.0, keep_size: bool = False
) -> Tensor:
    """Cut a rectangle out of images.

    Args:
        x: images [B, C, H, W].
        from_yx: first row and column of the rectangle.
        to_yx: last row and column, which belong to it.
        cval: the value around it, when ``keep_size``.
        keep_size: keep the rectangle in place and the images' size.

    Raises:
        EddlError: corners outside the images, or in the wrong order.

    Example:
        >>> crop(torch.tensor([[[[1.0, 2.0, 3.0]]]]), [0, 1], [0, 2]).tolist()
        [[[[2.0, 3.0]]]]
    """
    _require_corners(x, from_yx, to_yx, "Tensor::crop")
    cut = x[:, :, from_yx[0] : to_yx[0] + 1, from_yx[1] : to_yx[1] + 1]
    if not keep_size:
        return cut.clone(memory_format=torch.contiguous_format)
    height, width = x.shape[2:]
    around = [from_yx[1], width - 1 - to_yx[1], from_yx[0], height - 1 - to_yx[0]]
    return functional.pad(cut, around, value=cval)


def centred_corners(sizes: Sequence[int], part: Sequence[int]) -> tuple[list[int], list[int]]:
    """Return first and last [row, column] of the rectangle in the middle of an image.

    Args:
        sizes: height and width of the image.
        part: height and width of the rectangle.

    Example:
        >>> centred_corners([9, 9], [4, 3])
        ([2, 3], [5, 5])
    """
    first = [whole // 2 - wanted // 2 for whole, wanted in zip(sizes, part, strict=True)]
    return first, [start + wanted - 1 for start, wanted in zip(first, part, strict=True)]


def centred_crop(x: Tensor, size: Sequence[int]) -> Tensor:
    """Cut the middle out of images.

    Args:
        x: images [B, C, H, W].
        size: height and width of the rectangle.

    Raises:
        EddlError: a rectangle larger than the images.

    Example:
        >>> centred_crop(torch.tensor([[[[1.0, 2.0, 3.0]]]]), [1, 1]).tolist()
        [[[[2.0]]]]
    """
    require_images(x, "Tensor::crop")
    return crop(x, *centred_corners(x.shape[2:], size))


def crop_scale(
    x: Tensor, from_yx: Sequence[int], to_yx: Sequence[int], *, wrap: str = "constant", cval: float = 0.0
) -> Tensor:
    """Cut a rectangle out of images and enlarge it to their size.

    Args:
        x: images [B, C, H, W].
        from_yx: first row and column of the rectangle.
        to_yx: last row and column, which belong to it.
        wrap: accepted as in the original; no pixel comes from outside.
        cval: likewise.

    Raises:
        EddlError: corners outside the images, or in the wrong order.

    Example:
        >>> crop_scale(torch.tensor([[[[1.0, 2.0, 3.0, 4.0]]]]), [0, 1], [0, 2]).tolist()
        [[[[2.0, 2.0, 3.0, 3.0]]]]
    """
    _require_corners(x, from_yx, to_yx, "Tensor::crop_scale")
    places = [
        _line(size, x) * (last - first + 1) // size + first
        for size, first, last in zip(x.shape[2:], from_yx, to_yx, strict=True)
    ]
    return pick(x, places, "nearest", cval)


def cutout(x: Tensor, from_yx: Sequence[int], to_yx: Sequence[int], *, cval: float = 0.0) -> Tensor:
    """Paint a rectangle of images over.

    Args:
        x: images [B, C, H, W].
        from_yx: first row and column of the rectangle.
        to_yx: last row and column, which belong to it.
        cval: its new value.

    Raises:
        EddlError: corners outside the images, or in the wrong order.

    Example:
        >>> cutout(torch.tensor([[[[1.0, 2.0, 3.0]]]]), [0, 1], [0, 1], cval=9.0).tolist()
        [[[[1.0, 9.0, 3.0]]]]
    """
    _require_corners(x, from_yx, to_yx, "Tensor::cutout")
    rows, columns = (
        (_line(size, x)[0] >= first) & (_line(size, x)[0] <= last)
        for size, first, last in zip(x.shape[2:], from_yx, to_yx, strict=True)
    )
    return torch.where(rows.unsqueeze(1) & columns, cval, x)


def pad(x: Tensor, padding: Sequence[int], cval: float = 0.0) -> Tensor:
    """Put a margin around images.

    Args:
        x: images [B, C, H, W].
        padding: [top and bottom, left and right], or [top, right, bottom, left], in pixels.
        cval: the value of the margin.

    Raises:
        EddlError: another number of sides, or a negative one.

    Example:
        >>> pad(torch.tensor([[[[1.0]]]]), [0, 1, 0, 2]).tolist()
        [[[[0.0, 0.0, 1.0, 0.0]]]]
    """
    require_images(x, "Tensor::pad")
    top, right, bottom, left = four_sides(padding)
    return functional.pad(x, [left, right, top, bottom], value=cval)


def four_sides(padding: Sequence[int]) -> list[int]:
    """Return a padding as [top, right, bottom, left].

    Raises:
        EddlError: neither two nor four numbers, or a negative one.

    Example:
        >>> four_sides([1, 2])
        [1, 2, 1, 2]
    """
    sides = list(padding) * 2 if len(padding) == 2 else list(padding)
    if len(sides) != 4 or min(sides) < 0:
        allowed = "[top and bottom, left and right] or [top, right, bottom, left], none below zero"
        raise EddlError("Pad", f"padding {list(padding)} does not say the width of each border", allowed=allowed)
    return sides


def _line(size: int, x: Tensor) -> Tensor:
    return torch.arange(size, device=x.device).unsqueeze(0)


def _require_corners(x: Tensor, from_yx: Sequence[int], to_yx: Sequence[int], title: str) -> None:
    require_images(x, title)
    for first, last, size in zip(from_yx, to_yx, x.shape[2:], strict=True):
        if not 0 <= first <= last < size:
            what = f"the rectangle {list(from_yx)} to {list(to_yx)} does not lie in images of {list(x.shape[2:])}"
            allowed = "first and last [row, column], both inside, the last one belongs to the rectangle"
            raise EddlError(title, what, allowed=allowed)
