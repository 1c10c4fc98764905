"""Pads: to a size, to a multiple, and to an exact size by padding and cropping."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from deephealth.transforms.volume.base import Draws, Params
from deephealth.transforms.volume.spatial import Copying, copy_params, size_of, sizes

__all__ = ["DivisiblePad", "ResizeWithPadOrCrop", "SpatialPad"]


class SpatialPad(Copying):
    """Pad to at least a size, the same on both sides (an odd voxel goes behind).

    Args:
        size: D, H, W; axes that are larger stay.
        options: see :class:`Copying`: ``padding``, ``value``, ``label_value``.

    Raises:
        ConfigError: not sizes.

    Example:
        >>> pad = SpatialPad((1, 1, 4))
        >>> image = torch.ones(1, 1, 1, 1, 1)
        >>> pad.apply({"image": image}, [pad.draw(Draws(0, "0"), {"image": image[0]})])["image"].flatten().tolist()
        [0.0, 1.0, 0.0, 0.0]
    """

    def __init__(self, size: Sequence[int] | int, **options: Any) -> None:
        super().__init__(**options)
        self.size = sizes("SpatialPad", size)

    def draw(self, draws: Draws, sample: Mapping[str, torch.Tensor]) -> Params | None:
        """Return the window; ``None`` where the volume is large enough."""
        return _padded(self, sample, [max(pair) for pair in zip(size_of(self, sample), self.size, strict=True)])


class DivisiblePad(Copying):
    """Pad so that each size is a multiple of a number, the same on both sides (an odd voxel goes behind).

    Args:
        k: the number, or one for each of D, H, W.
        options: see :class:`Copying`.

    Raises:
        ConfigError: not whole numbers of at least 1.

    Example:
        >>> DivisiblePad(4).draw(Draws(0, "0"), {"image": torch.zeros(1, 3, 4, 9)})["shape"]
        (4, 4, 12)
    """

    def __init__(self, k: Sequence[int] | int, **options: Any) -> None:
        super().__init__(**options)
        self.k = sizes("DivisiblePad", k)

    def draw(self, draws: Draws, sample: Mapping[str, torch.Tensor]) -> Params | None:
        """Return the window; ``None`` where the sizes are multiples already."""
        return _padded(self, sample, [-(-size // k) * k for size, k in zip(size_of(self, sample), self.k, strict=True)])


class ResizeWithPadOrCrop(Copying):
    """Pad axes that are smaller than a size, and crop the middle of those that are larger.

    Args:
        size: D, H, W of the result.
        options: see :class:`Copying`.

    Raises:
        ConfigError: not sizes.

    Example:
        >>> ResizeWithPadOrCrop(4).draw(Draws(0, "0"), {"image": torch.zeros(1, 3, 4, 9)})["start"]
        (0, 0, 2)
    """

    def __init__(self, size: Sequence[int] | int, **options: Any) -> None:
        super().__init__(**options)
        self.size = sizes("ResizeWithPadOrCrop", size)

    def draw(self, draws: Draws, sample: Mapping[str, torch.Tensor]) -> Params | None:
        """Return the window; ``None`` where the size is right already."""
        return _padded(self, sample, self.size)


def _padded(transform: Copying, sample: Mapping[str, torch.Tensor], goal: Sequence[int]) -> Params | None:
    size = size_of(transform, sample)
    if tuple(goal) == size:
        return None
    start = []
    for length, wanted in zip(size, goal, strict=True):
        start.append(length // 2 - wanted // 2 if wanted < length else -((wanted - length) // 2))
    return copy_params(sample, size, shape=goal, start=start)
