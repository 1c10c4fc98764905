"""Where a net is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from deephealth.eddl.tensor import DEV_CPU, DEV_GPU

if TYPE_CHECKING:
    from deephealth.eddl.net.net import Net

__all__ = ["move"]


def move(net: Net, device: torch.device) -> None:
    """Bring the net's parameters and statistics to ``device``."""
    net.device = device
    net.dev = DEV_CPU if device.type == "cpu" else DEV_GPU + (device.index or 0)
    for layer in net.layers:
        layer.dev = net.dev
        if layer.op is not None:
            layer.op.to(device)
