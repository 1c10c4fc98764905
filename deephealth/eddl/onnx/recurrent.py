"""ONNX's recurrent nodes as EDDL's layers of one step: gates reordered, the two biases added into one."""

from __future__ import annotations

import torch
from torch import Tensor

from deephealth.eddl.errors import EddlOnnxError
from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.layers.recurrent_nodes import LGRU, LLSTM, LRNN, LCopyStates, RecurrentLayer
from deephealth.eddl.onnx.handlers.registry import load
from deephealth.eddl.onnx.site import Site

__all__ = ["RECURRENT", "recurrent_layer"]

RECURRENT = ("LSTM", "GRU", "RNN")

_GATES = {"LSTM": (0, 2, 1, 3), "GRU": (0, 1, 2), "RNN": (0,)}
"""For EDDL's order (i f o c; z r n) where ONNX keeps the gate (i o f c; z r h)."""

_USUAL = {"LSTM": ["Sigmoid", "Tanh", "Tanh"], "GRU": ["Sigmoid", "Tanh"], "RNN": ["Tanh"]}
_RNN_ACTIVATIONS = {
    "Tanh": "tanh",
    "Relu": "relu",
    "Sigmoid": "sigmoid",
    "HardSigmoid": "hard_sigmoid",
    "Affine": "none",
}


def recurrent_layer(site: Site) -> Layer:
    """Return the layer of an LSTM, GRU or RNN node.

    Raises:
        EddlOnnxError: something that EDDL's layers cannot do: other activations, peepholes, coupled gates, a reverse
            direction alone.
    """
    data, weights = site.data(), [site.const(position) for position in (1, 2)]
    if data is None or weights[0] is None or weights[1] is None:
        raise _refused(site, "weights that are computed")
    _check(site)
    both = weights[0].shape[0] == 2
    parents = [data.layer, *_states(site)]
    layer = _make(site, parents, weights[1].shape[-1], both)
    return load(layer, _parameters(site, weights[0], weights[1]))


def _make(site: Site, parents: list[Layer], units: int, both: bool) -> Layer:
    if site.op == "LSTM":
        return LLSTM(parents, units, False, both, site.name)
    if site.op == "GRU":
        return LGRU(parents, units, False, both, site.name)
    activation = _RNN_ACTIVATIONS[(site.attributes.get("activations") or ["Tanh"])[0]]
    return LRNN(parents, units, activation, not site.missing(3), both, site.name)


def _check(site: Site) -> None:
    attributes = site.attributes
    acts = attributes.get("activations") or _USUAL[site.op]
    known = acts[: len(_USUAL[site.op])]
    odd = known[0] not in _RNN_ACTIVATIONS if site.op == "RNN" else known != _USUAL[site.op]
    if odd or any(act != known[i % len(known)] for i, act in enumerate(acts)):
        raise _refused(site, f"the activations {acts}")
    if attributes.get("direction", "forward") == "reverse":
        raise _refused(site, "direction 'reverse'")
    if attributes.get("input_forget") or not site.missing(7) or attributes.get("clip"):
        raise _refused(site, "coupled gates, peepholes or clipping")
    if site.op == "GRU" and not attributes.get("linear_before_reset"):
        raise _refused(site, "linear_before_reset=0")  # there the reset gate acts before the product


def _refused(site: Site, what: str) -> EddlOnnxError:
    return EddlOnnxError(
        "ONNX::ImportNet", f"node '{site.name}' ({site.op}): {what} cannot be expressed in an EDDL layer"
    )


def _states(site: Site) -> list[Layer]:
    """Return where the initial states come from, if not zeros."""
    for position in (5, 6):
        const = site.const(position)
        if const is not None and bool(const.any()):
            raise _refused(site, "initial states that are constants")
    given = site.data(5)
    if given is None:
        return []
    source = given.layer
    if not isinstance(source, RecurrentLayer):
        return [source]
    states = LCopyStates([source], "getstates")
    site.importer.adopt(site, states)
    return [states]


def _parameters(site: Site, w: Tensor, r: Tensor) -> list[Tensor]:
    """Return EDDL's parameters: per direction the W, then the U, then the biases of the gates."""
    order = _GATES[site.op]
    bias = site.const(3)
    found: list[Tensor] = []
    for direction in range(w.shape[0]):
        for packed in (w[direction], r[direction]):
            found += [gate.T for gate in _pick(packed, order)]
        if site.op != "RNN" or bias is not None:
            found += _biases(site.op, bias[direction] if bias is not None else torch.zeros(2 * w.shape[1]), order)
    return found


def _pick(packed: Tensor, order: tuple[int, ...]) -> list[Tensor]:
    gates = packed.chunk(len(order))
    return [gates[index] for index in order]


def _biases(op: str, bias: Tensor, order: tuple[int, ...]) -> list[Tensor]:
    inputs, hidden = bias.chunk(2)
    if op != "GRU":
        return _pick(inputs + hidden, order)
    (z, r, n), (zh, rh, nh) = inputs.chunk(3), hidden.chunk(3)
    return [z + zh, r + rh, n, nh]
