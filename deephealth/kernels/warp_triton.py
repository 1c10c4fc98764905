"""The warp for accelerators, in Triton: one program per block of output voxels; the grid never exists in memory.

The spline is expanded along D beforehand (as many planes of control points as output slices: under 1 % of a volume);
along H and W each voxel evaluates it from control points that stay in the first-level cache. Displacements are float32,
positions float64.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from deephealth.kernels.compilers import tl, triton
from deephealth.kernels.warp_map import spline_matrix
from deephealth.kernels.warp_reference import prefilter

__all__ = ["warp_triton"]

_BLOCK = 512
_WORDS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
_PADDINGS = ("constant", "border", "reflection")


def warp_triton(  # noqa: PLR0913 - a kernel's whole contract
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
    inverse: None = None,
) -> tuple[torch.Tensor | None, torch.Tensor | None]:
    """Warp by Triton; arguments as in :func:`deephealth.kernels.warp_reference.reference`, without ``inverse``."""
    place = _planes(matrix, control, shape)
    if image is not None and mode == "nearest":
        return (
            _launch(None, image, matrix, place, shape, "linear", padding, 0.0, value)[1],
            None
            if label is None
            else _launch(None, label, matrix, place, shape, "linear", padding, 0.0, label_value)[1],
        )
    return _launch(image, label, matrix, place, shape, mode, padding, value, label_value)


def _planes(matrix: torch.Tensor, control: torch.Tensor | None, shape: Sequence[int]) -> torch.Tensor | None:
    if control is None:
        return None
    depth = spline_matrix(shape[0], control.shape[2], matrix.device)
    return torch.einsum("bcijk,zi->bzcjk", control.double(), depth).float().contiguous()


def _launch(
    image: torch.Tensor | None,
    label: torch.Tensor | None,
    matrix: torch.Tensor,
    planes: torch.Tensor | None,
    shape: Sequence[int],
    mode: str,
    padding: str,
    value: float,
    fill: float,
) -> tuple[torch.Tensor | None, torch.Tensor | None]:
    volume = next(tensor for tensor in (image, label) if tensor is not None)
    device, count = volume.device, shape[0] * shape[1] * shape[2]
    nothing = torch.zeros(1, device=device)
    source, found = nothing, nothing
    if image is not None:
        source = prefilter(image.float()) if mode == "cubic" else image.float()
        found = torch.empty(*image.shape[:2], *shape, device=device)
    words, near = nothing.int(), nothing.int()
    word = torch.int32
    if label is not None:
        word = _WORDS[label.element_size()]
        words, near = label.view(word), torch.empty(*label.shape[:2], *shape, dtype=word, device=device)
    filling = torch.tensor([0 if label is None else fill], dtype=word if label is None else label.dtype, device=device)
    strides = [step for tensor in (source, words) for step in (tensor.stride() if tensor.ndim == 5 else (0,) * 5)]
    points = planes.shape[3:] if planes is not None else (4, 4)
    numbers = torch.tensor([*volume.shape[2:], *shape, *points, *strides], device=device)
    with torch.cuda.device_of(volume):  # of several accelerators, the one that holds the volume; nothing on a processor
        _kernel[(triton.cdiv(count, _BLOCK), len(volume))](
            source, found, words, near, matrix.contiguous(), planes if planes is not None else nothing,
            filling.view(word), numbers, float(value),
            image.shape[1] if image is not None else 0, label.shape[1] if label is not None else 0,
            planes is not None, mode == "cubic", _PADDINGS.index(padding), _BLOCK,
        )  # fmt: skip
    return (None if image is None else found), (None if label is None else near.view(label.dtype))


@triton.jit
def _cell(c, size, PADDING: tl.constexpr):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, N803
    """Return the cell of a position, where in it, and how far outside the source it lies."""
    end = (size - 1).to(tl.float64)
    over = tl.zeros_like(c).to(tl.float32)
    if PADDING == 0:
        over = tl.maximum(tl.maximum(-c, c - end), 0.0).to(tl.float32)
    if PADDING == 2:
        period = tl.maximum(2.0 * end, 1.0)
        c = c - period * tl.floor(c / period)
        c = tl.minimum(c, 2.0 * end - c)
    c = tl.minimum(tl.maximum(c, 0.0), end)
    low = tl.minimum(tl.floor(c), tl.maximum(end - 1.0, 0.0))
    return low.to(tl.int64), (c - low).to(tl.float32), over


@triton.jit
def _weight(f, K: tl.constexpr):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, N803
    """Return the weight of one of the four taps of a cubic B-spline."""
    g = 1.0 - f
    if K == 0:
        w = g * g * g
    elif K == 1:
        w = (3.0 * f - 6.0) * f * f + 4.0
    elif K == 2:
        w = (3.0 * g - 6.0) * g * g + 4.0
    else:
        w = f * f * f
    return w / 6.0


@triton.jit
def _spline(at, size, points):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    t = (at * (points - 3)).to(tl.float32) / tl.maximum(size - 1, 1).to(tl.float32)
    first = tl.minimum(tl.floor(t), (points - 4).to(tl.float32))
    return first.to(tl.int64), t - first


@triton.jit
def _moves(planes, numbers, b, z, y, x, held, BLOCK: tl.constexpr):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, N803
    """Return the displacements of a block's voxels, in source voxels along D, H, W."""
    gd, gh, gw = tl.load(numbers + 3), tl.load(numbers + 4), tl.load(numbers + 5)
    ph, pw = tl.load(numbers + 6), tl.load(numbers + 7)
    py, ty = _spline(y, gh, ph)
    px, tx = _spline(x, gw, pw)
    uz = tl.zeros([BLOCK], tl.float32)
    uy = tl.zeros([BLOCK], tl.float32)
    ux = tl.zeros([BLOCK], tl.float32)
    x0, x1, x2, x3 = _weight(tx, 0), _weight(tx, 1), _weight(tx, 2), _weight(tx, 3)
    plane = planes + ((b * gd + z) * 3 * ph + py) * pw + px
    for dy in tl.static_range(4):
        w, tap = _weight(ty, dy), plane + dy * pw
        w0, w1, w2, w3 = w * x0, w * x1, w * x2, w * x3
        uz += w0 * tl.load(tap, held) + w1 * tl.load(tap + 1, held)
        uz += w2 * tl.load(tap + 2, held) + w3 * tl.load(tap + 3, held)
        tap += ph * pw
        uy += w0 * tl.load(tap, held) + w1 * tl.load(tap + 1, held)
        uy += w2 * tl.load(tap + 2, held) + w3 * tl.load(tap + 3, held)
        tap += ph * pw
        ux += w0 * tl.load(tap, held) + w1 * tl.load(tap + 1, held)
        ux += w2 * tl.load(tap + 2, held) + w3 * tl.load(tap + 3, held)
    return uz, uy, ux


