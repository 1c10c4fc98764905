"""Which parameters train with which learning rate and which weight decay."""

from __future__ import annotations

from typing import Any

from torch import nn

from deephealth.models.stages import parameter_stages

__all__ = ["parameter_groups"]


def parameter_groups(
    model: nn.Module, *, lr: float, weight_decay: float, head_lr_factor: float = 1.0, layer_decay: float = 1.0
) -> list[dict[str, Any]]:
    """Return optimizer groups: one per distinct (learning rate, weight decay), in the order of the parameters.

    Biases and the parameters of normalisation layers (everything with fewer than two axes) get no weight decay. Frozen
    parameters are left out. Layer-wise decay as in ELECTRA (Clark et al. 2020), with the network's stages as layers.

    Args:
        model: the network, or a model that holds it as ``.network``.
        lr: learning rate of the last stage of the backbone.
        weight_decay: decay of the weights proper.
        head_lr_factor: the rate of the head (classifier, decoder) is this times ``lr``.
        layer_decay: each stage further from the head gets this times the rate of the one after it.

    Example:
        >>> net = nn.Sequential()
        >>> net.layer1, net.layer2, net.fc = nn.Linear(1, 1), nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)
        >>> groups = parameter_groups(net, lr=1.0, weight_decay=0.1, head_lr_factor=2.0, layer_decay=0.5)
        >>> [(group["lr"], group["weight_decay"]) for group in groups]
        [(0.5, 0.1), (0.5, 0.0), (1.0, 0.1), (2.0, 0.1)]
    """
    network = getattr(model, "network", model)
    stages = parameter_stages(network)
    head = max(stages.values(), default=0)
    flat = len(set(stages.values())) == 1  # nothing is told apart: one rate for all
    groups: dict[tuple[float, float], dict[str, Any]] = {}
    for name, parameter in network.named_parameters():
        if not parameter.requires_grad:
            continue
        distance = head - 1 - stages[name]
        rate = lr if flat else lr * (head_lr_factor if distance < 0 else layer_decay**distance)
        decay = weight_decay if parameter.ndim > 1 else 0.0
        groups.setdefault((rate, decay), {"params": [], "lr": rate, "weight_decay": decay})["params"].append(parameter)
    return list(groups.values())
