"""Activations, arithmetic and reductions as EDDL layers."""

from __future__ import annotations

from collections.abc import Callable

from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.layers import merge, operators, reductions
from deephealth.eddl.layers.activations import LActivation
from deephealth.eddl.layers.core import LDropout
from deephealth.eddl.onnx.export_names import RATE
from deephealth.eddl.onnx.handlers.registry import HANDLERS, handler
from deephealth.eddl.onnx.site import Site
from deephealth.eddl.onnx.values import Data

__all__: list[str] = []

_ACTIVATIONS: dict[str, tuple[str, dict[str, float]]] = {
    "Relu": ("relu", {}), "Sigmoid": ("sigmoid", {}), "Tanh": ("tanh", {}), "Softsign": ("softsign", {}),
    "Softplus": ("softplus", {}), "Exponential": ("exp", {}), "Linear": ("linear", {"alpha": 1.0}),
    "LeakyRelu": ("leaky_relu", {"alpha": 0.01}), "ThresholdedRelu": ("thresholded_relu", {"alpha": 1.0}),
    "Elu": ("elu", {"alpha": 1.0}), "Selu": ("selu", {"alpha": 1.6732632423543772, "gamma": 1.0507009873554805}),
}  # fmt: skip


def _activation(site: Site) -> Layer | None:
    data = site.data()
    name, numbers = _ACTIVATIONS[site.op]
    params = [site.attributes.get(attribute, default) for attribute, default in numbers.items()]
    return None if data is None else LActivation(data.layer, name, params, site.name)


HANDLERS.update(dict.fromkeys(_ACTIVATIONS, _activation))


@handler("HardSigmoid")
def _hard_sigmoid(site: Site) -> Layer | None:
    data = site.data()
    usual = abs(site.attributes.get("alpha", 0.2) - 0.2) < 1e-6 and site.attributes.get("beta", 0.5) == 0.5
    return LActivation(data.layer, "hard_sigmoid", [], site.name) if data is not None and usual else None


@handler("Softmax")
def _softmax(site: Site) -> Layer | None:
    data = site.data()
    if data is None:
        return None
    axis = site.attributes.get("axis", -1) % data.first.dim()
    if site.attributes.get("flatten") and axis != data.first.dim() - 1:
        return None
    return LActivation(data.layer, "softmax", [axis], site.name)


_MERGES: dict[str, Callable[..., Layer]] = {
    "Add": merge.LAdd, "Sum": merge.LAdd, "Max": merge.LMaximum, "Min": merge.LMinimum, "Mean": merge.LAverage,
}  # fmt: skip
_BINARIES: dict[str, Callable[..., Layer]] = {
    "Add": operators.LSum, "Sub": operators.LDiff, "Mul": operators.LMult, "Div": operators.LDiv,
}  # fmt: skip


@handler("Add", "Sum", "Max", "Min", "Mean", "Sub", "Mul", "Div")
def _combine(site: Site) -> Layer | None:
    dropout = _scaling_dropout(site)
    if dropout is not None:
        return dropout
    parents = [each for each in site.inputs if isinstance(each, Data)]
    alike = all(each.layer.shape == parents[0].layer.shape for each in parents)
    if site.op in _MERGES and len(parents) == len(site.inputs) and alike:
        return _MERGES[site.op]([each.layer for each in parents], site.name)
    if site.op not in _BINARIES or len(site.inputs) != 2:
        return None
    operands = [_operand(site, position) for position in (0, 1)]
    if any(each is None for each in operands):
        return None
    return _BINARIES[site.op](*operands, site.name)


def _scaling_dropout(site: Site) -> Layer | None:
    """Return the dropout that this package wrote down as what it does in a test: scaling by what it keeps."""
    rate = site.node.metadata_props.get(RATE) if site.node is not None else None
    data = site.data()
    return LDropout(data.layer, float(rate), True, site.name) if rate is not None and data is not None else None


def _operand(site: Site, position: int) -> Layer | float | None:
    data, const = site.data(position), site.const(position)
    if data is not None:
        return data.layer
    return float(const) if const is not None and const.numel() == 1 and const.dim() <= 1 else None


_UNARIES: dict[str, Callable[..., Layer]] = {
    "Abs": operators.LAbs, "Exp": operators.LExp, "Log": operators.LLog, "Sqrt": operators.LSqrt,
}  # fmt: skip


@handler(*_UNARIES)
def _unary(site: Site) -> Layer | None:
    data = site.data()
    return None if data is None else _UNARIES[site.op](data.layer, site.name)


@handler("Pow")
def _pow(site: Site) -> Layer | None:
    data, power = site.data(), site.const(1)
    if data is None or power is None or power.numel() != 1:
        return None
    return operators.LPow(data.layer, float(power), site.name)


@handler("Clip")
def _clip(site: Site) -> Layer | None:
    data, low, high = site.data(), site.const(1), site.const(2)
    if data is None or low is None or high is None:
        return None
    return operators.LClamp(data.layer, float(low), float(high), site.name)


_REDUCTIONS: dict[str, Callable[..., Layer]] = {
    "ReduceMean": reductions.LRMean, "ReduceSum": reductions.LRSum, "ReduceMax": reductions.LRMax,
    "ReduceMin": reductions.LRMin,
}  # fmt: skip


@handler(*_REDUCTIONS)
def _reduce(site: Site) -> Layer | None:
    data, axes = site.data(), site.const(1)
    if data is None or axes is None or not axes.numel():
        return None
    places = [int(axis) % data.first.dim() for axis in axes.reshape(-1).tolist()]
    if 0 in places:
        return None
    keep = bool(site.attributes.get("keepdims", 1))
    return _REDUCTIONS[site.op](data.layer, [axis - 1 for axis in places], keep, site.name)


@handler("ArgMax")
def _arg_max(site: Site) -> Layer | None:
    data = site.data()
    axis = 0 if data is None else site.attributes.get("axis", 0) % data.first.dim()
    last = site.node is not None and site.node.outputs[0].is_graph_output()
    if data is None or axis == 0 or site.attributes.get("select_last_index") or not last:
        return None  # EDDL's gives floats, which only an output may be
    return reductions.LRArgmax(data.layer, [axis - 1], bool(site.attributes.get("keepdims", 1)), site.name)
