"""The module that is exported for a recurrent net: whole sequences through real ONNX LSTM, GRU and RNN nodes."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, fx, nn

from deephealth.eddl.graph.fxgraph import Submodules
from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.layers.activations import LActivation
from deephealth.eddl.layers.core import LDense, LDropout
from deephealth.eddl.layers.embedding import LEmbedding
from deephealth.eddl.layers.recurrent_nodes import LGRU, LLSTM, LCopyStates, RecurrentLayer
from deephealth.eddl.net.sequence_plan import Plan
from deephealth.eddl.onnx.export_module import BATCH, SEQUENCE, Exportable, submodule_of

if TYPE_CHECKING:
    from deephealth.eddl.net.net import Net

__all__ = ["pack", "recurrent_exportable"]

_STEPS = 3


def recurrent_exportable(net: Net, seq_len: int) -> Exportable:
    """Return what to export of a recurrent net.

    Args:
        net: the net.
        seq_len: time steps of the inputs; 0 leaves them open.
    """
    return _Builder(net, seq_len).build()


def pack(kind: str, params: Sequence[Tensor], bidirectional: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Return ONNX's W, R and B from EDDL's parameters (or their gradients).

    Args:
        kind: ``"LSTM"``, ``"GRU"`` or ``"RNN"``.
        params: as ``layer.params`` lists them.
        bidirectional: whether there are two directions.
    """
    count = 2 if bidirectional else 1
    size = len(params) // count
    rows = [_pack_direction(kind, params[i * size : (i + 1) * size]) for i in range(count)]
    return tuple(torch.stack(each) for each in zip(*rows, strict=True))  # type: ignore[return-value]


_ORDER = {"LSTM": (0, 2, 1, 3), "GRU": (0, 1, 2), "RNN": (0,)}
"""Where ONNX's gates are in EDDL's order."""


def _pack_direction(kind: str, params: Sequence[Tensor]) -> list[Tensor]:
    order = _ORDER[kind]
    gates = len(order)
    w = torch.cat([params[i].T for i in order])
    r = torch.cat([params[gates + i].T for i in order])
    units = r.shape[1]
    biases = list(params[2 * gates :])
    zero = w.new_zeros(units)
    inputs = [biases[i] if biases else zero for i in order]
    hidden = [zero, zero, biases[3]] if kind == "GRU" else [zero] * gates
    return [w, r, torch.cat([*inputs, *hidden])]


class OnnxRecurrent(nn.Module):
    """A recurrent layer as one ONNX node: ``[T, B, in]`` to the outputs ``[T, B, width]`` and the last states.

    Args:
        layer: whose weights it takes.
    """

    W: Tensor
    R: Tensor
    B: Tensor

    def __init__(self, layer: RecurrentLayer) -> None:
        super().__init__()
        self.kind = kind_of(layer)
        self.units = layer.units
        self.directions = 2 if getattr(layer.op, "bidirectional", False) else 1
        packed = pack(self.kind, [each.torch for each in layer.params], self.directions == 2)
        self.use_bias = bool(getattr(layer, "use_bias", True))
        for name, tensor in zip("WRB", packed, strict=True):
            self.register_buffer(name, tensor.detach().clone())
        self.attributes = self._attributes(layer)

    def _attributes(self, layer: RecurrentLayer) -> dict[str, Any]:
        names = {"LSTM": ["Sigmoid", "Tanh", "Tanh"], "GRU": ["Sigmoid", "Tanh"]}.get(self.kind)
        found: dict[str, Any] = {
            "activations": (names or [_RNN[getattr(layer, "activation", "tanh")]]) * self.directions,
            "direction": "bidirectional" if self.directions == 2 else "forward",
            "hidden_size": self.units,
        }
        if self.kind == "GRU":
            found["linear_before_reset"] = 1
        if found["activations"] == ["Affine"] * self.directions:
            found["activation_alpha"] = [1.0] * self.directions
        return found

    def forward(self, x: Tensor, *states: Tensor) -> tuple[Tensor, ...]:
        """Return outputs and last states."""
        steps, batch = x.shape[0], x.shape[1]
        count = 2 if self.kind == "LSTM" else 1
        given = [self._split(state) for state in states[:count]]
        if given and len(given) < count:
            given.append(torch.zeros_like(given[0]))
        whole, last = (steps, self.directions, batch, self.units), (self.directions, batch, self.units)
        inputs = [x, self.W, self.R, self.B if self.use_bias else None, *([None, *given] if given else [])]
        results = torch.onnx.ops.symbolic_multi_out(
            self.kind, inputs, self.attributes, dtypes=[x.dtype] * (1 + count), shapes=[whole] + [last] * count
        )
        return self._join(results[0], 1), *(self._join(each, 0) for each in results[1:])

    def _split(self, state: Tensor) -> Tensor:
        """From ``[B, width]`` to ``[directions, B, units]``."""
        if self.directions == 1:
            return state.unsqueeze(0)
        return torch.stack(state.split(self.units, dim=1))

    def _join(self, y: Tensor, axis: int) -> Tensor:
        """Put the directions side by side in the features."""
        if self.directions == 1:
            return y.squeeze(axis)
        order = [0, 2, 1, 3] if axis == 1 else [1, 0, 2]
        moved = y.permute(order)
        kept = list(moved.shape[:-2])
        target = torch.tensor([0] * len(kept) + [self.directions * self.units])
        joined: Tensor = torch.onnx.ops.symbolic(
            "Reshape", (moved, target), dtype=y.dtype, shape=[*kept, self.directions * self.units]
        )
        return joined


