"""The warp compiled for processors: rows of the output, in stretches whose coordinates stay in the second-level cache.

A stretch is done in three steps: the source positions of its voxels (float64; the spline is evaluated along D and H
once per row, then along W), their cells and weights (shared by image and label), and the values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from deephealth.kernels.compilers import compiled, inlined, on_cores
from deephealth.kernels.warp_inverse import inverse_rows
from deephealth.kernels.warp_map import spline_matrix, spline_place
from deephealth.kernels.warp_reference import prefilter

__all__ = ["warp_compiled"]

_STRETCH = 8192  # voxels: 60 bytes each fit the second-level cache
_WORDS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
_SIXTH = np.float32(1 / 6)
_ZERO, _HALF, _ONE = np.float32(0), np.float32(0.5), np.float32(1)
_THREE, _FOUR, _SIX = np.float32(3), np.float32(4), np.float32(6)


def warp_compiled(  # noqa: PLR0913 - a kernel's whole contract
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
    """Warp tensors in main memory; arguments as in :func:`deephealth.kernels.warp_reference.reference`."""
    size = next(tensor for tensor in (image, label) if tensor is not None).shape[2:]
    goal = tuple(inverse or shape)
    place = _undoing(matrix, control, shape, goal) if inverse else _placing(matrix, control, goal)
    constant = padding == "constant"
    tasks: list[Callable[..., None]] = []
    images = labels = None
    if image is not None and mode == "nearest":
        images, task = _nearest(image, goal, value, constant)
        tasks.append(task)
    elif image is not None:
        images, task = _interpolating(image, goal, value, mode)
        tasks.append(task)
    if label is not None:
        labels, task = _nearest(label, goal, label_value, constant)
        tasks.append(task)
    batch, rows, width = len(matrix), goal[0] * goal[1], goal[2]
    grain = max(1, _STRETCH // max(1, width))
    turns = -(-rows // grain)
    lengths = np.array(size, dtype=np.int64)

    def run(turn: int, _: int) -> None:
        sample, first = divmod(turn, turns)
        first *= grain
        last = min(first + grain, rows)
        count = (last - first) * width
        where = np.empty((3, count))
        place(sample, first, last, where)
        cell, part = np.empty((3, count), np.int32), np.empty((3, count), np.float32)
        left, far = np.empty(count, np.float32), np.empty(count, np.float32)
        _split(where, lengths, padding == "reflection", constant, cell, part, left, far)
        for work in tasks:
            work(sample, first * width, cell, part, left, far)

    if width:
        on_cores(run, batch * turns, 1)
    return images, labels


def _placing(
    matrix: torch.Tensor, control: torch.Tensor | None, goal: Sequence[int]
) -> Callable[[int, int, int, np.ndarray], None]:
    rows = matrix.double().contiguous().numpy()
    if control is None:
        return lambda sample, first, last, where: _affine_rows(first, last, goal[1], goal[2], rows[sample], where)
    depth = spline_matrix(goal[0], control.shape[2])
    planes = torch.einsum("bcijk,zi->bzcjk", control.double(), depth).contiguous().numpy()  # goal[0] planes of points
    ys, y = _axis(goal[1], control.shape[3])
    xs, x = _axis(goal[2], control.shape[4])
    starts = np.searchsorted(xs, np.arange(control.shape[4] - 2)).astype(np.uint64)  # first voxel of each cell
    x = np.ascontiguousarray(x.T)

    def place(sample: int, first: int, last: int, where: np.ndarray) -> None:
        _affine_rows(first, last, goal[1], goal[2], rows[sample], where)
        _spline_rows(first, last, goal[1], goal[2], planes[sample], ys, y, starts, x, where)

    return place


def _axis(size: int, points: int) -> tuple[np.ndarray, np.ndarray]:
    first, weights, _ = spline_place(torch.arange(size, dtype=torch.float64), size, points)
    return first.numpy(), weights.numpy()


def _undoing(
    matrix: torch.Tensor, control: torch.Tensor | None, shape: Sequence[int], goal: Sequence[int]
) -> Callable[[int, int, int, np.ndarray], None]:
    inverse = torch.linalg.inv(
        torch.cat([matrix.double(), matrix.new_tensor([0, 0, 0, 1]).expand(len(matrix), 1, 4)], 1)
    )
    if control is None:
        return _placing(inverse[:, :3], None, goal)
    rows, back = matrix.double().contiguous().numpy(), inverse.contiguous().numpy()
    field = control.double().permute(0, 2, 3, 1, 4).contiguous().numpy()  # B×d×h×3×w
    lengths = np.array(shape, dtype=np.int64)
    return lambda sample, first, last, where: inverse_rows(
        first, last, goal[1], goal[2], rows[sample], back[sample], field[sample], lengths, where
    )


def _flat(tensor: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Return a tensor's memory as one row, and its strides: nothing is copied, whatever the layout."""
    strides = np.array(tensor.stride(), dtype=np.int64)
    span = 1 + sum((length - 1) * step for length, step in zip(tensor.shape, tensor.stride(), strict=True))
    strides[2:][np.array(tensor.shape[2:]) == 1] = 0  # the second tap of an axis of one voxel is the first
    return torch.as_strided(tensor, (span,), (1,)).numpy(), strides


