"""Changes of intensity that look at neighbours or at the whole channel: blur, lower resolution, percentiles."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from deephealth.core.errors import ConfigError
from deephealth.kernels.blur import blur, gaussian_taps
from deephealth.kernels.low_resolution import low_resolution
from deephealth.transforms.volume.base import Batch, Draws, Params, VolumeTransform
from deephealth.transforms.volume.intensity import Range, checked_probability, checked_range

__all__ = ["ClipPercentiles", "GaussianBlur", "SimulateLowResolution"]


class _RandomFilter(VolumeTransform):
    """Three numbers for each channel that is changed, one per axis: ``{"amounts": {key: one triple or None each}}``."""

    looks_at_values = False

    def __init__(
        self,
        range_: Range,
        *,
        probability: float = 1.0,
        channel_probability: float = 1.0,
        same_for_channels: bool = False,
        same_for_axes: bool = False,
        image_keys: Sequence[str] = ("image",),
    ) -> None:
        super().__init__(image_keys=image_keys, label_keys=())
        self.range = range_
        self.probability = checked_probability("probability", probability)
        self.channel_probability = checked_probability("channel_probability", channel_probability)
        self.same_for_channels, self.same_for_axes = same_for_channels, same_for_axes

    @abstractmethod
    def change(self, channel: torch.Tensor, amounts: Sequence[float]) -> torch.Tensor:
        """Return one channel, 1×D×H×W, changed."""

    def draw(self, draws: Draws, sample: Mapping[str, torch.Tensor]) -> Params | None:
        """Draw the numbers of each channel; see :meth:`VolumeTransform.draw`."""
        if not draws.happens(self.probability):
            return None
        shared = self._amounts(draws) if self.same_for_channels else None
        found: dict[str, list[tuple[float, ...] | None]] = {}
        for key in self.image_keys:
            if key in sample:
                chosen = [draws.happens(self.channel_probability) for _ in range(sample[key].shape[0])]
                found[key] = [(shared or self._amounts(draws)) if yes else None for yes in chosen]
        return {"amounts": found} if any(one for amounts in found.values() for one in amounts) else None

    def apply(self, batch: Batch, params: Sequence[Params | None]) -> Batch:
        """Return the batch with the chosen channels changed; see :meth:`VolumeTransform.apply`."""
        found = dict(batch)
        for key in self.image_keys:
            if key not in batch:
                continue
            before = batch[key]
            found[key] = after = torch.empty_like(before, memory_format=torch.contiguous_format)
            for b, one in enumerate(params):
                amounts = one["amounts"][key] if one is not None else [None] * before.shape[1]
                for c, triple in enumerate(amounts):
                    channel = before[b, c : c + 1]
                    after[b, c : c + 1] = channel if triple is None else self.change(channel, triple)
        return found

    def _amounts(self, draws: Draws) -> tuple[float, ...]:
        if self.same_for_axes:
            return (draws.uniform(*self.range),) * 3
        return tuple(draws.uniform(*self.range) for _ in range(3))


class GaussianBlur(_RandomFilter):
    """Convolve with a Gaussian, the volume mirrored beyond its border.

    Args:
        deviation: range of the standard deviation in voxels, drawn for each axis.
        truncate: width of the kernel in standard deviations, both sides together.
        **common: ``probability``, ``channel_probability``, ``same_for_channels``, ``same_for_axes``, ``image_keys``.

    Example:
        >>> image = torch.zeros(1, 1, 9, 9, 9)
        >>> image[0, 0, 4, 4, 4] = 1
        >>> smooth = GaussianBlur((0.5, 1.0))
        >>> found = smooth.apply({"image": image}, [smooth.draw(Draws(0, "0"), {"image": image[0]})])["image"]
        >>> round(float(found.sum()), 3), bool(found.max() < 1)
        (1.0, True)
    """

    def __init__(self, deviation: Range = (0.5, 1.0), *, truncate: float = 6.0, **common: Any) -> None:
        super().__init__(checked_range("deviation", deviation, least=0.0), **common)
        self.truncate = checked_range("truncate", (truncate, truncate), least=0.0)[0]

    def change(self, channel: torch.Tensor, amounts: Sequence[float]) -> torch.Tensor:
        """Return the channel blurred."""
        return blur(channel, [gaussian_taps(deviation, self.truncate) for deviation in amounts])


class SimulateLowResolution(_RandomFilter):
    """Take fewer voxels by nearest neighbour and interpolate between them, as a coarser scan resampled would look.

    Args:
        zoom: range of the share of voxels that is kept along an axis.
        ignore_axes: axes (0, 1, 2 for D, H, W) that keep all.
        **common: ``probability``, ``channel_probability``, ``same_for_channels``, ``same_for_axes``, ``image_keys``.

    Example:
        >>> from deephealth.transforms.volume.chain import Chain
        >>> batch = {"image": torch.tensor([0.0, 1.0, 2.0, 3.0]).view(1, 1, 1, 1, -1)}
        >>> Chain([SimulateLowResolution((0.5, 0.5))])(batch, seeds=[0])["image"].flatten()
        tensor([1.0000, 1.5000, 2.5000, 3.0000])
    """

    def __init__(self, zoom: Range = (0.5, 1.0), *, ignore_axes: Sequence[int] = (), **common: Any) -> None:
        super().__init__(checked_range("zoom", zoom, least=1e-3), **common)
        if self.range[1] > 1 or any(axis not in (0, 1, 2) for axis in ignore_axes):
            raise ConfigError(
                [f"zoom {zoom}, ignore_axes {tuple(ignore_axes)}: a zoom is 1 at most, an axis is 0, 1 or 2"],
                source="SimulateLowResolution",
            )
        self.ignore_axes = tuple(ignore_axes)

    def change(self, channel: torch.Tensor, amounts: Sequence[float]) -> torch.Tensor:
        """Return the channel at a lower resolution."""
        zooms = [1.0 if axis in self.ignore_axes else zoom for axis, zoom in enumerate(amounts)]
        sizes = [max(1, round(size * zoom)) for size, zoom in zip(channel.shape[1:], zooms, strict=True)]
        return low_resolution(channel, sizes)


class ClipPercentiles(VolumeTransform):
    """Hold the values of each channel between two of its percentiles, as is usual for CT and MR.

    Args:
        lower: percentile, 0 to 100.
        upper: percentile, 0 to 100.
        nonzero: take the percentiles of the values other than 0.
        image_keys: the entries that change.

    Example:
        >>> image = torch.arange(101.0).view(1, 1, 1, 1, 101)
        >>> clip = ClipPercentiles(10, 90)
        >>> found = clip.apply({"image": image}, [clip.draw(Draws(0, "0"), {"image": image[0]})])["image"]
        >>> float(found.min()), float(found.max())
        (10.0, 90.0)
    """

    looks_at_values = False

    def __init__(
        self,
        lower: float = 0.5,
        upper: float = 99.5,
        *,
        nonzero: bool = False,
        image_keys: Sequence[str] = ("image",),
    ) -> None:
        super().__init__(image_keys=image_keys, label_keys=())
        if not 0 <= lower < upper <= 100:
            raise ConfigError([f"percentiles: {lower} to {upper}; 0 to 100, the lower first"], source="ClipPercentiles")
        self.lower, self.upper, self.nonzero = lower, upper, nonzero

    def draw(self, draws: Draws, sample: Mapping[str, torch.Tensor]) -> Params | None:
        """Return no parameters: nothing is random."""
        return {}

    def apply(self, batch: Batch, params: Sequence[Params | None]) -> Batch:
        """Return the batch with its values held; see :meth:`VolumeTransform.apply`."""
        found = dict(batch)
        for key in self.image_keys:
            if key in batch:
                pairs = zip(batch[key], params, strict=True)
                held = [
                    sample if one is None else torch.stack([self._held(x) for x in sample]) for sample, one in pairs
                ]
                found[key] = torch.stack(held) if held else batch[key]
        return found

    def _held(self, channel: torch.Tensor) -> torch.Tensor:
        values = channel[channel != 0] if self.nonzero else channel.flatten()
        if values.numel() == 0:
            return channel
        # of the values' own, not torch.quantile: that one takes 16 million values at most
        low, high = np.percentile(values.float().cpu().numpy(), [self.lower, self.upper])
        return channel.clamp(float(low), float(high))
