"""Crops: at a fixed place, in the middle, at random, around the foreground, around labelled voxels."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch

from deephealth.core.errors import ConfigError, DataError
from deephealth.transforms.volume.base import Draws, Params
from deephealth.transforms.volume.spatial import Copying, Size, copy_params, size_of, sizes

__all__ = ["CenterSpatialCrop", "CropForeground", "RandomCropByPosNegLabel", "RandomSpatialCrop", "SpatialCrop"]


class SpatialCrop(Copying):
    """Cut a window of a fixed size at a fixed place.

    Args:
        start: first voxel D, H, W.
        size: of the window, D, H, W.
        options: see :class:`Copying`.

    Raises:
        ConfigError: not three whole numbers.

    Example:
        >>> crop = SpatialCrop((0, 0, 1), (1, 1, 2))
        >>> image = torch.arange(4.0).reshape(1, 1, 1, 1, 4)
        >>> crop.apply({"image": image}, [crop.draw(Draws(0, "0"), {"image": image[0]})])["image"].flatten().tolist()
        [1.0, 2.0]
    """

    def __init__(self, start: Sequence[int], size: Sequence[int] | int, **options: Any) -> None:
        super().__init__(**options)
        self.start, self.size = sizes("SpatialCrop", start, 0), sizes("SpatialCrop", size)

    def draw(self, draws: Draws, sample: Mapping[str, torch.Tensor]) -> Params | None:
        """Return the window.

        Raises:
            DataError: it does not lie in the volume.
        """
        size = size_of(self, sample)
        end = [first + length for first, length in zip(self.start, self.size, strict=True)]
        if any(last > length for last, length in zip(end, size, strict=True)):
            raise DataError(f"SpatialCrop: the window {self.start} to {tuple(end)} leaves the volume {size}")
        return copy_params(sample, size, shape=self.size, start=self.start)


class _WindowCrop(Copying):
    """Cuts a window of a fixed size; a subclass says where.

    Args:
        size: of the window, D, H, W, or one number.
        options: see :class:`Copying`.

    Raises:
        ConfigError: not sizes.
    """

    def __init__(self, size: Sequence[int] | int, **options: Any) -> None:
        super().__init__(**options)
        self.size = sizes(type(self).__name__, size)

    def draw(self, draws: Draws, sample: Mapping[str, torch.Tensor]) -> Params | None:
        """Return the window.

        Raises:
            DataError: it is larger than the volume.
        """
        size = size_of(self, sample)
        _fits(type(self).__name__, self.size, size)
        start = [self._first(draws, length, window) for length, window in zip(size, self.size, strict=True)]
        return copy_params(sample, size, shape=self.size, start=start)

    @abstractmethod
    def _first(self, draws: Draws, length: int, window: int) -> int:
        """Return where the window begins along an axis."""


class CenterSpatialCrop(_WindowCrop):
    """Cut a window of a fixed size out of the middle; settings and errors as in :class:`RandomSpatialCrop`.

    Example:
        >>> CenterSpatialCrop(2).draw(Draws(0, "0"), {"image": torch.zeros(1, 4, 5, 6)})["start"]
        (1, 1, 2)
    """

    def _first(self, draws: Draws, length: int, window: int) -> int:
        return length // 2 - window // 2


class RandomSpatialCrop(_WindowCrop):
    """Cut a window of a fixed size at a random place, every place being as likely.

    Args:
        size: of the window, D, H, W, or one number.
        options: see :class:`Copying`.

    Raises:
        ConfigError: not sizes.

    Example:
        >>> RandomSpatialCrop(2).draw(Draws(0, "0"), {"image": torch.zeros(1, 4, 5, 6)})["shape"]
        (2, 2, 2)
    """

    def _first(self, draws: Draws, length: int, window: int) -> int:
        return draws.integer(0, length - window + 1)


class CropForeground(Copying):
    """Cut to the box around what is above a threshold. The size depends on the sample: for batches of one.

    Args:
        source_key: the entry that is looked at.
        threshold: foreground is above it, in the unit of that entry.
        margin: voxels kept around the box, D, H, W or one number; not beyond the volume.
        allow_empty: keep a sample without foreground whole, instead of raising.
        options: see :class:`Copying`.

    Raises:
        ConfigError: a margin below 0.

    Example:
        >>> image = torch.zeros(1, 3, 4, 5)
        >>> image[0, 1, 2, 3] = 1
        >>> CropForeground(margin=1).draw(Draws(0, "0"), {"image": image})["start"]
        (0, 1, 2)
    """

    looks_at_values: ClassVar[bool] = True

    def __init__(
        self,
        source_key: str = "image",
        *,
        threshold: float = 0.0,
        margin: Sequence[int] | int = 0,
        allow_empty: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.source_key, self.threshold, self.allow_empty = source_key, threshold, allow_empty
        self.margin = sizes("CropForeground", margin, 0)

    def draw(self, draws: Draws, sample: Mapping[str, torch.Tensor]) -> Params | None:
        """Return the box; ``None`` where it is the whole volume.

        Raises:
            DataError: there is no foreground, or no such entry.
        """
        size = size_of(self, sample)
        inside = (_entry("CropForeground", sample, self.source_key) > self.threshold).any(dim=0)
        start, shape = [], []
        for axis in range(3):
            used = inside.movedim(axis, 0).flatten(1).any(dim=1).nonzero().flatten()
            if not len(used):
                if self.allow_empty:
                    return None
                raise DataError(
                    f"CropForeground: no voxel of '{self.source_key}' is above {self.threshold}",
                    hint="lower the threshold, leave the sample out, or set allow_empty=True to keep it whole",
                )
            low = max(int(used[0]) - self.margin[axis], 0)
            start.append(low)
            shape.append(min(int(used[-1]) + 1 + self.margin[axis], size[axis]) - low)
        return None if tuple(shape) == size else copy_params(sample, size, shape=shape, start=start)


class RandomCropByPosNegLabel(Copying):
    """Cut a window around a random voxel: a labelled one with the odds ``pos`` to ``neg``, else one of the background.

    Every voxel of the chosen kind is as likely; near the border the window is moved into the volume. A sample that has
    no voxel of the chosen kind gets one of the other kind (as MONAI's does), unless ``allow_empty`` is off.

    Args:
        size: of the window, D, H, W.
        label_key: whole numbers, 0 is background; every channel counts.
        pos: odds of a labelled voxel.
        neg: odds of a background voxel.
        allow_empty: off: a sample that has no labelled voxel is an error.
        options: see :class:`Copying`.

    Raises:
        ConfigError: not sizes, or odds that are negative or both 0.

    Example:
        >>> label = torch.zeros(1, 8, 8, 8, dtype=torch.uint8)
        >>> label[0, 7, 7, 7] = 1
        >>> RandomCropByPosNegLabel(4, neg=0).draw(Draws(0, "0"), {"label": label})["start"]
        (4, 4, 4)
    """

    looks_at_values: ClassVar[bool] = True

    def __init__(
        self,
        size: Sequence[int] | int,
        *,
        label_key: str = "label",
        pos: float = 1.0,
        neg: float = 1.0,
        allow_empty: bool = True,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.size = sizes("RandomCropByPosNegLabel", size)
        if not (pos >= 0 and neg >= 0 and pos + neg > 0):
            raise ConfigError(
                [f"pos is {pos} and neg {neg}; give odds of at least 0, one of them above"],
                source="RandomCropByPosNegLabel",
            )
        self.label_key, self.share, self.allow_empty = label_key, pos / (pos + neg), allow_empty

    def draw(self, draws: Draws, sample: Mapping[str, torch.Tensor]) -> Params | None:
        """Return the window.

        Raises:
            DataError: it is larger than the volume, there is no such entry, or nothing is labelled and that is not
                allowed.
        """
        size = size_of(self, sample)
        _fits(type(self).__name__, self.size, size)
        wanted, pick = draws.happens(self.share), draws.uniform()
        labelled = (_entry(type(self).__name__, sample, self.label_key) != 0).any(dim=0)
        if not self.allow_empty and not bool(labelled.any()):
            raise DataError(
                f"RandomCropByPosNegLabel: no voxel of '{self.label_key}' {size} is labelled",
                hint="leave the sample out, or set allow_empty=True to crop anywhere",
            )
        centre = _pick(labelled, wanted, pick)
        start = []
        for middle, window, length in zip(centre, self.size, size, strict=True):
            start.append(min(max(middle - window // 2, 0), length - window))
        return copy_params(sample, size, shape=self.size, start=start)


def _pick(labelled: torch.Tensor, wanted: bool, pick: float) -> list[int]:
    """Return the D, H, W index of the voxel that lies the share ``pick`` along those of the wanted kind."""
    chosen = labelled if wanted else ~labelled
    counts = chosen.sum(dim=(1, 2))
    if not int(counts.sum()):
        chosen = ~chosen
        counts = chosen.sum(dim=(1, 2))
    number = int(pick * int(counts.sum()))
    ends = counts.cumsum(0)
    depth = int(torch.searchsorted(ends, torch.tensor(number, device=ends.device), right=True))
    voxel = chosen[depth].nonzero()[number - int(ends[depth] - counts[depth])]
    return [depth, int(voxel[0]), int(voxel[1])]


def _entry(name: str, sample: Mapping[str, torch.Tensor], key: str) -> torch.Tensor:
    if key not in sample:
        raise DataError(f"{name}: the sample has no '{key}'", allowed=", ".join(sample))
    return sample[key]


def _fits(name: str, window: Size, size: Size) -> None:
    if any(part > length for part, length in zip(window, size, strict=True)):
        raise DataError(
            f"{name}: the window {window} is larger than the volume {size}",
            hint="pad first: SpatialPad or ResizeWithPadOrCrop",
        )
