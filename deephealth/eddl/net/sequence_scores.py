"""How losses, metrics and regularizers count in recurrent nets, of which the original had a copy per step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.net.sequence_plan import Plan

if TYPE_CHECKING:
    import torch

    from deephealth.eddl.net.net import Net

__all__ = ["copies", "metric_steps", "sums"]

Value = TypeVar("Value", float, "torch.Tensor")


def metric_steps(net: Net, steps: int) -> int:
    """Return for how many of the first output steps the metric is computed: all of a decoder's, else the first.

    Losses are computed for all steps. Both sums are divided by the number of samples and by the number of all steps, so
    that the metric of a synchronous net is that of its first step, divided by the steps. That is the original's
    convention.

    Args:
        net: the net.
        steps: output steps of the pass.
    """
    return steps if any(layer.isdecoder for layer in net.layers) else min(1, steps)


def sums(values: Sequence[Sequence[Value]], *, strict: bool = False) -> list[Value]:
    """Return the sum over the steps for each output.

    Args:
        values: ``values[step][output]``.
        strict: group as the original does, which with several outputs adds up neighbours in the wrong order.

    Example:
        >>> sums([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]])
        [6.0, 60.0]
        >>> sums([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]], strict=True)
        [13.0, 53.0]
    """
    outputs, steps = len(values[0]), len(values)
    if strict:
        flat = [value for step in values for value in step]
        groups = [flat[index * steps : (index + 1) * steps] for index in range(outputs)]
    else:
        groups = [[step[index] for step in values] for index in range(outputs)]
    return [sum(group[1:], start=group[0]) for group in groups]


def copies(net: Net, layer: Layer, inputs: int, outputs: int) -> int:
    """Return how many copies of a layer the original has, for what it does once per copy, as regularizers.

    Args:
        net: a recurrent net.
        layer: one of its layers.
        inputs: input steps (1 for what has none).
        outputs: output steps.
    """
    plan = Plan(net)
    if id(layer) in plan.decoder:
        return outputs
    if id(layer) in plan.before:
        return inputs
    return 1 if plan.has_decoder else outputs
