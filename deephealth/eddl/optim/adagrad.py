"""Adagrad."""

from __future__ import annotations

from typing import ClassVar

import torch

from deephealth.eddl.optim.optimizer import Optimizer
from deephealth.eddl.optim.settings import Tensors, finite
from deephealth.eddl.tensor import Tensor

__all__ = ["Adagrad"]


class Adagrad(Optimizer):
    """Adagrad (Duchi, Hazan and Singer, 2011), ``v += g**2; p -= lr g / (sqrt(v) + epsilon)``.

    In strict mode it changes nothing, as in EDDL, where it is declared but not written.

    Args:
        lr: learning rate.
        epsilon: keeps the divisor from 0.
        weight_decay: times the parameter, is added to its gradient.

    Example:
        >>> Adagrad(0.01)
        Adagrad(lr=0.01, epsilon=1e-08, weight_decay=0.0)
    """

    title: ClassVar[str] = "adagrad"
    arguments: ClassVar[tuple[str, ...]] = ("lr", "epsilon", "weight_decay")
    kept: ClassVar[tuple[str, ...]] = ("mT",)
    written: ClassVar[bool] = False

    def __init__(self, lr: float = 0.01, epsilon: float = 1e-8, weight_decay: float = 0.0) -> None:
        super().__init__()
        self.lr = finite("lr", lr)
        self.epsilon = finite("epsilon", epsilon)
        self.weight_decay = finite("weight_decay", weight_decay)

    @property
    def mT(self) -> list[Tensor]:
        """The sum of the squared gradients, of every parameter."""
        return self.kept_tensors("mT")

    def update(self, params: Tensors, grads: Tensors, kept: dict[str, Tensors]) -> None:
        """Change ``params`` in place."""
        grads = self._decayed(grads, params, self.weight_decay)
        square = kept["mT"]
        torch._foreach_addcmul_(square, grads, grads)
        root = torch._foreach_sqrt(square)
        torch._foreach_add_(root, self.epsilon)
        torch._foreach_addcdiv_(params, grads, root, value=-self.lr)
