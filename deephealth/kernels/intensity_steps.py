"""The steps of an intensity chain: what each does in plain torch, and how it is planned for one pass over the data.

A plan is a list of instructions for one channel. A step that needs statistics of the values that reach it asks for
them; known ones are carried through steps that are linear, so that most chains read the data once for all statistics.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np
import torch

from deephealth.kernels.philox import normal_field

__all__ = [
    "AFFINE",
    "BIAS",
    "CLAMP",
    "COSTLY",
    "NOISE",
    "NONZERO",
    "POWER",
    "Bias",
    "Clamp",
    "Contrast",
    "Gamma",
    "Instruction",
    "Linear",
    "Moments",
    "Noise",
    "Plan",
    "Planned",
    "Standardize",
    "Step",
]

AFFINE, NONZERO, CLAMP, POWER, NOISE, BIAS = range(6)  # what an instruction does; see Instruction
COSTLY = frozenset({POWER, NOISE, BIAS})  # worth writing down rather than computing again after a statistics pass
_LEAST = 1e-7  # ranges and deviations below this are not divided by


@dataclass(frozen=True)
class Moments:
    """Statistics of one channel: number of values, mean, sum of squared deviations, least and greatest."""

    count: int
    mean: float
    squares: float
    low: float
    high: float

    @property
    def deviation(self) -> float:
        """The standard deviation of a sample (n - 1); 0 for fewer than two values."""
        return math.sqrt(self.squares / (self.count - 1)) if self.count > 1 else 0.0

    @property
    def spread(self) -> float:
        """The standard deviation of all values (n)."""
        return math.sqrt(self.squares / self.count) if self.count else 0.0

    def linear(self, center: float, scale: float, shift: float) -> Moments:
        """Return those of ``(x - center) * scale + shift``."""
        ends = sorted((end - center) * scale + shift for end in (self.low, self.high))
        return Moments(self.count, (self.mean - center) * scale + shift, self.squares * scale * scale, *ends)


@dataclass(frozen=True)
class Instruction:
    """One operation on every value x of a channel.

    ======= =====================================================
    AFFINE  ``(x - p0) * p1 + p2``
    NONZERO the same, and 0 stays 0
    CLAMP   x held between p0 and p1
    POWER   ``max((x - p0) * p1, 0) ** p2 * p3 + p4``
    NOISE   ``x + p0 * normal(key)``
    BIAS    ``x * exp(field)``, of Legendre ``coefficients``
    ======= =====================================================
    """

    code: int
    numbers: tuple[float, ...] = ()
    key: int = 0
    coefficients: np.ndarray | None = None


@dataclass
class Plan:
    """What is to be done to one channel, and what is known of the values after it."""

    instructions: list[Instruction] = field(default_factory=list)
    known: Moments | None = None

    def moments(self) -> Planned:
        """Ask for the statistics of the values so far, unless they are known, and return them."""
        if self.known is None:
            self.known = yield False
        return self.known

    def linear(self, center: float, scale: float, shift: float) -> None:
        """Add a linear step; what is known stays known."""
        self.instructions.append(Instruction(AFFINE, (center, scale, shift)))
        self.known = self.known.linear(center, scale, shift) if self.known else None

    def other(self, code: int, *numbers: float, key: int = 0, coefficients: np.ndarray | None = None) -> None:
        """Add a step after which nothing is known."""
        self.instructions.append(Instruction(code, numbers, key, coefficients))
        self.known = None


# yields whether zeros are left out of the statistics that are needed; is sent them
Planned: TypeAlias = Generator[bool, Moments, Moments]
Planning: TypeAlias = Generator[bool, Moments, None]


@dataclass(frozen=True)
class Linear:
    """``(x - center) * scale + shift``: brightness, and a change of range."""

    scale: float = 1.0
    shift: float = 0.0
    center: float = 0.0

    def on(self, x: torch.Tensor) -> torch.Tensor:
        """Return the values after this step, in plain torch."""
        return (x - self.center) * self.scale + self.shift

    def plan(self, plan: Plan) -> Planning:
        """Add this step to a plan."""
        plan.linear(self.center, self.scale, self.shift)
        yield from ()


@dataclass(frozen=True)
class Clamp:
    """x held between ``low`` and ``high``."""

    low: float
    high: float

    def on(self, x: torch.Tensor) -> torch.Tensor:
        """Return the values after this step, in plain torch."""
        return x.clamp(self.low, self.high)

    def plan(self, plan: Plan) -> Planning:
        """Add this step to a plan, unless nothing lies outside."""
        inside = plan.known and self.low <= plan.known.low and plan.known.high <= self.high
        if not inside:
            plan.other(CLAMP, self.low, self.high)
        yield from ()


@dataclass(frozen=True)
class Contrast:
    """``(x - mean) * factor + mean``, held in the range that x had if ``preserve_range``."""

    factor: float
    preserve_range: bool = True

    def on(self, x: torch.Tensor) -> torch.Tensor:
        """Return the values after this step, in plain torch."""
        mean = x.mean()
        found = (x - mean) * self.factor + mean
        return found.clamp(x.amin(), x.amax()) if self.preserve_range else found

    def plan(self, plan: Plan) -> Planning:
        """Add this step to a plan."""
        known = yield from plan.moments()
        plan.linear(known.mean, self.factor, known.mean)
        if self.preserve_range and not 0 <= self.factor <= 1:
            yield from Clamp(known.low, known.high).plan(plan)


@dataclass(frozen=True)
class Gamma:
    """nnU-Net's gamma: the range mapped to 0..1, to a power, and back; of the negative image if ``invert``.

    With ``retain_stats`` the mean and the standard deviation are those from before.
    """

    gamma: float
    invert: bool = False
    retain_stats: bool = True

    def on(self, x: torch.Tensor) -> torch.Tensor:
        """Return the values after this step, in plain torch."""
        x = -x if self.invert else x
        low, high = x.amin(), x.amax()  # aminmax has no gradient in torch 2.11
        found = ((x - low) / (high - low).clamp(min=_LEAST)) ** self.gamma * (high - low) + low
        if self.retain_stats:
            ratio = _deviation(x) / _deviation(found).clamp(min=_LEAST)
            found = (found - found.mean()) * ratio + x.mean()
        return -found if self.invert else found

    def plan(self, plan: Plan) -> Planning:
        """Add this step to a plan."""
        before = yield from plan.moments()
        sign = -1.0 if self.invert else 1.0
        start = before.high if self.invert else before.low
        extent = before.high - before.low
        # the power of the negative image, negated again at once: its range is that of the image
        plan.other(POWER, start, sign / max(extent, _LEAST), self.gamma, sign * extent, start)
        if self.retain_stats:
            after = yield from plan.moments()
            plan.known = replace(after, low=before.low, high=before.high) if extent > _LEAST else after
            plan.linear(after.mean, before.deviation / max(after.deviation, _LEAST), before.mean)


@dataclass(frozen=True)
class Noise:
    """Normal noise with this standard deviation: the field of ``key``, see :mod:`deephealth.kernels.philox`."""

    deviation: float
    key: int

    def on(self, x: torch.Tensor) -> torch.Tensor:
        """Return the values after this step, in plain torch."""
        return x + self.deviation * normal_field(self.key, x.shape, device=x.device).to(x.dtype)

    def plan(self, plan: Plan) -> Planning:
        """Add this step to a plan."""
        plan.other(NOISE, self.deviation, key=self.key)
        yield from ()


@dataclass(frozen=True, eq=False)
class Bias:
    """A smooth multiplicative field: e to a sum of products of Legendre polynomials over the volume.

    Args:
        coefficients: I×J×K, of the polynomials along D, H and W, each axis from -1 to 1.
    """

    coefficients: np.ndarray

    def on(self, x: torch.Tensor) -> torch.Tensor:
        """Return the values after this step, in plain torch."""
        bases = [
            torch.as_tensor(legendre(size, count), device=x.device, dtype=x.dtype)
            for size, count in zip(x.shape, self.coefficients.shape, strict=True)
        ]
        factors = torch.as_tensor(self.coefficients, device=x.device, dtype=x.dtype)
        return x * torch.exp(torch.einsum("ijk,id,jh,kw->dhw", factors, *bases))

    def plan(self, plan: Plan) -> Planning:
        """Add this step to a plan."""
        plan.other(BIAS, coefficients=self.coefficients)
        yield from ()


@dataclass(frozen=True)
class Standardize:
    """``(x - mean) / deviation`` of the channel, or of its values other than 0, which alone change then."""

    nonzero: bool = False

    def on(self, x: torch.Tensor) -> torch.Tensor:
        """Return the values after this step, in plain torch."""
        chosen = x[x != 0] if self.nonzero else x
        if chosen.numel() == 0:
            return x
        deviation = chosen.std(correction=0)
        found = (x - chosen.mean()) / torch.where(deviation == 0, torch.ones_like(deviation), deviation)
        return torch.where(x != 0, found, x) if self.nonzero else found

    def plan(self, plan: Plan) -> Planning:
        """Add this step to a plan."""
        known = (yield True) if self.nonzero else (yield from plan.moments())
        if known.count == 0:
            return
        scale = 1 / (known.spread or 1.0)
        if self.nonzero:
            plan.other(NONZERO, known.mean, scale, 0.0)
        else:
            plan.linear(known.mean, scale, 0.0)


Step: TypeAlias = Linear | Clamp | Contrast | Gamma | Noise | Bias | Standardize


def legendre(size: int, count: int) -> np.ndarray:
    """Return the first ``count`` Legendre polynomials at ``size`` points from -1 to 1, float64 count×size."""
    return np.polynomial.legendre.legvander(np.linspace(-1, 1, size), count - 1).T


def _deviation(x: torch.Tensor) -> torch.Tensor:
    return x.std() if x.numel() > 1 else x.new_zeros(())
