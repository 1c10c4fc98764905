"""What losses and metrics ask of their two tensors: the same shape, and single precision or better."""

from __future__ import annotations

import math

import torch

from deephealth.eddl.errors import EddlShapeError

__all__ = ["features", "full_precision", "require_same_shape"]


def require_same_shape(kind: str, name: str, target: torch.Tensor, output: torch.Tensor) -> None:
    """Raise unless target and output have the same shape, with a batch axis.

    Args:
        kind: ``"loss"`` or ``"metric"``.
        name: its name, for the message.
        target: what was wanted, ``[batch, ...]``.
        output: what the net gave, ``[batch, ...]``.

    Raises:
        EddlShapeError: if the shapes differ, or have no batch axis.
    """
    if target.shape == output.shape and output.dim():
        return
    raise EddlShapeError(
        f"{kind} {name}",
        f"the target has shape {list(target.shape)} and the output has shape {list(output.shape)}",
        allowed="the same shape for both, the batch first",
        hint="reshape the targets or change the last layer; Tensor.onehot(t, classes) makes rows of class numbers",
    )


def features(tensor: torch.Tensor) -> int:
    """Return how many values one sample has.

    Example:
        >>> features(torch.zeros(8, 3, 2))
        6
    """
    return math.prod(tensor.shape[1:])


def full_precision(tensor: torch.Tensor) -> torch.Tensor:
    """Return the tensor itself, or a float32 copy of anything narrower (16-bit floats, whole numbers)."""
    return tensor if tensor.dtype in {torch.float32, torch.float64} else tensor.float()
