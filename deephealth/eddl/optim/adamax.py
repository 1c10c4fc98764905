"""Adamax."""

from __future__ import annotations

from typing import ClassVar

import torch

from deephealth.eddl.optim.optimizer import Optimizer
from deephealth.eddl.optim.settings import Tensors, finite, fraction
from deephealth.eddl.tensor import Tensor

__all__ = ["Adamax"]


class Adamax(Optimizer):
    """Adamax (Kingma and Ba, 2015, section 7.1): Adam with the largest gradient in place of the mean square.

    ``m = beta_1 m + (1 - beta_1) g; u = max(beta_2 u, |g| + epsilon); p -= lr / (1 - beta_1**t) m / u``. In strict mode
    it changes nothing, as in EDDL, where it is declared but not written.

    Args:
        lr: learning rate.
        beta_1: how much of the mean gradient is kept.
        beta_2: how much of the largest gradient is kept.
        epsilon: keeps the divisor from 0.
        weight_decay: times the parameter, is added to its gradient.

    Example:
        >>> Adamax(0.01).beta_2
        0.999
    """

    title: ClassVar[str] = "adamax"
    arguments: ClassVar[tuple[str, ...]] = ("lr", "beta_1", "beta_2", "epsilon", "weight_decay")
    kept: ClassVar[tuple[str, ...]] = ("mT", "uT")
    written: ClassVar[bool] = False

    def __init__(
        self,
        lr: float = 0.01,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__()
        self.lr = finite("lr", lr)
        self.beta_1 = fraction("beta_1", beta_1)
        self.beta_2 = fraction("beta_2", beta_2)
        self.epsilon = finite("epsilon", epsilon)
        self.weight_decay = finite("weight_decay", weight_decay)

    @property
    def mT(self) -> list[Tensor]:
        """The running mean of the gradient, of every parameter."""
        return self.kept_tensors("mT")

    def update(self, params: Tensors, grads: Tensors, kept: dict[str, Tensors]) -> None:
        """Change ``params`` in place."""
        grads = self._decayed(grads, params, self.weight_decay)
        mean, largest = kept["mT"], kept["uT"]
        torch._foreach_lerp_(mean, grads, 1 - self.beta_1)
        size = torch._foreach_abs(grads)
        torch._foreach_add_(size, self.epsilon)
        torch._foreach_mul_(largest, self.beta_2)
        torch._foreach_maximum_(largest, size)
        torch._foreach_addcdiv_(params, mean, largest, value=-self.lr / (1 - self.beta_1**self.t))
