"""Nadam."""

from __future__ import annotations

from typing import ClassVar

import torch

from deephealth.eddl.optim.optimizer import Optimizer
from deephealth.eddl.optim.settings import Tensors, finite, fraction
from deephealth.eddl.tensor import Tensor

__all__ = ["Nadam"]


class Nadam(Optimizer):
    """Nadam (Dozat, 2016): Adam with Nesterov's momentum, whose ``beta_1`` rises by the paper's schedule.

    At step ``t`` the momentum is ``beta_1 (1 - 0.96**(t schedule_decay) / 2)``; the divisor is ``sqrt(v') + epsilon``.
    In strict mode it changes nothing, as in EDDL, where it is declared but not written.

    Args:
        lr: learning rate.
        beta_1: how much of the mean gradient is kept, in the end.
        beta_2: how much of the mean squared gradient is kept.
        epsilon: keeps the divisor from 0.
        schedule_decay: how fast the momentum rises to ``beta_1``.

    Example:
        >>> Nadam(0.01).schedule_decay
        0.004
    """

    title: ClassVar[str] = "nadam"
    arguments: ClassVar[tuple[str, ...]] = ("lr", "beta_1", "beta_2", "epsilon", "schedule_decay")
    counters: ClassVar[tuple[str, ...]] = ("t", "clip_val", "_product")
    kept: ClassVar[tuple[str, ...]] = ("mT", "vT")
    written: ClassVar[bool] = False

    def __init__(
        self,
        lr: float = 0.01,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        schedule_decay: float = 0.004,
    ) -> None:
        super().__init__()
        self.lr = finite("lr", lr)
        self.beta_1 = fraction("beta_1", beta_1)
        self.beta_2 = fraction("beta_2", beta_2)
        self.epsilon = finite("epsilon", epsilon)
        self.schedule_decay = finite("schedule_decay", schedule_decay)
        self._product = 1.0  # of the momenta of all steps so far

    @property
    def mT(self) -> list[Tensor]:
        """The running mean of the gradient, of every parameter."""
        return self.kept_tensors("mT")

    def _momentum(self, step: int) -> float:
        return self.beta_1 * (1 - 0.5 * 0.96 ** (step * self.schedule_decay))

    def update(self, params: Tensors, grads: Tensors, kept: dict[str, Tensors]) -> None:
        """Change ``params`` in place."""
        mean, square = kept["mT"], kept["vT"]
        if self.t == 1:
            self._product = 1.0
        now, following = self._momentum(self.t), self._momentum(self.t + 1)
        self._product *= now
        torch._foreach_lerp_(mean, grads, 1 - self.beta_1)
        torch._foreach_mul_(square, self.beta_2)
        torch._foreach_addcmul_(square, grads, grads, value=1 - self.beta_2)
        root = torch._foreach_sqrt(square)
        torch._foreach_mul_(root, (1 - self.beta_2**self.t) ** -0.5)
        torch._foreach_add_(root, self.epsilon)
        torch._foreach_addcdiv_(params, grads, root, value=-self.lr * (1 - now) / (1 - self._product))
        factor = following / (1 - self._product * following)
        torch._foreach_addcdiv_(params, mean, root, value=-self.lr * factor)
