"""Windows that overlap are blended into rows, and rows that no later window touches are averaged or labelled and freed.

The contract
    ``accumulate``: windows N×C×d×h×w (float16, bfloat16, float32 or float64; any strides) times their weight are added
    to rows. A row is one line along W of one class; ``rows`` C×S×W (float32, contiguous) holds S lines per class, and
    ``table`` D×H (int64) says in which of the S places line (z, y) of the volume lies. With S = D·H and
    ``table = arange(S)`` the rows are the whole volume; with fewer places only the lines that windows still touch
    exist, so that classes × volume never does.
    ``divide``, ``take_average`` and ``take_labels`` finish a box of lines: they divide by the sum of the weights, which
    is computed on the way from three vectors per axis and never stored. The last two leave the lines empty.

Weights
    w(z, y, x) = max(d(z)·h(y)·w(x), least): three vectors and one number give MONAI's importance map bit for bit, its
    clamped corners included.

Error bound
    Sums are of float32; each term is rounded once for the weight and once for the product: relative to the sum of
    |w·x| at most (2 + windows per voxel)·2^-24. A NaN of a window stays a NaN.

Bytes moved
    Each window is read once, and each line it touches is read and written once per call (not once per window).
    512²×400, 14 classes of float16, windows that overlap by half: 23.5 GB read, and 94 GB / (windows of a call that
    share a line) read and written. ``take_labels`` reads 4·C bytes per voxel and writes one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F

from deephealth.core.errors import ConfigError, DataError
from deephealth.kernels import window_compiled as fast
from deephealth.kernels import window_triton as device
from deephealth.kernels.compilers import on_cores, version_for

__all__ = ["Blend", "Box", "accumulate", "blend", "divide", "gather", "take_average", "take_labels"]

Box = tuple[int, int, int, int]  # first and one past the last z, then y
_GRAIN = 1 << 17  # values of a stretch: about 0.1 ms of work
_LEAST = 1e-3  # MONAI's floor under the weights


@dataclass(frozen=True, eq=False)
class Blend:
    """How windows are blended.

    Args:
        weights: along D, H and W: float32 vectors as long as the window.
        least: floor under their product.
        starts: where windows begin along D, H and W: int64, ascending.
    """

    weights: tuple[torch.Tensor, torch.Tensor, torch.Tensor]
    least: float
    starts: tuple[torch.Tensor, torch.Tensor, torch.Tensor]

    @cached_property
    def window(self) -> tuple[int, int, int]:
        """The window's size."""
        d, h, w = (vector.shape[0] for vector in self.weights)
        return d, h, w

    @cached_property
    def arrays(self) -> tuple[tuple, tuple]:
        """The weights with their floor, and starts along D and H with the layers along W, as NumPy arrays."""
        weights = (*(vector.numpy() for vector in self.weights), np.float32(self.least))
        return weights, (self.starts[0].numpy(), self.starts[1].numpy(), *self._layers())

    def _layers(self) -> tuple[np.ndarray, np.ndarray]:
        """Return weights and floors along W, layers×W: the windows of a layer do not overlap."""
        size, starts = self.window[2], self.starts[2].tolist()
        ends: list[int] = []
        layer_of = []
        for start in starts:
            free = next((at for at, end in enumerate(ends) if end <= start), len(ends))
            ends[free : free + 1] = [start + size]
            layer_of.append(free)
        layers = np.zeros((len(ends), max(ends, default=0)), np.float32)
        floors = np.zeros_like(layers)
        for start, layer in zip(starts, layer_of, strict=True):
            layers[layer, start : start + size] = self.weights[2].numpy()
            floors[layer, start : start + size] = self.least
        return layers, floors

    def full(self) -> torch.Tensor:
        """Return the weights of one window, d×h×w."""
        d, h, w = self.weights
        return (d[:, None, None] * h[None, :, None] * w).clamp(min=self.least)

    def to(self, where: torch.device) -> Blend:
        """Return the same on another device."""
        d, h, w = (vector.to(where) for vector in self.weights)
        a, b, c = (vector.to(where) for vector in self.starts)
        return Blend((d, h, w), self.least, (a, b, c))

    def scaled(self, window: Sequence[int], starts: Sequence[torch.Tensor]) -> Blend:
        """Return the weights for outputs of another resolution: the nearest weight, as MONAI takes it."""
        found = [
            F.interpolate(vector[None, None], size, mode="nearest-exact")[0, 0] if size != len(vector) else vector
            for vector, size in zip(self.weights, window, strict=True)
        ]
        return Blend((found[0], found[1], found[2]), self.least, (starts[0], starts[1], starts[2]))


