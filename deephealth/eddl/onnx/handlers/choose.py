"""Which layer a node becomes: EDDL's where it does exactly the same, else the general one."""

from __future__ import annotations

from torch import Tensor

from deephealth.eddl.errors import EddlError, EddlValueError
from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.onnx.handlers.registry import HANDLERS
from deephealth.eddl.onnx.site import Site
from deephealth.eddl.onnx.values import Data
from deephealth.eddl.strictness import is_strict

__all__ = ["make_layer"]


def make_layer(site: Site) -> Layer:
    """Return the layer of a node that computes data."""
    handler = HANDLERS.get(site.op)
    if handler is None or not _plain(site):
        return site.generic()
    try:
        layer = handler(site)
    except (EddlError, EddlValueError):  # EDDL's layer refuses such shapes
        layer = None
    if layer is None or not _same(site, layer):
        site.fused = []
        return site.generic()
    return layer


def _plain(site: Site) -> bool:
    """Return whether EDDL's layers can read the inputs: floats, whose first dimension alone follows the batch."""
    inputs = [each for each in site.inputs if isinstance(each, Data)]
    table = site.op == "Gather"
    return all((each.first.is_floating_point() or table) and _batched(site, each) for each in inputs)


def _batched(site: Site, data: Data) -> bool:
    return data.first.dim() > 0 and (data.batch_first or site.importer.plan.locked)


def _same(site: Site, layer: Layer) -> bool:
    """Return whether the layer gives the shape that the operator gives; if not, take it out of the graph.

    In strict mode the original's files mean the original's layers, odd shapes included.
    """
    if site.importer.own and is_strict():
        return True
    wanted = site.expected()
    got: Tensor = site.importer.shadow(site, layer, "first")
    if wanted.shape == got.shape:
        return True
    for parent in layer.parent:
        parent.child = [child for child in parent.child if child is not layer]
    return False
