"""Gradient checkpointing of a net: less memory for activations, some of the forward pass computed twice."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import fx, nn
from torch.fx.passes.split_module import split_module
from torch.utils.checkpoint import checkpoint

__all__ = ["checkpoint_segments", "statistics_once"]


class _Checkpointed(nn.Module):
    """A segment whose activations are not kept but computed again when backward needs them."""

    def __init__(self, segment: nn.Module) -> None:
        super().__init__()
        self.segment = segment

    def forward(self, *inputs: torch.Tensor) -> Any:
        if not any(each.requires_grad for each in inputs):
            return self.segment(*inputs)  # nothing to hang the recomputation on but parameters: the first segment
        return checkpoint(self.segment, *inputs, use_reentrant=False)


def checkpoint_segments(module: fx.GraphModule, level: int) -> nn.Module:
    """Return a module that computes the same in about sqrt(n) segments with checkpointing.

    Args:
        module: a feed-forward graph of ``n`` submodule calls; the result shares its submodules.
        level: 1 checkpoints every second segment, 2 every one.
    """
    calls = [node for node in module.graph.nodes if node.op == "call_module"]
    size = max(1, math.isqrt(len(calls)))
    place = {node: index // size for index, node in enumerate(calls)}
    split = split_module(module, module, lambda node: place.get(node, 0), keep_original_order=True)
    for index, (name, segment) in enumerate(list(split.named_children())):
        if level > 1 or index % 2 == 0:
            setattr(split, name, _Checkpointed(segment))
    return split


@contextmanager
def statistics_once(module: nn.Module) -> Iterator[None]:
    """Around a backward pass that computes segments again: put buffers back, so that running statistics count once."""
    before = [(buffer, buffer.clone()) for buffer in module.buffers()]
    yield
    with torch.no_grad():
        for buffer, value in before:
            buffer.copy_(value)
