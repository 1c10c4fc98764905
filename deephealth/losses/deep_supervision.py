"""Deep supervision: one loss at several resolutions of a decoder."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from deephealth.core.errors import ConfigError, DataError

__all__ = ["DeepSupervision", "downsample_labels", "supervision_weights"]


def supervision_weights(levels: int, *, drop_lowest: bool = True) -> list[float]:
    """Return the weights of the outputs, from the finest down: 1, 1/2, 1/4, ..., divided by their sum.

    Args:
        levels: how many outputs there are.
        drop_lowest: the coarsest of several weighs 0, as in nnU-Net.

    Example:
        >>> supervision_weights(3)
        [0.6666666666666666, 0.3333333333333333, 0.0]
    """
    weights = [0.5**level for level in range(levels)]
    if drop_lowest and levels > 1:
        weights[-1] = 0.0
    return [weight / sum(weights) for weight in weights]


def downsample_labels(labels: torch.Tensor, size: Sequence[int]) -> torch.Tensor:
    """Return the labels at another size, each voxel the nearest one's; the type stays, and no float copy is made.

    Same voxels as torch's ``nearest-exact``, which nnU-Net and MONAI take.

    Args:
        labels: of which the last ``len(size)`` axes are spatial.
        size: the spatial size that is wanted.

    Example:
        >>> downsample_labels(torch.arange(6), (3,)).tolist()
        [1, 3, 5]
    """
    for axis, wanted in enumerate(size, labels.ndim - len(size)):
        have = labels.shape[axis]
        if have != wanted:
            places = torch.arange(wanted, device=labels.device)
            labels = labels.index_select(axis, (2 * places + 1) * have // (2 * wanted))
    return labels


class DeepSupervision(nn.Module):
    """A loss at each resolution, weighted.

    Args:
        loss: takes logits B×K×spatial and labels.
        weights: one per output, from the finest down; nnU-Net's if not given. Outputs of weight 0 are passed over.
        drop_lowest: as in :func:`supervision_weights`.
        stacked: outputs come as one tensor, all of one size, as those of MONAI's DynUNet.

    Raises:
        ConfigError: weights that are negative, or all 0.

    Example:
        >>> loss = DeepSupervision(nn.CrossEntropyLoss(), drop_lowest=False)
        >>> f"{loss([torch.zeros(1, 2, 4, 4), torch.zeros(1, 2, 2, 2)], torch.ones(1, 4, 4, dtype=torch.long)):.4f}"
        '0.6931'
    """

    def __init__(
        self,
        loss: nn.Module,
        *,
        weights: Sequence[float] | None = None,
        drop_lowest: bool = True,
        stacked: bool = False,
    ) -> None:
        super().__init__()
        if weights is not None and (not all(weight >= 0 for weight in weights) or not any(weights)):
            raise ConfigError([f"weights {list(weights)}: none below 0, one above"], source="deep supervision")
        self.loss = loss
        self.weights = None if weights is None else list(weights)
        self.drop_lowest = drop_lowest
        self.stacked = stacked

    def forward(self, outputs: torch.Tensor | Sequence[torch.Tensor], target: torch.Tensor) -> torch.Tensor:
        """Return the weighted sum of the losses, a scalar.

        Args:
            outputs: B×K×spatial from the finest down, each of its own size; or one tensor B×K×spatial (in evaluation);
                or, if ``stacked``, B×levels×K×spatial.
            target: B×spatial or B×C×spatial, of the finest output's size.

        Raises:
            DataError: no output, another number of outputs than weights, or labels that don't fit the finest output.
        """
        if isinstance(outputs, torch.Tensor):
            if not self.stacked:
                return self.loss(outputs, target)
            outputs = outputs.unbind(1)
        weights = self.weights or supervision_weights(len(outputs), drop_lowest=self.drop_lowest)
        if not outputs or len(outputs) != len(weights):
            raise DataError(
                f"deep supervision got {len(outputs)} outputs for {len(weights)} weights", allowed="one weight each"
            )
        axes = outputs[0].ndim - 2
        if target.shape[-axes:] != outputs[0].shape[2:]:
            raise DataError(
                f"deep supervision got a finest output {tuple(outputs[0].shape)} and labels {tuple(target.shape)}",
                allowed="equal spatial axes",
            )
        losses = [
            weight * self.loss(output, downsample_labels(target, output.shape[2:]))
            for output, weight in zip(outputs, weights, strict=True)
            if weight
        ]
        return torch.stack(losses).sum()
