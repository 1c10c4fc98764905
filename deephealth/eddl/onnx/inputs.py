"""The inputs of an imported net: their shapes, and the two batch sizes at which the graph is followed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deephealth.eddl.errors import EddlOnnxError
from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.graph.names import clean_name

if TYPE_CHECKING:
    import onnx_ir as ir

__all__ = ["InputPlan", "plan_inputs"]

_FLOATS = {1, 10, 11, 16}


@dataclass
class InputPlan:
    """What to feed.

    Args:
        values: the graph's inputs.
        shapes: their shapes without the batch.
        kinds: the element type each must be cast to, ``None`` for floats, which EDDL's tensors are.
        batches: the two batch sizes to follow; equal if only one works.
        fixed: whether the file names one batch size.
        times: inputs whose time axis is taken out.
    """

    values: list[ir.Value]
    shapes: list[list[int]]
    kinds: list[int | None]
    batches: tuple[int, int]
    fixed: bool
    times: dict[str, int] = field(default_factory=dict)
    made: dict[int, Layer] = field(default_factory=dict)

    @property
    def locked(self) -> bool:
        """Whether only one batch size works."""
        return self.batches[0] == self.batches[1]

    def layer(self, index: int) -> Layer:
        """Return the input layer at ``index``."""
        from deephealth.eddl.layers.core import Input

        if index not in self.made:
            name = self.values[index].name or ""
            if name in self.times:  # EDDL calls what it transposes ``<layer>orig``
                name = name.removesuffix("orig")
            self.made[index] = Input(self.shapes[index], clean_name(name))
        return self.made[index]

    def lock(self) -> InputPlan:
        """Return the plan for the one batch size that the file names."""
        return InputPlan(self.values, self.shapes, self.kinds, (self.batches[0],) * 2, True, self.times)


def plan_inputs(graph: ir.Graph, input_shape: Sequence[int] | None, times: dict[str, int] | None = None) -> InputPlan:
    """Read the graph's inputs.

    Args:
        graph: of the file.
        input_shape: what the single input's shape without batch shall be instead of the file's.
        times: inputs whose time axis (0 or 1, the batch being the other) is taken out.

    Raises:
        EddlOnnxError: ``input_shape`` for a net of several inputs, or a shape that the file leaves open.
    """
    values = [value for value in graph.inputs if value.name not in graph.initializers]
    if not values:
        raise EddlOnnxError("ONNX::ImportNet", "the model has no input", allowed="at least one")
    if input_shape and len(values) > 1:
        raise EddlOnnxError(
            "ONNX::ImportNet",
            f"input_shape is for nets of one input; this one has {len(values)}",
            hint="leave input_shape out",
        )
    shapes = [_dimensions(value, (times or {}).get(value.name or "")) for value in values]
    wanted = (
        [list(map(int, input_shape))] if input_shape else [_known(v, s) for v, s in zip(values, shapes, strict=True)]
    )
    batch = next((int(shape[0]) for shape in shapes if shape and isinstance(shape[0], int)), None)
    batches = (2, 3) if batch is None else (batch, batch + 1)
    return InputPlan(values, wanted, [_kind(value) for value in values], batches, batch is not None, times or {})


def _dimensions(value: ir.Value, time: int | None) -> list[int | str]:
    if value.shape is None:
        return []
    return [size if isinstance(size, int) else str(size) for axis, size in enumerate(value.shape) if axis != time]


def _known(value: ir.Value, shape: list[int | str]) -> list[int]:
    sizes = shape[1:]
    if all(isinstance(size, int) and size > 0 for size in sizes):
        return [int(size) for size in sizes]
    raise EddlOnnxError(
        "ONNX::ImportNet",
        f"the model leaves the shape of its input '{value.name}' open: {shape}",
        hint="give it without the batch, for example input_shape=[3, 224, 224]",
    )


def _kind(value: ir.Value) -> int | None:
    code = int(value.dtype) if value.dtype is not None else 1
    return None if code in _FLOATS else code
