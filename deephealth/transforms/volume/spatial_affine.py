"""Random rotation, scale, shear, shift, flip and elastic displacement, with a crop, in one resample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from deephealth.core.errors import ConfigError
from deephealth.transforms.volume.base import AFFINE, Draws, Params
from deephealth.transforms.volume.spatial import Resampling, Size, size_of, sizes

__all__ = ["RandomAffineElastic"]

Range = tuple[float, float]

_ONE_TO_ONE = 0.4  # of the control points' spacing: below it a cubic spline in 3-D can't fold (Choi and Lee 2000)


class RandomAffineElastic(Resampling):
    """Turn, scale, shear, shift, flip and bend image and label, each part with its own probability, in one resample.

    Turns and shears are about the middle of the volume and in millimetres where the batch has an affine (in voxels
    where it has none). An axis of one voxel is left alone: a slice stays in its plane. With ``size`` the middle of the
    result is cut out of the same resample. Displacements are random per control point and below the bound at which a
    cubic B-spline can fold (Choi and Lee, Injectivity conditions of 2D and 3D uniform cubic B-spline functions, 2000),
    so that ``invert`` and landmarks have an answer.

    Args:
        rotation: degrees about D, H and W: one range for all, or three.
        scale: of the objects; above 1 they grow. One factor for all axes, unless ``isotropic`` is off.
        shear: tangents, a range.
        translation: voxels, a range for all axes.
        flip_axes: 0 = D, 1 = H, 2 = W; each is flipped with ``flip_probability``.
        elastic: range of the amplitude, as a share of the control points' spacing; below 0.4.
        elastic_spacing: range of that spacing, voxels of the result.
        probability: of each part: ``rotation``, ``scale``, ``shear``, ``translation``, ``flip`` (of each axis),
            ``elastic``.
        isotropic: one scale for all axes.
        size: D, H, W of the result; the sample's own when not given.
        options: see :class:`Resampling`: ``mode``, ``padding``, ``value``, ``label_value``, the keys.

    Raises:
        ConfigError: ranges, probabilities or sizes that can't be; all of them at once.

    Example:
        >>> warp = RandomAffineElastic(probability={"rotation": 1.0}, size=8)
        >>> batch = {"image": torch.rand(1, 1, 9, 10, 11), "label": torch.ones(1, 1, 9, 10, 11, dtype=torch.uint8)}
        >>> params = [warp.draw(Draws(7, "0/RandomAffineElastic"), {key: value[0] for key, value in batch.items()})]
        >>> warp.apply(batch, params)["label"].shape
        torch.Size([1, 1, 8, 8, 8])
    """

    def __init__(  # noqa: PLR0913 - the parts of a warp
        self,
        *,
        rotation: Range | Sequence[Range] = (-30.0, 30.0),
        scale: Range = (0.7, 1.4),
        shear: Range = (-0.1, 0.1),
        translation: Range = (-10.0, 10.0),
        flip_axes: Sequence[int] = (0, 1, 2),
        elastic: Range = (0.0, 0.2),
        elastic_spacing: Range = (24.0, 48.0),
        probability: Mapping[str, float] | None = None,
        isotropic: bool = True,
        size: Sequence[int] | int | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        given = np.asarray(rotation, dtype=float)
        self.rotation = [_range(one) for one in (given if given.ndim > 1 else [given] * 3)]
        self.scale, self.shear, self.translation = _range(scale), _range(shear), _range(translation)
        self.flip_axes, self.isotropic = tuple(flip_axes), isotropic
        self.elastic, self.elastic_spacing = _range(elastic), _range(elastic_spacing)
        self.probability = dict(_PROBABILITY) | dict(probability or {})
        self.size = None if size is None else sizes("RandomAffineElastic", size)
        self._check()

    def _check(self) -> None:
        ranges = {"scale": self.scale, "shear": self.shear, "translation": self.translation}
        ranges |= {"elastic": self.elastic, "elastic_spacing": self.elastic_spacing}
        ranges |= {f"rotation[{axis}]": one for axis, one in enumerate(self.rotation)}
        wrong = [f"{name} is {one}; give (low, high)" for name, one in ranges.items() if not one[0] <= one[1]]
        if len(self.rotation) != 3:
            wrong.append(f"rotation has {len(self.rotation)} ranges; give one, or three for D, H and W")
        if not self.scale[0] > 0:
            wrong.append(f"scale starts at {self.scale[0]}; give factors above 0")
        if not 0 <= self.elastic[0] <= self.elastic[1] < _ONE_TO_ONE:
            wrong.append(
                f"elastic is {self.elastic}; from 0 to below {_ONE_TO_ONE} of the spacing, or the map may fold"
            )
        if not self.elastic_spacing[0] >= 1:
            wrong.append(f"elastic_spacing starts at {self.elastic_spacing[0]}; give 1 voxel or more")
        if not set(self.flip_axes) <= {0, 1, 2}:
            wrong.append(f"flip_axes are {self.flip_axes}; give some of 0 (D), 1 (H), 2 (W)")
        for name, chance in self.probability.items():
            if name not in _PROBABILITY:
                wrong.append(f"probability: there is no part '{name}'; the parts are {', '.join(_PROBABILITY)}")
            elif not 0 <= chance <= 1:
                wrong.append(f"probability of {name} is {chance}; give a number from 0 to 1")
        if wrong:
            raise ConfigError(wrong, source="RandomAffineElastic")

    def draw(self, draws: Draws, sample: Mapping[str, torch.Tensor]) -> Params | None:
        """Return the map; ``None`` where no part happens and the size stays."""
        source = size_of(self, sample)
        shape = self.size or source
        happens = {name: draws.happens(self.probability[name]) for name in _PROBABILITY if name != "flip"}
        flips = [axis in self.flip_axes and draws.happens(self.probability["flip"]) for axis in range(3)]
        if not (any(happens.values()) or any(flips) or shape != source):
            return None
        free = np.array([length > 1 for length in source], dtype=float)
        linear = self._linear(draws, happens, _spacing(sample), free) @ np.diag(
            [-1.0 if flip else 1.0 for flip in flips]
        )
        shift = np.array([draws.uniform(*self.translation) for _ in range(3)]) * free * happens["translation"]
        middle = (np.array(source) - 1) / 2 - shift - linear @ (np.array(shape) - 1) / 2
        control = self._control(draws, shape, linear) if happens["elastic"] else None
        return {
            "matrix": np.concatenate([linear, middle[:, None]], 1),
            "control": control,
            "shape": shape,
            "source": source,
            "affine": sample.get(AFFINE),
        }

    def _linear(self, draws: Draws, happens: Mapping[str, bool], spacing: np.ndarray, free: np.ndarray) -> np.ndarray:
        """Return the 3×3 part, output voxels -> source voxels; the draws are used up whatever happens."""
        angles = [np.deg2rad(draws.uniform(*one)) for one in self.rotation]
        scale = np.exp([draws.uniform(*np.log(self.scale)) for _ in range(3)])
        shears = np.array([draws.uniform(*self.shear) for _ in range(6)])
        found = np.eye(3)
        if happens["rotation"]:
            for axis, angle in enumerate(angles):
                first, second = (axis + 1) % 3, (axis + 2) % 3
                if free[first] and free[second]:
                    turn = np.eye(3)
                    turn[first, first] = turn[second, second] = np.cos(angle)
                    turn[second, first] = np.sin(angle)
                    turn[first, second] = -np.sin(angle)
                    found = found @ turn
        if happens["shear"]:
            slant = np.eye(3)
            slant[~np.eye(3, dtype=bool)] = shears
            found = found @ (np.eye(3) + (slant - np.eye(3)) * np.outer(free, free))
        found = found * spacing / spacing[:, None]
        if happens["scale"]:
            factors = np.full(3, scale[0]) if self.isotropic else scale
            found = found / np.where(free > 0, factors, 1.0)
        return found

    def _control(self, draws: Draws, shape: Size, linear: np.ndarray) -> np.ndarray:
        """Return the control points 3×d×h×w: moved in the result's voxels, then carried over to the source's."""
        amplitude, apart = draws.uniform(*self.elastic), draws.uniform(*self.elastic_spacing)
        cells = [max(1, round((length - 1) / apart)) for length in shape]
        steps = np.array([(length - 1) / cell for length, cell in zip(shape, cells, strict=True)])
        moves = draws.uniforms(3, *(cell + 3 for cell in cells)) * 2 - 1
        return np.einsum("ab,bijk->aijk", linear, moves * (amplitude * steps)[:, None, None, None])


_PROBABILITY = {"rotation": 0.2, "scale": 0.2, "shear": 0.0, "translation": 0.0, "flip": 0.5, "elastic": 0.2}


def _spacing(sample: Mapping[str, torch.Tensor]) -> np.ndarray:
    """Return millimetres along D, H, W; ones where they are not known."""
    if AFFINE not in sample:
        return np.ones(3)
    found = sample[AFFINE][:3, :3].double().norm(dim=0).flip(0).cpu().numpy()
    return found if np.all(np.isfinite(found) & (found > 0)) else np.ones(3)


def _range(given: Sequence[float] | np.ndarray) -> Range:
    """Return (low, high).

    Raises:
        ConfigError: something else was given, such as one number.
    """
    if np.shape(given) != (2,):
        raise ConfigError([f"{given} is not a range; give (low, high)"], source="RandomAffineElastic")
    return float(given[0]), float(given[1])
