"""How a recurrent net is run: what its module takes, made from the user's tensors, and the module itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from deephealth.eddl.errors import EddlShapeError
from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.layers.recurrent_nodes import LStates
from deephealth.eddl.net.sequence_module import KINDS, sequence_module, tail_of
from deephealth.eddl.net.sequence_plan import Plan
from deephealth.eddl.net.sequence_scores import copies, metric_steps, sums

if TYPE_CHECKING:
    from deephealth.eddl.net.net import Net

__all__ = ["KINDS", "Sequences", "arrange", "copies", "metric_steps", "sequence_module", "sums", "tail_of"]

_WHERE = "Net::prepare_recurrent"


@dataclass
class Sequences:
    """What one pass of a recurrent net runs on.

    Attributes:
        kind: how the net is run (see :func:`~deephealth.eddl.net.sequence_module.sequence_module`).
        inputs: what the module is called with, batch first.
        targets: one per output, ``[B, steps, ...]``; ``None`` for a prediction.
        steps: time steps of the outputs.
    """

    kind: str
    inputs: list[torch.Tensor]
    targets: list[torch.Tensor] | None
    steps: int


def arrange(net: Net, xs: Sequence[torch.Tensor], ys: Sequence[torch.Tensor] | None = None) -> Sequences:
    """Return what the net's module takes for these inputs and targets, and how the net is run on them.

    A net without a decoder runs over the input's steps; its outputs are those of as many last steps as the targets have
    (one, without targets). A decoder runs as many steps as the targets have and reads, at each, the target of the step
    before (zeros at the first). Without targets, or when ``net.decoder_teacher_training`` is off, it reads its own
    outputs; without targets, for ``net.decsize`` steps: as many as the last targets had, or what the user set. Tokens
    of one's own are given as further inputs.

    Args:
        net: the net.
        xs: one tensor per input layer, ``[B, T, ...]``; ``[B, ...]`` for what only a decoder reads, and for ``States``.
        ys: one tensor per output layer, ``[B, steps, ...]``.

    Raises:
        EddlShapeError: a tensor is missing, has no time axis, or does not fit its layer; time steps differ.
    """
    plan = Plan(net)
    targets = None if ys is None else _targets(plan, ys)
    if plan.has_decoder:
        return _with_decoder(net, plan, list(xs), targets)
    inputs = _inputs(plan, net.lin, xs)
    clock = next(x for layer, x in zip(net.lin, inputs, strict=True) if plan.moves(layer))
    steps = targets[0].shape[1] if targets else 1
    if steps > clock.shape[1]:
        raise EddlShapeError(
            _WHERE,
            f"targets have {steps} time steps, inputs {clock.shape[1]}",
            allowed="at most as many steps in the targets as in the inputs",
            hint="a net whose outputs are longer than its inputs needs a decoder (setDecoder)",
        )
    if net.strict:
        inputs, targets = _confuse(inputs), None if targets is None else _confuse(targets)
    return Sequences(_kind(steps, clock.shape[1]), inputs, targets, steps)


def _kind(steps: int, length: int) -> str:
    if steps == 1:
        return "last"
    return "sync" if steps == length else f"last:{steps}"


def _with_decoder(net: Net, plan: Plan, xs: list[torch.Tensor], targets: list[torch.Tensor] | None) -> Sequences:
    kind = "seq2seq" if plan.has_encoder else "vec2seq"
    if len(xs) == len(plan.inputs) and plan.tokens:
        inputs = _inputs(plan, plan.inputs, xs)
        clock = next(x for layer, x in zip(plan.inputs, inputs, strict=True) if layer in plan.tokens)
        return Sequences(kind, inputs, targets, clock.shape[1])
    others = [layer for layer in net.lin if layer not in plan.tokens]
    inputs = _inputs(plan, others, xs)
    _check_tokens(plan)
    if targets is None or not net.decoder_teacher_training:
        steps = targets[0].shape[1] if targets else net.decsize
        return Sequences(f"free:{steps}", inputs, targets, steps)
    net.decsize = targets[0].shape[1]
    shifted = [_shifted(target) for _, target in zip(plan.tokens, targets, strict=False)]
    if net.strict:
        targets, shifted = _confuse(targets), _confuse(shifted)
        inputs = _confuse(inputs) if plan.has_encoder else inputs
    by_layer = dict(zip(map(id, [*others, *plan.tokens]), [*inputs, *shifted], strict=True))
    return Sequences(kind, [by_layer[id(layer)] for layer in plan.inputs], targets, targets[0].shape[1])


def _shifted(target: torch.Tensor) -> torch.Tensor:
    return torch.cat((torch.zeros_like(target[:, :1]), target[:, :-1]), dim=1)


def _check_tokens(plan: Plan) -> None:
    """A decoder's k-th input reads the k-th output (or its target), so they have one shape."""
    pairs = list(zip(plan.tokens, plan.outputs, strict=False))
    if len(pairs) < len(plan.tokens):
        raise EddlShapeError(
            _WHERE, f"{len(plan.tokens)} decoder inputs for {len(plan.outputs)} outputs", allowed="an output for each"
        )
    for token, output in pairs:
        if token.shape != output.shape:
            raise EddlShapeError(
                _WHERE,
                f"decoder input {token.name} of shape {token.shape} reads output {output.name} of shape {output.shape}",
                allowed="the same shape",
            )


