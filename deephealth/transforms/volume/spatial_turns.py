"""Flips, quarter turns and the orientation of the axes: voxels are copied, never resampled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from nibabel.orientations import axcodes2ornt, io_orientation, ornt_transform

from deephealth.core.errors import ConfigError, DataError
from deephealth.transforms.volume.base import AFFINE, Draws, Params
from deephealth.transforms.volume.spatial import Copying, copy_params, size_of

__all__ = ["Orientation", "RandomFlip", "RandomRotate90"]


class RandomFlip(Copying):
    """Flip each of some axes with a probability.

    Args:
        axes: 0 = D, 1 = H, 2 = W.
        probability: for each axis on its own.
        options: see :class:`Copying`.

    Raises:
        ConfigError: no such axis, or not a probability.

    Example:
        >>> flip = RandomFlip((2,), probability=1.0)
        >>> batch = {"image": torch.arange(3.0).reshape(1, 1, 1, 1, 3)}
        >>> flip.apply(batch, [flip.draw(Draws(0, "0"), {"image": batch["image"][0]})])["image"].flatten().tolist()
        [2.0, 1.0, 0.0]
    """

    def __init__(self, axes: Sequence[int] = (0, 1, 2), *, probability: float = 0.5, **options: Any) -> None:
        super().__init__(**options)
        _check("RandomFlip", axes, probability)
        self.axes, self.probability = tuple(axes), probability

    def draw(self, draws: Draws, sample: Mapping[str, torch.Tensor]) -> Params | None:
        """Return which axes are flipped; ``None`` for none of them."""
        chosen = [axis for axis in self.axes if draws.happens(self.probability)]
        if not chosen:
            return None
        size = size_of(self, sample)
        return copy_params(sample, size, shape=size, flips=[axis in chosen for axis in range(3)])


class RandomRotate90(Copying):
    """Turn by 90, 180 or 270 degrees in a plane; by 180 where the plane's sides differ, so that the size stays.

    Args:
        axes: the plane: 0 = D, 1 = H, 2 = W.
        probability: of a turn.
        options: see :class:`Copying`.

    Raises:
        ConfigError: not two axes, or not a probability.

    Example:
        >>> RandomRotate90((1, 2), probability=0.0).draw(Draws(0, "0"), {"image": torch.zeros(1, 2, 2, 2)}) is None
        True
    """

    def __init__(self, axes: tuple[int, int] = (1, 2), *, probability: float = 0.5, **options: Any) -> None:
        super().__init__(**options)
        _check("RandomRotate90", axes, probability)
        if len(axes) != 2:
            raise ConfigError([f"axes are {axes}; a plane has two"], source="RandomRotate90")
        self.axes, self.probability = tuple(axes), probability

    def draw(self, draws: Draws, sample: Mapping[str, torch.Tensor]) -> Params | None:
        """Return the turn as a permutation and flips; ``None`` for no turn."""
        happens, turns = draws.happens(self.probability), draws.integer(1, 4)
        if not happens:
            return None
        size = size_of(self, sample)
        first, second = self.axes
        if size[first] != size[second]:
            turns = 2
        axes, flips = [0, 1, 2], [False, False, False]
        if turns != 2:
            axes[first], axes[second] = second, first
        flips[first], flips[second] = turns in (1, 2), turns in (2, 3)
        return copy_params(sample, size, shape=size, axes=axes, flips=flips)


class Orientation(Copying):
    """Permute and flip the axes so that i, j, k (W, H, D) run towards the named sides, or as near as oblique axes can.

    Args:
        axcodes: three letters, the sides towards which i, j and k grow: ``RAS``, ``LPS``, ...
        options: see :class:`Copying`.

    Raises:
        ConfigError: not three letters of R/L, A/P and S/I.

    Example:
        >>> turn = Orientation("LAS")
        >>> sample = {"image": torch.zeros(1, 2, 2, 2), "affine": torch.eye(4, dtype=torch.float64)}
        >>> turn.draw(Draws(0, "0"), sample)["flips"]
        (False, False, True)
    """

    def __init__(self, axcodes: str = "RAS", **options: Any) -> None:
        super().__init__(**options)
        if sorted("RAS".find(letter) + "LPI".find(letter) for letter in axcodes) != [-1, 0, 1]:
            raise ConfigError(
                [f"axcodes are '{axcodes}'; give one of R/L, one of A/P and one of S/I"], source="Orientation"
            )
        self.axcodes = axcodes

    def draw(self, draws: Draws, sample: Mapping[str, torch.Tensor]) -> Params | None:
        """Return the permutation and flips; ``None`` where the axes already run so.

        Raises:
            DataError: the sample has no affine.
        """
        if AFFINE not in sample:
            raise DataError("Orientation: the sample has no affine", hint=f"put it into the batch under '{AFFINE}'")
        size = size_of(self, sample)
        turn = ornt_transform(io_orientation(sample[AFFINE].cpu().numpy()), axcodes2ornt(self.axcodes))
        axes, flips = [0, 0, 0], [False, False, False]
        for old, (new, direction) in enumerate(turn):  # i, j, k
            axes[2 - int(new)], flips[2 - int(new)] = 2 - old, bool(direction < 0)
        if axes == [0, 1, 2] and not any(flips):
            return None
        return copy_params(sample, size, shape=[size[axis] for axis in axes], axes=axes, flips=flips)


def _check(name: str, axes: Sequence[int], probability: float) -> None:
    wrong = []
    if not set(axes) <= {0, 1, 2} or len(set(axes)) != len(axes):
        wrong.append(f"axes are {tuple(axes)}; give some of 0 (D), 1 (H), 2 (W), each once")
    if not 0 <= probability <= 1:
        wrong.append(f"probability is {probability}; give a number from 0 to 1")
    if wrong:
        raise ConfigError(wrong, source=name)
