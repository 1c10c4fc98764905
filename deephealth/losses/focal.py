"""Focal loss: samples that are classified well already count less."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from deephealth.core.errors import ConfigError
from deephealth.losses.cross_entropy import balanced_weights
from deephealth.losses.targets import check_classes

__all__ = ["Focal", "focal"]


class Focal(nn.Module):
    """MONAI's softmax focal loss, fed with class indices or class shares; summed over classes, mean over samples."""

    def __init__(self, gamma: float, weights: torch.Tensor | None) -> None:
        super().__init__()
        from monai.losses import FocalLoss  # takes seconds to import

        self.loss = FocalLoss(use_softmax=True, gamma=gamma, weight=weights, reduction="none")

    def forward(self, logits_bk: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Return the mean loss.

        Args:
            logits_bk: B×K.
            target: class indices B, or class shares B×K.
        """
        check_classes(logits_bk, target)
        shares = target if target.is_floating_point() else functional.one_hot(target, logits_bk.shape[1])
        return self.loss(logits_bk, shares.to(logits_bk.dtype)).sum(1).mean()


def focal(class_counts: Sequence[int], *, gamma: float = 2.0, class_weights: str | None = None) -> nn.Module:
    """Focal loss ``-(1 - p)^gamma log p``.

    Args:
        class_counts: training samples per class.
        gamma: how fast easy samples fade; 0 is cross-entropy.
        class_weights: ``balanced`` or null.

    Raises:
        ConfigError: gamma below 0, or another value of ``class_weights``.

    Source: Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017.
    """
    problems = [f"gamma: {gamma:g} is below 0"] if gamma < 0 else []
    if class_weights not in (None, "balanced"):
        problems.append(f"class_weights: '{class_weights}' is neither null nor 'balanced'")
    if problems:
        raise ConfigError(problems, source="the loss")
    return Focal(gamma, balanced_weights(class_counts) if class_weights else None)