def _interpolating(
    image: torch.Tensor, goal: Sequence[int], value: float, mode: str
) -> tuple[torch.Tensor, Callable[..., None]]:
    kept = image.detach().float()
    kept = prefilter(kept) if mode == "cubic" else kept
    found = torch.empty(*image.shape[:2], *goal)
    rows = found.numpy().reshape(*image.shape[:2], -1)
    memory, strides = _flat(kept)
    sample_rows = _cubic if mode == "cubic" else _linear

    def work(sample: int, start: int, cell: np.ndarray, part: np.ndarray, left: np.ndarray, far: np.ndarray) -> None:
        sample_rows(memory, sample * int(strides[0]), strides, cell, part, left, np.float32(value), start, rows[sample])

    return found, work


def _nearest(
    volume: torch.Tensor, goal: Sequence[int], value: float, constant: bool
) -> tuple[torch.Tensor, Callable[..., None]]:
    word = _WORDS[volume.element_size()]
    found = torch.empty(*volume.shape[:2], *goal, dtype=volume.dtype)
    rows = found.view(word).numpy().reshape(*volume.shape[:2], -1)
    memory, strides = _flat(volume.detach().view(word))
    fill = torch.tensor(value, dtype=volume.dtype).view(word).numpy()[()]

    def work(sample: int, start: int, cell: np.ndarray, part: np.ndarray, left: np.ndarray, far: np.ndarray) -> None:
        _near(memory, sample * int(strides[0]), strides, cell, part, far, fill, start, rows[sample])

    return found, work


