"""Networks over volumes that are larger than their input: windows that overlap, blended into one answer.

The averages are those of MONAI's ``SlidingWindowInferer``. Labels, and all that goes to a file, are finished line by
line as the windows advance along D, so that classes × volume never exists in memory.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from deephealth.core.errors import ConfigError, DataError
from deephealth.infer.ensemble import Outputs, activate, pack
from deephealth.infer.sliding_window_file import Make, new_array
from deephealth.infer.sliding_window_grid import Grid
from deephealth.infer.sliding_window_lines import Lines
from deephealth.infer.sliding_window_settings import Settings
from deephealth.infer.sliding_window_walk import Walk
from deephealth.kernels.window import Blend, Box, divide, take_average, take_labels

__all__ = ["SlidingWindow"]


@dataclass(frozen=True)
class SlidingWindow(Settings):
    """Run networks over volumes, window by window.

    Args:
        roi_size: size of the windows, one number for all axes or one per axis; ``None`` or -1 is the volume's own size.
            A volume smaller than a window is padded, and the answer cropped.
        networks: one or several; each takes B×C×spatial and returns a tensor, or a tuple, list or dictionary of
            tensors, which may have other sizes than the window. Put them into evaluation mode and on the device first.
        overlap: share of a window that the next one covers again; one number, or one per axis.
        mode: ``constant`` or ``gaussian``: how voxels of a window are weighed.
        sigma_scale: standard deviation of the Gaussian as a share of the window; one number, or one per axis.
        padding_mode: ``constant``, ``reflect``, ``replicate`` or ``circular``.
        cval: the value of constant padding.
        batch: windows per forward pass; does not change the answers. A single one is not copied for a network that
            leaves its input alone.
        mirror: test-time augmentation: the mean over all 2^n mirror images along these spatial axes.
        weights: of the networks; ``None`` is equal.
        average: ``logits`` (as nnU-Net) or ``probabilities``: what is averaged over windows, mirror images and
            networks.
        activation: ``softmax`` over the classes or ``sigmoid``; applied to each network's answer where probabilities
            are averaged, else to the finished average. ``None`` leaves logits.
        device: where the networks are; ``None`` is where the volume is.
        buffer_device: where windows are blended; ``None`` is the volume's device for :meth:`__call__`, and the
            networks' for labels and files, which take little memory.
        dtype: of the windows that the networks get.
        progress: called with (windows done, windows in all).

    Raises:
        ConfigError: all that is wrong with the settings.
        DeviceError: there is no such device.

    Example:
        >>> window = SlidingWindow(4, lambda x: torch.cat([-x, x], 1), overlap=0.5, mode="gaussian")
        >>> volume = torch.linspace(-1, 1, 6).expand(1, 1, 6, 6, 6)
        >>> window(volume).shape
        torch.Size([1, 2, 6, 6, 6])
        >>> window.labels(volume)[0, 0, 0]
        tensor([0, 0, 0, 1, 1, 1], dtype=torch.uint8)
    """

    def __call__(self, volume: torch.Tensor) -> Outputs:
        """Return the average of the windows.

        Args:
            volume: B×C×D×H×W or B×C×H×W, any dtype, strides and device.

        Returns:
            B×K×spatial, float32, on the device of the volume (or ``buffer_device``); a tuple or dictionary where the
            networks return one.

        Raises:
            DataError: the volume's shape does not fit, or the networks' outputs do not.
        """
        walk = Walk(self, volume)
        where = torch.device(self.buffer_device or volume.device)
        wholes: list[torch.Tensor] = []

        def lines(classes: int, grid: Grid) -> Lines:
            wholes.append(_zeros((len(volume), classes, *grid.size), where))
            how = walk.blend(grid, where)
            return Lines(classes, grid, how, partial(self._divide, how), wholes[-1])

        keys, found = walk.go(lines)
        return pack(keys, [walk.squeeze(_crop(whole, item.grid)) for whole, item in zip(wholes, found, strict=True)])

    def labels(self, volume: torch.Tensor, *, threshold: float | None = None) -> torch.Tensor:
        """Return the label of each voxel; classes × volume never exists in memory.

        Args:
            volume: B×C×D×H×W or B×C×H×W.
            threshold: probability above which a voxel belongs to a region, where the activation is ``sigmoid``
                (``None``: 0.5). The label is 1 + the last region that a voxel belongs to, and 0 where it is in none.
                For ``softmax`` and ``None`` the label is the class with the largest average: no threshold.

        Returns:
            B×spatial on the device of the volume; uint8 up to 256 classes, int16 above.

        Raises:
            DataError: the volume's shape does not fit, the networks return several tensors, or NaN.
        """
        return self._labels(
            volume, threshold, lambda shape, dtype: torch.empty(shape, dtype=dtype, device=volume.device)
        )

    def write(self, volume: torch.Tensor, path: Path | str, *, dtype: torch.dtype = torch.float32) -> Path:
        """Write the average of the windows to a ``.npy`` file as it is finished.

        Args:
            volume: B×C×D×H×W or B×C×H×W.
            path: ends in ``.npy``; it appears when it is complete.
            dtype: ``float32`` or ``float16`` of the numbers in the file.

        Returns:
            The file: B×K×spatial.

        Raises:
            DataError: see :meth:`__call__`; or the networks return several tensors.
            StorageError: the disk is full, or the folder can't be written.
        """
        if dtype not in (torch.float32, torch.float16):
            raise ConfigError([f"dtype: {dtype} is neither float32 nor float16"], source="the file of averages")
        walk = Walk(self, volume)
        where = self._buffers(volume)
        with new_array(path) as make:

            def lines(classes: int, grid: Grid) -> Lines:
                out = walk.unsqueeze(make((len(volume), classes, *walk.spatial(grid.inner)), dtype), 1)
                how = walk.blend(grid, where)
                return Lines(classes, grid, how, partial(self._write, how, grid, out))

            walk.go(lines, single=True)
        return Path(path)

    def write_labels(self, volume: torch.Tensor, path: Path | str, *, threshold: float | None = None) -> Path:
        """Write the labels to a ``.npy`` file as they are finished: see :meth:`labels` and :meth:`write`."""
        with new_array(path) as make:
            self._labels(volume, threshold, make)
        return Path(path)

    def _labels(self, volume: torch.Tensor, threshold: float | None, make: Make) -> torch.Tensor:
        cut = self._cut(threshold)
        walk = Walk(self, volume)
        where = self._buffers(volume)
        outs: list[torch.Tensor] = []

        def lines(classes: int, grid: Grid) -> Lines:
            highest = classes if cut is not None else classes - 1
            dtype = torch.uint8 if highest < 256 else torch.int16
            outs.append(make((len(volume), *walk.spatial(grid.inner)), dtype))
            how = walk.blend(grid, where)
            return Lines(classes, grid, how, partial(_label, how, grid, walk.unsqueeze(outs[0], 0), cut))

        walk.go(lines, single=True)
        return outs[0]

    def _cut(self, threshold: float | None) -> float | None:
        """Return the average above which a voxel belongs to a region."""
        if self.activation != "sigmoid":
            if threshold is not None:
                raise ConfigError(["threshold: it is for regions; set activation to sigmoid"], source="labels()")
            return None
        level = 0.5 if threshold is None else threshold
        if not 0 < level < 1:
            raise ConfigError([f"threshold: {level} is not between 0 and 1"], source="labels()")
        return level if self.average == "probabilities" else math.log(level / (1 - level))

    def _buffers(self, volume: torch.Tensor) -> torch.device:
        return torch.device(self.buffer_device or self.device or volume.device)

    def _probabilities(self, average: torch.Tensor) -> torch.Tensor:
        return activate(average, None if self.average == "probabilities" else self.activation, 0)

    def _divide(self, how: Blend, rows: torch.Tensor, table: torch.Tensor, volume: int, box: Box) -> None:
        divide(rows, table, box, how)
        if self.activation and self.average == "logits":
            z0, z1, y0, y1 = box
            lines = rows.unflatten(1, table.shape)[:, z0:z1, y0:y1]
            lines.copy_(self._probabilities(lines))

    def _write(
        self, how: Blend, grid: Grid, out: torch.Tensor, rows: torch.Tensor, table: torch.Tensor, volume: int, box: Box
    ) -> None:
        average = self._probabilities(take_average(rows, table, box, how))
        _put(out[volume], average, grid, box)


def _label(
    how: Blend,
    grid: Grid,
    out: torch.Tensor,
    cut: float | None,
    rows: torch.Tensor,
    table: torch.Tensor,
    volume: int,
    box: Box,
) -> None:
    z0, z1, y0, y1 = box
    labels = torch.empty((z1 - z0, y1 - y0, rows.shape[2]), dtype=out.dtype, device=rows.device)
    unknown = take_labels(rows, table, box, how, labels, cut)
    if unknown:
        raise DataError(
            f"the networks gave NaN for {unknown} voxels of D {z0}:{z1}, H {y0}:{y1}",
            hint="look for NaN in the volume, and for overflow where the networks run in float16",
        )
    _put(out[volume], labels, grid, box)


def _put(out: torch.Tensor, piece: torch.Tensor, grid: Grid, box: Box) -> None:
    """Copy a finished box, ...×dz×dy×W of the padded volume, to where it lies in the volume itself."""
    z0, z1, y0, y1 = box
    (zl, yl, xl), (zh, yh, xh) = grid.low, grid.high
    a, b, c, d = max(z0, zl), min(z1, zh), max(y0, yl), min(y1, yh)
    if a < b and c < d:
        out[..., a - zl : b - zl, c - yl : d - yl, :] = piece[..., a - z0 : b - z0, c - y0 : d - y0, xl:xh]


def _crop(whole: torch.Tensor, grid: Grid) -> torch.Tensor:
    (zl, yl, xl), (zh, yh, xh) = grid.low, grid.high
    return whole[..., zl:zh, yl:yh, xl:xh]


def _zeros(shape: tuple[int, ...], where: torch.device) -> torch.Tensor:
    """Return zeros; in main memory NumPy's, which come in huge pages that are zeroed when they are first touched."""
    if where.type == "cpu":
        return torch.from_numpy(np.zeros(shape, np.float32))
    return torch.zeros(shape, device=where)
