"""Boundary loss: probabilities weighted by the signed distance from the true border."""

from __future__ import annotations

from collections.abc import Sequence

import edt
import numpy as np
import torch
from torch import nn

from deephealth.core.errors import ConfigError, DataError
from deephealth.kernels.compilers import on_cores
from deephealth.losses.dice_ce import DiceCE
from deephealth.losses.targets import checked_class_map

__all__ = ["Boundary", "boundary", "signed_distances"]


def signed_distances(
    ids: torch.Tensor, classes: int, *, spacing: Sequence[float] | None = None, first: int = 0
) -> torch.Tensor:
    """Return B×classes×spatial distances to each class's border, float32: above 0 outside, 0 and below inside.

    Voxels inside that touch the border have 0 (in voxels, or the smallest spacing less than the way to the next voxel
    outside), as in the paper's code. A class that is absent from a sample, or fills it, has 0 everywhere.

    Args:
        ids: B×1×spatial, 2 or 3 spatial axes, on any device; computed on the processor.
        classes: how many there are.
        spacing: of the voxels along each spatial axis, in mm; 1 if not given.
        first: the classes below it are left out.

    Raises:
        DataError: another number of axes, or a spacing that does not fit.

    Example:
        >>> signed_distances(torch.tensor([[[[0, 1, 1, 1, 0, 0]]]]), 2, first=1)[0, 0, 0].tolist()
        [1.0, 0.0, -1.0, 0.0, 1.0, 2.0]
    """
    axes = ids.ndim - 2
    steps = tuple(float(step) for step in spacing) if spacing is not None else (1.0,) * axes
    if axes not in (2, 3) or len(steps) != axes or not all(step > 0 for step in steps):
        raise DataError(
            f"distances were asked for labels {tuple(ids.shape)} with a spacing of {steps}",
            allowed="B×1×H×W or B×1×D×H×W, and a number above 0 for each spatial axis",
        )
    labels = ids[:, 0].cpu().numpy()
    found = np.zeros((len(labels), classes - first, *labels.shape[1:]), np.float32)

    def run(start: int, _: int) -> None:
        sample, turn = divmod(start, classes - first)
        inside = labels[sample] == first + turn
        if not inside.any() or inside.all():
            return
        out = edt.edt(~inside, anisotropy=steps)
        within = edt.edt(inside, anisotropy=steps)
        found[sample, turn] = out - np.maximum(within - min(steps), 0)

    on_cores(run, found.shape[0] * found.shape[1], 1)
    return torch.from_numpy(found).to(ids.device)


class Boundary(nn.Module):
    """Mean of probability times signed distance; below 0 for a good map. Alone it may collapse: add a region loss.

    With unit spacing the numbers are those of ``monai.losses.BoundaryLoss``.

    Args:
        include_background: whether class 0 counts.
        spacing: of the voxels along each spatial axis, in mm.
        weight: of this loss; a schedule may set the attribute ``weight`` (the paper adds 0.01 per epoch).
        region: a loss that is added, such as :class:`deephealth.losses.dice_ce.DiceCE`.

    Source: Kervadec et al., "Boundary loss for highly unbalanced segmentation", MIDL 2019, equation 4.
    """

    def __init__(
        self,
        *,
        include_background: bool = False,
        spacing: Sequence[float] | None = None,
        weight: float = 1.0,
        region: nn.Module | None = None,
    ) -> None:
        super().__init__()
        if not weight >= 0:
            raise ConfigError([f"weight: {weight:g} is below 0"], source="the loss")
        self.include_background, self.spacing, self.weight, self.region = include_background, spacing, weight, region

    def forward(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Return the loss, a scalar.

        Args:
            logits: B×K×H×W or B×K×D×H×W.
            target: class ids B×spatial or B×1×spatial.

        Raises:
            DataError: shapes or types that don't fit, ids that no class has, logits that are not finite.
        """
        ids = checked_class_map(logits, target)
        first = 0 if self.include_background else 1
        distances = signed_distances(ids, logits.shape[1], spacing=self.spacing, first=first)
        work = torch.float64 if logits.dtype == torch.float64 else torch.float32
        loss = self.weight * (logits.softmax(1, dtype=work)[:, first:] * distances).mean()
        return loss if self.region is None else loss + self.region(logits, target)


def boundary(
    class_counts: Sequence[int],
    *,
    boundary_weight: float = 0.01,
    include_background: bool = False,
    spacing: Sequence[float] | None = None,
) -> nn.Module:
    """Dice plus cross-entropy plus boundary loss of class maps.

    Args:
        class_counts: not used.
        boundary_weight: of the boundary loss.
        include_background: whether the border of class 0 counts.
        spacing: of the voxels along each spatial axis, in mm.
    """
    return Boundary(include_background=include_background, spacing=spacing, weight=boundary_weight, region=DiceCE())
