"""Convolutions and matrix products as EDDL layers."""

from __future__ import annotations

import torch
from torch import Tensor

from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.layers.convolutions import ConvSettings, LConv, LConv1D, LConv3D
from deephealth.eddl.layers.core import LDense
from deephealth.eddl.layers.transposed import LConvT2D, LConvT3D
from deephealth.eddl.onnx.handlers.registry import handler, load
from deephealth.eddl.onnx.kernels.padding import auto_pads
from deephealth.eddl.onnx.site import Site
from deephealth.eddl.onnx.values import Const, Data

__all__: list[str] = []

_CONV: dict[int, type[LConv]] = {1: LConv1D, 2: LConv, 3: LConv3D}
_CONV_TRANSPOSE: dict[int, type[LConv]] = {2: LConvT2D, 3: LConvT3D}


@handler("Conv")
def _conv(site: Site) -> Layer | None:
    data, weight, bias = site.data(), site.const(1), site.const(2)
    if data is None or weight is None or (bias is None and not site.missing(2)):
        return None
    settings = _settings(site, data, weight, weight.shape[0], bias is not None)
    layer = _CONV[weight.dim() - 2](data.layer, settings, site.name)
    return load(layer, [weight, torch.zeros(weight.shape[0]) if bias is None else bias])


@handler("ConvTranspose")
def _conv_transpose(site: Site) -> Layer | None:
    data, weight, bias = site.data(), site.const(1), site.const(2)
    kind = _CONV_TRANSPOSE.get(weight.dim() - 2) if weight is not None else None
    if data is None or weight is None or kind is None or (bias is None and not site.missing(2)):
        return None
    if site.attributes.get("output_shape") or site.attributes.get("auto_pad", "NOTSET").startswith("SAME"):
        return None
    filters = weight.shape[1] * site.attributes.get("group", 1)
    layer = kind(data.layer, _settings(site, data, weight, filters, bias is not None), site.name)
    return load(layer, [weight, torch.zeros(filters) if bias is None else bias])


def _settings(site: Site, data: Data, weight: Tensor, filters: int, use_bias: bool) -> ConvSettings:
    attributes = site.attributes
    rank = weight.dim() - 2
    window = list(weight.shape[2:])
    strides = attributes.get("strides") or [1] * rank
    dilations = attributes.get("dilations") or [1] * rank
    sides = auto_pads(
        data.first, window, strides, dilations, attributes.get("pads"), attributes.get("auto_pad", "NOTSET")
    )
    more = attributes.get("output_padding") or [0] * rank
    pads = [amount for (low, high), extra in zip(sides, more, strict=True) for amount in (low, high - extra)]
    return ConvSettings(filters, window, strides, "custom", use_bias, attributes.get("group", 1), dilations, pads)


@handler("Gemm")
def _gemm(site: Site) -> Layer | None:
    data, weight, bias = site.data(), site.const(1), site.const(2)
    if data is None or weight is None or site.attributes.get("transA") or (bias is None and not site.missing(2)):
        return None
    kernel = site.attributes.get("alpha", 1.0) * (weight.T if site.attributes.get("transB") else weight)
    return _dense(site, data, kernel, None if bias is None else site.attributes.get("beta", 1.0) * bias)


@handler("MatMul")
def _matmul(site: Site) -> Layer | None:
    data, weight = site.data(), site.const(1)
    if data is None or weight is None or weight.dim() != 2:
        return None
    return _dense(site, data, weight, _following_bias(site, weight.shape[1]))


def _dense(site: Site, data: Data, kernel: Tensor, bias: Tensor | None) -> Layer | None:
    units = kernel.shape[1]
    if bias is not None and (bias.numel() not in {1, units} or (bias.dim() == 2 and bias.shape[0] != 1)):
        return None
    layer = LDense(data.layer, units, bias is not None, site.name)
    return load(layer, [kernel] if bias is None else [kernel, bias.reshape(-1).expand(units)])


def _following_bias(site: Site, units: int) -> Tensor | None:
    """Return the bias of an Add that is all that reads this product, and take that node in."""
    if site.node is None or site.node.outputs[0].is_graph_output():
        return None
    uses = list(site.node.outputs[0].uses())
    if len(uses) != 1 or uses[0].node.op_type != "Add":
        return None
    add = uses[0].node
    value = add.inputs[1 - uses[0].idx]
    other = site.importer.known.get(value) if value is not None else None
    if not isinstance(other, Const) or list(other.tensor.shape) != [units]:
        return None
    site.fused = [add.outputs[0]]
    return other.tensor
