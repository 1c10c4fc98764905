"""The warp in plain torch: any device and dtype, differentiable; the definition that the other versions are held to."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import torch

from deephealth.kernels.warp_map import coordinates, inverse_points

__all__ = ["fade", "fold", "prefilter", "reference"]

_SLAB = 1 << 21  # output voxels at a time: what bounds the memory


def reference(  # noqa: PLR0913 - a kernel's whole contract
    image: torch.Tensor | None,
    label: torch.Tensor | None,
    matrix: torch.Tensor,
    control: torch.Tensor | None,
    shape: Sequence[int],
    *,
    mode: str = "linear",
    padding: str = "constant",
    value: float = 0.0,
    label_value: int = 0,
    inverse: Sequence[int] | None = None,
) -> tuple[torch.Tensor | None, torch.Tensor | None]:
    """Warp in torch; see :func:`deephealth.kernels.warp.warp`.

    Args:
        image: B×C×D×H×W of floats, or ``None``.
        label: B×C×D×H×W of whole numbers, or ``None``.
        matrix: B×3×4, float64.
        control: B×3×d×h×w or ``None``.
        shape: D, H, W that the map's output has (where the control points lie).
        mode: of the image.
        padding: of both.
        value: of the image outside the source.
        label_value: of the label outside the source.
        inverse: D, H, W of the result when the map is to be undone.

    Returns:
        The warped image and label.
    """
    goal = tuple(inverse or shape)
    wide = image
    if image is not None:
        kept = image if image.dtype == torch.float64 else image.float()
        wide = prefilter(kept) if mode == "cubic" else kept
    depth = max(1, _SLAB // max(1, goal[1] * goal[2] * len(matrix)))
    images, labels = [], []
    for first in range(0, max(goal[0], 1), depth):
        slab = (first, min(first + depth, goal[0]))
        where = _places(matrix, control, shape, goal, slab) if inverse else coordinates(matrix, control, shape, slab)
        if image is not None and wide is not None:
            size = tuple(image.shape[2:])
            found = _interpolate(wide, size, where, mode, padding, value)
            images.append(found.to(image.dtype))
        if label is not None:
            labels.append(_nearest(label, where, padding, label_value))
    return (torch.cat(images, 2) if images else None), (torch.cat(labels, 2) if labels else None)


def _places(
    matrix: torch.Tensor,
    control: torch.Tensor | None,
    shape: Sequence[int],
    goal: Sequence[int],
    slab: tuple[int, int],
) -> torch.Tensor:
    identity = torch.eye(3, 4, dtype=torch.float64, device=matrix.device)[None]
    grid = coordinates(identity, None, goal, slab)
    points = grid.flatten(2).transpose(1, 2).expand(len(matrix), -1, -1)
    found, _ = inverse_points(points, matrix, control, shape)
    return found.transpose(1, 2).reshape(len(matrix), 3, *grid.shape[2:])


def fold(where: torch.Tensor, size: int, padding: str) -> torch.Tensor:
    """Return coordinates of an axis inside [0, size - 1]: reflected about the centres of the outer voxels, or held."""
    if padding == "reflection" and size > 1:
        period = 2.0 * (size - 1)
        where = where - period * (where / period).floor()
        where = torch.minimum(where, period - where)
    return where.clamp(0, size - 1)


def fade(where: torch.Tensor, size: int) -> torch.Tensor:
    """Return how much of the source is left at coordinates of an axis: 1 inside, 0 from one voxel outside on."""
    return (1 - torch.relu(-where) - torch.relu(where - (size - 1))).clamp(min=0)


@lru_cache(maxsize=32)
def _coefficients(size: int) -> torch.Tensor:
    if size == 1:
        return torch.ones(4, 1, dtype=torch.float64)
    at = torch.arange(size)
    spline = torch.zeros(size, size, dtype=torch.float64)
    for shift, weight in ((-1, 1 / 6), (0, 4 / 6), (1, 1 / 6)):
        mirrored = (size - 1) - ((size - 1) - (at + shift).abs()).abs()
        spline.index_put_((at, mirrored), torch.tensor(weight, dtype=torch.float64), accumulate=True)
    solved = torch.linalg.inv(spline)
    solved[solved.abs() < 1e-12] = 0  # their products would be denormal numbers of float32, which are slow
    return torch.cat([solved[1:2], solved, solved[-2:-1]])


def prefilter(volume: torch.Tensor) -> torch.Tensor:
    """Return the coefficients of the cubic B-spline that goes through the voxels, mirrored by one voxel on each side.

    Args:
        volume: B×C×D×H×W.

    Returns:
        B×C×(D+2)×(H+2)×(W+2); an axis of one voxel becomes four.
    """
    batch, channels, depth, height, width = volume.shape
    z, y, x = (_coefficients(size).to(volume) for size in (depth, height, width))
    along_d = (z @ volume.reshape(batch, channels, depth, -1)).reshape(batch, channels, -1, height, width)
    return y @ along_d @ x.T


def _taps(mode: str, f: torch.Tensor) -> list[torch.Tensor]:
    if mode == "linear":
        return [1 - f, f]
    g = 1 - f
    return [g**3 / 6, (3 * f**3 - 6 * f**2 + 4) / 6, (3 * g**3 - 6 * g**2 + 4) / 6, f**3 / 6]


def _interpolate(
    volume: torch.Tensor, size: tuple[int, ...], where: torch.Tensor, mode: str, padding: str, value: float
) -> torch.Tensor:
    if mode == "nearest":
        return _nearest(volume, where, padding, value)
    first, weights = [], []
    for axis in range(3):
        held = fold(where[:, axis], size[axis], padding)
        low = held.floor().clamp(max=max(size[axis] - 2, 0))
        weights.append([tap.to(volume.dtype).unsqueeze(1) for tap in _taps(mode, held - low)])
        first.append(low.long())
    last = [length - 1 for length in volume.shape[2:]]
    found: torch.Tensor | None = None
    for z, wz in enumerate(weights[0]):
        for y, wy in enumerate(weights[1]):
            for x, wx in enumerate(weights[2]):
                taps = [(low + step).clamp(max=end) for low, step, end in zip(first, (z, y, x), last, strict=True)]
                part = _take(volume, *taps) * (wz * wy * wx)
                found = part if found is None else found + part
    assert found is not None  # noqa: S101 - there are always taps
    if padding != "constant":
        return found
    left = fade(where[:, 0], size[0]) * fade(where[:, 1], size[1]) * fade(where[:, 2], size[2])
    left = left.to(volume.dtype).unsqueeze(1)
    return torch.where(left > 0, value + left * (found - value), torch.full_like(found, value))


def _nearest(volume: torch.Tensor, where: torch.Tensor, padding: str, value: float) -> torch.Tensor:
    size = volume.shape[2:]
    near = []
    inside = torch.ones_like(where[:, 0], dtype=torch.bool)  # or at most half a voxel outside
    for axis in range(3):
        inside &= (where[:, axis] >= -0.5) & (where[:, axis] <= size[axis] - 0.5)
        held = fold(where[:, axis], size[axis], padding)
        near.append((held + 0.5).floor().clamp(max=size[axis] - 1).long())
    found = _take(volume, *near)
    if padding != "constant":
        return found
    return torch.where(inside.unsqueeze(1), found, torch.full_like(found, value))


def _take(volume: torch.Tensor, z: torch.Tensor, y: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    batch, channels, depth, height, width = volume.shape
    flat = ((z * height + y) * width + x).flatten(1).unsqueeze(1).expand(-1, channels, -1)
    return (
        volume.reshape(batch, channels, depth * height * width).gather(2, flat).reshape(batch, channels, *z.shape[1:])
    )