@triton.jit
def _kernel(  # type: ignore[no-untyped-def]  # noqa: ANN202, PLR0913
    source, found, words, near, matrix, planes, filling, numbers, value,  # noqa: ANN001
    CHANNELS: tl.constexpr, LABELS: tl.constexpr, SPLINE: tl.constexpr, CUBIC: tl.constexpr,  # noqa: N803
    PADDING: tl.constexpr, BLOCK: tl.constexpr,  # noqa: N803
):  # fmt: skip
    sd, sh, sw = tl.load(numbers), tl.load(numbers + 1), tl.load(numbers + 2)
    gd, gh, gw = tl.load(numbers + 3), tl.load(numbers + 4), tl.load(numbers + 5)
    b = tl.program_id(1).to(tl.int64)
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK).to(tl.int64)
    count = gd * gh * gw
    held = at < count
    z, y, x = at // (gh * gw), (at // gw) % gh, at % gw
    m = matrix + b * 12
    zd, yd, xd = z.to(tl.float64), y.to(tl.float64), x.to(tl.float64)
    cz = tl.load(m) * zd + tl.load(m + 1) * yd + tl.load(m + 2) * xd + tl.load(m + 3)
    cy = tl.load(m + 4) * zd + tl.load(m + 5) * yd + tl.load(m + 6) * xd + tl.load(m + 7)
    cx = tl.load(m + 8) * zd + tl.load(m + 9) * yd + tl.load(m + 10) * xd + tl.load(m + 11)
    if SPLINE:
        uz, uy, ux = _moves(planes, numbers, b, z, y, x, held, BLOCK)
        cz, cy, cx = cz + uz.to(tl.float64), cy + uy.to(tl.float64), cx + ux.to(tl.float64)
    iz, fz, oz = _cell(cz, sd, PADDING)
    iy, fy, oy = _cell(cy, sh, PADDING)
    ix, fx, ox = _cell(cx, sw, PADDING)
    left = tl.maximum(1.0 - oz, 0.0) * tl.maximum(1.0 - oy, 0.0) * tl.maximum(1.0 - ox, 0.0)
    kept = held & (left > 0)
    for channel in range(CHANNELS):
        s = numbers + 8
        step_z, step_y, step_x = tl.load(s + 2), tl.load(s + 3), tl.load(s + 4)
        origin = source + b * tl.load(s) + channel * tl.load(s + 1)
        total = tl.zeros([BLOCK], tl.float32)
        if CUBIC:  # its volume has a voxel more in front and behind
            x0, x1, x2, x3 = _weight(fx, 0), _weight(fx, 1), _weight(fx, 2), _weight(fx, 3)
            for dz in tl.static_range(4):
                wz = _weight(fz, dz)
                for dy in tl.static_range(4):
                    line = origin + (iz + dz) * step_z + (iy + dy) * step_y + ix * step_x
                    got = x0 * tl.load(line, kept, 0.0) + x1 * tl.load(line + step_x, kept, 0.0)
                    got += x2 * tl.load(line + 2 * step_x, kept, 0.0) + x3 * tl.load(line + 3 * step_x, kept, 0.0)
                    total += wz * _weight(fy, dy) * got
        else:
            after = tl.minimum(ix + 1, sw - 1) * step_x
            for dz in tl.static_range(2):
                wz = fz if dz else 1.0 - fz
                plane_at = origin + tl.minimum(iz + dz, sd - 1) * step_z
                for dy in tl.static_range(2):
                    w = wz * (fy if dy else 1.0 - fy)
                    line = plane_at + tl.minimum(iy + dy, sh - 1) * step_y
                    first, last = tl.load(line + ix * step_x, kept, 0.0), tl.load(line + after, kept, 0.0)
                    total += w * (first + fx * (last - first))
        total = tl.where(left > 0, value + left * (total - value), value)
        tl.store(found + (b * CHANNELS + channel) * count + at, total, held)
    if LABELS > 0:
        s = numbers + 13
        o = (iz + (fz >= 0.5).to(tl.int64)) * tl.load(s + 2) + (iy + (fy >= 0.5).to(tl.int64)) * tl.load(s + 3)
        o += (ix + (fx >= 0.5).to(tl.int64)) * tl.load(s + 4)
        inside = tl.maximum(tl.maximum(oz, oy), ox) <= 0.5
        for channel in range(LABELS):
            origin = words + b * tl.load(s) + channel * tl.load(s + 1)
            got = tl.load(origin + o, held, 0)
            tl.store(near + (b * LABELS + channel) * count + at, tl.where(inside, got, tl.load(filling)), held)
