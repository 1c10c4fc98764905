"""RMSProp."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch

from deephealth.core.log import get_logger
from deephealth.eddl.optim.optimizer import Optimizer
from deephealth.eddl.optim.settings import Tensors, finite, fraction
from deephealth.eddl.tensor import Tensor

__all__ = ["RMSProp"]

_log = get_logger(__name__)


class RMSProp(Optimizer):
    """RMSProp (Tieleman and Hinton, 2012), ``v = rho v + (1 - rho) g**2; p -= lr g / sqrt(v + epsilon)``.

    In strict mode ``v`` is EDDL's ``rho g_before**2 + (1 - rho) g**2``: only the gradient of the step before counts,
    and ``weight_decay`` is ignored.

    Args:
        lr: learning rate.
        rho: how much of the mean squared gradient is kept.
        epsilon: is added to ``v``.
        weight_decay: times the parameter, is added to its gradient.

    Example:
        >>> RMSProp(0.001).rho
        0.9
    """

    title: ClassVar[str] = "rmsprop"
    arguments: ClassVar[tuple[str, ...]] = ("lr", "rho", "epsilon", "weight_decay")
    changeable: ClassVar[tuple[str, ...]] = ("lr", "rho")
    kept: ClassVar[tuple[str, ...]] = ("gT1",)

    def __init__(self, lr: float = 0.01, rho: float = 0.9, epsilon: float = 1e-8, weight_decay: float = 0.0) -> None:
        super().__init__()
        self.lr = finite("lr", lr)
        self.rho = fraction("rho", rho)
        self.epsilon = finite("epsilon", epsilon)
        self.weight_decay = finite("weight_decay", weight_decay)

    @property
    def gT1(self) -> list[Tensor]:
        """The running mean of the squared gradient; in strict mode the gradient of the last step."""
        return self.kept_tensors("gT1")

    @property
    def gT(self) -> list[Tensor]:
        """The same as ``gT1``: EDDL's scratch tensors are not kept."""
        return self.gT1

    def change(self, params: Sequence[float]) -> None:
        """Set the learning rate and ``rho``.

        Args:
            params: ``[lr]`` or ``[lr, rho]``.
        """
        super().change(params)
        _log.info("Optimizer RMSProp set new lr=%s rho=%s", self.lr, self.rho)

    def update(self, params: Tensors, grads: Tensors, kept: dict[str, Tensors]) -> None:
        """Change ``params`` in place."""
        grads = self._decayed(grads, params, self.weight_decay)
        root = self._before(grads, kept["gT1"]) if self.strict else self._running(grads, kept["gT1"])
        torch._foreach_sqrt_(root)
        torch._foreach_addcdiv_(params, grads, root, value=-self.lr)

    def _running(self, grads: Tensors, square: Tensors) -> Tensors:
        torch._foreach_mul_(square, self.rho)
        torch._foreach_addcmul_(square, grads, grads, value=1 - self.rho)
        return list(torch._foreach_add(square, self.epsilon))

    def _before(self, grads: Tensors, before: Tensors) -> Tensors:
        square = list(torch._foreach_mul(before, before))
        torch._foreach_mul_(square, self.rho)
        torch._foreach_addcmul_(square, grads, grads, value=1 - self.rho)
        torch._foreach_copy_(before, grads)
        torch._foreach_add_(square, self.epsilon)
        return square
