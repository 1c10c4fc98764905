"""Import of recurrent nets as EDDL has them: the graph of one time step, which the net runs over the sequence.

A file works on whole sequences, ``[T, B, ...]`` or ``[B, T, ...]``. Here the time (and LSTM's dimension of directions)
is taken out of every value: the transposes and squeezes around recurrent nodes vanish, axes are counted without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from deephealth.eddl.errors import EddlOnnxError
from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.onnx.importer import Importer
from deephealth.eddl.onnx.recurrent import RECURRENT, recurrent_layer
from deephealth.eddl.onnx.site import Site
from deephealth.eddl.onnx.values import Const, Data

if TYPE_CHECKING:
    import onnx_ir as ir

__all__ = ["StepImporter", "sequence_inputs"]

Away = dict[int, str]
"""Axes of a value in the file that its layer does not have: ``"time"`` or ``"direction"``."""

_SAME = {"Identity", "Cast", "Dropout"}


def sequence_inputs(graph: ir.Graph) -> dict[str, int]:
    """Return the inputs that recurrent nodes read step by step, with the axis of the time: 1 where it is transposed."""
    found: dict[str, int] = {}
    for node in graph:
        if node.op_type in RECURRENT:
            batch_first = node.attributes.get("layout") is not None and bool(node.attributes["layout"].as_int())
            _walk_back(node.inputs[0], 1 if batch_first else 0, found)
    return found


def _walk_back(value: ir.Value | None, axis: int, found: dict[str, int]) -> None:
    producer = None if value is None else value.producer()
    if value is None or value.is_initializer():
        return
    if producer is None:
        found[value.name or ""] = axis
        return
    if producer.op_type == "Transpose":
        order = producer.attributes["perm"].as_ints() if "perm" in producer.attributes else ()
        axis = 1 - axis if tuple(order[:2]) == (1, 0) else axis
    sources = producer.inputs[:1] if producer.op_type in RECURRENT else producer.inputs
    for source in sources:
        _walk_back(source, axis, found)


class StepImporter(Importer):
    """Imports a graph with recurrent nodes step by step.

    Attributes:
        away: what each value's layer lacks.
        decoders: recurrent layers that start from another layer's states.
    """

    def __init__(self, *args: Any, times: dict[str, int], **named: Any) -> None:
        super().__init__(*args, **named)
        self.times = times
        self.away: dict[ir.Value, Away] = {}
        self.decoders: list[Layer] = []

    def run(self) -> tuple[list[Layer], list[Layer]]:
        """Return the input and output layers; a decoder's own inputs are marked and left out."""
        from deephealth.eddl.layers.recurrent import setDecoder

        for value in self.plan.values:
            if value.name in self.times:
                self.away[value] = {self.times[value.name or ""]: "time"}
        lin, lout = super().run()
        tokens = [layer for layer in lin if self.decoders and _only_decoder(layer, self.decoders)]
        for layer in tokens:
            setDecoder(layer)
        return [layer for layer in lin if layer not in tokens], lout

    @property
    def sequences_out(self) -> bool:
        """Whether an output of the file has a time axis."""
        return any("time" in self.away.get(value, {}).values() for value in self.graph.outputs)

    # ------------------------------------------------------------------ one node

    def visit(self, node: ir.Node) -> None:
        """Find out the node's outputs, without time."""
        if node.op_type in RECURRENT:
            self._recurrent(node)
            return
        away = self._away(node)
        if not away:
            self._plain(node)
            return
        moved = _MOVES.get(node.op_type)
        if moved is not None or node.op_type in _SAME:
            left = moved(self, node, away) if moved is not None else away
            if left is not None:
                self._alias(node, left)
                return
        super().visit(node)
        for value in node.outputs:
            self.away[value] = away

    def _plain(self, node: ir.Node) -> None:
        """A node without time; an Unsqueeze that gives a state its direction back is none."""
        source = node.inputs[0] if node.inputs else None
        known = self.known.get(source) if source is not None else None
        if node.op_type == "Unsqueeze" and isinstance(known, Data) and self._feeds_state(node):
            self._alias(node, {0: "direction"})
            return
        super().visit(node)

    @staticmethod
    def _feeds_state(node: ir.Node) -> bool:
        return all(use.node.op_type in RECURRENT and use.idx >= 5 for use in node.outputs[0].uses())

    def _away(self, node: ir.Node) -> Away:
        found = [self.away[value] for value in node.inputs if value is not None and self.away.get(value)]
        if any(each != found[0] for each in found):
            raise EddlOnnxError("ONNX::ImportNet", f"node '{node.name}' joins values of different time axes")
        return found[0] if found else {}

    def _alias(self, node: ir.Node, left: Away) -> None:
        source = node.inputs[0]
        if source is None:
            raise EddlOnnxError("ONNX::ImportNet", f"node '{node.name}' has no input")
        self.known[node.outputs[0]] = self.known[source]
        self.away[node.outputs[0]] = left

    def read(self, node: ir.Node) -> Site:
        """Return a node whose axes are counted without time."""
        site = super().read(node)
        away = {} if site.op in RECURRENT else self._away(node)
        if not away:
            return site
        if "axis" in site.attributes and not (site.op == "Gather" and site.data(0) is None):
            own = self.own and site.op == "Softmax"  # EDDL writes the axis of one step
            site.attributes["axis"] = (
                site.attributes["axis"] if own else self._shift(node, site.attributes["axis"], away)
            )
        axes = site.const(1)
        if site.op.startswith(("Reduce", "Squeeze", "Unsqueeze")) and axes is not None:
            site.inputs[1] = Const(torch.tensor([self._shift(node, int(a), away) for a in axes.reshape(-1).tolist()]))
        elif site.op in _REFUSED:
            raise EddlOnnxError("ONNX::ImportNet", f"node '{node.name}' ({site.op}) works across time")
        return site

    @staticmethod
    def _shift(node: ir.Node, axis: int, away: Away) -> int:
        if axis < 0:
            return axis
        if axis in away:
            raise EddlOnnxError("ONNX::ImportNet", f"node '{node.name}' ({node.op_type}) works across time")
        return axis - sum(each < axis for each in away)

    def _recurrent(self, node: ir.Node) -> None:
        site = self.read(node)
        site.check()
        layer = self._guarded(site, lambda: recurrent_layer(site))
        made = self.adopt(site, layer)
        if len(layer.parent) > 1:
            self.decoders.append(layer)
        first = bool(site.attributes.get("layout"))
        for index, value in enumerate(node.outputs):
            self.known[value] = made
            if index == 0:
                self.away[value] = {1: "time", 2: "direction"} if first else {0: "time", 1: "direction"}
            else:
                self.away[value] = {1: "direction"} if first else {0: "direction"}


