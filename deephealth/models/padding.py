"""Any height and width for networks that need a multiple."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn
from torch.nn import functional

if TYPE_CHECKING:
    from deephealth.core.types import TensorBCHW

__all__ = ["Padded"]


class Padded(nn.Module):
    """Pads an image at the right and at the bottom by repeating its border, and cuts the result back.

    Args:
        network: maps B×C×H×W to B×K×H×W where H and W are multiples.
        multiple: of what.
    """

    def __init__(self, network: nn.Module, multiple: int) -> None:
        super().__init__()
        self.network = network
        self.multiple = multiple

    def forward(self, x_bchw: TensorBCHW) -> TensorBCHW:
        """Return a map B×K×H×W of the input's own height and width."""
        height, width = x_bchw.shape[-2:]
        bottom, right = -height % self.multiple, -width % self.multiple
        if not (bottom or right):
            return self.network(x_bchw)
        padded = functional.pad(x_bchw, (0, right, 0, bottom), mode="replicate")
        return self.network(padded)[..., :height, :width]
