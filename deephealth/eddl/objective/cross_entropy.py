"""The cross-entropies, over probabilities."""

from __future__ import annotations

import torch

from deephealth.core.log import get_logger
from deephealth.eddl.objective.loss import TorchLoss

__all__ = ["LBinaryCrossEntropy", "LCategoricalCrossEntropy", "LCrossEntropy", "LSoftCrossEntropy"]

_log = get_logger(__name__)
_EPS = 1e-7  # added to a probability before its logarithm is taken


def _binary_delta(t: torch.Tensor, y: torch.Tensor, eps: float) -> torch.Tensor:
    wrong = torch.rsub(t, 1).div_(torch.rsub(y, 1).add_(eps))
    return wrong.addcdiv_(t, y + eps, value=-1).div_(y.shape[0])


class _Categorical(TorchLoss):
    """The value that both categorical cross-entropies report."""

    warned = False

    def compute_value(self, t: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return ``-sum t log(y + 1e-7)``."""
        if y.dim() > 2:
            t, y = self._maps(t, y)
        return torch.add(y, _EPS).log_().mul_(t).sum().neg_()

    def _maps(self, t: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if self.strict:  # EDDL's loop runs over shape[1] values of each sample, whatever the other sizes are
            return t.flatten(1)[:, : t.shape[1]], y.flatten(1)[:, : y.shape[1]]
        if not self.warned:
            self.warned = True
            _log.warning("%s sums all values of a map; EDDL itself summed only the first shape[1] of them", self.name)
        return t, y


class LCategoricalCrossEntropy(_Categorical):
    """Cross-entropy between distributions: ``-sum t log(y + 1e-7)``, with its true gradient over the batch size.

    In strict mode the value of tensors with more than two dimensions counts only the first ``shape[1]`` values of each
    sample, as EDDL did; the gradient always counts all.

    Example:
        >>> loss = LCategoricalCrossEntropy()
        >>> round(loss.torch_value(torch.eye(2), torch.full((2, 2), 0.5)).item(), 4)
        1.3863
    """

    def __init__(self) -> None:
        super().__init__("categorical_cross_entropy")

    def compute_delta(self, t: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return ``-t / (y + 1e-7) / batch``."""
        return torch.add(y, _EPS).reciprocal_().mul_(t).div_(-y.shape[0])


class LSoftCrossEntropy(_Categorical):
    """Cross-entropy of a softmax: the value of the categorical one, the gradient ``(y - t) / batch``.

    The gradient is for the input of the softmax: the net skips the backward of the last activation (``bypass``).

    Example:
        >>> loss = LSoftCrossEntropy()
        >>> loss.torch_delta(torch.eye(2), torch.full((2, 2), 0.5)).tolist()
        [[-0.25, 0.25], [0.25, -0.25]]
    """

    bypass = True

    def __init__(self) -> None:
        super().__init__("softmax_cross_entropy")

    def compute_delta(self, t: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return ``(y - t) / batch``."""
        return torch.sub(y, t).div_(y.shape[0])


class LBinaryCrossEntropy(TorchLoss):
    """Cross-entropy of independent yes/no answers, summed over all of them.

    Example:
        >>> loss = LBinaryCrossEntropy()
        >>> round(loss.torch_value(torch.ones(2, 1), torch.full((2, 1), 0.5)).item(), 4)
        1.3863
    """

    def __init__(self) -> None:
        super().__init__("binary_cross_entropy")

    def compute_value(self, t: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return ``-sum [t log(y + 1e-7) + (1 - t) log(1 - y + 1e-7)]``."""
        no, yes = torch.rsub(y, 1).add_(_EPS).log_(), torch.add(y, _EPS).log_()
        return no.lerp_(yes, t).sum().neg_()

    def compute_delta(self, t: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return ``[(1 - t) / (1 - y + 1e-7) - t / (y + 1e-7)] / batch``."""
        return _binary_delta(t, y, _EPS)


class LCrossEntropy(TorchLoss):
    """The loss that EDDL calls ``deprecated_cross_entropy``: binary, with larger epsilons (1e-5 and 1e-6).

    Use :class:`LBinaryCrossEntropy` in new code.

    Example:
        >>> loss = LCrossEntropy()
        >>> round(loss.torch_value(torch.ones(2, 1), torch.full((2, 1), 0.5)).item(), 3)
        1.386
    """

    def __init__(self) -> None:
        super().__init__("cross_entropy")
        _log.warning("deprecated_cross_entropy is kept for old programs; binary_cross_entropy replaces it")

    def compute_value(self, t: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return ``-sum [t log(y + 1e-5) + (1 - t) log(1 - y + 1e-5)]``, each term only where its factor is not 0."""
        yes = torch.xlogy(t, y + 1e-5)
        return yes.add_(torch.xlogy(torch.rsub(t, 1), torch.rsub(y, 1).add_(1e-5))).sum().neg_()

    def compute_delta(self, t: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return ``[(1 - t) / (1 - y + 1e-6) - t / (y + 1e-6)] / batch``."""
        return _binary_delta(t, y, 1e-6)
