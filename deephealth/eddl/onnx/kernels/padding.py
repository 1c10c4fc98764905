"""Padding of windows: ONNX's ``pads`` and ``auto_pad`` as amounts before and after each spatial dimension."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

__all__ = ["auto_pads", "pad_sides"]


def auto_pads(
    x: Tensor, kernel: list[int], strides: list[int], dilations: list[int], pads: list[int] | None, auto_pad: str
) -> list[tuple[int, int]]:
    """Return (before, after) for each spatial dimension.

    Args:
        x: batch, channel, then the spatial dimensions.
        kernel: window sizes.
        strides: steps.
        dilations: distances between the elements of a window.
        pads: ONNX's list: all befores, then all afters; ``None`` for zeros.
        auto_pad: ``NOTSET`` takes ``pads``; ``VALID`` pads nothing; ``SAME_UPPER`` and ``SAME_LOWER`` pad
            to ceil(in/stride).
    """
    rank = len(kernel)
    if auto_pad not in {"SAME_UPPER", "SAME_LOWER"}:
        given = pads if pads is not None and auto_pad != "VALID" else [0] * (2 * rank)
        return [(given[i], given[i + rank]) for i in range(rank)]
    sides = []
    for size, k, step, rate in zip(x.shape[2:], kernel, strides, dilations, strict=True):
        total = max((-(-size // step) - 1) * step + (k - 1) * rate + 1 - size, 0)
        small, large = total // 2, total - total // 2
        sides.append((small, large) if auto_pad == "SAME_UPPER" else (large, small))
    return sides


def pad_sides(x: Tensor, sides: list[tuple[int, int]], value: float) -> tuple[Tensor, list[int]]:
    """Pad only if the two sides differ; return the tensor and the symmetric padding that is left to the operator."""
    if all(before == after for before, after in sides):
        return x, [before for before, _ in sides]
    flat = [amount for side in reversed(sides) for amount in side]
    return F.pad(x, flat, value=value), [0] * len(sides)