_RNN = {"tanh": "Tanh", "relu": "Relu", "sigmoid": "Sigmoid", "hard_sigmoid": "HardSigmoid", "none": "Affine"}


def kind_of(layer: Layer) -> str:
    """Return the name of a recurrent layer's ONNX operator."""
    return "LSTM" if isinstance(layer, LLSTM) else "GRU" if isinstance(layer, LGRU) else "RNN"


class _Steps(nn.Module):
    """A layer without memory at every step of ``[T, B, ...]``: time is folded into the batch."""

    def __init__(self, op: nn.Module) -> None:
        super().__init__()
        self.op = op

    def forward(self, *inputs: Tensor) -> Tensor:
        steps, batch = inputs[0].shape[:2]
        y: Tensor = self.op(*(x.flatten(0, 1) for x in inputs))
        return y.reshape(steps, batch, *y.shape[1:])


class _Rows(nn.Module):
    """An embedding of one index per step."""

    def __init__(self, weight: nn.Parameter) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.embedding(x.squeeze(-1).to(torch.int64), self.weight)


def _per_step(layer: Layer) -> nn.Module:
    plain = isinstance(layer, LDense | LDropout) or (isinstance(layer, LActivation) and layer.act != "softmax")
    if plain:
        return layer.module
    if isinstance(layer, LActivation) and len(layer.shape) == 1:
        return nn.Softmax(-1)
    if isinstance(layer, LEmbedding) and layer.length == 1 and layer.parent[0].shape == [1] and not layer.mask_zeros:
        return _Rows(layer.module.get_parameter("weight"))
    return _Steps(submodule_of(layer))


