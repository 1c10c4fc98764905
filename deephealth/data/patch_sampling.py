"""Where patches are taken: anywhere, or around voxels of chosen classes (oversampled foreground)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from deephealth.core.errors import ConfigError, DataError
from deephealth.data.volume_store import StoredCase
from deephealth.transforms.volume.base import Draws

__all__ = ["ForegroundShare", "PatchSampling", "PosNegRatio", "UniformSampling", "patch_start"]

Voxel = tuple[int, int, int]


class PatchSampling(Protocol):
    """What the patches ask: the voxel that a patch is centred on."""

    def centre(self, draws: Draws, case: StoredCase, slot: int, batch_size: int) -> Voxel | None:
        """Return a voxel (D, H, W), or ``None`` for any place.

        Args:
            draws: the patch's own random numbers.
            case: that the patch is taken from.
            slot: place in the batch.
            batch_size: of this batch.
        """
        ...


@dataclass(frozen=True, slots=True)
class UniformSampling:
    """Each place that lies inside the volume is equally likely."""

    def centre(self, draws: Draws, case: StoredCase, slot: int, batch_size: int) -> Voxel | None:
        """Return ``None``."""
        return None


@dataclass(frozen=True, slots=True)
class ForegroundShare:
    """A share of each batch shows foreground, the rest comes from anywhere (nnU-Net).

    The last ``round(share · B)`` patches of a batch, at least one if the share is above 0, are centred on a voxel of a
    class that is drawn first, so rare classes come as often as frequent ones.

    Args:
        share: 0 to 1.
        classes: that count as foreground; all ids above 0 when not given.
        empty: what a case without any of them does: a patch from anywhere, or an error.

    Raises:
        ConfigError: a share outside 0 to 1.
    """

    share: float = 1 / 3
    classes: tuple[int, ...] | None = None
    empty: Literal["uniform", "error"] = "uniform"

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise ConfigError([f"share: {self.share} is not between 0 and 1"], source="ForegroundShare")

    def centre(self, draws: Draws, case: StoredCase, slot: int, batch_size: int) -> Voxel | None:
        """Return a voxel of a class in the last slots of a batch.

        Raises:
            DataError: the case has no foreground, and ``empty`` is ``"error"``.
        """
        forced = max(1, round(self.share * batch_size)) if self.share > 0 else 0
        return _of_foreground(draws, case, self.classes, self.empty) if slot >= batch_size - forced else None


@dataclass(frozen=True, slots=True)
class PosNegRatio:
    """Each patch is centred on foreground or background, in this ratio (MONAI's ``RandCropByPosNegLabel``).

    Unlike there, a class is drawn before a voxel of it; with one class it is the same.

    Args:
        pos: weight of foreground.
        neg: weight of background (class 0).
        classes: that count as foreground; all ids above 0 when not given.
        empty: what a case without any of them does: a patch from anywhere, or an error.

    Raises:
        ConfigError: a weight below 0, or both 0.
    """

    pos: float = 1.0
    neg: float = 1.0
    classes: tuple[int, ...] | None = None
    empty: Literal["uniform", "error"] = "uniform"

    def __post_init__(self) -> None:
        if min(self.pos, self.neg) < 0 or self.pos + self.neg <= 0:
            raise ConfigError([f"pos, neg: {self.pos}, {self.neg} are no weights"], source="PosNegRatio")

    def centre(self, draws: Draws, case: StoredCase, slot: int, batch_size: int) -> Voxel | None:
        """Return a voxel of a class, or of the background.

        Raises:
            DataError: the case has no foreground, and ``empty`` is ``"error"``.
        """
        if draws.happens(self.pos / (self.pos + self.neg)):
            return _of_foreground(draws, case, self.classes, self.empty)
        return _one_of(draws, case, 0)


def patch_start(draws: Draws, shape: Sequence[int], patch: Sequence[int], centre: Voxel | None) -> Voxel:
    """Return where a patch begins: inside the volume, or around its middle where the volume is smaller.

    Args:
        draws: used for axes without a centre.
        shape: D, H, W of the volume.
        patch: of the patch.
        centre: voxel in the middle of the patch, as far as the border lets it be there.

    Example:
        >>> patch_start(Draws(0, "patch"), (10, 10, 3), (4, 4, 5), (9, 5, 1))
        (6, 3, -1)
    """
    rooms = [size - length for size, length in zip(shape, patch, strict=True)]
    if centre is None:
        wanted = [draws.integer(0, max(room, 0) + 1) for room in rooms]
    else:
        wanted = [at - length // 2 for at, length in zip(centre, patch, strict=True)]
    depth, height, width = (
        -(-room // 2) if room < 0 else min(max(at, 0), room) for at, room in zip(wanted, rooms, strict=True)
    )
    return depth, height, width


def _of_foreground(draws: Draws, case: StoredCase, classes: tuple[int, ...] | None, empty: str) -> Voxel | None:
    present = [name for name in sorted(case.classes) if (name > 0 if classes is None else name in classes)]
    if present:
        return _one_of(draws, case, present[draws.integer(0, len(present))])
    if empty == "error":
        wanted = "ids above 0" if classes is None else f"any of {list(classes)}"
        raise DataError(
            f"the label of '{case.id}' has no foreground: it holds {case.classes or 'nothing'} (id: voxels)",
            allowed=wanted,
            hint="leave the case out, or set empty='uniform'",
        )
    return None


def _one_of(draws: Draws, case: StoredCase, class_id: int) -> Voxel | None:
    places = case.places(class_id)
    if not len(places):
        return None
    depth, height, width = np.unravel_index(int(places[draws.integer(0, len(places))]), case.shape)
    return int(depth), int(height), int(width)
