"""Tversky and focal Tversky of class maps, from the same sums as Dice: one pass over the logits."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from deephealth.core.errors import ConfigError
from deephealth.kernels.dice_ce import class_sums

__all__ = ["Tversky", "focal_tversky", "multiclass_tversky"]


class Tversky(nn.Module):
    """``(1 - index)^gamma``, mean over samples and classes; the index is ``TP / (TP + alpha FP + beta FN)``.

    With gamma 1 the numbers are those of ``monai.losses.TverskyLoss``.

    Args:
        alpha: price of a voxel that is wrongly of the class.
        beta: price of a missed one; both 0.5 is Dice.
        gamma: 1, or below 1 so that classes that are nearly right keep a large gradient (the paper's 3/4).
        include_background: whether class 0 counts.
        batch: one index over the whole batch.
        smooth: added above and below.
        ignore_index: the id whose voxels count nowhere.

    Raises:
        ConfigError: a value that makes no sense; all of them at once.

    Source: Salehi et al., MLMI 2017; Abraham and Khan, "A Novel Focal Tversky Loss Function", ISBI 2019, equation 3.

    Example:
        >>> f"{Tversky(0.3, 0.7)(torch.zeros(1, 2, 4), torch.tensor([[0, 1, 1, 1]])):.4f}"
        '0.5299'
    """

    def __init__(
        self,
        alpha: float = 0.3,
        beta: float = 0.7,
        *,
        gamma: float = 1.0,
        include_background: bool = True,
        batch: bool = False,
        smooth: float = 1e-5,
        ignore_index: int | None = None,
    ) -> None:
        super().__init__()
        prices = {"alpha": alpha, "beta": beta, "smooth": smooth}
        problems = [f"{name}: {value:g} is below 0" for name, value in prices.items() if not value >= 0]
        if not gamma > 0:
            problems.append(f"gamma: {gamma:g} is not above 0")
        if problems:
            raise ConfigError(problems, source="the loss")
        self.alpha, self.beta, self.gamma, self.smooth = alpha, beta, gamma, smooth
        self.include_background, self.batch, self.ignore_index = include_background, batch, ignore_index

    def forward(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Return the loss, a scalar.

        Args:
            logits: B×K×spatial.
            target: class ids B×spatial or B×1×spatial, or shares B×K×spatial.

        Raises:
            DataError: see :func:`deephealth.kernels.dice_ce.dice_ce`.
        """
        sums = class_sums(logits, target, ignore_index=self.ignore_index)
        skip = 0 if self.include_background else 1
        hit, predicted, true = (part[:, skip:] for part in (sums.overlap, sums.predicted, sums.true))
        if self.batch:
            hit, predicted, true = (part.sum(0, keepdim=True) for part in (hit, predicted, true))
        below = hit + self.alpha * (predicted - hit) + self.beta * (true - hit) + self.smooth
        nothing = below == 0
        lost = (1 - (hit + self.smooth) / below.masked_fill(nothing, 1)).masked_fill(nothing, 0)
        if self.gamma != 1:
            lost = lost.clamp(min=1e-12) ** self.gamma  # the slope of a root is infinite at 0
        return lost.mean().to(torch.float64 if logits.dtype == torch.float64 else torch.float32)

    def extra_repr(self) -> str:
        """Show the settings."""
        return f"alpha={self.alpha:g}, beta={self.beta:g}, gamma={self.gamma:g}"


def multiclass_tversky(
    class_counts: Sequence[int],
    *,
    alpha: float = 0.3,
    beta: float = 0.7,
    include_background: bool = True,
    batch: bool = False,
    smooth: float = 1e-5,
    ignore_index: int | None = None,
) -> nn.Module:
    """One minus the Tversky index of class maps; ``class_counts`` is not used, the rest as in :class:`Tversky`."""
    return Tversky(
        alpha, beta, include_background=include_background, batch=batch, smooth=smooth, ignore_index=ignore_index
    )


def focal_tversky(
    class_counts: Sequence[int],
    *,
    alpha: float = 0.3,
    beta: float = 0.7,
    gamma: float = 0.75,
    include_background: bool = True,
    batch: bool = False,
    smooth: float = 1e-5,
    ignore_index: int | None = None,
) -> nn.Module:
    """Focal Tversky of class maps; ``class_counts`` is not used, the rest as in :class:`Tversky`."""
    return Tversky(
        alpha,
        beta,
        gamma=gamma,
        include_background=include_background,
        batch=batch,
        smooth=smooth,
        ignore_index=ignore_index,
    )
