"""A volume as a coarser scanner would have shown it: fewer voxels by nearest neighbour, then linear up again, at once.

Contract
    ``image``: C×D×H×W of float32 (float16, bfloat16 are computed in float32, float64 by the reference), any strides;
    ``size``: the coarse grid, 1 to the size of the volume on each axis. Equal to torch's ``interpolate`` with
    ``nearest-exact`` and then ``trilinear`` to 1e-6 of the largest value. The coarse volume is never written: bytes
    moved are 4 per coarse voxel read and 4 written per voxel. On an accelerator: the two calls of torch.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn import functional

from deephealth.core.errors import DataError
from deephealth.kernels.compilers import compiled, on_cores, version_for

__all__ = ["low_resolution", "reference"]

_GRAIN = 32  # planes per stretch


def low_resolution(image: torch.Tensor, size: Sequence[int]) -> torch.Tensor:
    """Return the image, taken at fewer places and interpolated between them.

    Args:
        image: C×D×H×W of floats.
        size: places along D, H and W.

    Raises:
        DataError: the image is not C×D×H×W of floats, or the size is not between 1 and that of the image.

    Example:
        >>> low_resolution(torch.arange(6.0).view(1, 1, 1, 6), (1, 1, 3)).flatten().tolist()
        [1.0, 1.5, 2.5, 3.5, 4.5, 5.0]
    """
    if image.ndim != 4 or not image.is_floating_point():
        raise DataError(f"the image is {image.dtype} of shape {tuple(image.shape)}", allowed="floats, C×D×H×W")
    if image.numel() == 0:
        return image.clone()
    if len(size) != 3 or any(not 1 <= few <= many for few, many in zip(size, image.shape[1:], strict=True)):
        raise DataError(f"the coarse size is {tuple(size)}", allowed=f"1 to {tuple(image.shape[1:])} on each axis")
    if version_for(image) != "compiled" or image.dtype == torch.float64 or image.requires_grad:
        return reference(image, size)
    source = image.float().contiguous().numpy()
    out = torch.empty(image.shape)
    tables = [_places(few, many) for few, many in zip(size, image.shape[1:], strict=True)]
    for channel in range(len(source)):
        pair = source[channel], out[channel].numpy()
        on_cores(lambda first, last, pair=pair: _planes(*pair, first, last, *tables), image.shape[1], _GRAIN)  # type: ignore[misc]
    return out.to(image.dtype)


def reference(image: torch.Tensor, size: Sequence[int]) -> torch.Tensor:
    """Return the same by two interpolations of torch; differentiable."""
    found = image[None] if image.dtype == torch.float64 else image[None].float()
    coarse = functional.interpolate(found, tuple(size), mode="nearest-exact")
    return functional.interpolate(coarse, image.shape[1:], mode="trilinear")[0].to(image.dtype)


def _places(few: int, many: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return, for each voxel of an axis, which two voxels it is interpolated from, and the weight of the second."""
    scale = np.float32(many) / np.float32(few)
    taken = np.minimum(np.floor((np.arange(few, dtype=np.float32) + np.float32(0.5)) * scale), many - 1).astype(
        np.int64
    )
    back = np.float32(few) / np.float32(many)
    place = np.maximum((np.arange(many, dtype=np.float32) + np.float32(0.5)) * back - np.float32(0.5), np.float32(0))
    low = np.minimum(place.astype(np.int64), few - 1)
    return taken[low], taken[np.minimum(low + 1, few - 1)], (place - low).astype(np.float32)


@compiled
def _planes(source, target, first, last, along_d, along_h, along_w):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    (low_d, high_d, part_d), (low_h, high_h, part_h) = along_d, along_h
    _, height, width = source.shape
    held = np.empty((2, height, width), np.float32)  # two coarse planes, interpolated along W; rows in use only
    one, two, plane_one, plane_two = 0, 1, -1, -1  # where they are held, and which they are
    lines = np.empty((2, width), np.float32)
    for plane in range(first, last):
        before, after = low_d[plane], high_d[plane]
        if plane_one != before:
            one, two, plane_one, plane_two = two, one, plane_two, plane_one
        if plane_one != before:
            _widened(source[before], held[one], along_h, along_w)
            plane_one = before
        if plane_two != after:
            _widened(source[after], held[two], along_h, along_w)
            plane_two = after
        line_one = line_two = -1
        for row in range(height):
            above, below = low_h[row], high_h[row]
            if line_one != above:
                _mixed(held[one, above], held[two, above], part_d[plane], lines[0])
                line_one = above
            if line_two != below:
                _mixed(held[one, below], held[two, below], part_d[plane], lines[1])
                line_two = below
            _mixed(lines[0], lines[1], part_h[row], target[plane, row])


@compiled
def _widened(plane, out, along_h, along_w):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Interpolate along W the rows of a plane that are in use, each at its own place."""
    (low_h, high_h, _), (low_w, high_w, part_w) = along_h, along_w
    done = -1
    for row in range(low_h.size):
        for used in (low_h[row], high_h[row]):
            if used > done:
                values, line = plane[used], out[used]
                for at in range(line.size):
                    left = values[low_w[at]]
                    line[at] = left + (values[high_w[at]] - left) * part_w[at]
                done = used


@compiled
def _mixed(first, second, part, out):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    rest = np.float32(1) - part
    for at in range(out.size):
        out[at] = first[at] * rest + second[at] * part
