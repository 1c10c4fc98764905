"""Learning-rate schedules: a factor on the optimizer's rate as a function of the optimizer step.

Lengths are fractions of the whole run, so that a recipe survives another number of epochs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

__all__ = ["Schedule", "constant", "cosine", "one_cycle", "step"]

Schedule = Callable[[int], float]
"""Optimizer step, from 0, to the factor on the learning rate."""


def constant(steps: int, *, warmup: float = 0.0) -> Schedule:
    """Return a factor of 1 after a linear warm-up.

    Args:
        steps: optimizer steps of the whole run.
        warmup: fraction of the steps over which the rate climbs.

    Example:
        >>> [constant(10, warmup=0.2)(step) for step in (0, 1, 5)]
        [0.5, 1.0, 1.0]
    """
    return lambda step: _climb(step, steps * warmup)


def cosine(steps: int, *, warmup: float = 0.1, floor: float = 0.001) -> Schedule:
    """Return a linear warm-up followed by half a cosine (Loshchilov & Hutter 2017, SGDR, without restarts).

    Args:
        steps: optimizer steps of the whole run.
        warmup: fraction of the steps over which the rate climbs.
        floor: factor at the end.

    Example:
        >>> rate = cosine(100, warmup=0.1, floor=0.0)
        >>> round(rate(0), 2), round(rate(9), 2), round(rate(55), 2), round(rate(100), 2)
        (0.1, 1.0, 0.5, 0.0)
    """
    span = steps * warmup

    def factor(step: int) -> float:
        return _climb(step, span) * _fall(step - span, steps - span, floor)

    return factor


def one_cycle(steps: int, *, warmup: float = 0.3, start: float = 0.04, floor: float = 4e-6) -> Schedule:
    """Return the one-cycle policy: half a cosine up from ``start``, half a cosine down to ``floor`` (Smith 2018).

    Args:
        steps: optimizer steps of the whole run.
        warmup: fraction of the steps that go up.
        start: factor at the first step.
        floor: factor at the end.

    Example:
        >>> rate = one_cycle(100, warmup=0.5, start=0.1, floor=0.0)
        >>> round(rate(0), 2), round(rate(50), 2), round(rate(100), 2)
        (0.1, 1.0, 0.0)
    """
    span = steps * warmup

    def factor(step: int) -> float:
        if step < span:
            return 1.0 + start - _fall(step, span, start)
        return _fall(step - span, steps - span, floor)

    return factor


def step(steps: int, *, milestones: Sequence[float] = (0.5, 0.75), gamma: float = 0.1, warmup: float = 0.0) -> Schedule:
    """Return a staircase: times ``gamma`` at each milestone.

    Args:
        steps: optimizer steps of the whole run.
        milestones: fractions of the run at which the rate falls.
        gamma: factor of each fall.
        warmup: fraction of the steps over which the rate climbs.

    Example:
        >>> [round(step(100)(at), 3) for at in (0, 50, 99)]
        [1.0, 0.1, 0.01]
    """

    def factor(at: int) -> float:
        passed = sum(at >= milestone * steps for milestone in milestones)
        return float(_climb(at, steps * warmup) * gamma**passed)

    return factor


def _climb(step: int, span: float) -> float:
    return min((step + 1) / span, 1.0) if span > 0 else 1.0


def _fall(step: float, span: float, floor: float) -> float:
    """Half a cosine from 1 at 0 to ``floor`` at ``span``, flat outside."""
    part = min(max(step / span, 0.0), 1.0) if span > 0 else float(step > 0)
    return floor + (1.0 - floor) * 0.5 * (1.0 + math.cos(math.pi * part))