_REFUSED = {"Slice", "Split", "Expand", "Tile", "Resize", "Pad", "Flatten", "Reshape", "TopK", "Conv", "MaxPool"}


def _transpose(importer: StepImporter, node: ir.Node, away: Away) -> Away | None:
    order = list(node.attributes["perm"].as_ints())
    kept = [axis for axis in order if axis not in away]
    if kept != sorted(kept):
        raise EddlOnnxError("ONNX::ImportNet", f"node '{node.name}' permutes more than time and batch")
    return {place: away[axis] for place, axis in enumerate(order) if axis in away}


def _squeeze(importer: StepImporter, node: ir.Node, away: Away) -> Away | None:
    axes = _listed(importer, node, "axes")
    rank = _rank(importer, node, away)
    gone = {axis % rank for axis in axes or []}
    if not gone or not gone <= {axis for axis, what in away.items() if what == "direction"}:
        return None
    return {axis - sum(each < axis for each in gone): what for axis, what in away.items() if axis not in gone}


def _reshape(importer: StepImporter, node: ir.Node, away: Away) -> Away | None:
    """Directions folded into the features: ``[T, B, D, H]`` to ``[T, B, D * H]``."""
    target = _listed(importer, node, "shape") or []
    data = _data(importer, node)
    size = data.layer.shape[-1] if data is not None and len(data.layer.shape) == 1 else None
    if (
        "direction" not in away.values()
        or len(target) != _rank(importer, node, away) - 1
        or target[-1] not in {-1, size}
    ):
        return None
    ends = max(axis for axis, what in away.items() if what == "direction")
    if ends != len(target) - 1:
        return None
    return {axis: what for axis, what in away.items() if what == "time"}


def _gather(importer: StepImporter, node: ir.Node, away: Away) -> Away | None:
    """The last step: what the net's later layers run on anyway."""
    axis = node.attributes["axis"].as_int() if "axis" in node.attributes else 0
    index = importer.known.get(node.inputs[1]) if node.inputs[1] is not None else None
    if away.get(axis) != "time" or not isinstance(index, Const) or index.tensor.reshape(-1).tolist() != [-1]:
        return None
    return {each - (each > axis): what for each, what in away.items() if each != axis}


_MOVES = {"Transpose": _transpose, "Squeeze": _squeeze, "Reshape": _reshape, "Gather": _gather}


def _data(importer: StepImporter, node: ir.Node) -> Data | None:
    found = importer.known.get(node.inputs[0]) if node.inputs[0] is not None else None
    return found if isinstance(found, Data) else None


def _rank(importer: StepImporter, node: ir.Node, away: Away) -> int:
    data = _data(importer, node)
    return len(away) + (0 if data is None else data.first.dim())


def _listed(importer: StepImporter, node: ir.Node, name: str) -> list[int] | None:
    if name in node.attributes:
        return list(node.attributes[name].as_ints())
    value = node.inputs[1] if len(node.inputs) > 1 else None
    known = importer.known.get(value) if value is not None else None
    return [int(each) for each in known.tensor.reshape(-1).tolist()] if isinstance(known, Const) else None


def _only_decoder(layer: Layer, decoders: Sequence[Layer]) -> bool:
    """Return whether the first recurrent layer below an input, on every path, is a decoder."""
    stack, found = [layer], []
    while stack:
        here = stack.pop()
        if here.isrecurrent:
            found.append(any(here is each for each in decoders))
        else:
            stack.extend(here.child)
    return bool(found) and all(found)
