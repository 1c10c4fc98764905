"""Pools, normalisation, dropout, padding and enlarging as EDDL layers."""

from __future__ import annotations

from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.layers.core import LDropout
from deephealth.eddl.layers.crops import LPad
from deephealth.eddl.layers.normalization import LBatchNorm, LLayerNorm
from deephealth.eddl.layers.pooling import (
    LAveragePool,
    LAveragePool1D,
    LAveragePool3D,
    LMaxPool,
    LMaxPool1D,
    LMaxPool3D,
    LPool,
)
from deephealth.eddl.layers.resize import UpSampling3D
from deephealth.eddl.layers.upsampling import UpSampling
from deephealth.eddl.onnx.handlers.registry import handler, load
from deephealth.eddl.onnx.kernels.padding import auto_pads
from deephealth.eddl.onnx.site import Site
from deephealth.eddl.onnx.values import Data
from deephealth.eddl.strictness import is_strict

__all__: list[str] = []

_MAX: dict[int, type[LPool]] = {1: LMaxPool1D, 2: LMaxPool, 3: LMaxPool3D}
_AVERAGE: dict[int, type[LPool]] = {1: LAveragePool1D, 2: LAveragePool, 3: LAveragePool3D}


@handler("MaxPool", "AveragePool")
def _pool(site: Site) -> Layer | None:
    data, attributes = site.data(), site.attributes
    window = attributes["kernel_shape"]
    if data is None or any(rate != 1 for rate in attributes.get("dilations") or []) or len(window) not in _MAX:
        return None
    strides = attributes.get("strides") or [1] * len(window)
    given, how = attributes.get("pads"), attributes.get("auto_pad", "NOTSET")
    sides = auto_pads(data.first, window, strides, [1] * len(window), given, how)
    whole = site.importer.own or bool(attributes.get("count_include_pad"))
    if site.op == "AveragePool" and not whole and any(amount for side in sides for amount in side):
        return None  # EDDL counts the padding
    if attributes.get("ceil_mode") and site.op == "AveragePool":
        return None
    kinds = _MAX if site.op == "MaxPool" else _AVERAGE
    pads = [amount for side in sides for amount in side]
    return kinds[len(window)](data.layer, window, strides, "custom", pads, site.name)


@handler("GlobalMaxPool", "GlobalAveragePool")
def _global_pool(site: Site) -> Layer | None:
    data = site.data()
    if data is None or len(data.layer.shape) - 1 not in _MAX:
        return None
    extents = data.layer.shape[1:]
    kinds = _MAX if site.op == "GlobalMaxPool" else _AVERAGE
    return kinds[len(extents)](data.layer, extents, [1] * len(extents), "none", name=site.name)


@handler("BatchNormalization")
def _batch_norm(site: Site) -> Layer | None:
    data = site.data()
    weights = [site.const(position) for position in range(1, 5)]
    if data is None or data.first.dim() < 2 or any(each is None for each in weights):
        return None
    momentum, epsilon = site.attributes.get("momentum", 0.9), site.attributes.get("epsilon", 1e-5)
    return load(LBatchNorm(data.layer, momentum, epsilon, True, site.name), [w for w in weights if w is not None])


@handler("LayerNormalization")
def _layer_norm(site: Site) -> Layer | None:
    data, scale, bias = site.data(), site.const(1), site.const(2)
    if data is None or scale is None or bias is None or is_strict():
        return None
    if site.attributes.get("axis", -1) % data.first.dim() != 1 or list(scale.shape) != data.layer.shape:
        return None  # EDDL's goes over everything but the batch
    return load(LLayerNorm(data.layer, site.attributes.get("epsilon", 1e-5), True, site.name), [scale, bias])


@handler("Dropout")
def _dropout(site: Site) -> Layer | None:
    data, ratio = site.data(), site.const(1)
    if data is None or site.output or (ratio is None and not site.missing(1)):
        return None
    return LDropout(data.layer, 0.5 if ratio is None else float(ratio), site.importer.own, site.name)


@handler("Pad")
def _pad(site: Site) -> Layer | None:
    data, pads, value = site.data(), site.const(1), site.const(2)
    if data is None or pads is None or data.first.dim() != 4 or not site.missing(3):
        return None
    amounts = pads.tolist()
    plain = site.attributes.get("mode", "constant") == "constant" and min(amounts) >= 0
    if not plain or any(amounts[i] for i in (0, 1, 4, 5)) or (value is None and not site.missing(2)):
        return None
    sides = [amounts[2], amounts[7], amounts[6], amounts[3]]
    return LPad(data.layer, sides, 0.0 if value is None else float(value), site.name)


@handler("Resize", "Upsample")
def _enlarge(site: Site) -> Layer | None:
    data = site.data()
    factors = None if data is None else _factors(site, data)
    if data is None or factors is None:
        return None
    if len(factors) == 2:
        return UpSampling(data.layer, factors, name=site.name)
    sizes = [size * factor for size, factor in zip(data.layer.shape[1:], factors, strict=True)]
    return UpSampling3D(data.layer, sizes, name=site.name) if len(factors) == 3 else None


_PLAIN = {("asymmetric", "floor"), ("half_pixel", "round_prefer_floor"), ("half_pixel", "round_prefer_ceil")}
"""With whole factors these all repeat each element."""


def _factors(site: Site, data: Data) -> list[int] | None:
    """Return the whole factors of a nearest-neighbour enlargement, if it is one."""
    attributes = site.attributes
    how = (
        attributes.get("coordinate_transformation_mode", "half_pixel"),
        attributes.get("nearest_mode", "round_prefer_floor"),
    )
    plain = site.op == "Upsample" or how in _PLAIN or (site.importer.own and how[0] == "asymmetric")
    if attributes.get("mode", "nearest") != "nearest" or not plain or attributes.get("axes"):
        return None
    sizes = site.const(3)
    scales = site.const(1 if site.op == "Upsample" else 2)
    if sizes is not None and sizes.numel():
        ratios = [want / size for want, size in zip(sizes.tolist()[1:], data.first.shape[1:], strict=True)]
    elif scales is not None and scales.numel() == data.first.dim():
        ratios = scales.tolist()[1:]
    else:
        return None
    whole = all(ratio >= 1 and ratio == int(ratio) for ratio in ratios)
    return [int(ratio) for ratio in ratios[1:]] if whole and ratios[0] == 1 else None
