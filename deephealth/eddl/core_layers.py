"""The layer classes of ``pyeddl._core.eddl`` by name, for programs that ask ``isinstance(layer, LConv)``."""

from __future__ import annotations

import importlib
import pkgutil
from abc import ABCMeta

from deephealth.eddl import layers
from deephealth.eddl.graph.layer import Layer

__all__ = ["GROUPS", "layer_class"]

# abstract classes of the compiled module -> the classes below them; those without any have no layer here
GROUPS: dict[str, str] = {
    "MLayer": ("LAdd LAverage LConcat LCopyStates LGRU LLSTM LMatMul LMaximum LMinimum LRNN LSubtract LStates LWhere"),
    "OperatorLayer": "LAbs LClamp LDiff LDiv LExp LLog LLog10 LLog2 LMult LPow LSqrt LSum",
    "ReductionLayer": "LRMax LRMean LRMin LRSum LRVar",
    "ReductionLayer2": "LRArgmax",
    "GeneratorLayer": "LGauss LUniform",
    "LPool1D": "LAveragePool1D LMaxPool1D",
    "LPool3D": "LAveragePool3D LMaxPool3D",
    "LDataAugmentation": (
        "LCrop LCropRandom LCropScale LCropScaleRandom LCutout LCutoutRandom LFlip LFlipRandom LRotate LRotateRandom "
        "LScale LScaleRandom LShift LShiftRandom"
    ),
    "LEqual": "",
    "LGather": "",
    "LHLSinf": "",
    "LMultiThreshold": "",
    "LSplit": "",
    "LTensor": "",
    "LTopK": "",
}

_made: dict[str, type] = {"LinLayer": Layer}


def layer_class(name: str) -> type | None:
    """Return a layer class by its original name, or ``None`` if there is none of that name.

    Args:
        name: such as ``"LConv"`` or ``"OperatorLayer"``.

    Example:
        >>> issubclass(layer_class("LMaxPool1D"), layer_class("LPool1D"))
        True
    """
    if not _made.keys() - {"LinLayer"}:
        _collect()
    if name not in _made and name in GROUPS:
        _made[name] = _group(name)
    return _made.get(name)


def _collect() -> None:
    """Import every module of layers, and note the classes that they hold."""
    for module in pkgutil.iter_modules(layers.__path__, f"{layers.__name__}."):
        importlib.import_module(module.name)
    queue: list[type[Layer]] = [Layer]
    while queue:
        kind = queue.pop()
        queue.extend(kind.__subclasses__())
        if kind.__module__.startswith(layers.__name__):
            _made.setdefault(kind.__name__, kind)


def _group(name: str) -> type:
    """Make an abstract class of which the group's classes count as subclasses."""
    group = ABCMeta(name, (), {"__doc__": f"The original's abstract class {name}."})
    for member in GROUPS[name].split():
        kind = layer_class(member)
        if kind is not None:
            group.register(kind)
    return group
