"""Reshapes, selections and merges as EDDL layers."""

from __future__ import annotations

from torch import Tensor

from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.layers.embedding import LEmbedding
from deephealth.eddl.layers.merge import LConcat
from deephealth.eddl.layers.repetition import LRepeat, LTile
from deephealth.eddl.layers.selection import LSelect
from deephealth.eddl.layers.shapes import LPermute, LReshape, LSqueeze, LUnsqueeze
from deephealth.eddl.layers.special import LBypass
from deephealth.eddl.onnx.handlers.registry import handler, load
from deephealth.eddl.onnx.kernels.shaping import resolve_shape
from deephealth.eddl.onnx.layer import LOnnx
from deephealth.eddl.onnx.site import Site
from deephealth.eddl.onnx.values import Data

__all__: list[str] = []


@handler("Identity")
def _identity(site: Site) -> Layer | None:
    data = site.data()
    return None if data is None else LBypass(data.layer, site.name, site.name)


@handler("Reshape")
def _reshape(site: Site) -> Layer | None:
    data, target = site.data(), site.const(1)
    if data is None or target is None or not data.batch_first:
        return None
    wanted = target.tolist()
    shape = resolve_shape(list(data.first.shape), wanted, site.attributes.get("allowzero", 0))
    if not wanted or wanted[0] not in {-1, 0} or shape[0] != data.first.shape[0]:
        return None
    return LReshape(data.layer, shape[1:], site.name)


@handler("Flatten")
def _flatten(site: Site) -> Layer | None:
    data = site.data()
    if data is None or site.attributes.get("axis", 1) != 1:
        return None
    return LReshape(data.layer, [-1], site.name)


@handler("Transpose")
def _transpose(site: Site) -> Layer | None:
    data = site.data()
    order = site.attributes.get("perm")
    if data is None or not order or order[0] != 0:
        return None
    return LPermute(data.layer, [axis - 1 for axis in order[1:]], site.name)


@handler("Squeeze")
def _squeeze(site: Site) -> Layer | None:
    data, axes = site.data(), _axes(site)
    if data is None or not axes or 0 in axes:
        return None
    if len(axes) == 1:
        return LSqueeze(data.layer, axes[0] - 1, site.name)
    kept = [size for axis, size in enumerate(data.layer.shape, 1) if axis not in axes]
    return LReshape(data.layer, kept, site.name)


@handler("Unsqueeze")
def _unsqueeze(site: Site) -> Layer | None:
    data, axes = site.data(), _axes(site, added=True)
    if data is None or len(axes) != 1 or axes[0] == 0:
        return None
    return LUnsqueeze(data.layer, axes[0] - 1, site.name)


def _axes(site: Site, *, added: bool = False) -> list[int]:
    data, axes = site.data(), site.const(1)
    if data is None or axes is None:
        return []
    listed = axes.reshape(-1).tolist()
    rank = data.first.dim() + (len(listed) if added else 0)
    return sorted(int(axis) % rank for axis in listed)


@handler("Concat")
def _concat(site: Site) -> Layer | None:
    parents = [each for each in site.inputs if isinstance(each, Data)]
    axis = site.attributes["axis"]
    if len(parents) != len(site.inputs) or len(parents) < 2:
        return None
    axis = axis % parents[0].first.dim()
    return LConcat([each.layer for each in parents], axis - 1, site.name) if axis else None


@handler("Slice")
def _slice(site: Site) -> Layer | None:
    data = site.data()
    parts = [site.const(position) for position in (1, 2)]
    steps, axes = site.const(4), site.const(3)
    if data is None or any(each is None for each in parts) or (steps is not None and bool((steps != 1).any())):
        return None
    starts, ends = ([int(number) for number in each.tolist()] for each in parts if each is not None)
    places = list(range(len(starts))) if axes is None else [int(axis) % data.first.dim() for axis in axes.tolist()]
    if 0 in places:
        return None
    indices = [":"] * len(data.layer.shape)
    for axis, start, end in zip(places, starts, ends, strict=True):
        low, high, _ = slice(start, end).indices(data.layer.shape[axis - 1])
        indices[axis - 1] = f"{low}:{high}"
    return LSelect(data.layer, indices, site.name)


@handler("Split")
def _split(site: Site) -> Layer | None:
    data = site.data()
    sizes = None if data is None else _pieces(site, data)
    axis = 0 if data is None else site.attributes.get("axis", 0) % data.first.dim()
    if data is None or sizes is None or axis == 0:
        return None
    start = sum(sizes[: site.output])
    indices = [*[":"] * (axis - 1), f"{start}:{start + sizes[site.output]}"]
    return LSelect(data.layer, indices, f"{site.name}_{site.output + 1}" if site.name else "")


def _pieces(site: Site, data: Data) -> list[int] | None:
    sizes = site.const(1)
    if sizes is not None:
        return [int(size) for size in sizes.tolist()]
    if not site.missing(1) or site.node is None:
        return None
    whole, count = data.first.shape[site.attributes.get("axis", 0)], len(site.node.outputs)
    size = -(-whole // count)
    return [size] * (count - 1) + [whole - size * (count - 1)]


@handler("Tile")
def _tile(site: Site) -> Layer | None:
    data, repeats = site.data(), site.const(1)
    if data is None or repeats is None or int(repeats[0]) != 1:
        return None
    times = [int(each) for each in repeats.tolist()[1:]]
    spread = [axis for axis, count in enumerate(times) if count > 1]
    if site.importer.own and len(spread) == 1:  # the original writes its Repeat as a Tile, and its Tile not at all
        return LRepeat(data.layer, times[spread[0]], spread[0], site.name)
    return LTile(data.layer, times, site.name)


@handler("Gather")
def _gather(site: Site) -> Layer | None:
    table, index = site.const(0), site.data(1)
    if table is None or index is None or not _is_embedding(site, table, index):
        return None
    source = index.layer
    while source.parent and (isinstance(source, LSqueeze) or (isinstance(source, LOnnx) and source.op_type == "Cast")):
        source = source.parent[0]  # EDDL's embedding takes floats, and one index in an axis of its own
    if source.shape not in ([], [1]):
        return None
    return load(LEmbedding(source, table.shape[0], 1, table.shape[1], name=site.name), [table])


def _is_embedding(site: Site, table: Tensor, index: Data) -> bool:
    return table.dim() == 2 and site.attributes.get("axis", 0) == 0 and index.layer.shape == []
