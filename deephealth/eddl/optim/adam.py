"""Adam."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch

from deephealth.core.log import get_logger
from deephealth.eddl.optim.optimizer import Optimizer
from deephealth.eddl.optim.settings import Tensors, finite, fraction
from deephealth.eddl.tensor import Tensor

__all__ = ["Adam"]

_log = get_logger(__name__)


class Adam(Optimizer):
    """Adam (Kingma and Ba, 2015) with epsilon inside the root, ``p -= lr m' / sqrt(v' + epsilon)``, as in EDDL.

    ``m'`` and ``v'`` are the moments after correction of their bias. In strict mode ``weight_decay`` and ``amsgrad``
    are ignored, as EDDL ignores them.

    Args:
        lr: learning rate.
        beta_1: how much of the mean gradient is kept.
        beta_2: how much of the mean squared gradient is kept.
        epsilon: is added to ``v'``.
        weight_decay: times the parameter, is added to its gradient.
        amsgrad: divide by the largest ``v`` so far (Reddi, Kale and Kumar, 2018).

    Example:
        >>> Adam(0.001)
        Adam(lr=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-08, weight_decay=0.0, amsgrad=False)
    """

    title: ClassVar[str] = "adam"
    arguments: ClassVar[tuple[str, ...]] = ("lr", "beta_1", "beta_2", "epsilon", "weight_decay", "amsgrad")

    def __init__(
        self,
        lr: float = 0.01,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
    ) -> None:
        super().__init__()
        self.lr = finite("lr", lr)
        self.beta_1 = fraction("beta_1", beta_1)
        self.beta_2 = fraction("beta_2", beta_2)
        self.epsilon = finite("epsilon", epsilon)
        self.weight_decay = finite("weight_decay", weight_decay)
        self.amsgrad = bool(amsgrad)

    @property
    def kept(self) -> tuple[str, ...]:  # type: ignore[override]
        """Names of what is kept of each parameter."""
        return ("mT", "vT", "vmax") if self.amsgrad and not self.strict else ("mT", "vT")

    @property
    def mT(self) -> list[Tensor]:
        """The running mean of the gradient, of every parameter."""
        return self.kept_tensors("mT")

    @property
    def vT(self) -> list[Tensor]:
        """The running mean of the squared gradient, of every parameter."""
        return self.kept_tensors("vT")

    @property
    def mCap(self) -> list[Tensor]:
        """``mT`` after correction of its bias (copies)."""
        return [Tensor.from_torch(m.torch / (1 - self.beta_1 ** max(self.t, 1))) for m in self.mT]

    @property
    def vCap(self) -> list[Tensor]:
        """``vT`` after correction of its bias (copies)."""
        return [Tensor.from_torch(v.torch / (1 - self.beta_2 ** max(self.t, 1))) for v in self.vT]

    def change(self, params: Sequence[float]) -> None:
        """Set the learning rate.

        Args:
            params: ``[lr]``.
        """
        super().change(params)
        _log.info("Optimizer Adam set new lr=%s", self.lr)

    def update(self, params: Tensors, grads: Tensors, kept: dict[str, Tensors]) -> None:
        """Change ``params`` in place."""
        grads = self._decayed(grads, params, self.weight_decay)
        mean, square = kept["mT"], kept["vT"]
        torch._foreach_lerp_(mean, grads, 1 - self.beta_1)
        torch._foreach_mul_(square, self.beta_2)
        torch._foreach_addcmul_(square, grads, grads, value=1 - self.beta_2)
        if "vmax" in kept:
            torch._foreach_maximum_(kept["vmax"], square)
            square = kept["vmax"]
        bias_1, bias_2 = 1 - self.beta_1**self.t, 1 - self.beta_2**self.t
        # sqrt(v / bias_2 + epsilon) is sqrt(v + epsilon bias_2) / sqrt(bias_2); the last root joins the step's factor
        root = torch._foreach_add(square, self.epsilon * bias_2)
        torch._foreach_sqrt_(root)
        torch._foreach_addcdiv_(params, mean, root, value=-self.lr * bias_2**0.5 / bias_1)
