"""Losses of class maps that MONAI has: focal, generalised Dice and Hausdorff, with checks in front of them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from deephealth.core.errors import ConfigError
from deephealth.losses.targets import checked_class_map

__all__ = ["ClassMapLoss", "VoxelFocal", "generalized_dice", "hausdorff", "multiclass_focal"]


class ClassMapLoss(nn.Module):
    """A loss of MONAI, fed with class ids that were looked at.

    Args:
        loss: takes logits B×K×spatial and ids B×1×spatial.
    """

    def __init__(self, loss: nn.Module) -> None:
        super().__init__()
        self.loss = loss

    def forward(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Return the loss, a scalar.

        Args:
            logits: B×K×spatial.
            target: class ids B×spatial or B×1×spatial.

        Raises:
            DataError: shapes or types that don't fit, ids that no class has, logits that are not finite.
        """
        return self.loss(logits, checked_class_map(logits, target))


class VoxelFocal(nn.Module):
    """MONAI's softmax focal loss per voxel, summed over classes; mean over the voxels that count.

    Args:
        gamma: how fast easy voxels fade; 0 is cross-entropy.
        weights: one per class, from 0 up; the mean is not divided by them.
        ignore_index: the id whose voxels count nowhere.
    """

    def __init__(
        self, gamma: float = 2.0, *, weights: Sequence[float] | None = None, ignore_index: int | None = None
    ) -> None:
        super().__init__()
        from monai.losses import FocalLoss  # takes seconds to import

        if gamma < 0:
            raise ConfigError([f"gamma: {gamma:g} is below 0"], source="the loss")
        self.ignore_index = ignore_index
        given = None if weights is None else torch.as_tensor(weights, dtype=torch.float32)
        self.loss = FocalLoss(use_softmax=True, to_onehot_y=True, gamma=gamma, weight=given, reduction="none")

    def forward(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Return the mean loss; 0 where all voxels are ignored.

        Args:
            logits: B×K×spatial.
            target: class ids B×spatial or B×1×spatial.

        Raises:
            DataError: shapes or types that don't fit, ids that no class has, logits that are not finite.
        """
        ids = checked_class_map(logits, target, ignore_index=self.ignore_index)
        if self.ignore_index is None:
            return self.loss(logits, ids).sum(1).mean()
        counts = ids != self.ignore_index
        each = self.loss(logits, ids.where(counts, 0)).sum(1, keepdim=True)
        return (each * counts).sum() / counts.sum().clamp(min=1)


def multiclass_focal(
    class_counts: Sequence[int],
    *,
    gamma: float = 2.0,
    class_weights: Sequence[float] | None = None,
    ignore_index: int | None = None,
) -> nn.Module:
    """Focal loss of class maps (Lin et al., ICCV 2017); ``class_counts`` is not used, see :class:`VoxelFocal`."""
    return VoxelFocal(gamma, weights=class_weights, ignore_index=ignore_index)


def generalized_dice(
    class_counts: Sequence[int],
    *,
    include_background: bool = True,
    weighting: str = "square",
    smooth: float = 1e-5,
    batch: bool = False,
) -> nn.Module:
    """Generalised Dice of class maps (``monai.losses.GeneralizedDiceLoss``): rare classes weigh more.

    Args:
        class_counts: not used.
        include_background: whether class 0 counts.
        weighting: a class weighs one over the square of its volume (``square``), one over it (``simple``), or 1
            (``uniform``).
        smooth: added above and below.
        batch: one Dice over the whole batch.

    Raises:
        ConfigError: no such weighting.

    Source: Sudre et al., DLMIA 2017.
    """
    from monai.losses import GeneralizedDiceLoss  # takes seconds to import

    if weighting not in ("square", "simple", "uniform"):
        raise ConfigError([f"weighting: '{weighting}' is none of 'square', 'simple', 'uniform'"], source="the loss")
    loss = GeneralizedDiceLoss(
        include_background=include_background,
        to_onehot_y=True,
        softmax=True,
        w_type=weighting,
        smooth_nr=smooth,
        smooth_dr=smooth,
        batch=batch,
    )
    return ClassMapLoss(loss)


def hausdorff(
    class_counts: Sequence[int], *, alpha: float = 2.0, include_background: bool = False, batch: bool = False
) -> nn.Module:
    """Squared error weighted by distances to the borders, which bounds the Hausdorff distance (2-D and 3-D).

    ``monai.losses.HausdorffDTLoss``; the distances are computed at each step, so it is slow: for fine-tuning.

    Args:
        class_counts: not used.
        alpha: the distances' exponent.
        include_background: whether class 0 counts.
        batch: one mean over the whole batch.

    Source: Karimi and Salcudean, IEEE TMI 2020.
    """
    from monai.losses import HausdorffDTLoss  # takes seconds to import

    return ClassMapLoss(
        HausdorffDTLoss(alpha=alpha, include_background=include_background, to_onehot_y=True, softmax=True, batch=batch)
    )
