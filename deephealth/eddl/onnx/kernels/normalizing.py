"""Kernels of normalisation, and Dropout, which is the identity outside training."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from deephealth.eddl.onnx.kernels.registry import kernel

__all__: list[str] = []


@kernel("BatchNormalization", frozen=[3, 4])
def _batch_normalization(
    x: Tensor,
    scale: Tensor,
    bias: Tensor,
    mean: Tensor,
    variance: Tensor,
    *,
    epsilon: float = 1e-5,
    momentum: float = 0.9,
    spatial: int = 1,
    training_mode: int = 0,
) -> Tensor:
    return F.batch_norm(x, mean, variance, scale, bias, False, 0.0, epsilon)


@kernel("InstanceNormalization")
def _instance_normalization(x: Tensor, scale: Tensor, bias: Tensor, *, epsilon: float = 1e-5) -> Tensor:
    axes = list(range(2, x.dim()))
    shape = [1, -1] + [1] * len(axes)
    centred = x - x.mean(axes, keepdim=True)
    spread = (centred * centred).mean(axes, keepdim=True)
    return centred * torch.rsqrt(spread + epsilon) * scale.reshape(shape) + bias.reshape(shape)


@kernel("LayerNormalization")
def _layer_normalization(
    x: Tensor, scale: Tensor, bias: Tensor | None = None, *, axis: int = -1, epsilon: float = 1e-5, stash_type: int = 1
) -> Tensor:
    shape = list(x.shape[axis % x.dim() :])
    if list(scale.shape) == shape and (bias is None or list(bias.shape) == shape):
        return F.layer_norm(x, shape, scale, bias, epsilon)
    y = F.layer_norm(x, shape, None, None, epsilon) * scale
    return y if bias is None else y + bias


@kernel("RMSNormalization", "SimplifiedLayerNormalization")
def _rms_normalization(
    x: Tensor, scale: Tensor, *, axis: int = -1, epsilon: float = 1e-5, stash_type: int = 1
) -> Tensor:
    axes = list(range(axis % x.dim(), x.dim()))
    return x * torch.rsqrt((x * x).mean(axes, keepdim=True) + epsilon) * scale


@kernel("GroupNormalization")
def _group_normalization(
    x: Tensor, scale: Tensor, bias: Tensor, *, epsilon: float = 1e-5, num_groups: int, stash_type: int = 1
) -> Tensor:
    if scale.numel() == num_groups != x.shape[1]:  # opset 18 has one value per group, 21 one per channel
        repeats = x.shape[1] // num_groups
        scale, bias = scale.repeat_interleave(repeats), bias.repeat_interleave(repeats)
    return F.group_norm(x, num_groups, scale, bias, epsilon)


@kernel("MeanVarianceNormalization")
def _mean_variance_normalization(x: Tensor, *, axes: list[int] | None = None) -> Tensor:
    over = axes if axes is not None else [0, 2, 3]
    centred = x - x.mean(over, keepdim=True)
    return centred / torch.sqrt((centred * centred).mean(over, keepdim=True) + 1e-9)


@kernel("LpNormalization")
def _lp_normalization(x: Tensor, *, axis: int = -1, p: int = 2) -> Tensor:
    return F.normalize(x, float(p), axis, 1e-12)


@kernel("LRN")
def _lrn(x: Tensor, *, size: int, alpha: float = 1e-4, beta: float = 0.75, bias: float = 1.0) -> Tensor:
    before = (size - 1) // 2
    squares = F.pad((x * x).movedim(1, -1), [before, size - 1 - before])
    total = squares.unfold(-1, size, 1).sum(-1).movedim(-1, 1)
    return x / (bias + alpha / size * total) ** beta


@kernel("Dropout", several=True)
def _dropout(
    x: Tensor, ratio: Tensor | None = None, training: Tensor | None = None, *, seed: int = 0
) -> tuple[Tensor, ...]:
    return x, torch.ones_like(x, dtype=torch.bool)


@kernel("Softmax")
def _softmax(x: Tensor, *, axis: int = -1, flatten: int = 0) -> Tensor:
    return torch.softmax(_rows(x, axis), -1).reshape(x.shape) if flatten else torch.softmax(x, axis)


@kernel("LogSoftmax")
def _log_softmax(x: Tensor, *, axis: int = -1, flatten: int = 0) -> Tensor:
    return torch.log_softmax(_rows(x, axis), -1).reshape(x.shape) if flatten else torch.log_softmax(x, axis)


@kernel("Hardmax")
def _hardmax(x: Tensor, *, axis: int = -1, flatten: int = 0) -> Tensor:
    rows = _rows(x, axis) if flatten else x.movedim(axis, -1)
    hot = F.one_hot(rows.argmax(-1), rows.shape[-1]).to(x.dtype)
    return hot.reshape(x.shape) if flatten else hot.movedim(-1, axis)


def _rows(x: Tensor, axis: int) -> Tensor:
    """Return what the opsets before 13 worked on: everything from ``axis`` on in one row."""
    return x.flatten(axis % x.dim() if axis < 0 else axis)
