"""Kernels of Resize and Upsample in all modes; GridSample and AffineGrid."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from deephealth.eddl.onnx.kernels.registry import kernel

__all__: list[str] = []


@kernel("Resize", host=[1, 2, 3])
def _resize(  # noqa: PLR0913 - ONNX's attributes
    x: Tensor,
    roi: list[float] | None = None,
    scales: list[float] | None = None,
    sizes: list[int] | None = None,
    *,
    antialias: int = 0,
    axes: list[int] | None = None,
    coordinate_transformation_mode: str = "half_pixel",
    cubic_coeff_a: float = -0.75,
    exclude_outside: int = 0,
    extrapolation_value: float = 0.0,
    keep_aspect_ratio_policy: str = "stretch",
    mode: str = "nearest",
    nearest_mode: str = "round_prefer_floor",
) -> Tensor:
    along = [axis % x.dim() for axis in axes] if axes is not None else list(range(x.dim()))
    factors, wanted = _targets(x, along, scales or None, sizes or None, keep_aspect_ratio_policy)
    changed = [i for i, axis in enumerate(along) if not _same(x.shape[axis], wanted[i], factors[i])]
    if not changed:
        return x
    style = _Style(coordinate_transformation_mode, mode, nearest_mode, cubic_coeff_a, bool(exclude_outside))
    spatial = [along[i] for i in changed]
    if roi is None and min(spatial) >= 2:
        table = {along[i]: (factors[i], wanted[i]) for i in changed}
        quick = _native(x, table, style, bool(antialias), sizes=bool(sizes))
        if quick is not None:
            return quick
    for i in changed:
        window = None if not roi else (roi[i], roi[i + len(along)])
        x = _resize_axis(x, along[i], int(wanted[i]), float(factors[i]), style, window, extrapolation_value)
    return x


def _same(size: int, wanted: int, factor: float) -> bool:
    return bool(factor == 1.0 and wanted == size)


def _targets(
    x: Tensor, along: list[int], scales: list[float] | None, sizes: list[int] | None, policy: str
) -> tuple[list[float], list[int]]:
    shape = [x.shape[axis] for axis in along]
    if scales is not None:
        return list(scales), [
            math.floor(size * scale) if scale != 1 else size for size, scale in zip(shape, scales, strict=True)
        ]
    wanted = list(sizes or shape)
    if len(wanted) == x.dim():
        wanted[0] = shape[0]  # the batch is never resized
    if policy == "stretch":
        return [1.0 if want is size else want / size for want, size in zip(wanted, shape, strict=True)], wanted
    pick: Callable[[Any], float] = min if policy == "not_larger" else max
    scale = pick(want / size for want, size in zip(wanted, shape, strict=True))
    return [scale] * len(shape), [math.floor(size * scale + 0.5) for size in shape]


class _Style:
    """How coordinates map, and how values are taken there."""

    def __init__(self, coordinates: str, mode: str, nearest: str, cubic_a: float, exclude: bool) -> None:
        self.coordinates, self.mode, self.nearest, self.cubic_a, self.exclude = (
            coordinates,
            mode,
            nearest,
            cubic_a,
            exclude,
        )

    def source(  # noqa: PLR0911 - one per transformation
        self, place: Tensor, size: int, wanted: int, scale: float, window: tuple[float, float] | None
    ) -> Tensor:
        """Return where in the input each output element lies."""
        name = self.coordinates
        if name == "align_corners":
            return place * ((size - 1) / (wanted - 1)) if wanted > 1 else place * 0.0
        if name == "asymmetric":
            return place / scale
        if name == "tf_half_pixel_for_nn":
            return (place + 0.5) / scale
        if name == "pytorch_half_pixel" and wanted == 1:
            return place * 0.0
        if name == "tf_crop_and_resize" and window is not None:
            start, end = window
            step = (end - start) * (size - 1) / (wanted - 1) if wanted > 1 else 0.0
            return start * (size - 1) + place * step if wanted > 1 else place + 0.5 * (start + end) * (size - 1)
        if name == "half_pixel_symmetric":
            centre = size / 2 * (1 - wanted / (scale * size))
            return centre + (place + 0.5) / scale - 0.5
        return (place + 0.5) / scale - 0.5

    def native(self) -> str | None:
        """Return the name under which ``F.interpolate`` does the same, if it does."""
        half = self.coordinates in {"half_pixel", "pytorch_half_pixel"}
        if self.mode == "nearest":
            plain = self.coordinates == "asymmetric" and self.nearest == "floor"
            return "nearest" if plain else None
        if self.mode == "cubic" and (self.cubic_a != -0.75 or self.exclude):
            return None
        return self.mode if half or self.coordinates == "align_corners" else None


_NATIVE = {
    ("nearest", 1): "nearest", ("nearest", 2): "nearest", ("nearest", 3): "nearest",
    ("linear", 1): "linear", ("linear", 2): "bilinear", ("linear", 3): "trilinear", ("cubic", 2): "bicubic",
}  # fmt: skip


def _native(
    x: Tensor, table: dict[int, tuple[float, int]], style: _Style, antialias: bool, *, sizes: bool
) -> Tensor | None:
    """Let torch do it where it does exactly this."""
    rank = x.dim() - 2
    plain = style.native() or (style.mode if antialias else None)
    name = _NATIVE.get((plain or "", rank))
    if name is None:
        return None
    align = style.coordinates == "align_corners" if name != "nearest" else None
    rows = [table.get(axis, (1.0, x.shape[axis])) for axis in range(2, x.dim())]
    if style.coordinates == "pytorch_half_pixel" and any(wanted == 1 for _, wanted in table.values()):
        return None  # the standard takes the first element there, torch the middle
    if sizes or align or antialias:
        target = [wanted for _, wanted in rows]
        return F.interpolate(x, size=target, mode=name, align_corners=align, antialias=antialias)
    factors = [factor for factor, _ in rows]
    return F.interpolate(x, scale_factor=factors, mode=name, align_corners=align, recompute_scale_factor=False)


def _resize_axis(
    x: Tensor, axis: int, wanted: int, scale: float, style: _Style, window: tuple[float, float] | None, outside: float
) -> Tensor:
    size = x.shape[axis]
    place = torch.arange(wanted, dtype=torch.float32, device=x.device)
    at = style.source(place, size, wanted, scale, window)
    if style.mode == "nearest":
        y = x.index_select(axis, _round(at, style.nearest).clamp(0, size - 1).long())
    else:
        taps = _linear_taps(at) if style.mode == "linear" else _cubic_taps(at, style.cubic_a)
        y = _weigh(x, axis, taps, style.exclude)
    if style.coordinates != "tf_crop_and_resize":
        return y
    shape = [1] * x.dim()
    shape[axis] = wanted
    inside = ((at >= 0) & (at <= size - 1)).reshape(shape)
    return torch.where(inside, y, torch.full_like(y, outside))


def _round(at: Tensor, how: str) -> Tensor:
    if how == "floor":
        return torch.floor(at)
    if how == "ceil":
        return torch.ceil(at)
    return torch.floor(at + 0.5) if how == "round_prefer_ceil" else torch.ceil(at - 0.5)


def _linear_taps(at: Tensor) -> list[tuple[Tensor, Tensor]]:
    low = torch.floor(at)
    return [(low, 1 - (at - low)), (low + 1, at - low)]


def _cubic_taps(at: Tensor, a: float) -> list[tuple[Tensor, Tensor]]:
    low = torch.floor(at)
    taps = []
    for offset in range(-1, 3):
        d = (at - low - offset).abs()
        near = ((a + 2) * d - (a + 3)) * d * d + 1
        far = a * (((d - 5) * d + 8) * d - 4)
        taps.append((low + offset, torch.where(d <= 1, near, far)))
    return taps


def _weigh(x: Tensor, axis: int, taps: list[tuple[Tensor, Tensor]], exclude: bool) -> Tensor:
    size = x.shape[axis]
    if exclude:
        kept = [(at, torch.where((at >= 0) & (at < size), weight, 0.0)) for at, weight in taps]
        total = torch.stack([weight for _, weight in kept]).sum(0)
        taps = [(at, weight / total) for at, weight in kept]
    shape = [1] * x.dim()
    shape[axis] = -1
    parts = [x.index_select(axis, at.clamp(0, size - 1).long()) * w.to(x.dtype).reshape(shape) for at, w in taps]
    return torch.stack(parts).sum(0)


@kernel("Upsample", host=[1])
def _upsample(x: Tensor, scales: list[float], *, mode: str = "nearest") -> Tensor:
    how = "linear" if "linear" in mode else mode
    result: Tensor = _resize(
        x, None, scales, None, mode=how, coordinate_transformation_mode="asymmetric", nearest_mode="floor"
    )
    return result


_GRID_MODES = {
    "linear": "bilinear",
    "bilinear": "bilinear",
    "nearest": "nearest",
    "cubic": "bicubic",
    "bicubic": "bicubic",
}


@kernel("GridSample")
def _grid_sample(
    x: Tensor, grid: Tensor, *, align_corners: int = 0, mode: str = "linear", padding_mode: str = "zeros"
) -> Tensor:
    return F.grid_sample(x, grid, _GRID_MODES[mode], padding_mode, bool(align_corners))


@kernel("AffineGrid", host=[1])
def _affine_grid(theta: Tensor, size: list[int], *, align_corners: int = 0) -> Tensor:
    return F.affine_grid(theta, size, bool(align_corners))
