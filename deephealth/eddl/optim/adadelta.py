"""AdaDelta."""

from __future__ import annotations

from typing import ClassVar

import torch

from deephealth.eddl.optim.optimizer import Optimizer
from deephealth.eddl.optim.settings import Tensors, finite, fraction
from deephealth.eddl.tensor import Tensor

__all__ = ["AdaDelta"]


class AdaDelta(Optimizer):
    """AdaDelta (Zeiler, 2012): steps of the size of past steps, ``p -= lr g sqrt(d + epsilon) / sqrt(v + epsilon)``.

    ``v`` is the running mean of squared gradients and ``d`` that of squared steps (before the factor ``lr``). In strict
    mode it changes nothing, as in EDDL, where it is declared but not written.

    Args:
        lr: factor of every step; the paper's algorithm has 1.
        rho: how much of the running means is kept.
        epsilon: keeps divisor and first steps from 0.
        weight_decay: times the parameter, is added to its gradient.

    Example:
        >>> AdaDelta(1.0)
        AdaDelta(lr=1.0, rho=0.95, epsilon=1e-08, weight_decay=0.0)
    """

    title: ClassVar[str] = "adadelta"
    arguments: ClassVar[tuple[str, ...]] = ("lr", "rho", "epsilon", "weight_decay")
    changeable: ClassVar[tuple[str, ...]] = ("lr", "rho")
    kept: ClassVar[tuple[str, ...]] = ("mT", "dT")
    written: ClassVar[bool] = False

    def __init__(self, lr: float = 0.01, rho: float = 0.95, epsilon: float = 1e-8, weight_decay: float = 0.0) -> None:
        super().__init__()
        self.lr = finite("lr", lr)
        self.rho = fraction("rho", rho)
        self.epsilon = finite("epsilon", epsilon)
        self.weight_decay = finite("weight_decay", weight_decay)

    @property
    def mT(self) -> list[Tensor]:
        """The running mean of the squared gradient, of every parameter."""
        return self.kept_tensors("mT")

    def update(self, params: Tensors, grads: Tensors, kept: dict[str, Tensors]) -> None:
        """Change ``params`` in place."""
        grads = self._decayed(grads, params, self.weight_decay)
        square, steps = kept["mT"], kept["dT"]
        torch._foreach_mul_(square, self.rho)
        torch._foreach_addcmul_(square, grads, grads, value=1 - self.rho)
        step = torch._foreach_add(steps, self.epsilon)
        torch._foreach_div_(step, torch._foreach_add(square, self.epsilon))
        torch._foreach_sqrt_(step)
        torch._foreach_mul_(step, grads)
        torch._foreach_mul_(steps, self.rho)
        torch._foreach_addcmul_(steps, step, step, value=1 - self.rho)
        torch._foreach_add_(params, step, alpha=-self.lr)
