"""Optimizers of torch over the project's parameter groups."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from deephealth.train.parameters import parameter_groups

__all__ = ["adam", "adamw", "sgd"]


def adamw(
    model: nn.Module,
    *,
    lr: float = 1e-3,
    weight_decay: float = 0.05,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    head_lr_factor: float = 1.0,
    layer_decay: float = 1.0,
) -> torch.optim.Optimizer:
    """Return AdamW (Loshchilov & Hutter 2019).

    Args:
        model: what trains.
        lr: largest learning rate of the backbone.
        weight_decay: decay of weights; none on biases and normalisation.
        betas: decay of the running means of gradient and squared gradient.
        eps: added to the denominator.
        head_lr_factor: the head's rate over the backbone's.
        layer_decay: rate of a layer over that of the next one.

    Example:
        >>> type(adamw(nn.Linear(2, 2), lr=0.01)).__name__
        'AdamW'
    """
    groups = parameter_groups(
        model, lr=lr, weight_decay=weight_decay, head_lr_factor=head_lr_factor, layer_decay=layer_decay
    )
    return torch.optim.AdamW(groups, lr=lr, betas=(betas[0], betas[1]), eps=eps, **_fused(groups))


def adam(
    model: nn.Module,
    *,
    lr: float = 1e-3,
    weight_decay: float = 0.0,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    head_lr_factor: float = 1.0,
    layer_decay: float = 1.0,
) -> torch.optim.Optimizer:
    """Return Adam (Kingma & Ba 2015); the parameters are those of :func:`adamw`."""
    groups = parameter_groups(
        model, lr=lr, weight_decay=weight_decay, head_lr_factor=head_lr_factor, layer_decay=layer_decay
    )
    return torch.optim.Adam(groups, lr=lr, betas=(betas[0], betas[1]), eps=eps, **_fused(groups))


def sgd(
    model: nn.Module,
    *,
    lr: float = 0.01,
    weight_decay: float = 1e-4,
    momentum: float = 0.9,
    nesterov: bool = True,
    head_lr_factor: float = 1.0,
    layer_decay: float = 1.0,
) -> torch.optim.Optimizer:
    """Return stochastic gradient descent with (Nesterov) momentum; the other parameters are those of :func:`adamw`."""
    groups = parameter_groups(
        model, lr=lr, weight_decay=weight_decay, head_lr_factor=head_lr_factor, layer_decay=layer_decay
    )
    return torch.optim.SGD(groups, lr=lr, momentum=momentum, nesterov=nesterov and momentum > 0, **_fused(groups))


def _fused(groups: list[dict[str, Any]]) -> dict[str, bool]:
    """One kernel for the whole update on a CPU, where torch would walk over the tensors in Python.

    On a GPU torch already takes the multi-tensor path, and a fused step would refuse clipping under a loss scaler.
    """
    return {"fused": True} if all(p.device.type == "cpu" for group in groups for p in group["params"]) else {}
