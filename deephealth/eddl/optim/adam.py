"""Adam."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import torch

from deephealth.core.log import get_logger
from deephealth.eddl.optim.one_pass import one_pass_possible
from deephealth.eddl.optim.optimizer import Optimizer
from deephealth.eddl.optim.settings import Tensors, finite, fraction
from deephealth.eddl.tensor import Tensor

if TYPE_CHECKING:
    from deephealth.eddl.graph.layer import Layer

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
    counters: ClassVar[tuple[str, ...]] = ("t", "clip_val", "_offset")

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
        self._offset = 0.0  # what the kept "vT" hold more than v
        self._clock: torch.Tensor | None = None

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
        """The running mean of the squared gradient, of every parameter (copies)."""
        return [Tensor.from_torch(v.torch - self._offset) for v in self.kept_tensors("vT")]

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

    def setlayers(self, layers: Sequence[Layer]) -> None:
        """Take the layers to train, and forget what was learned of others."""
        super().setlayers(layers)
        self._offset = 0.0

    def update(self, params: Tensors, grads: Tensors, kept: dict[str, Tensors]) -> None:
        """Change ``params`` in place."""
        mean, square = kept["mT"], kept["vT"]
        everything = len(params) == len(self._kept["vT"])
        if everything and "vmax" not in kept and self.beta_2 and one_pass_possible(params, grads, mean, square):
            self._in_one_pass(params, grads, mean, square)
            return
        self._hold(0.0)
        grads = self._decayed(grads, params, self.weight_decay)
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

    def _in_one_pass(self, params: Tensors, grads: Tensors, mean: Tensors, square: Tensors) -> None:
        """Step with torch's kernel, which divides by ``sqrt(v' / bias_2) + 0``.

        For epsilon inside the root it must find ``v + epsilon bias_2`` after its own ``v = beta_2 v + ...``. So before
        it ``vT`` must hold ``epsilon bias_2 / beta_2`` more than ``v``: the same small addition in every step.
        """
        self._hold(self.epsilon * (1 - self.beta_2**self.t) / self.beta_2)
        if self._clock is None or self._clock.device != params[0].device:
            self._clock = torch.zeros((), device=params[0].device)
        torch._fused_adam_(
            params,
            grads,
            mean,
            square,
            [],
            [self._clock.fill_(self.t)] * len(params),
            lr=self.lr,
            beta1=self.beta_1,
            beta2=self.beta_2,
            weight_decay=0.0 if self.strict else self.weight_decay,
            eps=0.0,
            amsgrad=False,
            maximize=False,
        )
        self._offset *= self.beta_2

    def _hold(self, offset: float) -> None:
        """Let the kept ``vT`` of all parameters hold ``v + offset``."""
        if offset == self._offset:
            return
        torch._foreach_add_(self._kept["vT"], offset - self._offset)
        if offset < self._offset:
            torch._foreach_clamp_min_(self._kept["vT"], offset)  # rounding must not make v negative
        self._offset = offset
