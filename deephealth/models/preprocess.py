"""What stands between an image's grey levels and the network: resize, and scale to the weights' mean and spread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import nn

from deephealth.transforms.resize import resize_levels

if TYPE_CHECKING:
    from deephealth.core.types import TensorBCHW

__all__ = ["Preprocess"]


class Preprocess(nn.Module):
    """Grey levels 0..255 to the network's input.

    Training (resized before, by the cache), prediction and the exported ONNX give the same grey levels: after the
    resize they are whole numbers; PyTorch and onnxruntime differ by at most one level, and only where the mean is
    within float error of the border between two.

    Args:
        image_size: height and width of the network's input, pixels.
        mean: per channel, of images scaled to 0..1.
        std: likewise.
    """

    scale: torch.Tensor
    offset: torch.Tensor

    def __init__(self, image_size: tuple[int, int], mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.image_size = (int(image_size[0]), int(image_size[1]))
        mean_c, std_c = torch.tensor(mean, dtype=torch.float64), torch.tensor(std, dtype=torch.float64)
        # (x / 255 - mean) / std as one multiply-add; not persistent, since mean and std travel in the model's spec
        self.register_buffer("scale", (1 / (255 * std_c)).float().view(1, -1, 1, 1), persistent=False)
        self.register_buffer("offset", (-mean_c / std_c).float().view(1, -1, 1, 1), persistent=False)

    def forward(self, image_bchw: TensorBCHW) -> TensorBCHW:
        """Resize to ``image_size``, round to whole levels, normalise; an image of that size keeps its levels.

        Args:
            image_bchw: uint8, or float 0..255; any H and W.
        """
        return self.normalise(resize_levels(image_bchw.float(), self.image_size))

    def normalise(self, image_bchw: TensorBCHW) -> TensorBCHW:
        """Scale only, at any size; what training calls.

        Args:
            image_bchw: uint8, or float 0..255.
        """
        return torch.addcmul(self.offset, image_bchw.float(), self.scale)

    def extra_repr(self) -> str:
        """Show the size."""
        return f"image_size={self.image_size}"
