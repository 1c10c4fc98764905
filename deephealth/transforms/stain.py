"""Stains of histology tiles: normalised to a reference (Macenko), separated, or varied at random."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch

from deephealth.core.errors import ConfigError, DataError
from deephealth.kernels.stain import Stains, estimate_stains, recolour, tissue_mask, unmixing
from deephealth.transforms.volume.base import Draws

__all__ = ["MacenkoNormalizer", "StainAugmentation", "tissue_mask"]

Missing = Literal["error", "keep"]

# The reference of the widely used implementations (M. Veta's, from which torchstain and others come).
_MATRIX = ((0.5626, 0.2159), (0.7201, 0.8012), (0.4062, 0.5581))
_MAXIMA = (1.9705, 1.0308)


class MacenkoNormalizer:
    """Give tiles the stains of a reference.

    With the default settings the result is torchstain's, and differs by one grey level in some hundred-thousandths of
    the values. Two of torchstain's habits stay unless ``unbiased``: levels are truncated, not rounded, and the 1 that
    is added before the logarithm is not taken away again.

    Args:
        matrix: 3×2, the reference's stain vectors (haematoxylin first); default: those of the common implementations.
        maxima: 2, the reference's 99th percentiles of concentrations.
        io: level of the light without a tissue.
        beta: least optical density of tissue.
        alpha: percentile of the angles that the stain vectors are taken at.
        missing: what becomes of a tile in which two stains can't be found: ``error``, or ``keep`` it as it is.
        unbiased: round instead of truncating, and take the added 1 away: a tile with the reference's own stains comes
            back as it was, but for what lies outside the plane of its stains.

    Raises:
        ConfigError: a setting is out of its range.

    Source: Macenko et al., ISBI 2009.

    Example:
        >>> numbers = torch.Generator().manual_seed(0)
        >>> tile = torch.randint(60, 180, (3, 64, 64), generator=numbers).to(torch.uint8)
        >>> normalizer = MacenkoNormalizer(unbiased=True).fit(tile)
        >>> normalizer(tile[None]).shape
        torch.Size([1, 3, 64, 64])
        >>> MacenkoNormalizer.from_dict(normalizer.to_dict()).to_dict() == normalizer.to_dict()
        True
    """

    def __init__(
        self,
        matrix: Sequence[Sequence[float]] | torch.Tensor = _MATRIX,
        maxima: Sequence[float] | torch.Tensor = _MAXIMA,
        *,
        io: float = 240.0,
        beta: float = 0.15,
        alpha: float = 1.0,
        missing: Missing = "error",
        unbiased: bool = False,
    ) -> None:
        self.matrix = torch.as_tensor(matrix, dtype=torch.float64)
        self.maxima = torch.as_tensor(maxima, dtype=torch.float64)
        self.io, self.beta, self.alpha = float(io), float(beta), float(alpha)
        self.missing: Missing = missing
        self.unbiased = bool(unbiased)
        self._check()

    def fit(self, tile: torch.Tensor) -> MacenkoNormalizer:
        """Take the stains of a 3×H×W tile as the reference, and return this normalizer.

        Raises:
            DataError: it has not both stains.
        """
        found = self.stains(tile[None])
        _all_found(found)
        self.matrix, self.maxima = found.matrix[0].cpu(), found.maxima[0].cpu()
        return self

    def stains(self, tiles: torch.Tensor) -> Stains:
        """Return what :func:`deephealth.kernels.stain.estimate_stains` finds with these settings."""
        return estimate_stains(tiles, io=self.io, beta=self.beta, alpha=self.alpha)

    def __call__(self, tiles: torch.Tensor, stains: Stains | None = None) -> torch.Tensor:
        """Return the normalised tiles.

        Args:
            tiles: B×3×H×W uint8, channels first or last in memory; the result has the same layout.
            stains: of these tiles, if they are known (one estimate for a whole slide is steadier than one per tile).

        Raises:
            DataError: shape or dtype is wrong, or a tile has not both stains and ``missing`` is ``error``.
        """
        return self._recoloured(tiles, stains, (True, True))

    def separate(self, tiles: torch.Tensor, stains: Stains | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the tiles with haematoxylin alone and with eosin alone, in the reference's colours."""
        stains = self.stains(tiles) if stains is None else stains
        return self._recoloured(tiles, stains, (True, False)), self._recoloured(tiles, stains, (False, True))

    def to_dict(self) -> dict[str, Any]:
        """Return reference and settings as plain lists and numbers, for JSON or YAML."""
        return {
            "matrix": self.matrix.tolist(),
            "maxima": self.maxima.tolist(),
            "io": self.io,
            "beta": self.beta,
            "alpha": self.alpha,
            "missing": self.missing,
            "unbiased": self.unbiased,
        }

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> MacenkoNormalizer:
        """Make a normalizer from what :meth:`to_dict` gave."""
        return cls(**settings)

    def _recoloured(self, tiles: torch.Tensor, stains: Stains | None, shown: tuple[bool, bool]) -> torch.Tensor:
        stains = self.stains(tiles) if stains is None else stains
        if self.missing == "error":
            _all_found(stains)
        scale = self.maxima.to(tiles.device) / stains.maxima
        wanted = self.matrix.to(tiles.device) * torch.tensor(shown, device=tiles.device)
        mix = wanted * scale[:, None] @ unmixing(stains.matrix)
        return _kept(tiles, stains.found, recolour(tiles, _finite(mix), io=self.io, bias=-0.5 * self.unbiased))

    def _check(self) -> None:
        problems = []
        if self.matrix.shape != (3, 2) or not torch.isfinite(self.matrix).all():
            problems.append(f"matrix: {self.matrix.tolist()} is not 3×2 finite numbers")
        elif not unmixing(self.matrix[None]).any():
            problems.append(f"matrix: {self.matrix.tolist()} holds one stain, not two")
        if self.maxima.shape != (2,) or not (torch.isfinite(self.maxima) & (self.maxima > 0)).all():
            problems.append(f"maxima: {self.maxima.tolist()} is not two numbers above 0")
        if not (0 < self.io < math.inf and 0 <= self.beta < math.inf and 0 <= self.alpha < 50):
            problems.append(f"io, beta, alpha: {self.io}, {self.beta}, {self.alpha}; allowed: > 0, >= 0, 0 to < 50")
        if self.missing not in ("error", "keep"):
            problems.append(f"missing: '{self.missing}' is neither 'error' nor 'keep'")
        if problems:
            raise ConfigError(problems, source="MacenkoNormalizer")


