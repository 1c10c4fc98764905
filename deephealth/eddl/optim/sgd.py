"""Stochastic gradient descent with momentum."""

from __future__ import annotations

from typing import ClassVar

import torch

from deephealth.eddl.optim.one_pass import one_pass_possible
from deephealth.eddl.optim.optimizer import Optimizer
from deephealth.eddl.optim.settings import Tensors, finite
from deephealth.eddl.tensor import Tensor

__all__ = ["SGD"]


class SGD(Optimizer):
    """Gradient descent, ``m = mu m + lr g; p -= m``: the learning rate is inside the momentum, as in EDDL.

    In strict mode ``weight_decay`` and ``nesterov`` are ignored, as EDDL ignores them.

    Args:
        lr: learning rate.
        momentum: how much of the last change is kept.
        weight_decay: times the parameter, is added to its gradient.
        nesterov: change by ``mu m + lr g`` with the new ``m``.

    Example:
        >>> optimizer = SGD(0.1, momentum=0.9)
        >>> optimizer.change([0.01, 0.5])
        >>> optimizer.lr, optimizer.mu
        (0.01, 0.5)
    """

    title: ClassVar[str] = "sgd"
    arguments: ClassVar[tuple[str, ...]] = ("lr", "mu", "weight_decay", "nesterov")
    counters: ClassVar[tuple[str, ...]] = ("t", "clip_val", "_unit")
    changeable: ClassVar[tuple[str, ...]] = ("lr", "mu")
    kept: ClassVar[tuple[str, ...]] = ("velocity",)

    def __init__(
        self, lr: float = 0.01, momentum: float = 0.0, weight_decay: float = 0.0, nesterov: bool = False
    ) -> None:
        super().__init__()
        self.lr = finite("lr", lr)
        self.mu = finite("momentum", momentum)
        self.weight_decay = finite("weight_decay", weight_decay)
        self.nesterov = bool(nesterov)
        self._unit = self.lr or 1.0

    @property
    def mT(self) -> list[Tensor]:
        """The momentum ``m`` of every parameter (copies)."""
        return [Tensor.from_torch(tensor.torch * self._unit) for tensor in self.kept_tensors("velocity")]

    def update(self, params: Tensors, grads: Tensors, kept: dict[str, Tensors]) -> None:
        """Change ``params`` in place."""
        if self.mu == 0:
            torch._foreach_add_(params, self._decayed(grads, params, self.weight_decay), alpha=-self.lr)
            return
        velocity = kept["velocity"]
        self._measure_in_lr()
        if self.lr != 0 and one_pass_possible(params, grads, velocity):
            self._fused(params, grads, velocity)
            return
        torch._foreach_mul_(velocity, self.mu)
        if self.lr != 0:
            grads = self._decayed(grads, params, self.weight_decay)
            torch._foreach_add_(velocity, grads)
        if self.nesterov and not self.strict:
            torch._foreach_add_(params, velocity, alpha=-self._unit * self.mu)
            torch._foreach_add_(params, grads, alpha=-self.lr)
        else:
            torch._foreach_add_(params, velocity, alpha=-self._unit)

    def _measure_in_lr(self) -> None:
        """Keep ``velocity = m / lr``: torch's one-pass kernel has the rate outside the momentum, EDDL inside."""
        if self.lr not in {0, self._unit}:
            torch._foreach_mul_(self._kept["velocity"], self._unit / self.lr)
            self._unit = self.lr

    def _fused(self, params: Tensors, grads: Tensors, velocity: Tensors) -> None:
        torch._fused_sgd_(
            params,
            grads,
            velocity,
            weight_decay=0.0 if self.strict else self.weight_decay,
            momentum=self.mu,
            lr=self.lr,
            dampening=0.0,
            nesterov=self.nesterov and not self.strict,
            maximize=False,
            is_first_step=False,
        )

    def _state(self, chosen: list[int] | None, params: Tensors) -> dict[str, Tensors]:
        return super()._state(chosen, params) if self.mu else {}