def blend(
    window: Sequence[int],
    starts: Sequence[Sequence[int]],
    *,
    mode: Literal["constant", "gaussian"] = "constant",
    sigma_scale: Sequence[float] = (0.125, 0.125, 0.125),
) -> Blend:
    """Return how windows of one size are blended.

    Args:
        window: their size along D, H and W.
        starts: where they begin along each axis.
        mode: ``constant`` weighs all voxels alike; ``gaussian`` those in the middle more (Isensee et al., nnU-Net,
            Nature Methods 2021; the numbers are those of MONAI's importance map).
        sigma_scale: standard deviation of the Gaussian along each axis, as a share of the window.

    Raises:
        ConfigError: no such mode, or a standard deviation that is not above 0.

    Example:
        >>> blend((1, 1, 3), ([0], [0], [0]), mode="gaussian", sigma_scale=(1, 1, 0.5)).full().tolist()
        [[[0.8007373809814453, 1.0, 0.8007373809814453]]]
    """
    if mode not in ("constant", "gaussian"):
        raise ConfigError([f"mode: '{mode}' is neither constant nor gaussian"], source="the window's weights")
    if not all(0 < scale < float("inf") for scale in sigma_scale):
        raise ConfigError([f"sigma_scale: {tuple(sigma_scale)} is not above 0"], source="the window's weights")
    if mode == "constant":
        vectors, least = [torch.ones(size) for size in window], 1.0
    else:
        vectors = [_gaussian(size, size * scale) for size, scale in zip(window, sigma_scale, strict=True)]
        lowest = vectors[0].min() * vectors[1].min() * vectors[2].min()
        least = max(float(lowest), _LEAST)
    begins = [torch.tensor(list(axis), dtype=torch.int64) for axis in starts]
    return Blend((vectors[0], vectors[1], vectors[2]), least, (begins[0], begins[1], begins[2]))


def _gaussian(size: int, sigma: float) -> torch.Tensor:
    along = torch.arange(-(size - 1) / 2.0, (size - 1) / 2.0 + 1, dtype=torch.float32)[:size]
    return torch.exp(along**2 / (-2 * sigma**2))


