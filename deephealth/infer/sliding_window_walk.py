"""The walk of networks over the windows of one volume."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import islice, product
from typing import Any

import torch
import torch.nn.functional as F

from deephealth.core.errors import DataError, ModelError
from deephealth.infer.ensemble import flatten
from deephealth.infer.sliding_window_grid import Grid, Size
from deephealth.infer.sliding_window_lines import Lines, Place
from deephealth.infer.sliding_window_settings import Settings
from deephealth.kernels.window import Blend, blend, gather

__all__ = ["Walk"]


class Walk:
    """One call: the volume with three spatial axes, padded, and the grid of its windows."""

    def __init__(self, settings: Settings, volume: torch.Tensor) -> None:
        _check_volume(volume)
        self.settings = settings
        self.planar = volume.dim() == 4
        spatial = volume.dim() - 2
        roi = _per_axis("roi_size", settings.roi_size, spatial)
        overlap = [float(share) for share in _per_axis("overlap", settings.overlap, spatial)]
        self.sigma = [float(scale) for scale in _per_axis("sigma_scale", settings.sigma_scale, spatial)]
        inner = tuple(volume.shape[2:])
        window = tuple(size if roi_size in (None, -1) else roi_size for roi_size, size in zip(roi, inner, strict=True))
        before = tuple(max(0, w - s) // 2 for w, s in zip(window, inner, strict=True))
        after = tuple(max(0, w - s) - b for w, s, b in zip(window, inner, before, strict=True))
        self.device = torch.device(settings.device or volume.device)
        plain = _pad(volume.detach().as_subclass(torch.Tensor), before, after, settings)
        self.volume = self.unsqueeze(plain, 1)
        if self.planar:
            overlap, self.sigma = [0.0, *overlap], [1.0, *self.sigma]
        grow = (lambda axes, one: (one, *axes)) if self.planar else (lambda axes, one: tuple(axes))
        size: Size = tuple(self.volume.shape[2:])  # type: ignore[assignment]
        self.grid = Grid.over(size, grow(window, 1), overlap, grow(before, 0), grow(inner, 1))
        self._blend = blend(self.grid.window, self.grid.starts, mode=settings.mode, sigma_scale=self.sigma)

    def go(self, lines: Callable[[int, Grid], Lines], *, single: bool = False) -> tuple[list[Any] | None, list[Lines]]:
        """Run the networks over all windows; ``lines`` gets classes and grid of each of their outputs."""
        found: list[Lines] = []
        keys: list[Any] | None = None
        done, total = 0, len(self.volume) * math.prod(len(axis) for axis in self.grid.starts)
        for places, outputs in self._forward():
            keys, tensors = flatten(outputs)
            if not found:
                if single and len(tensors) > 1:
                    raise DataError(
                        f"the networks return {len(tensors)} tensors", allowed="one", hint="wrap them and choose one"
                    )
                found = [self._start(lines, tensor) for tensor in tensors]
            self._add(found, tensors, places)
            done += len(places)
            if self.settings.progress is not None:
                self.settings.progress(done, total)
        return keys, found

    def blend(self, grid: Grid, where: torch.device) -> Blend:
        """Return how windows of a grid are blended."""
        if grid is self.grid:
            return self._blend.to(where)
        starts = [torch.tensor(axis) for axis in grid.starts]
        return self._blend.scaled(grid.window, starts).to(where)

    def unsqueeze(self, tensor: torch.Tensor, before: int) -> torch.Tensor:
        """Return the tensor with three spatial axes; ``before`` axes lie between the batch and them."""
        return tensor.unsqueeze(1 + before) if self.planar else tensor

    def squeeze(self, tensor: torch.Tensor) -> torch.Tensor:
        """Return B×C×D×H×W as the volume was given."""
        return tensor.squeeze(2) if self.planar else tensor

    def spatial(self, size: Size) -> tuple[int, ...]:
        """Return a size with as many axes as the volume was given with."""
        return size[1:] if self.planar else size

    def _start(self, lines: Callable[[int, Grid], Lines], output: torch.Tensor) -> Lines:
        axes = self.volume.dim() - self.planar
        if output.dim() != axes or not output.is_floating_point():
            raise DataError(
                f"a network returned {output.dtype} of {tuple(output.shape)}", allowed=f"floats, {axes} axes"
            )
        size: Size = tuple(self.unsqueeze(output, 1).shape[2:])  # type: ignore[assignment]
        return lines(output.shape[1], self.grid.scaled(size))

    def _add(self, found: Sequence[Lines], tensors: Sequence[torch.Tensor], places: Sequence[Place]) -> None:
        if len(tensors) != len(found):
            raise DataError(f"a network returned {len(tensors)} tensors after {len(found)}", allowed="always as many")
        for item, tensor in zip(found, tensors, strict=True):
            windows = self.unsqueeze(tensor, 1).to(item.how.weights[0].device)
            item.add(windows, places if item.grid is self.grid else self._scaled(places, item.grid))

    def _scaled(self, places: Sequence[Place], grid: Grid) -> list[Place]:
        d, h, w = (new / old for new, old in zip(grid.window, self.grid.window, strict=True))
        return [(b, turn, k, (int(z * d), int(y * h), int(x * w))) for b, turn, k, (z, y, x) in places]

    def _forward(self) -> Iterator[tuple[list[Place], Any]]:
        settings, volume = self.settings, self.volume
        places = self._places()
        count = min(settings.batch, volume.shape[0] * math.prod(len(axis) for axis in self.grid.starts))
        batch = torch.empty((count, volume.shape[1], *self.grid.window), dtype=settings.dtype, device=volume.device)
        plain = count == 1 and volume.dtype == settings.dtype and not volume.is_inference()
        copied = True
        while taken := list(islice(places, count)):
            windows = self._copies(taken, batch) if copied else self._view(taken[0])
            before = None if batch.is_inference() else windows._version
            with torch.inference_mode():
                outputs = settings.ensemble(self.squeeze(windows).to(self.device))
            changed = before is None or windows._version != before
            if changed and not copied:
                raise ModelError(
                    "a network wrote into its input, which it had left alone before",
                    allowed="networks that never do, or always",
                    hint="set batch to 2: then networks get copies",
                )
            copied = changed or not plain  # a single window needs no copy for a network that leaves its input alone
            yield taken, outputs

    def _copies(self, taken: Sequence[Place], batch: torch.Tensor) -> torch.Tensor:
        windows = batch[: len(taken)]
        gather(self.volume, [(b, *start) for b, *_, start in taken], windows)
        return windows

    def _view(self, place: Place) -> torch.Tensor:
        b, *_, (z, y, x) = place
        d, h, w = self.grid.window
        return self.volume[b : b + 1, :, z : z + d, y : y + h, x : x + w]

    def _places(self) -> Iterator[Place]:
        along_d, along_h, along_w = (list(enumerate(axis)) for axis in self.grid.starts)
        for b, (i, z), (j, y), (k, x) in product(range(self.volume.shape[0]), along_d, along_h, along_w):
            yield b, (i, j), k, (z, y, x)


def _pad(volume: torch.Tensor, before: Sequence[int], after: Sequence[int], settings: Settings) -> torch.Tensor:
    if not any(before) and not any(after):
        return volume
    widths = [width for pair in zip(reversed(before), reversed(after), strict=True) for width in pair]
    if settings.padding_mode == "constant":
        return F.pad(volume, widths, value=settings.cval)
    try:
        return F.pad(volume if volume.is_floating_point() else volume.to(settings.dtype), widths, settings.padding_mode)
    except RuntimeError as error:
        raise DataError(
            f"a volume of {tuple(volume.shape)} can't be padded by {widths} with {settings.padding_mode}",
            allowed="less padding than the volume is long",
            hint="use padding_mode='constant' or 'replicate'",
        ) from error


def _check_volume(volume: torch.Tensor) -> None:
    if volume.dim() not in (4, 5):
        raise DataError(f"a volume of shape {tuple(volume.shape)}", allowed="B×C×D×H×W or B×C×H×W")
    if 0 in volume.shape:
        raise DataError(f"an empty volume: its shape is {tuple(volume.shape)}", allowed="sizes of 1 and above")
    if volume.is_complex():
        raise DataError("a volume of complex numbers", allowed="real numbers", hint="take its magnitude")


def _per_axis(name: str, value: Any, axes: int) -> list[Any]:
    if isinstance(value, Sequence):
        if len(value) != axes:
            raise DataError(
                f"{name} has {len(value)} numbers and the volume {axes} spatial axes", allowed="one per axis"
            )
        return list(value)
    return [value] * axes
