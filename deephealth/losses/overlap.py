"""Losses of masks: cross-entropy per pixel, and overlap losses of MONAI; one sigmoid per channel."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from deephealth.core.errors import ConfigError
from deephealth.losses.targets import check_masks

__all__ = ["MaskLoss", "bce", "dice", "dice_bce", "jaccard", "jaccard_bce", "tversky"]


class MaskLoss(nn.Module):
    """A weighted sum of losses of logits and masks, both B×C×H×W.

    Args:
        terms: pairs of weight and loss.
    """

    def __init__(self, *terms: tuple[float, nn.Module]) -> None:
        super().__init__()
        if not all(weight >= 0 for weight, _ in terms) or not any(weight for weight, _ in terms):
            raise ConfigError(
                [f"weights {[weight for weight, _ in terms]}: none below 0, one above"], source="the loss"
            )
        self.weights = [weight for weight, _ in terms]
        self.terms = nn.ModuleList(term for _, term in terms)

    def forward(self, logits_bchw: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Return the loss, a scalar."""
        check_masks(logits_bchw, target)
        target = target.to(logits_bchw.dtype)
        return torch.stack(
            [w * term(logits_bchw, target) for w, term in zip(self.weights, self.terms, strict=True)]
        ).sum()


def bce(class_counts: Sequence[int], *, positive_weight: float = 1.0) -> nn.Module:
    """Binary cross-entropy per pixel.

    Args:
        class_counts: not used; all losses share one signature.
        positive_weight: price of a missed foreground pixel against a false one.
    """
    return MaskLoss((1.0, _bce(positive_weight)))


def dice(class_counts: Sequence[int], *, smooth: float = 1e-5, batch: bool = False) -> nn.Module:
    """One minus soft Dice (``monai.losses.DiceLoss``).

    Args:
        class_counts: not used.
        smooth: added above and below, so that an empty mask has a loss.
        batch: one Dice over the whole batch instead of one per image.
    """
    return MaskLoss((1.0, _dice(smooth, batch=batch)))


def dice_bce(
    class_counts: Sequence[int],
    *,
    dice_weight: float = 1.0,
    bce_weight: float = 1.0,
    smooth: float = 1e-5,
    batch: bool = False,
) -> nn.Module:
    """Soft Dice plus binary cross-entropy per pixel; parameters as in :func:`dice`, with the weight of each term."""
    return MaskLoss((dice_weight, _dice(smooth, batch=batch)), (bce_weight, _bce()))


def jaccard(class_counts: Sequence[int], *, smooth: float = 1e-5, batch: bool = False) -> nn.Module:
    """One minus soft Jaccard; parameters as in :func:`dice`."""
    return MaskLoss((1.0, _dice(smooth, batch=batch, jaccard=True)))


def jaccard_bce(
    class_counts: Sequence[int],
    *,
    jaccard_weight: float = 1.0,
    bce_weight: float = 1.0,
    smooth: float = 1e-5,
    batch: bool = False,
) -> nn.Module:
    """Soft Jaccard plus binary cross-entropy per pixel; parameters as in :func:`dice_bce`."""
    return MaskLoss((jaccard_weight, _dice(smooth, batch=batch, jaccard=True)), (bce_weight, _bce()))


def tversky(
    class_counts: Sequence[int], *, alpha: float = 0.3, beta: float = 0.7, smooth: float = 1e-5, batch: bool = False
) -> nn.Module:
    """One minus the Tversky index (``monai.losses.TverskyLoss``).

    Args:
        class_counts: not used.
        alpha: price of a false foreground pixel.
        beta: price of a missed one; both 0.5 is Dice.
        smooth: added above and below.
        batch: one index over the whole batch.
    """
    from monai.losses import TverskyLoss  # takes seconds to import

    loss = TverskyLoss(sigmoid=True, alpha=alpha, beta=beta, smooth_nr=smooth, smooth_dr=smooth, batch=batch)
    return MaskLoss((1.0, loss))


def _dice(smooth: float, *, batch: bool, jaccard: bool = False) -> nn.Module:
    from monai.losses import DiceLoss  # takes seconds to import

    return DiceLoss(sigmoid=True, jaccard=jaccard, smooth_nr=smooth, smooth_dr=smooth, batch=batch)


def _bce(positive_weight: float = 1.0) -> nn.Module:
    return nn.BCEWithLogitsLoss(pos_weight=None if positive_weight == 1 else torch.tensor(positive_weight))
