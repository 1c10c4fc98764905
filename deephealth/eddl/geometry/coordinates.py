"""The original's index arithmetic: from a pixel of the result to a whole-number coordinate of the source.

The original computes in single precision and cuts towards zero. Here every step is computed in double precision and
rounded to single, which gives the same numbers on every device and in compiled graphs.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

__all__ = ["resize_coordinates", "rotation_coordinates", "truncated_product"]


def _single(x: Tensor) -> Tensor:
    """Round to single precision, keep computing in double."""
    return x.to(torch.float32).to(torch.float64)


def truncated_product(size: int, factor: Tensor) -> Tensor:
    """Return ``int(size * factor)`` for float32 factors, cut towards zero.

    Example:
        >>> truncated_product(9, torch.tensor([0.5, -0.5])).tolist()
        [4, -4]
    """
    return (size * factor).to(torch.int64)


def resize_coordinates(length: int, new: Tensor, out: int, mode: str) -> Tensor:
    """Source coordinates along one axis that is resized, and then cropped or padded about its centre.

    Args:
        length: length of the source axis.
        new: int64 [n], length that the source is resized to (one per sample, or a single one).
        out: length of the result; it shows the centre of the resized axis.
        mode: coordinate transformation mode.

    Returns:
        int64 [n, out]; outside [0, length) where the result is longer than the resized axis.

    Example:
        >>> resize_coordinates(4, torch.tensor([8]), 8, "asymmetric").tolist()
        [[0, 0, 1, 1, 2, 2, 3, 3]]
    """
    size = new.to(torch.float64).unsqueeze(1)
    place = torch.arange(out, device=new.device, dtype=torch.float64) + ((size - out) / 2).trunc()
    if mode == "asymmetric":
        return _single(place / _single(size / length)).to(torch.int64)
    single_pixel = place * length  # a result of one pixel shows the first of the source; its neighbours lie outside
    if mode == "half_pixel":
        return _half_pixel(place, _single(size / length)).to(torch.int64)
    if mode == "pytorch_half_pixel":
        source = _half_pixel(place, _single(size / length))
    else:
        source = _single(place / _single((size - 1) / (length - 1)) if length > 1 else place * 0)
        if mode == "tf_crop_and_resize":
            single_pixel = single_pixel + (length - 1) / 2
    return torch.where(size > 1, source, single_pixel).to(torch.int64)


def _half_pixel(place: Tensor, scale: Tensor) -> Tensor:
    return _single(_single((place + 0.5) / scale) - 0.5)


def rotation_coordinates(height: int, width: int, angle: Tensor, offset: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Source coordinates of images that are rotated about a pixel.

    Args:
        height: rows of the image.
        width: columns of the image.
        angle: degrees, [n].
        offset: rows and columns from the middle of the image to the centre of rotation.

    Returns:
        Rows and columns, int64 [n, height, width].

    Example:
        >>> rotation_coordinates(1, 3, torch.tensor([180.0]), (0, 0))[1].tolist()
        [[[2, 1, 0]]]
    """
    turn = _single(-_single(angle) * math.pi / 180.0).reshape(-1, 1, 1)
    sine, cosine = _single(turn.sin()), _single(turn.cos())
    centre = (height // 2 + offset[0], width // 2 + offset[1])
    row = (torch.arange(height, device=angle.device, dtype=torch.float64) - centre[0]).unsqueeze(1)
    column = torch.arange(width, device=angle.device, dtype=torch.float64) - centre[1]
    rows = _single(_single(sine * column) + _single(cosine * row)) + centre[0]
    columns = _single(_single(cosine * column) - _single(sine * row)) + centre[1]
    return _single(rows).to(torch.int64), _single(columns).to(torch.int64)