def gather(volume: torch.Tensor, starts: Sequence[Sequence[int]], windows: torch.Tensor) -> None:
    """Copy windows out of volumes.

    Args:
        volume: B×C×D×H×W, any dtype and strides.
        starts: of each window: volume of the batch, z, y, x.
        windows: N×C×d×h×w, floating; changed. On the device of the volume.

    Raises:
        DataError: the shapes do not belong together, or a window leaves the volume.

    Example:
        >>> windows = torch.zeros(2, 1, 1, 1, 2)
        >>> gather(torch.arange(4).reshape(1, 1, 1, 1, 4), [(0, 0, 0, 0), (0, 0, 0, 2)], windows)
        >>> windows.flatten().tolist()
        [0.0, 1.0, 2.0, 3.0]
    """
    version = version_for(volume, windows)
    size = windows.shape[2:]
    if volume.dim() != 5 or windows.shape[:2] != (len(starts), volume.shape[1]):
        raise DataError(
            f"{len(starts)} windows of {tuple(windows.shape)} out of volumes of {tuple(volume.shape)}",
            allowed="N×C×d×h×w out of B×C×D×H×W",
        )
    ends = (volume.shape[0] - 1, *(a - b for a, b in zip(volume.shape[2:], size, strict=True)))
    _check_starts(starts, ends)
    plain = volume.dtype == windows.dtype == torch.float32 and volume.stride(-1) == 1
    if version == "compiled" and plain and windows.is_contiguous() and windows.numel():
        begins, source, into = np.asarray(starts, np.int64), _flat(volume.detach()), windows.numpy()
        strides, count = volume.stride()[:4], len(starts) * size[0]

        def work(first: int, last: int) -> None:
            fast.gather(first, last, source, strides, begins, into)

        on_cores(work, count, max(1, -(-_GRAIN * count // windows.numel())))
        return
    for window, (b, z, y, x) in zip(windows, starts, strict=True):
        window.copy_(volume[b, :, z : z + size[0], y : y + size[1], x : x + size[2]])


def accumulate(
    rows: torch.Tensor, table: torch.Tensor, windows: torch.Tensor, starts: Sequence[Sequence[int]], how: Blend
) -> None:
    """Add weighted windows to the rows.

    Args:
        rows: C×S×W, float32, contiguous; changed.
        table: D×H, int64: the place of each line of the volume; on the device of the rows.
        windows: N×C×d×h×w on the device of the rows; any floating dtype and strides.
        starts: of each window: z, y, x.
        how: the weights; on the device of the rows.

    Raises:
        DataError: shapes that do not belong together, or a window that leaves the volume.
        DeviceError: the tensors lie on several devices.

    Example:
        >>> rows, table = torch.zeros(1, 1, 4), torch.zeros(1, 1, dtype=torch.int64)
        >>> how = blend((1, 1, 3), ([0], [0], [0, 1]))
        >>> accumulate(rows, table, torch.ones(2, 1, 1, 1, 3), [(0, 0, 0), (0, 0, 1)], how)
        >>> rows.tolist()
        [[[1.0, 2.0, 2.0, 1.0]]]
    """
    version = version_for(rows, table, windows, how.weights[0])
    _check(rows, table)
    _check_windows(rows, table, windows, starts, how)
    if not windows.numel():
        return
    if version == "triton":
        device.accumulate(rows, table, windows, starts, how.weights, how.least)
    elif version == "compiled":
        _accumulate_compiled(rows, table, windows, starts, how)
    else:
        _accumulate_reference(rows, table, windows, starts, how)


def divide(rows: torch.Tensor, table: torch.Tensor, box: Box, how: Blend) -> None:
    """Divide the lines of a box by the sum of the weights, in place.

    Args:
        rows: C×S×W, float32, contiguous; changed.
        table: D×H, int64.
        box: which lines: first and one past the last z, then y. Every window that touches them was accumulated.
        how: the weights and all starts.

    Raises:
        DataError: the shapes do not belong together, the box leaves the volume, or no window covers some voxel.
    """
    version = _checked(rows, table, box, how)
    if version == "triton":
        device.average(rows, table, box, (how.weights, how.starts, how.least), None)
    elif version == "compiled":
        planes = _planes(box)
        arrays = (*how.arrays, rows.numpy(), table.numpy())
        _on_lines(lambda a, b: fast.divide(a, b, arrays[2], arrays[3], planes, arrays[0], arrays[1]), rows, box)
    else:
        places = _places(table, box)
        total = _total(how, box, rows.shape[2])
        rows[:, places] *= total.reciprocal().reshape(-1, rows.shape[2])


def take_average(rows: torch.Tensor, table: torch.Tensor, box: Box, how: Blend) -> torch.Tensor:
    """Return the lines of a box divided by the sum of the weights, C×dz×dy×W float32, and leave zeros in their places.

    Args, errors: see :func:`divide`.

    Example:
        >>> rows, table = torch.full((1, 1, 4), 6.0), torch.zeros(1, 1, dtype=torch.int64)
        >>> take_average(rows, table, (0, 1, 0, 1), blend((1, 1, 3), ([0], [0], [0, 1]))).tolist()
        [[[[6.0, 3.0, 3.0, 6.0]]]]
        >>> rows.tolist()
        [[[0.0, 0.0, 0.0, 0.0]]]
    """
    version = _checked(rows, table, box, how)
    z0, z1, y0, y1 = box
    found = rows.new_empty((rows.shape[0], z1 - z0, y1 - y0, rows.shape[2]))
    if version == "triton":
        device.average(rows, table, box, (how.weights, how.starts, how.least), found)
    elif version == "compiled":
        planes, out = _planes(box), found.numpy()
        arrays = (*how.arrays, rows.numpy(), table.numpy())
        _on_lines(
            lambda a, b: fast.take_average(a, b, arrays[2], arrays[3], planes, arrays[0], arrays[1], out), rows, box
        )
    else:
        places = _places(table, box)
        total = _total(how, box, rows.shape[2]).reciprocal()
        found.copy_(rows[:, places].reshape(found.shape) * total)
        rows[:, places] = 0
    return found


def take_labels(
    rows: torch.Tensor, table: torch.Tensor, box: Box, how: Blend, labels: torch.Tensor, cut: float | None = None
) -> int:
    """Write the label of each voxel of a box, and leave zeros in the places of its lines.

    Args:
        rows: see :func:`divide`.
        table: see :func:`divide`.
        box: see :func:`divide`.
        how: see :func:`divide`.
        labels: dz×dy×W, uint8 or int16, any strides; changed. On the device of the rows.
        cut: without it the label is the class with the largest average, the first of equals. With it the label is
            1 + the last class whose average is above it, and 0 where none is (nnU-Net's order of regions: later ones
            lie inside earlier ones).

    Returns:
        How many voxels have a NaN among their averages; their label means nothing.

    Raises:
        DataError: the shapes do not belong together, or there are more classes than the dtype of the labels holds.

    Example:
        >>> rows, table = torch.tensor([[[1.0, 5.0]], [[2.0, 3.0]]]), torch.zeros(1, 1, dtype=torch.int64)
        >>> labels = torch.zeros(1, 1, 2, dtype=torch.uint8)
        >>> take_labels(rows, table, (0, 1, 0, 1), blend((1, 1, 2), ([0], [0], [0])), labels), labels.tolist()
        (0, [[[1, 0]]])
    """
    version = _checked(rows, table, box, how)
    _check_labels(rows, box, labels, cut)
    if version == "triton":
        return device.labels(rows, table, box, (how.weights, how.starts, how.least), labels, cut)
    if version == "reference":
        return _take_labels_reference(rows, table, box, how, labels, cut)
    planes, out = _planes(box), labels.numpy()
    level, cutting = np.float32(cut or 0.0), cut is not None
    weights, starts = how.arrays
    values, places = rows.numpy(), table.numpy()

    def work(first: int, last: int) -> int:
        return fast.take_labels(first, last, values, places, planes, weights, starts, out, cutting, level)  # type: ignore[no-any-return]

    return sum(_on_lines(work, rows, box))


def _accumulate_compiled(
    rows: torch.Tensor, table: torch.Tensor, windows: torch.Tensor, starts: Sequence[Sequence[int]], how: Blend
) -> None:
    values = windows.detach()
    values = values if values.dtype == torch.float32 else values.float()
    values = values if values.stride(-1) == 1 or values.shape[-1] == 1 else values.contiguous()
    source = _flat(values)
    strides = values.stride()[:4]
    begins = np.asarray(starts, np.int64)
    z0, z1 = min(start[0] for start in starts), max(start[0] for start in starts) + how.window[0]
    weights, _ = how.arrays
    into, places = rows.numpy(), table.numpy()

    def work(first: int, last: int) -> None:
        fast.accumulate(first, last, into, places, (z0, z1), source, strides, begins, weights)

    count = rows.shape[0] * (z1 - z0)
    on_cores(work, count, max(1, -(-_GRAIN * count // values.numel())))


def _flat(values: torch.Tensor) -> np.ndarray:
    """Return all that lies between the first and the last value: the kernels' inner loops are then contiguous."""
    reach = 1 + sum((size - 1) * stride for size, stride in zip(values.shape, values.stride(), strict=True))
    return values.as_strided((reach,), (1,)).numpy()


def _accumulate_reference(
    rows: torch.Tensor, table: torch.Tensor, windows: torch.Tensor, starts: Sequence[Sequence[int]], how: Blend
) -> None:
    weights = how.full()
    d, h, w = how.window
    for window, (z, y, x) in zip(windows, starts, strict=True):
        places = table[z : z + d, y : y + h].reshape(-1)
        rows[:, :, x : x + w].index_add_(1, places, (window.float() * weights).reshape(len(window), d * h, w))


def _take_labels_reference(
    rows: torch.Tensor, table: torch.Tensor, box: Box, how: Blend, labels: torch.Tensor, cut: float | None
) -> int:
    places = _places(table, box)
    total = _total(how, box, rows.shape[2]).reciprocal()
    average = rows[:, places].reshape(len(rows), *total.shape) * total
    rows[:, places] = 0
    if cut is None:
        labels.copy_(average.argmax(0))
    else:
        ids = torch.arange(1, len(average) + 1, device=rows.device)[:, None, None, None]
        labels.copy_(((average > cut) * ids).amax(0))
    return int(average.isnan().any(0).sum())


def _total(how: Blend, box: Box, width: int) -> torch.Tensor:
    """Return the sum of the weights of all windows over each voxel of a box of lines, dz×dy×width."""
    z0, z1, y0, y1 = box
    d, h, w = how.window
    weights = how.full()
    total = torch.zeros((z1 - z0, y1 - y0, width), device=weights.device)
    for z in how.starts[0].tolist():
        for y in how.starts[1].tolist():
            a, b, e, f = max(z, z0), min(z + d, z1), max(y, y0), min(y + h, y1)
            for x in how.starts[2].tolist() if a < b and e < f else ():
                total[a - z0 : b - z0, e - y0 : f - y0, x : x + w] += weights[a - z : b - z, e - y : f - y]
    return total


def _places(table: torch.Tensor, box: Box) -> torch.Tensor:
    z0, z1, y0, y1 = box
    return table[z0:z1, y0:y1].reshape(-1)


def _planes(box: Box) -> tuple[int, int, int]:
    """Return what tells a line's place from its number: first z, first y, lines per plane."""
    return box[0], box[2], box[3] - box[2]


def _on_lines(work, rows: torch.Tensor, box: Box) -> list:  # type: ignore[no-untyped-def]  # noqa: ANN001
    z0, z1, y0, y1 = box
    return on_cores(work, (z1 - z0) * (y1 - y0), max(1, _GRAIN // max(1, rows.shape[0] * rows.shape[2])))


def _checked(rows: torch.Tensor, table: torch.Tensor, box: Box, how: Blend) -> str:
    version = version_for(rows, table, how.weights[0])
    _check(rows, table)
    z0, z1, y0, y1 = box
    if not (0 <= z0 <= z1 <= table.shape[0] and 0 <= y0 <= y1 <= table.shape[1]):
        raise DataError(f"the box z {z0}:{z1}, y {y0}:{y1} leaves the volume", allowed=f"within {tuple(table.shape)}")
    sizes = (table.shape[0], table.shape[1], rows.shape[2])
    parts = ((z0, z1), (y0, y1), (0, rows.shape[2]))
    for name, starts, window, size, part in zip("DHW", how.starts, how.window, sizes, parts, strict=True):
        _check_covered(name, starts.tolist(), window, size, part)
    return version


def _check_covered(name: str, starts: Sequence[int], window: int, size: int, part: tuple[int, int]) -> None:
    reached, last = part
    for start in sorted(starts):
        if start < 0 or start + window > size:
            raise DataError(f"a window of {window} at {name} = {start} leaves the volume", allowed=f"0 to {size}")
        if start <= reached:
            reached = max(reached, start + window)
    if reached < last:
        raise DataError(
            f"the sum of the weights is zero at {name} = {reached}: no window covers it",
            allowed=f"windows of {window} that cover {part[0]} to {last - 1}",
        )


def _check(rows: torch.Tensor, table: torch.Tensor) -> None:
    if rows.dim() != 3 or rows.dtype != torch.float32 or not rows.is_contiguous():
        raise DataError(
            f"rows are {rows.dtype} of {tuple(rows.shape)}", allowed="float32, classes × places × W, contiguous"
        )
    if table.dim() != 2 or table.dtype != torch.int64 or not table.is_contiguous():
        raise DataError(f"the table is {table.dtype} of {tuple(table.shape)}", allowed="int64, D×H, contiguous")


def _check_windows(
    rows: torch.Tensor, table: torch.Tensor, windows: torch.Tensor, starts: Sequence[Sequence[int]], how: Blend
) -> None:
    wanted = (len(starts), rows.shape[0], *how.window)
    if tuple(windows.shape) != wanted or not windows.is_floating_point():
        raise DataError(f"windows are {windows.dtype} of {tuple(windows.shape)}", allowed=f"floats of {wanted}")
    ends = (table.shape[0] - how.window[0], table.shape[1] - how.window[1], rows.shape[2] - how.window[2])
    _check_starts(starts, ends)


def _check_starts(starts: Sequence[Sequence[int]], ends: Sequence[int]) -> None:
    for start in starts:
        if len(start) != len(ends) or not all(0 <= at <= end for at, end in zip(start, ends, strict=True)):
            raise DataError(f"a window at {tuple(start)} leaves the volume", allowed=f"0 to {tuple(ends)}")


def _check_labels(rows: torch.Tensor, box: Box, labels: torch.Tensor, cut: float | None) -> None:
    wanted = (box[1] - box[0], box[3] - box[2], rows.shape[2])
    if tuple(labels.shape) != wanted or labels.dtype not in (torch.uint8, torch.int16):
        raise DataError(f"labels are {labels.dtype} of {tuple(labels.shape)}", allowed=f"uint8 or int16 of {wanted}")
    if labels.device != rows.device:
        raise DataError(f"labels lie on {labels.device} and rows on {rows.device}", allowed="one device")
    most = rows.shape[0] if cut is not None else rows.shape[0] - 1
    if most > torch.iinfo(labels.dtype).max:
        raise DataError(f"{rows.shape[0]} classes do not fit into {labels.dtype}", hint="use int16")
