"""The feed-forward layers against what the original computed, op by op and without a net."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.layers import (
    activations,
    convolutions,
    core,
    embedding,
    global_pooling,
    merge,
    operators,
    pooling,
    reductions,
    repetition,
    selection,
    shapes,
    special,
    transposed,
    upsampling,
)
from deephealth.eddl.strictness import strict_mode

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "eddl"
MODULES = (
    activations, convolutions, core, embedding, global_pooling, merge, operators, pooling,
    reductions, repetition, selection, shapes, special, transposed, upsampling,
)  # fmt: skip
NAMES = {name: getattr(module, name) for module in MODULES for name in module.__all__}

FIXED = {
    "depthwise2d_c1": "the original ignores DepthwiseConv2D's padding",
    "merge_maximum_3": "the original adds",
    "merge_minimum": "the original adds",
    "merge_minimum_3": "the original adds",
    "merge_subtract_3": "the original adds",
    "conv3d_k3_s2_valid": "the original's Conv3D forgets its bias",
    "act_by_name_softsign": "backward at the output",
    "act_softplus_4d": "backward at the output",
    "act_softplus_extreme": "backward at the output",
    "act_softsign_extreme": "backward at the output",
    "reducemax_2d": "keepdims keeps the full size",
    "reducemean_1_kd": "keepdims keeps the full size",
    "reducemean_2d": "keepdims keeps the full size",
    "reducemin_012_kd": "keepdims keeps the full size",
    "reducemin_01_kd": "keepdims keeps the full size",
    "reducemin_1_kd": "keepdims keeps the full size",
    "reducesum_01_kd": "keepdims keeps the full size",
    "reducesum_0_kd": "keepdims keeps the full size",
    "reducesum_2d": "keepdims keeps the full size",
}
"""Cases where the original is wrong: only strict mode agrees with them."""


def load(path):
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def config_of(path):
    with np.load(path, allow_pickle=False) as stored:
        return json.loads(str(stored["config"]))


def is_ours(config):
    """Nets of feed-forward layers only, that need nothing else of a net than mse's deltas."""
    made = {step[1] for step in config.get("layers", [])}
    plain = config["kind"] == "net" and not config["recurrent"] and not config["pre"]
    return plain and made <= NAMES.keys() and set(config["loss"]) == {"mse"}


CASES = sorted(path.stem for path in GOLDEN.glob("*.npz") if is_ours(config_of(path)))


class Direct:
    """A case's layers, evaluated one after the other."""

    def __init__(self, config):
        self.layers = {name: core.Input(shape) for name, shape in config["inputs"]}
        for ids, function, args, kwargs in config["layers"]:
            made = NAMES[function](*[self.resolve(a) for a in args], **{k: self.resolve(v) for k, v in kwargs.items()})
            pairs = [(ids, made)] if isinstance(ids, str) else zip(ids, made, strict=True)
            self.layers.update(dict(pairs))

    def resolve(self, value):
        if isinstance(value, str) and value.startswith("@"):
            return self.layers[value[1:]]
        return [self.resolve(each) for each in value] if isinstance(value, list) else value

    def set_parameters(self, arrays):
        for name, layer in self.layers.items():
            for place, tensor in enumerate(layer.params):
                tensor.torch.copy_(torch.from_numpy(arrays[f"param0/{name}/{place}"]))

    def run(self, inputs, *, train):
        values = dict(inputs)
        by_layer = {id(layer): name for name, layer in self.layers.items()}

        def value_of(layer: Layer):
            name = by_layer.get(id(layer), id(layer))
            if name not in values:
                layer.op.train(train)
                values[name] = layer.op(*[value_of(parent) for parent in layer.parent])
                assert list(values[name].shape[1:]) == layer.shape
            return values[name]

        for layer in self.layers.values():
            value_of(layer)
        return values


def close(got, wanted, what):
    np.testing.assert_allclose(got.detach().numpy(), wanted, rtol=1e-4, atol=1e-5, err_msg=what)


def check(arrays, config):
    direct = Direct(config)
    direct.set_parameters(arrays)
    tensors = {name: torch.from_numpy(arrays[f"in/{name}"]) for name, _ in config["inputs"]}
    with torch.no_grad():
        values = direct.run(tensors, train=False)
    for place, name in enumerate(config["outputs"]):
        close(values[name], arrays[f"pred/{place}"], f"pred/{place}")
    for name, (count, trainable) in config["param_counts"].items():
        layer = direct.layers[name]
        assert (len(layer.params), layer.get_trainable_params_count()) == (count, trainable)
    for name, kind in config["layer_classes"].items():
        assert type(direct.layers[name]).__name__ == kind
    if config["train"]:
        check_training(arrays, config, direct, tensors)


def check_training(arrays, config, direct, tensors):
    leaves = {name: tensor.clone().requires_grad_() for name, tensor in tensors.items()}
    values = direct.run(leaves, train=True)
    for name in direct.layers:
        if f"train/out/{name}" in arrays:
            close(values[name], arrays[f"train/out/{name}"], f"train/out/{name}")
    outs = [values[name] for name in config["outputs"]]
    deltas = [(y.detach() - torch.from_numpy(arrays[f"target/{i}"])) / len(y) for i, y in enumerate(outs)]
    torch.autograd.backward(outs, deltas)
    for name, leaf in leaves.items():
        if f"train/din/{name}" in arrays:
            close(torch.zeros_like(leaf) if leaf.grad is None else leaf.grad, arrays[f"train/din/{name}"], "din")
    for name, layer in direct.layers.items():
        for place, gradient in enumerate(layer.gradients):
            if f"train/grad/{name}/{place}" in arrays:
                close(gradient.torch, arrays[f"train/grad/{name}/{place}"], f"train/grad/{name}/{place}")


@pytest.mark.parametrize("case", CASES)
def test_strict_mode_computes_what_the_original_did(case):
    arrays = load(GOLDEN / f"{case}.npz")
    config = json.loads(str(arrays["config"]))
    with strict_mode():
        check(arrays, config)


@pytest.mark.parametrize("case", [case for case in CASES if case not in FIXED])
def test_default_mode_computes_what_the_original_did_where_that_is_right(case):
    arrays = load(GOLDEN / f"{case}.npz")
    config = json.loads(str(arrays["config"]))
    with strict_mode(False):
        check(arrays, config)


@pytest.mark.parametrize("case", [case for case in CASES if case in FIXED])
def test_default_mode_differs_where_the_original_is_wrong(case):
    arrays = load(GOLDEN / f"{case}.npz")
    with strict_mode(False), pytest.raises((AssertionError, RuntimeError)):
        check(arrays, json.loads(str(arrays["config"])))
