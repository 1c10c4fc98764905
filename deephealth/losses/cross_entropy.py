"""Softmax cross-entropy and its frequency-adjusted kin; indices and mixed (soft) targets alike."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from deephealth.core.errors import ConfigError
from deephealth.losses.targets import check_classes, checked_counts

__all__ = ["CrossEntropy", "balanced_softmax", "cross_entropy", "logit_adjusted"]


class CrossEntropy(nn.Module):
    """``torch.nn.functional.cross_entropy`` on logits that may be shifted and classes that may be weighted.

    Args:
        label_smoothing: share of the target that is spread evenly over all classes.
        weights: one weight per class; weighted losses are divided by the sum of the weights that occur.
        shift: added to the logits in training only; the network's own logits stay free of it.
    """

    weights: torch.Tensor | None
    shift: torch.Tensor | None

    def __init__(
        self, *, label_smoothing: float = 0.0, weights: torch.Tensor | None = None, shift: torch.Tensor | None = None
    ) -> None:
        super().__init__()
        if not 0 <= label_smoothing < 1:
            raise ConfigError([f"label_smoothing: {label_smoothing:g} is not in [0, 1)"], source="the loss")
        self.label_smoothing = label_smoothing
        self.register_buffer("weights", weights, persistent=False)
        self.register_buffer("shift", shift, persistent=False)

    def forward(self, logits_bk: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Return the mean loss.

        Args:
            logits_bk: B×K.
            target: class indices B, or class shares B×K.
        """
        check_classes(logits_bk, target)
        if self.shift is not None:
            logits_bk = logits_bk + self.shift.to(logits_bk.dtype)
        weights = None if self.weights is None else self.weights.to(logits_bk.dtype)
        return functional.cross_entropy(logits_bk, target, weight=weights, label_smoothing=self.label_smoothing)

    def extra_repr(self) -> str:
        """Show the settings."""
        return f"label_smoothing={self.label_smoothing:g}"


def cross_entropy(
    class_counts: Sequence[int], *, label_smoothing: float = 0.0, class_weights: str | None = None
) -> nn.Module:
    """Softmax cross-entropy.

    Args:
        class_counts: training samples per class.
        label_smoothing: 0 to below 1.
        class_weights: ``balanced`` weighs each class by ``n / (K * count)``; null weighs all samples alike.

    Raises:
        ConfigError: another value of ``class_weights``.
        DataError: balanced, and a class has no sample.
    """
    if class_weights not in (None, "balanced"):
        raise ConfigError([f"class_weights: '{class_weights}' is neither null nor 'balanced'"], source="the loss")
    return CrossEntropy(
        label_smoothing=label_smoothing, weights=balanced_weights(class_counts) if class_weights else None
    )


def logit_adjusted(class_counts: Sequence[int], *, tau: float = 1.0, label_smoothing: float = 0.0) -> nn.Module:
    """Cross-entropy of ``logits + tau * log(frequency)``: the plain logits then aim at balanced accuracy.

    Args:
        class_counts: training samples per class.
        tau: strength; 1 is the value for which the paper proves consistency.
        label_smoothing: 0 to below 1.

    Source: Menon et al., "Long-tail learning via logit adjustment", ICLR 2021, equation 10.
    """
    counts = checked_counts(list(class_counts))
    shift = tau * (counts / counts.sum()).log()
    return CrossEntropy(label_smoothing=label_smoothing, shift=shift.float())


def balanced_softmax(class_counts: Sequence[int], *, label_smoothing: float = 0.0) -> nn.Module:
    """:func:`logit_adjusted` with ``tau`` 1 (Ren et al., NeurIPS 2020, equation 3)."""
    return logit_adjusted(class_counts, tau=1.0, label_smoothing=label_smoothing)


def balanced_weights(class_counts: Sequence[int]) -> torch.Tensor:
    """Return ``n / (K * count)`` per class, as scikit-learn's ``balanced``.

    Example:
        >>> balanced_weights([3, 1]).tolist()
        [0.6666666865348816, 2.0]
    """
    counts = checked_counts(list(class_counts))
    return (counts.sum() / (len(counts) * counts)).float()
