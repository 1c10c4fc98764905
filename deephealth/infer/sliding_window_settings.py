"""The settings of a sliding window, and what can't be set."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import torch

from deephealth.core.errors import ConfigError, DeviceError
from deephealth.infer.ensemble import Activation, Average, Ensemble

__all__ = ["Settings"]

Network = Callable[[torch.Tensor], Any]
Padding = Literal["constant", "reflect", "replicate", "circular"]


@dataclass(frozen=True)
class Settings:
    """What a sliding window is told: :class:`deephealth.infer.sliding_window.SlidingWindow` explains it.

    Raises:
        ConfigError: all that is wrong with the settings.
        DeviceError: there is no such device.
    """

    roi_size: int | Sequence[int | None] | None
    networks: Network | Sequence[Network]
    overlap: float | Sequence[float] = field(default=0.25, kw_only=True)
    mode: Literal["constant", "gaussian"] = field(default="constant", kw_only=True)
    sigma_scale: float | Sequence[float] = field(default=0.125, kw_only=True)
    padding_mode: Padding = field(default="constant", kw_only=True)
    cval: float = field(default=0.0, kw_only=True)
    batch: int = field(default=4, kw_only=True)
    mirror: Sequence[int] = field(default=(), kw_only=True)
    weights: Sequence[float] | None = field(default=None, kw_only=True)
    average: Average = field(default="logits", kw_only=True)
    activation: Activation | None = field(default=None, kw_only=True)
    device: torch.device | str | None = field(default=None, kw_only=True)
    buffer_device: torch.device | str | None = field(default=None, kw_only=True)
    dtype: torch.dtype = field(default=torch.float32, kw_only=True)
    progress: Callable[[int, int], object] | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        problems = [
            *_outside("roi_size", self.roi_size, lambda size: size is None or size == -1 or _whole(size)),
            *_outside("overlap", self.overlap, lambda share: 0 <= share < 1),
            *_outside("sigma_scale", self.sigma_scale, lambda share: 0 < share < math.inf),
        ]
        if not _whole(self.batch):
            problems.append(f"batch: {self.batch} is not a whole number above 0")
        if self.mode not in ("constant", "gaussian"):
            problems.append(f"mode: '{self.mode}' is neither constant nor gaussian")
        if self.padding_mode not in ("constant", "reflect", "replicate", "circular"):
            problems.append(f"padding_mode: '{self.padding_mode}' is none of constant, reflect, replicate, circular")
        if not self.dtype.is_floating_point:
            problems.append(f"dtype: {self.dtype} is not a floating dtype")
        if problems:
            raise ConfigError(problems, source="the sliding window")
        for device in (self.device, self.buffer_device):
            if device is not None and torch.device(device).type == "cuda" and not torch.cuda.is_available():
                raise DeviceError(f"{device} was asked for, and torch finds no GPU", hint="use device cpu or None")
        _ = self.ensemble

    @cached_property
    def ensemble(self) -> Ensemble:
        """All networks and mirror images as one network."""
        networks = [self.networks] if callable(self.networks) else list(self.networks)
        return Ensemble(networks, self.weights, self.mirror, self.average, self.activation)


def _outside(name: str, value: Any, right: Callable[[Any], bool]) -> list[str]:
    values = value if isinstance(value, Sequence) else [value]
    wrong = [item for item in values if not right(item)]
    return [f"{name}: {', '.join(map(str, wrong))} can't be used"] if wrong or not values else []


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