# ---------------------------------------------------------------------- shapes


def _inputs(plan: Plan, layers: Sequence[Layer], xs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    if len(xs) != len(layers):
        raise EddlShapeError(
            _WHERE,
            f"{len(xs)} input tensors were given",
            allowed=f"{len(layers)}, one for each of {', '.join(layer.name for layer in layers)}",
        )
    inputs = [_input(plan, layer, x) for layer, x in zip(layers, xs, strict=True)]
    moving = [(layer in plan.tokens, x) for layer, x in zip(layers, inputs, strict=True) if plan.moves(layer)]
    _same_steps([x for token, x in moving if not token], "Input")
    _same_steps([x for token, x in moving if token], "Decoder input")
    return inputs


def _input(plan: Plan, layer: Layer, x: torch.Tensor) -> torch.Tensor:
    if isinstance(layer, LStates):
        return x[:, 0] if x.dim() == 4 else x
    if not plan.moves(layer):
        return _fit(layer, x, 1, "Input", "batch")
    return _fit(layer, x, 2, "Input", "batch x timesteps")


def _targets(plan: Plan, ys: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    if len(ys) != len(plan.outputs):
        raise EddlShapeError(
            _WHERE, f"{len(ys)} target tensors were given", allowed=f"{len(plan.outputs)}, one per output layer"
        )
    targets = [_fit(layer, y, 2, "Output", "batch x timesteps") for layer, y in zip(plan.outputs, ys, strict=True)]
    _same_steps(targets, "Output")
    return targets


def _fit(layer: Layer, x: torch.Tensor, lead: int, what: str, axes: str) -> torch.Tensor:
    """Return ``x`` with the layer's shape after its ``lead`` leading axes."""
    if list(x.shape[lead:]) == layer.shape and x.dim() > lead:
        return x
    count = 1
    for size in layer.shape:
        count *= size
    if x.dim() <= lead or x.shape[lead:].numel() != count:
        raise EddlShapeError(
            _WHERE,
            f"{what} tensor should be {axes} x dims; the one for layer {layer.name} has shape {list(x.shape)}",
            allowed=f"[{', '.join([*axes.split(' x '), *map(str, layer.shape)])}]",
            hint="reshape_ it; a single time step is an axis of length 1",
        )
    return x.reshape(*x.shape[:lead], *layer.shape)


def _same_steps(tensors: Sequence[torch.Tensor], what: str) -> None:
    lengths = [tensor.shape[1] for tensor in tensors]
    if len(set(lengths)) > 1:
        raise EddlShapeError(
            _WHERE, f"{what} tensors with different time steps: {lengths}", allowed="the same number in all of them"
        )


def _confuse(tensors: list[torch.Tensor]) -> list[torch.Tensor]:
    """Hand sequences out as the original does: cut tensor by tensor, given step by step, so that several get mixed."""
    if len(tensors) < 2 or any(tensor.shape != tensors[0].shape for tensor in tensors):
        return tensors
    batch, steps = tensors[0].shape[:2]
    flat = torch.stack(tensors).transpose(1, 2).flatten(0, 1)
    mixed = flat.reshape(steps, len(tensors), batch, *tensors[0].shape[2:])
    return [mixed[:, index].transpose(0, 1) for index in range(len(tensors))]
