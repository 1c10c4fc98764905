"""Random geometric transformations: every sample of the batch draws its own, as in the original.

Draws come from torch's global generator on the tensor's device unless a generator is given, so ``torch.manual_seed``
repeats them. Ranges and roundings are the original's.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from deephealth.eddl.errors import EddlError
from deephealth.eddl.geometry.coordinates import resize_coordinates, rotation_coordinates, truncated_product
from deephealth.eddl.geometry.fixed import require_images
from deephealth.eddl.geometry.sampling import pick, pick_dense

__all__ = [
    "crop_random",
    "crop_scale_random",
    "cutout_random",
    "flip_random",
    "rotate_random",
    "scale_random",
    "shift_random",
]

Range = Sequence[float]


def shift_random(
    x: Tensor,
    factor_x: Range,
    factor_y: Range,
    *,
    wrap: str = "constant",
    cval: float = 0.0,
    generator: Generator | None = None,
) -> Tensor:
    """Move each image by a random part of its size.

    Args:
        x: images [B, C, H, W].
        factor_x: least and greatest shift to the right, as a part of the width, in [-1, 1].
        factor_y: least and greatest shift down, as a part of the height, in [-1, 1].
        wrap: wrapping mode for what comes in at the border.
        cval: its value, for ``"constant"``.
        generator: draws from it instead of torch's global one.

    Raises:
        EddlError: a factor out of range.

    Example:
        >>> shift_random(torch.tensor([[[[1.0, 2.0]]]]), [0.5, 0.5], [0.0, 0.0]).tolist()
        [[[[0.0, 1.0]]]]
    """
    require_images(x, "Tensor::shift_random")
    _require_range("Tensor::shift_random", (*factor_x, *factor_y), -1.0, 1.0)
    steps = [
        truncated_product(size, _uniform(x, factor, generator))
        for size, factor in zip(x.shape[2:], (factor_y, factor_x), strict=True)
    ]
    return pick(x, _from(x, [-step for step in steps], x.shape[2:]), wrap, cval)


def rotate_random(
    x: Tensor,
    factor: Range,
    *,
    center: Sequence[int] = (0, 0),
    wrap: str = "constant",
    cval: float = 0.0,
    generator: Generator | None = None,
) -> Tensor:
    """Turn each image by a random angle.

    Args:
        x: images [B, C, H, W].
        factor: least and greatest angle in degrees.
        center: rows and columns from the middle to the centre of rotation.
        wrap: wrapping mode for pixels that come from outside.
        cval: their value, for ``"constant"``.
        generator: draws from it instead of torch's global one.

    Example:
        >>> rotate_random(torch.ones(2, 1, 3, 3), [-30.0, 30.0], wrap="nearest").sum().item()
        18.0
    """
    require_images(x, "Tensor::rotate_random")
    angle = _uniform(x, factor, generator).to(torch.float64)
    rows, columns = rotation_coordinates(x.shape[2], x.shape[3], angle, (center[0], center[1]))
    return pick_dense(x, rows, columns, wrap, cval)


def scale_random(
    x: Tensor,
    factor: Range,
    *,
    wrap: str = "constant",
    cval: float = 0.0,
    coordinate: str = "asymmetric",
    generator: Generator | None = None,
) -> Tensor:
    """Zoom each image by a random factor about its middle, keeping the size.

    Args:
        x: images [B, C, H, W].
        factor: least and greatest factor; below one leaves a margin.
        wrap: wrapping mode for the margin.
        cval: its value, for ``"constant"``.
        coordinate: coordinate transformation mode.
        generator: draws from it instead of torch's global one.

    Raises:
        EddlError: a negative factor.

    Example:
        >>> scale_random(torch.ones(1, 1, 1, 4), [0.5, 0.5]).tolist()
        [[[[0.0, 1.0, 1.0, 0.0]]]]
    """
    require_images(x, "Tensor::scale_random")
    _require_range("Tensor::scale_random", factor, 0.0, float("inf"))
    zoom = _uniform(x, factor, generator)
    places = [
        resize_coordinates(size, truncated_product(size, zoom).clamp(min=1), size, coordinate) for size in x.shape[2:]
    ]
    return pick(x, places, wrap, cval)


def flip_random(x: Tensor, axis: int, *, generator: Generator | None = None) -> Tensor:
    """Reverse the rows (axis 0) or columns (axis 1) of about half of the images.

    Args:
        x: images [B, C, H, W].
        axis: 0 or 1.
        generator: draws from it instead of torch's global one.

    Raises:
        EddlError: another axis.

    Example:
        >>> flip_random(torch.ones(2, 1, 2, 2), 0).shape
        torch.Size([2, 1, 2, 2])
    """
    require_images(x, "Tensor::flip_random")
    if axis not in (0, 1):
        raise EddlError("Tensor::flip_random", f"axis {axis} is not one of an image", allowed="0 (rows) or 1 (columns)")
    chosen = _uniform(x, (0.0, 1.0), generator) >= 0.5
    return torch.where(chosen.view(-1, 1, 1, 1), x.flip(axis + 2), x)


def crop_random(
    x: Tensor,
    height: int,
    width: int,
    *,
    cval: float = 0.0,
    keep_size: bool = False,
    generator: Generator | None = None,
) -> Tensor:
    """Cut a rectangle of a given size out of each image, at a random place.

    Args:
        x: images [B, C, H, W].
        height: rows of the rectangle.
        width: columns of the rectangle.
        cval: the value around it, when ``keep_size``.
        keep_size: keep the rectangle in place and the images' size.
        generator: draws from it instead of torch's global one.

    Raises:
        EddlError: a rectangle larger than the images.

    Example:
        >>> crop_random(torch.ones(2, 3, 8, 8), 4, 5).shape
        torch.Size([2, 3, 4, 5])
    """
    require_images(x, "Tensor::crop_random")
    wanted = (height, width)
    if not all(0 < part <= size for part, size in zip(wanted, x.shape[2:], strict=True)):
        what = f"cannot cut {list(wanted)} out of images of {list(x.shape[2:])}"
        raise EddlError("Tensor::crop_random", what, allowed="between 1 and the image's size")
    corner = [_corner(x, size - part, generator) for size, part in zip(x.shape[2:], wanted, strict=True)]
    if keep_size:
        ends = [first + part - 1 for first, part in zip(corner, wanted, strict=True)]
        return torch.where(_rectangle(x, corner, ends), x, cval)
    return pick(x, _from(x, corner, wanted), "nearest", cval)


def crop_scale_random(
    x: Tensor, factor: Range, *, wrap: str = "constant", cval: float = 0.0, generator: Generator | None = None
) -> Tensor:
    """Cut a random rectangle out of each image and enlarge it to the image's size.

    Args:
        x: images [B, C, H, W].
        factor: least and greatest part of the height and width, in [0, 1].
        wrap: accepted as in the original; no pixel comes from outside.
        cval: likewise.
        generator: draws from it instead of torch's global one.

    Raises:
        EddlError: a factor out of range.

    Example:
        >>> crop_scale_random(torch.ones(1, 1, 1, 3), [1.0, 1.0]).tolist()
        [[[[1.0, 1.0, 1.0]]]]
    """
    require_images(x, "Tensor::crop_scale_random")
    _require_range("Tensor::crop_scale_random", factor, 0.0, 1.0)
    zoom = _uniform(x, factor, generator)
    parts = [truncated_product(size, zoom) for size in x.shape[2:]]
    places = []
    for size, part in zip(x.shape[2:], parts, strict=True):
        first = _corner(x, size - part, generator).unsqueeze(1)
        places.append(torch.arange(size, device=x.device) * (part.unsqueeze(1) + 1) // size + first)
    return pick(x, places, "nearest", cval)


def cutout_random(
    x: Tensor, factor_x: Range, factor_y: Range, *, cval: float = 0.0, generator: Generator | None = None
) -> Tensor:
    """Paint a random rectangle of each image over.

    Args:
        x: images [B, C, H, W].
        factor_x: least and greatest part of the width, in [0, 1].
        factor_y: least and greatest part of the height, in [0, 1].
        cval: the value painted.
        generator: draws from it instead of torch's global one.

    Raises:
        EddlError: a factor out of range.

    Example:
        >>> cutout_random(torch.ones(1, 1, 1, 2), [1.0, 1.0], [1.0, 1.0]).tolist()
        [[[[0.0, 0.0]]]]
    """
    require_images(x, "Tensor::cutout_random")
    _require_range("Tensor::cutout_random", (*factor_x, *factor_y), 0.0, 1.0)
    parts = [
        truncated_product(size, _uniform(x, factor, generator))
        for size, factor in zip(x.shape[2:], (factor_y, factor_x), strict=True)
    ]
    corner = [_corner(x, size - part, generator) for size, part in zip(x.shape[2:], parts, strict=True)]
    ends = [first + part for first, part in zip(corner, parts, strict=True)]
    return torch.where(_rectangle(x, corner, ends), cval, x)


def _uniform(x: Tensor, limits: Range, generator: Generator | None) -> Tensor:
    """Draw one number per sample between two limits."""
    low, high = limits
    return torch.rand(x.shape[0], device=x.device, generator=generator) * (high - low) + low


def _corner(x: Tensor, room: int | Tensor, generator: Generator | None) -> Tensor:
    """Draw the first row or column of a rectangle that can move by ``room`` pixels."""
    return (_uniform(x, (0.0, 1.0), generator) * room).to(torch.int64)


def _from(x: Tensor, first: Sequence[Tensor], sizes: Sequence[int]) -> list[Tensor]:
    return [start.unsqueeze(1) + torch.arange(size, device=x.device) for start, size in zip(first, sizes, strict=True)]


def _rectangle(x: Tensor, first: Sequence[Tensor], last: Sequence[Tensor]) -> Tensor:
    """Return a mask [B, 1, H, W] that is true from ``first`` to ``last`` [row, column] of each sample."""
    rows, columns = (
        (line >= start.unsqueeze(1)) & (line <= end.unsqueeze(1))
        for line, start, end in zip(
            (torch.arange(size, device=x.device) for size in x.shape[2:]), first, last, strict=True
        )
    )
    return (rows.unsqueeze(2) & columns.unsqueeze(1)).unsqueeze(1)


def _require_range(title: str, factors: Sequence[float], low: float, high: float) -> None:
    if not all(low <= factor <= high for factor in factors):
        raise EddlError(title, f"factors {list(factors)} are out of range", allowed=f"between {low} and {high}")
