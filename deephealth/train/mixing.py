"""Mixing two images of a batch, and their losses with the same shares."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from deephealth.core.types import TensorBCHW

__all__ = ["CutMix", "Mixed", "Mixup", "NoMix"]


@dataclass(frozen=True, slots=True)
class Mixed:
    """A batch after mixing.

    Args:
        image: B×3×H×W.
        partner: B positions: image ``b`` is mixed with what stood at ``partner[b]``; ``None`` when nothing was mixed.
        share: share of an image's own target; its partner's has the rest.
    """

    image: TensorBCHW
    partner: torch.Tensor | None = None
    share: float = 1.0


class NoMix:
    """Leave every image whole."""

    def __call__(self, image: TensorBCHW, progress: float) -> Mixed:
        """Return the batch as it is; ``progress`` is the part of the run that is done."""
        return Mixed(image)


class Mixup:
    """Convex mixtures (Zhang et al. 2018, mixup).

    Args:
        alpha: both parameters of the Beta distribution of the share.
        probability: how often a batch is mixed.
        until: mixing ends after this part of the run.
    """

    def __init__(self, *, alpha: float = 0.2, probability: float = 1.0, until: float = 1.0) -> None:
        if alpha <= 0:
            msg = f"alpha is {alpha}, allowed is a number above 0"
            raise ValueError(msg)
        self.alpha, self.probability, self.until = alpha, probability, until

    def __call__(self, image: TensorBCHW, progress: float) -> Mixed:
        """Return mixtures of each image with a random other one."""
        if _whole(self.probability, self.until, progress):
            return Mixed(image)
        share = _beta(self.alpha)
        share = max(share, 1.0 - share)  # an image stays the larger part of its own mixture
        partner = torch.randperm(len(image)).to(image.device)
        return Mixed(torch.lerp(image[partner], image, share), partner, share)


class CutMix:
    """A rectangle of another image (Yun et al. 2019, CutMix).

    Args:
        alpha: both parameters of the Beta distribution of the kept area.
        probability: how often a batch is mixed.
        until: mixing ends after this part of the run.
    """

    def __init__(self, *, alpha: float = 1.0, probability: float = 0.5, until: float = 1.0) -> None:
        if alpha <= 0:
            msg = f"alpha is {alpha}, allowed is a number above 0"
            raise ValueError(msg)
        self.alpha, self.probability, self.until = alpha, probability, until

    def __call__(self, image: TensorBCHW, progress: float) -> Mixed:
        """Return the images, each with a rectangle of a random other one at the same place."""
        if _whole(self.probability, self.until, progress):
            return Mixed(image)
        height, width = image.shape[-2:]
        side = math.sqrt(1.0 - _beta(self.alpha))
        high, wide = int(height * side), int(width * side)
        top = int(torch.randint(height - high + 1, ()))
        left = int(torch.randint(width - wide + 1, ()))
        partner = torch.randperm(len(image)).to(image.device)
        mixed = image.clone()
        mixed[..., top : top + high, left : left + wide] = image[partner, :, top : top + high, left : left + wide]
        return Mixed(mixed, partner, 1.0 - high * wide / (height * width))


def _whole(probability: float, until: float, progress: float) -> bool:
    return progress >= until or float(torch.rand(())) >= probability


def _beta(alpha: float) -> float:
    return float(torch.distributions.Beta(alpha, alpha).sample())
