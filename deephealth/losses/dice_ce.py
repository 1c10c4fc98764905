"""Dice, and Dice plus cross-entropy, of class maps in 1 to 3 dimensions; one pass over the logits."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from deephealth.kernels.dice_ce import DiceCESettings
from deephealth.kernels.dice_ce import dice_ce as dice_ce_of

__all__ = ["DiceCE", "dice_ce", "multiclass_dice"]


class DiceCE(nn.Module):
    """Weighted sum of soft Dice and cross-entropy, with the numbers of ``monai.losses.DiceCELoss``.

    Args:
        settings: what the loss is.
        weights: one per class, from 0 up.
        check: look for strange ids and NaN; see :func:`deephealth.kernels.dice_ce.dice_ce`.

    Example:
        >>> loss = DiceCE(DiceCESettings(ignore_index=255))
        >>> loss(torch.zeros(1, 3, 2, 2, 2), torch.full((1, 2, 2, 2), 255)).item()  # all ignored: nothing is lost
        0.0
    """

    weights: torch.Tensor | None

    def __init__(
        self, settings: DiceCESettings | None = None, *, weights: Sequence[float] | None = None, check: bool = True
    ) -> None:
        super().__init__()
        self.settings = settings or DiceCESettings()
        self.check = check
        self.register_buffer("weights", None if weights is None else torch.as_tensor(weights), persistent=False)

    def forward(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Return the loss, a scalar.

        Args:
            logits: B×K×spatial.
            target: class ids B×spatial or B×1×spatial, or shares B×K×spatial.

        Raises:
            DataError: see :func:`deephealth.kernels.dice_ce.dice_ce`.
        """
        return dice_ce_of(logits, target, self.weights, settings=self.settings, check=self.check)

    def extra_repr(self) -> str:
        """Show the settings that are not the default."""
        usual = DiceCESettings()
        given = vars(self.settings).items()
        return ", ".join(f"{name}={value!r}" for name, value in given if value != getattr(usual, name))


def dice_ce(
    class_counts: Sequence[int],
    *,
    dice_weight: float = 1.0,
    ce_weight: float = 1.0,
    class_weights: Sequence[float] | None = None,
    include_background: bool = True,
    batch: bool = False,
    smooth: float = 1e-5,
    label_smoothing: float = 0.0,
    ignore_index: int | None = None,
) -> nn.Module:
    """Soft Dice plus cross-entropy of class maps.

    Args:
        class_counts: not used; all losses share one signature.
        dice_weight: of Dice.
        ce_weight: of cross-entropy.
        class_weights: one per class, for both.
        include_background: whether class 0 counts in Dice.
        batch: one Dice over the whole batch.
        smooth: added above and below in Dice.
        label_smoothing: 0 to below 1, of cross-entropy.
        ignore_index: the id whose voxels count nowhere.

    Raises:
        ConfigError: a value that makes no sense.
    """
    settings = DiceCESettings(
        include_background=include_background,
        batch=batch,
        smooth_nr=smooth,
        smooth_dr=smooth,
        label_smoothing=label_smoothing,
        lambda_dice=dice_weight,
        lambda_ce=ce_weight,
        ignore_index=ignore_index,
    )
    return DiceCE(settings, weights=class_weights)


def multiclass_dice(
    class_counts: Sequence[int],
    *,
    include_background: bool = True,
    batch: bool = False,
    smooth: float = 1e-5,
    squared: bool = False,
    jaccard: bool = False,
    ignore_index: int | None = None,
) -> nn.Module:
    """One minus soft Dice of class maps; parameters as in :func:`dice_ce`.

    Args:
        class_counts: not used.
        include_background: whether class 0 counts.
        batch: one Dice over the whole batch.
        smooth: added above and below.
        squared: squares in the denominator (Milletari 2016).
        jaccard: Jaccard instead of Dice.
        ignore_index: the id whose voxels count nowhere.
    """
    settings = DiceCESettings(
        include_background=include_background,
        batch=batch,
        squared=squared,
        jaccard=jaccard,
        smooth_nr=smooth,
        smooth_dr=smooth,
        lambda_ce=0.0,
        ignore_index=ignore_index,
    )
    return DiceCE(settings)
