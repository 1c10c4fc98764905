"""What changed between opsets, as tables: attributes that became inputs, inputs that moved, defaults that changed."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

__all__ = ["ENTRY", "modernise"]

ENTRY = 7
"""The oldest opset that is read: below it broadcasting was an attribute."""

_AXES = [("axes", 1)]
_INPUTS: dict[str, list[tuple[str, int]]] = {
    "Clip": [("min", 1), ("max", 2)],
    "Dropout": [("ratio", 1)],
    "Pad": [("pads", 1), ("paddings", 1), ("value", 2)],
    "Slice": [("starts", 1), ("ends", 2), ("axes", 3)],
    "Split": [("split", 1)],
    "TopK": [("k", 1)],
    "Upsample": [("scales", 1)],
    **dict.fromkeys(("Squeeze", "Unsqueeze"), _AXES),
    **dict.fromkeys(
        (
            f"Reduce{how}"
            for how in ("L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare")
        ),
        _AXES,
    ),
}
"""Operator -> attributes that later became inputs, with their positions."""

_FLATTENING = {"Softmax", "LogSoftmax", "Hardmax"}
"""Before opset 13 these worked on everything from ``axis`` (default 1) on as one row."""

_FORGOTTEN = {"consumed_inputs", "is_test", "width_scale", "height_scale"}
"""Attributes of opsets before 7 that some exporters still write."""


def modernise(
    op: str, version: int, attributes: dict[str, Any], inputs: list[Any], wrap: Any, *, per_axis: bool = False
) -> tuple[dict[str, Any], list[Any]]:
    """Return attributes and inputs as the newest opset would write them.

    Args:
        op: the operator.
        version: the file's opset.
        attributes: by name.
        inputs: known values, ``None`` for a missing one.
        wrap: makes a known value of a tensor.
        per_axis: the file's writer means one axis by Softmax's ``axis`` whatever its opset (EDDL does).

    Example:
        >>> modernise("Squeeze", 11, {"axes": [0]}, ["x"], lambda t: t.tolist())
        ({}, ['x', [0]])
    """
    attributes = {name: value for name, value in attributes.items() if name not in _FORGOTTEN}
    inputs = list(inputs)
    for name, position in _INPUTS.get(op, ()):
        if name in attributes:
            inputs += [None] * (position + 1 - len(inputs))
            inputs[position] = wrap(_tensor(attributes.pop(name)))
    if op in _FLATTENING and version < 13:
        attributes.setdefault("axis", 1)
        attributes["flatten"] = int(not per_axis)
    if op == "Resize" and version == 10:
        inputs.insert(1, None)
    return attributes, inputs


def _tensor(value: Any) -> Tensor:
    whole = isinstance(value, int) or (isinstance(value, list) and all(isinstance(each, int) for each in value))
    return torch.tensor(value, dtype=torch.int64 if whole else torch.float32)