class _Builder:
    """Lays a recurrent net out over time.

    Attributes:
        steps: id of a layer -> node ``[T, B, ...]``.
        fixed: id of a layer -> node ``[B, ...]``.
        states: id of a layer -> nodes of its last states.
    """

    def __init__(self, net: Net, seq_len: int) -> None:
        self.net, self.seq_len = net, seq_len
        self.plan = Plan(net)
        self.names = Submodules(net.layers)
        self.graph = fx.Graph()
        self.modules: dict[str, nn.Module] = {}
        self.steps: dict[int, fx.Node] = {}
        self.fixed: dict[int, fx.Node] = {}
        self.states: dict[int, list[fx.Node]] = {}
        self.clocks: dict[bool, fx.Node] = {}

    def build(self) -> Exportable:
        for layer in self.plan.inputs:
            self._input(layer)
        needed = self.plan.needed()
        for layer in needed:
            if id(layer) not in self.steps and id(layer) not in self.fixed:
                self._layer(layer)
        outs = [self._output(layer) for layer in self.plan.outputs]
        self.graph.output(tuple(outs))
        module = fx.GraphModule(self.modules, self.graph, class_name="EddlNet")
        packed = {name for name, each in self.modules.items() if isinstance(each, OnnxRecurrent)}
        layers = {self.names[layer]: layer for layer in needed}
        moving = [self.plan.moves(layer) for layer in self.plan.inputs]
        inputs = [
            f"{layer.name}orig" if moves else layer.name for layer, moves in zip(self.plan.inputs, moving, strict=True)
        ]
        axes = [self._axes(layer) for layer in self.plan.inputs]
        names = [
            f"{layer.name}_output" if id(layer) in self.plan.decoder else layer.name for layer in self.plan.outputs
        ]
        return Exportable(
            module, [self._example(each) for each in self.plan.inputs], axes, inputs, names, layers, packed
        )

    def _example(self, layer: Layer) -> Tensor:
        if not self.plan.moves(layer):
            return torch.rand(2, *layer.shape)
        return torch.rand(2, self.seq_len or _STEPS + (id(layer) in self.plan.decoder), *layer.shape)

    def _axes(self, layer: Layer) -> dict[int, str]:
        if self.seq_len or not self.plan.moves(layer):
            return {0: BATCH}
        decoder = id(layer) in self.plan.decoder and self.plan.has_encoder
        return {0: BATCH, 1: f"{SEQUENCE}_out" if decoder else SEQUENCE}

    # ------------------------------------------------------------------ layers

    def _input(self, layer: Layer) -> None:
        node = self.graph.placeholder(self.names[layer])
        if not self.plan.moves(layer):
            self.fixed[id(layer)] = node
            return
        self.steps[id(layer)] = self.graph.call_method("transpose", (node, 0, 1))
        self.clocks.setdefault(id(layer) in self.plan.decoder, self.steps[id(layer)])

    def _layer(self, layer: Layer) -> None:
        if isinstance(layer, LCopyStates):
            self.states[id(layer)] = self.states.get(id(layer.parent[0]), [self._last(layer.parent[0])])
            self.fixed[id(layer)] = self.states[id(layer)][0]
        elif isinstance(layer, RecurrentLayer) and layer.isrecurrent:
            self._recurrent(layer)
        elif id(layer) in self.plan.decoder or id(layer) in self.plan.before:
            parents = tuple(self._sequence(parent, id(layer) in self.plan.decoder) for parent in layer.parent)
            self.steps[id(layer)] = self._call(layer, _per_step(layer), parents)
        else:
            parents = tuple(self._last(parent) for parent in layer.parent)
            self.fixed[id(layer)] = self._call(layer, submodule_of(layer), parents)

    def _call(self, layer: Layer, module: nn.Module, parents: tuple[fx.Node, ...]) -> fx.Node:
        self.modules[self.names[layer]] = module
        return self.graph.call_module(self.names[layer], parents)

    def _recurrent(self, layer: RecurrentLayer) -> None:
        x = self._sequence(layer.parent[0], id(layer) in self.plan.decoder)
        module = OnnxRecurrent(layer)
        results = self._call(layer, module, (x, *self._initial(layer)))
        self.steps[id(layer)] = self.graph.call_function(operator.getitem, (results, 0))
        count = 2 if module.kind == "LSTM" else 1
        self.states[id(layer)] = [self.graph.call_function(operator.getitem, (results, 1 + n)) for n in range(count)]

    def _initial(self, layer: RecurrentLayer) -> list[fx.Node]:
        if layer is self.plan.linked and self.plan.source is not None:
            return self.states[id(self.plan.source)]
        return [node for source in layer.parent[1:] for node in self.states.get(id(source)) or [self._last(source)]]

    def _last(self, layer: Layer) -> fx.Node:
        if id(layer) in self.states:
            return self.states[id(layer)][0]
        if id(layer) not in self.fixed:
            self.fixed[id(layer)] = self.graph.call_function(operator.getitem, (self.steps[id(layer)], -1))
        return self.fixed[id(layer)]

    def _sequence(self, layer: Layer, decoder: bool) -> fx.Node:
        crossing = decoder and id(layer) not in self.plan.decoder
        if id(layer) in self.steps and not crossing:
            return self.steps[id(layer)]
        return self.graph.call_function(_spread, (self._last(layer), self.clocks[decoder]))

    def _output(self, layer: Layer) -> fx.Node:
        if id(layer) in self.plan.decoder:
            return self.graph.call_method("transpose", (self.steps[id(layer)], 0, 1))
        return self._last(layer)


def _spread(x: Tensor, clock: Tensor) -> Tensor:
    """Repeat what does not change at every step of ``clock``."""
    return x.unsqueeze(0).expand(clock.shape[0], *x.shape)