@compiled
def _affine_rows(first, last, height, width, matrix, where):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    for axis in range(3):
        step = matrix[axis, 2]
        for row in range(first, last):
            start = matrix[axis, 0] * (row // height) + matrix[axis, 1] * (row % height) + matrix[axis, 3]
            line = where[axis, (row - first) * width : (row - first + 1) * width]
            for x in range(width):
                line[x] = start + step * np.int32(x)


@compiled
def _spline_rows(first, last, height, width, planes, ys, y, starts, x, where):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, PLR0913
    points = planes.shape[3]
    control = np.empty(points)
    x0, x1, x2, x3 = x[0], x[1], x[2], x[3]
    for row in range(first, last):
        depth, line = row // height, row % height
        y0, w0, w1, w2, w3 = ys[line], y[line, 0], y[line, 1], y[line, 2], y[line, 3]
        for axis in range(3):
            for p in range(points):
                near = w0 * planes[depth, axis, y0, p] + w1 * planes[depth, axis, y0 + 1, p]
                control[p] = near + w2 * planes[depth, axis, y0 + 2, p] + w3 * planes[depth, axis, y0 + 3, p]
            out = where[axis, (row - first) * width : (row - first + 1) * width]
            for cell in range(points - 3):
                c0, c1, c2, c3 = control[cell], control[cell + 1], control[cell + 2], control[cell + 3]
                for i in range(starts[cell], starts[cell + 1]):  # unsigned: no index counts from the end
                    out[i] += c0 * x0[i] + c1 * x1[i] + c2 * x2[i] + c3 * x3[i]


@compiled
def _split(where, lengths, reflect, constant, cell, part, left, far):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Write the cell of each position, where in it, how much of the source is left, and how far outside it lies."""
    count = where.shape[1]
    left[:] = _ONE
    far[:] = _ZERO
    for axis in range(3):
        end = float(lengths[axis] - 1)
        before = max(end - 1.0, 0.0)
        if reflect and end > 0:
            period = 2.0 * end
            for i in range(count):
                turned = where[axis, i] - period * np.floor(where[axis, i] / period)
                where[axis, i] = min(turned, period - turned)
        for i in range(count):
            c = where[axis, i]
            over = max(np.float32(max(-c, c - end)), _ZERO) if constant else _ZERO
            left[i] *= max(_ONE - over, _ZERO)
            far[i] = max(far[i], over)
            held = min(c if c > 0.0 else 0.0, end)  # NaN becomes 0 too: no index is made of it
            floor = min(np.floor(held), before)
            cell[axis, i] = np.int32(floor)
            part[axis, i] = np.float32(held - floor)


@compiled
def _linear(memory, start, strides, cell, part, left, value, first, rows):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    count = cell.shape[1]
    base = np.empty(count, np.int64)
    for i in range(count):
        base[i] = start + cell[0, i] * strides[2] + cell[1, i] * strides[3] + cell[2, i] * strides[4]
    fz, fy, fx = part[0], part[1], part[2]
    dx, dy, dz = strides[4], strides[3], strides[2]
    dyx, dzx, dzy, dzyx = dy + dx, dz + dx, dz + dy, dz + dy + dx
    for channel in range(rows.shape[0]):
        out = rows[channel, first : first + count]
        shift = channel * strides[1]
        for i in range(count):
            if left[i] == np.float32(0):
                out[i] = value
                continue
            o = base[i] + shift
            x = fx[i]
            a, b = memory[np.uint64(o)], memory[np.uint64(o + dx)]
            c, d = memory[np.uint64(o + dy)], memory[np.uint64(o + dyx)]
            e, f = memory[np.uint64(o + dz)], memory[np.uint64(o + dzx)]
            g, h = memory[np.uint64(o + dzy)], memory[np.uint64(o + dzyx)]
            near = a + x * (b - a)
            far = e + x * (f - e)
            near += fy[i] * (c + x * (d - c) - near)
            far += fy[i] * (g + x * (h - g) - far)
            out[i] = value + left[i] * (near + fz[i] * (far - near) - value)


@inlined
def _weights(f):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    g = _ONE - f
    first, last = g * g * g * _SIXTH, f * f * f * _SIXTH
    second = (_THREE * f * f * f - _SIX * f * f + _FOUR) * _SIXTH
    return first, second, _ONE - first - second - last, last


@inlined
def _line(memory, o, x0, x1, x2, x3):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    near = x0 * memory[np.uint64(o)] + x1 * memory[np.uint64(o + 1)]
    return near + x2 * memory[np.uint64(o + 2)] + x3 * memory[np.uint64(o + 3)]


@compiled
def _cubic(memory, start, strides, cell, part, left, value, first, rows):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    count = cell.shape[1]
    dz, dy = strides[2], strides[3]
    for channel in range(rows.shape[0]):
        shift = start + channel * strides[1]
        for i in range(count):
            if left[i] == _ZERO:
                rows[channel, first + i] = value
                continue
            x0, x1, x2, x3 = _weights(part[2, i])
            y0, y1, y2, y3 = _weights(part[1, i])
            o = shift + cell[0, i] * dz + cell[1, i] * dy + cell[2, i]
            total = _ZERO
            for wz in _weights(part[0, i]):
                plane = y0 * _line(memory, o, x0, x1, x2, x3) + y1 * _line(memory, o + dy, x0, x1, x2, x3)
                plane += y2 * _line(memory, o + dy * 2, x0, x1, x2, x3) + y3 * _line(memory, o + dy * 3, x0, x1, x2, x3)
                total += wz * plane
                o += dz
            rows[channel, first + i] = value + left[i] * (total - value)


@compiled
def _near(memory, start, strides, cell, part, far, value, first, rows):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    count = cell.shape[1]
    half = _HALF
    base = np.empty(count, np.int64)
    for i in range(count):
        z = cell[0, i] + np.int64(part[0, i] >= half)
        y = cell[1, i] + np.int64(part[1, i] >= half)
        x = cell[2, i] + np.int64(part[2, i] >= half)
        base[i] = start + z * strides[2] + y * strides[3] + x * strides[4]
    for channel in range(rows.shape[0]):
        out = rows[channel, first : first + count]
        shift = channel * strides[1]
        for i in range(count):
            out[i] = memory[np.uint64(base[i] + shift)] if far[i] <= half else value
