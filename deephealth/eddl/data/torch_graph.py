"""A torch network (of torchvision's kinds) rebuilt as a graph of EDDL layers, with its weights."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import fx, nn
from torch.nn import functional as F

from deephealth.eddl.errors import EddlShapeError, EddlUnsupportedError
from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.layers.activations import ReLu
from deephealth.eddl.layers.convolutions import ConvSettings, LConv
from deephealth.eddl.layers.core import Dense, Dropout, Input
from deephealth.eddl.layers.global_pooling import GlobalAveragePool2D
from deephealth.eddl.layers.merge import Add, Concat
from deephealth.eddl.layers.normalization import BatchNormalization
from deephealth.eddl.layers.pooling import LAveragePool, LMaxPool
from deephealth.eddl.layers.shapes import Flatten

__all__ = ["layers_of"]

TITLE = "eddl.layers_of"


def layers_of(network: nn.Module, shape: Sequence[int]) -> tuple[Layer, Layer]:
    """Rebuild a network layer by layer.

    Convolutions, batch normalisation, ReLU, pools, dropout, linear layers, additions, concatenations and flattening are
    known: all that the networks of the original's model zoo consist of.

    Args:
        network: a module that ``torch.fx`` can trace, with one input and one output.
        shape: shape of one sample, [channels, height, width].

    Returns:
        The input layer, named ``input``, and the last layer; parameters and statistics are copies of the network's.

    Raises:
        EddlUnsupportedError: a module or function that has no layer.

    Example:
        >>> first, last = layers_of(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()), [3, 8, 8])
        >>> first.name, last.shape
        ('input', [4, 6, 6])
    """
    graph = fx.symbolic_trace(network)
    made: dict[fx.Node, Any] = {}
    first: Layer | None = None
    with torch.no_grad():
        for node in graph.graph.nodes:
            if node.op == "placeholder":
                made[node] = first = Input(shape, "input")
            elif node.op == "output":
                last = fx.map_arg(node.args[0], made.__getitem__)
            elif node.op == "call_module":
                module = graph.get_submodule(str(node.target))
                made[node] = _of_module(module, made[node.args[0]], str(node.target).replace(".", "_"))
            else:
                made[node] = _of_function(node, made)
    if first is None or not isinstance(last, Layer):
        raise EddlUnsupportedError(TITLE, "the network has no single input and output", allowed="one of each")
    return first, last


# ------------------------------------------------------------------ modules


def _of_module(module: nn.Module, parent: Layer, name: str) -> Layer:
    for kind, make in _MODULES.items():
        if isinstance(module, kind):
            return make(module, parent, name)
    known = ", ".join(kind.__name__ for kind in _MODULES)
    raise EddlUnsupportedError(
        TITLE, f"{name} is a {type(module).__name__}, for which there is no layer", allowed=known
    )


def _conv(module: nn.Conv2d, parent: Layer, name: str) -> Layer:
    up, left = _pair(module.padding)
    settings = ConvSettings(
        filters=module.out_channels,
        kernel_size=_pair(module.kernel_size),
        strides=_pair(module.stride),
        padding="custom",
        pads=[up, up, left, left],
        use_bias=module.bias is not None,
        groups=module.groups,
        dilation_rate=_pair(module.dilation),
    )
    layer = LConv(parent, settings, name)
    _copy(layer, [module.weight] if module.bias is None else [module.weight, module.bias])
    return layer


def _batch_norm(module: nn.BatchNorm2d, parent: Layer, name: str) -> Layer:
    layer = BatchNormalization(parent, module.affine, 1 - (module.momentum or 0.1), module.eps, name)
    affine = [module.weight, module.bias] if module.affine else []
    _copy(layer, [*affine, module.running_mean, module.running_var])
    return layer


def _linear(module: nn.Linear, parent: Layer, name: str) -> Layer:
    if parent.shape[-1] != module.in_features:
        what = f"{name} wants {module.in_features} inputs and gets {parent.shape[-1]} from this input shape"
        raise EddlShapeError(
            TITLE, what, hint="keep the default input_shape, or take the network without its classifier"
        )
    layer = Dense(parent, module.out_features, module.bias is not None, name)
    _copy(layer, [module.weight.T] if module.bias is None else [module.weight.T, module.bias])
    return layer


def _max_pool(module: nn.MaxPool2d, parent: Layer, name: str) -> Layer:
    return _pool(LMaxPool, module, parent, name)


def _average_pool(module: nn.AvgPool2d, parent: Layer, name: str) -> Layer:
    return _pool(LAveragePool, module, parent, name)


def _pool(kind: type[LMaxPool] | type[LAveragePool], module: Any, parent: Layer, name: str) -> Layer:
    if getattr(module, "ceil_mode", False):
        raise EddlUnsupportedError(TITLE, f"{name} rounds its size up", allowed="ceil_mode=False")
    up, left = _pair(module.padding)
    return kind(parent, _pair(module.kernel_size), _pair(module.stride), "custom", [up, up, left, left], name)


def _adaptive_pool(module: nn.AdaptiveAvgPool2d, parent: Layer, name: str) -> Layer:
    return _shrink(parent, _pair(module.output_size), name)


def _shrink(parent: Layer, size: Sequence[int], name: str) -> Layer:
    """Average down to ``size``: nothing to do where the map has it already, a global pool for one element."""
    if list(parent.shape[-2:]) == list(size):
        return parent
    if list(size) == [1, 1]:
        return GlobalAveragePool2D(parent, name)
    what = f"{name} averages {parent.shape[-2:]} down to {list(size)}, for which there is no layer"
    raise EddlShapeError(TITLE, what, hint="keep the default input_shape, or take the network without its classifier")


_MODULES: dict[type[nn.Module], Callable[[Any, Layer, str], Layer]] = {
    nn.Conv2d: _conv,
    nn.BatchNorm2d: _batch_norm,
    nn.Linear: _linear,
    nn.MaxPool2d: _max_pool,
    nn.AvgPool2d: _average_pool,
    nn.AdaptiveAvgPool2d: _adaptive_pool,
    nn.ReLU: lambda module, parent, name: ReLu(parent, name),
    nn.Dropout: lambda module, parent, name: Dropout(parent, module.p, False, name),
    nn.Flatten: lambda module, parent, name: Flatten(parent, name),
    nn.Identity: lambda module, parent, name: parent,
}


# ------------------------------------------------------------------ functions


def _of_function(node: fx.Node, made: dict[fx.Node, Any]) -> Layer:
    function = getattr(torch.Tensor, str(node.target)) if node.op == "call_method" else node.target
    if function not in _FUNCTIONS:
        known = ", ".join(sorted({getattr(f, "__name__", str(f)) for f in _FUNCTIONS}))
        raise EddlUnsupportedError(TITLE, f"there is no layer for {node.target}", allowed=known)
    arguments = fx.map_arg(node.args, lambda n: made[n])
    return _FUNCTIONS[function](arguments, node.name)


def _functional_shrink(arguments: Sequence[Any], name: str) -> Layer:
    return _shrink(arguments[0], _pair(arguments[1]), name)


def _functional_cat(arguments: Sequence[Any], name: str) -> Layer:
    parts = list(arguments[0])
    return Concat(parts, 0, name) if len(parts) > 1 else parts[0]


def _functional_add(arguments: Sequence[Any], name: str) -> Layer:
    return Add(list(arguments), name)


_FUNCTIONS: dict[Any, Callable[[Sequence[Any], str], Layer]] = {
    operator.add: _functional_add,
    operator.iadd: _functional_add,
    torch.add: _functional_add,
    torch.cat: _functional_cat,
    torch.flatten: lambda arguments, name: Flatten(arguments[0], name),
    torch.relu: lambda arguments, name: ReLu(arguments[0], name),
    F.relu: lambda arguments, name: ReLu(arguments[0], name),
    F.adaptive_avg_pool2d: _functional_shrink,
}


def _pair(value: Any) -> list[int]:
    """Return torch's number or pair of numbers as two numbers."""
    return [int(value)] * 2 if isinstance(value, int) else [int(v) for v in value]


def _copy(layer: Layer, values: Sequence[torch.Tensor | None]) -> None:
    """Copy ``values`` into the layer's parameters, in order."""
    for parameter, value in zip(layer.params, values, strict=False):
        if value is not None:
            parameter.torch.copy_(value)
