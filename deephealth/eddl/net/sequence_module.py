"""From a recurrent net to a ``torch.fx.GraphModule`` that runs whole sequences, without a copy of the net per step.

Inside, time comes first (``[T, B, ...]``), as torch's recurrent kernels have it. A layer without memory runs on all
steps at once, time folded into the batch.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from torch import fx

from deephealth.eddl.errors import EddlError, EddlValueError
from deephealth.eddl.graph.fxgraph import Submodules
from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.layers.recurrent_nodes import LCopyStates
from deephealth.eddl.net.sequence_plan import Plan
from deephealth.eddl.net.sequence_steps import (
    PerStep,
    batch_first,
    first_token,
    fold,
    join_steps,
    last_steps,
    spread,
    time_first,
    unfold,
)
from deephealth.eddl.ops.recurrent import RecurrentOp

if TYPE_CHECKING:
    from deephealth.eddl.net.net import Net

__all__ = ["KINDS", "is_free", "number_of", "sequence_module", "tail_of"]

KINDS = ("last", "last:<n>", "sync", "seq2seq", "vec2seq", "free:<n>")
ALL_STEPS = 0
"""As a number of last steps: all of them."""


def is_free(kind: str) -> bool:
    """Return whether the decoder reads its own outputs."""
    return kind.startswith("free:")


def number_of(kind: str) -> int:
    """Return the n of ``last:<n>`` and ``free:<n>``."""
    digits = kind.partition(":")[2]
    if not digits.isdigit() or int(digits) < 1:
        raise EddlValueError(f"kind {kind!r} has no number of steps", allowed=", ".join(KINDS))
    return int(digits)


def tail_of(kind: str) -> int:
    """Return at how many last steps the layers after the last recurrent one run; 0 stands for all.

    Example:
        >>> tail_of("last"), tail_of("last:7"), tail_of("sync")
        (1, 7, 0)
    """
    if kind == "last":
        return 1
    if kind.startswith("last:"):
        return number_of(kind)
    if kind in KINDS or is_free(kind):
        return ALL_STEPS
    raise EddlValueError(f"kind {kind!r} is not known", allowed=", ".join(KINDS))


def sequence_module(net: Net, kind: str, *, capture: bool = False) -> fx.GraphModule:
    """Return a module that runs a recurrent net over sequences of any length; it shares the layers' ops.

    Args:
        net: the net.
        kind: how it runs, one of :data:`KINDS`. ``last``: the layers after the recurrent ones run on the last step;
            ``last:<n>``: on the last n steps; ``sync``: on every step. ``seq2seq`` and ``vec2seq``: the decoder reads
            the tokens that :func:`~deephealth.eddl.net.sequence.arrange` makes from the targets. ``free:<n>``: the
            decoder runs n steps and reads its own outputs.
        capture: also return what every layer computed.

    Returns:
        A module from ``Sequences.inputs`` to the output ``[B, steps, ...]``, or to a tuple of them if there are
        several. With ``capture``, to (tuple of outputs, tuple of the values of ``net.layers``). The value of an output
        layer is the output, that of another is ``[T, B, ...]`` where it runs per step, else ``[B, ...]``.

    Raises:
        EddlValueError: an unknown kind; EddlError: an input of the graph is not one of the net's.
    """
    return _Builder(net, kind, capture=capture).build()


class _Builder:
    """Adds a net's layers to a graph.

    Attributes:
        steps: id of a layer -> node ``[T, B, ...]``.
        fixed: id of a layer -> node ``[B, ...]``, the same at every step.
        states: id of a layer -> nodes of its last states, ``[B, units]`` each.
        carried: while a decoder runs freely, what ``states`` held after the step before.
    """

    def __init__(self, net: Net, kind: str, *, capture: bool) -> None:
        self.plan, self.kind, self.capture, self.tail = Plan(net), kind, capture, tail_of(kind)
        self.names = Submodules(self.plan.layers)
        self.modules = dict(self.names.modules)
        self.graph = fx.Graph()
        self.steps: dict[int, fx.Node] = {}
        self.fixed: dict[int, fx.Node] = {}
        self.states: dict[int, list[fx.Node]] = {}
        self.carried: dict[int, list[fx.Node]] = {}
        self.cuts: dict[fx.Node, fx.Node] = {}
        self.folds: dict[fx.Node, fx.Node] = {}
        self.placeholders: list[fx.Node] = []

    def build(self) -> fx.GraphModule:
        self._inputs()
        layers = self.plan.layers if self.capture else self.plan.needed()
        encoder = [layer for layer in layers if id(layer) not in self.plan.decoder]
        decoder = [layer for layer in layers if id(layer) in self.plan.decoder]
        for layer in encoder:
            self._layer(layer)
        if is_free(self.kind):
            self._run_freely(decoder)
        else:
            for layer in decoder:
                self._layer(layer)
        self._return()
        module = fx.GraphModule(self.modules, self.graph, class_name="EddlCapture" if self.capture else "EddlNet")
        module.graph.eliminate_dead_code()
        module.recompile()
        return module

    def call(self, function: Any, *args: Any) -> fx.Node:
        return self.graph.call_function(function, args)

    # ------------------------------------------------------------------ inputs and outputs

    def _inputs(self) -> None:
        for layer in self.plan.inputs:
            if is_free(self.kind) and layer in self.plan.tokens:
                continue
            node = self.graph.placeholder(self.names[layer])
            self.placeholders.append(node)
            if self.plan.moves(layer):
                self.steps[id(layer)] = self.call(time_first, node)
            else:
                self.fixed[id(layer)] = node

    def _return(self) -> None:
        decoder = self.plan.has_decoder
        outs = [
            self.call(batch_first, self._sequence(layer, after=not decoder, decoder=decoder))
            for layer in self.plan.outputs
        ]
        if self.capture:
            values = {**self.fixed, **self.steps, **dict(zip(map(id, self.plan.outputs), outs, strict=True))}
            self.graph.output((tuple(outs), tuple(values[id(layer)] for layer in self.plan.layers)))
        else:
            self.graph.output(outs[0] if len(outs) == 1 else tuple(outs))

    # ------------------------------------------------------------------ layers

    def _layer(self, layer: Layer) -> None:
        if id(layer) in self.steps or id(layer) in self.fixed:
            return
        if layer.op is None:
            raise EddlError(
                "Model",
                f"layer {layer.name} is an input but not one of the net's inputs",
                hint="add it to the list of inputs of Model([...], [...]), or mark it with setDecoder",
            )
        if isinstance(layer, LCopyStates):
            self._copy_states(layer)
        elif layer.isrecurrent and isinstance(layer.op, RecurrentOp):
            self._recurrent(layer, layer.op)
        else:
            self._memoryless(layer)

    def _copy_states(self, layer: Layer) -> None:
        source = layer.parent[0]
        if id(source) in self.states:
            self.states[id(layer)] = self.states[id(source)]
            self.fixed[id(layer)] = self.states[id(source)][0]
        else:
            self.fixed[id(layer)] = self._last(source)

    def _recurrent(self, layer: Layer, op: RecurrentOp) -> None:
        x = self._sequence(layer.parent[0], after=False, decoder=id(layer) in self.plan.decoder)
        results = self.graph.call_module(self.names[layer], (x, *self._initial(layer)))
        self.steps[id(layer)] = self.call(operator.getitem, results, 0)
        self.states[id(layer)] = [self.call(operator.getitem, results, 1 + n) for n in range(op.state_count)]

    def _initial(self, layer: Layer) -> list[fx.Node]:
        if id(layer) in self.carried:
            return self.carried[id(layer)]
        found = []
        for source in self.plan.origins(layer):
            found += self.states.get(id(source)) or [self._last(source)]
        return found

    def _memoryless(self, layer: Layer) -> None:
        decoder = id(layer) in self.plan.decoder
        after = not decoder and id(layer) not in self.plan.before
        name = self.names[layer]
        if not decoder and not any(id(parent) in self.steps for parent in layer.parent):
            fixed = [self.fixed[id(parent)] for parent in layer.parent]
            self.fixed[id(layer)] = self.graph.call_module(name, tuple(fixed))
            return
        parents = [self._sequence(parent, after=after, decoder=decoder) for parent in layer.parent]
        if layer.isnorm and not (after and self.tail == 1):
            self.modules[name] = PerStep(layer.module)
            self.steps[id(layer)] = self.graph.call_module(name, tuple(parents))
        else:
            folded = self.graph.call_module(name, tuple(self._fold(parent) for parent in parents))
            self.steps[id(layer)] = self.call(unfold, folded, parents[0])

    def _fold(self, node: fx.Node) -> fx.Node:
        if node.target is unfold and not self.capture:
            return node.args[0]  # type: ignore[return-value]
        if node not in self.folds:
            self.folds[node] = self.call(fold, node)
        return self.folds[node]

    # ------------------------------------------------------------------ what a layer reads

    def _last(self, layer: Layer) -> fx.Node:
        """Return a layer's value after the last step, ``[B, ...]``."""
        if id(layer) in self.states:
            return self.states[id(layer)][0]
        if id(layer) in self.fixed:
            return self.fixed[id(layer)]
        return self.call(operator.getitem, self.steps[id(layer)], -1)

    def _sequence(self, parent: Layer, *, after: bool, decoder: bool) -> fx.Node:
        """Return a parent's value as ``[T, B, ...]`` for the steps at which its reader runs."""
        crossing = decoder and id(parent) not in self.plan.decoder
        if crossing or id(parent) not in self.steps:
            return self.call(spread, self._last(parent), self._clock(after=after, decoder=decoder))
        whole = id(parent) in self.plan.before or parent.op is None
        return self._cut(parent) if after and whole else self.steps[id(parent)]

    def _cut(self, layer: Layer) -> fx.Node:
        node = self.steps[id(layer)]
        if self.tail == ALL_STEPS:
            return node
        if node not in self.cuts:
            if self.tail == 1 and getattr(layer.op, "bidirectional", False):
                state = self.states[id(layer)][0]  # here both directions have read everything
                self.cuts[node] = self.graph.call_method("unsqueeze", (state, 0))
            else:
                self.cuts[node] = self.call(last_steps, node, self.tail)
        return self.cuts[node]

    def _clock(self, *, after: bool, decoder: bool) -> fx.Node:
        """Return a value with as many steps as a layer runs at."""
        for layer in self.plan.tokens if decoder else self.plan.inputs:
            if id(layer) in self.steps:
                return self._cut(layer) if after else self.steps[id(layer)]
        raise EddlError("Net.prepare_recurrent", "nothing says how many steps to run", hint="give the net a sequence")

    # ------------------------------------------------------------------ a decoder that reads its own outputs

    def _run_freely(self, decoder: list[Layer]) -> None:
        kept: dict[int, list[fx.Node]] = {id(layer): [] for layer in decoder}
        tokens = dict.fromkeys(map(id, self.plan.tokens))
        for step in range(number_of(self.kind)):
            for layer, output in zip(self.plan.tokens, self.plan.outputs, strict=False):
                tokens[id(layer)] = (
                    self.steps[id(output)] if step else self.call(first_token, self.placeholders[0], layer.shape)
                )
            self.carried = {id(layer): self.states[id(layer)] for layer in decoder if step and id(layer) in self.states}
            for layer in decoder:
                self.steps.pop(id(layer), None)
                if layer.op is not None:
                    self.fixed.pop(id(layer), None)
            self.steps.update({key: node for key, node in tokens.items() if node is not None})
            for layer in decoder:
                self._layer(layer)
                if id(layer) in self.steps:
                    kept[id(layer)].append(self.steps[id(layer)])
        self.steps.update({key: self.call(join_steps, nodes) for key, nodes in kept.items() if nodes})