class StainAugmentation:
    """Vary how much of each stain is in a tile: each sample's concentrations are scaled and shifted.

    What of a colour the two stains don't explain stays as it is, so a draw of nothing returns the tile unchanged. The
    draws depend on a sample's seed alone, not on the batch it is in.

    Args:
        scale: concentrations are multiplied by 1 - ``scale`` to 1 + ``scale``.
        shift: and raised by - ``shift`` to + ``shift`` of their 99th percentile.
        probability: of a tile to be varied.
        place: of this step in a chain; steps at different places draw differently.
        io: level of the light without a tissue.
        beta: least optical density of tissue.
        alpha: percentile of the angles.
        missing: what becomes of a tile in which two stains can't be found: ``error``, or ``keep`` it as it is.

    Source: Tellez et al., "Whole-slide mitosis detection in H&E breast histology", IEEE TMI 2018.

    Example:
        >>> tiles = torch.randint(60, 180, (2, 3, 32, 32), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
        >>> varied = StainAugmentation()(tiles, seeds=[1, 2])
        >>> torch.equal(StainAugmentation()(tiles[1:], seeds=[2]), varied[1:])
        True
    """

    def __init__(
        self,
        scale: float = 0.2,
        shift: float = 0.2,
        *,
        probability: float = 1.0,
        place: str = "stain",
        io: float = 240.0,
        beta: float = 0.15,
        alpha: float = 1.0,
        missing: Missing = "keep",
    ) -> None:
        bounds = {"scale": (scale, 1.0), "shift": (shift, math.inf), "probability": (probability, 1.0)}
        problems = [
            f"{name}: {value} is not in 0 to {most}" for name, (value, most) in bounds.items() if not 0 <= value <= most
        ]
        if problems:
            raise ConfigError(problems, source="StainAugmentation")
        self.scale, self.shift, self.probability, self.place = scale, shift, probability, place
        self._normalizer = MacenkoNormalizer(io=io, beta=beta, alpha=alpha, missing=missing)

    def __call__(self, tiles: torch.Tensor, seeds: Sequence[int], stains: Stains | None = None) -> torch.Tensor:
        """Return the varied tiles.

        Args:
            tiles: B×3×H×W uint8.
            seeds: of the samples, one each: see :func:`deephealth.core.seeds.counter_seed`.
            stains: of these tiles, if they are known.

        Raises:
            DataError: shape, dtype or number of seeds is wrong, or a tile has not both stains and ``missing`` is
                ``error``.
        """
        if len(seeds) != len(tiles):
            raise DataError(f"{len(tiles)} tiles and {len(seeds)} seeds", allowed="one seed for each tile")
        stains = self._normalizer.stains(tiles) if stains is None else stains
        if self._normalizer.missing == "error":
            _all_found(stains)
        drawn = [self._draw(Draws(seed, self.place)) for seed in seeds]
        factors, shifts = torch.tensor(drawn, dtype=torch.float64, device=tiles.device).reshape(-1, 2, 2).unbind(1)
        change = stains.matrix * (factors - 1)[:, None] @ unmixing(stains.matrix)
        mix = torch.eye(3, dtype=torch.float64, device=tiles.device) + change
        shift = (stains.matrix @ (shifts * stains.maxima)[:, :, None]).squeeze(2)
        varied = recolour(tiles, _finite(mix), _finite(shift), io=self._normalizer.io, bias=-0.5)
        return _kept(tiles, stains.found, varied)

    def _draw(self, draws: Draws) -> list[float]:
        """Two factors and two shifts; all numbers are drawn whatever happens."""
        happens = draws.happens(self.probability)
        factors = [draws.uniform(1 - self.scale, 1 + self.scale) for _ in range(2)]
        shifts = [draws.uniform(-self.shift, self.shift) for _ in range(2)]
        return [*factors, *shifts] if happens else [1.0, 1.0, 0.0, 0.0]


def _all_found(stains: Stains) -> None:
    lost = (~stains.found).nonzero().flatten().tolist()
    if lost:
        counts = ", ".join(f"{at} ({int(stains.tissue[at])} pixels of tissue)" for at in lost[:10])
        raise DataError(
            f"two stains can't be found in {len(lost)} of {len(stains.tissue)} tiles: {counts}",
            allowed="tissue with two stains in each tile",
            hint="leave tiles of background out (tissue_mask), or set missing='keep'",
        )


def _finite(numbers: torch.Tensor) -> torch.Tensor:
    """Zeros for the tiles whose result is not used."""
    return torch.nan_to_num(numbers, nan=0.0, posinf=0.0, neginf=0.0)


def _kept(tiles: torch.Tensor, found: torch.Tensor, new: torch.Tensor) -> torch.Tensor:
    """``new`` where both stains were found, and the tile as it was elsewhere."""
    lost = ~found
    if bool(lost.any()):
        new[lost] = tiles[lost]
    return new
