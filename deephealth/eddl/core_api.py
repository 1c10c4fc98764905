"""The functions under the calling conventions of the compiled module ``pyeddl._core.eddl``.

Most are those of :mod:`deephealth.eddl` itself. The compiled ones differ in a few defaults, in keywords (``in``, ``l``,
``type``) and in what may be left out; those stand here. The layer classes (``LConv``, …) and constants come along.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import deephealth.eddl as eddl
from deephealth.eddl.core_layers import layer_class

__all__ = [
    "DEV_CPU",
    "DEV_FPGA",
    "DEV_GPU",
    "MAX_THREADS",
    "BatchNormalization",
    "CS_GPU",
    "LayerNormalization",
    "VLayer",
    "backward",
    "build",
    "forward",
    "import_net_from_onnx_file",
    "plot",
    "toGPU",
]

DEV_CPU = 0
DEV_GPU = 1000
DEV_FPGA = 2000
MAX_THREADS = 1024

VLayer = list
"""The compiled module's list of layers; a plain list is as good."""


def BatchNormalization(parent: Any, *options: Any, **named: Any) -> Any:
    """Batch normalisation with the compiled module's defaults: momentum 0.99, epsilon 0.001.

    Args:
        parent: the layer it reads.
        *options: ``affine, momentum, epsilon, name``, or in the older order ``momentum, epsilon, affine, name``.
        **named: the same by name.

    Example:
        >>> layer = BatchNormalization(eddl.Input([4]), True)
        >>> type(layer).__name__
        'LBatchNorm'
    """
    older = bool(options) and isinstance(options[0], float) and not isinstance(options[0], bool)
    order = ("momentum", "epsilon", "affine", "name") if older else ("affine", "momentum", "epsilon", "name")
    given: dict[str, Any] = {"affine": True, "momentum": 0.99, "epsilon": 0.001, "name": ""} | _by_name(
        order, options, named
    )
    return eddl.BatchNormalization(parent, **given)


def LayerNormalization(parent: Any, *options: Any, **named: Any) -> Any:
    """Layer normalisation; ``affine, epsilon, name`` or in the older order ``epsilon, affine, name``.

    Example:
        >>> LayerNormalization(eddl.Input([4]), True, 0.001, "norm").name
        'norm'
    """
    older = bool(options) and isinstance(options[0], float) and not isinstance(options[0], bool)
    order = ("epsilon", "affine", "name") if older else ("affine", "epsilon", "name")
    return eddl.LayerNormalization(parent, **_by_name(order, options, named))


def _by_name(order: Sequence[str], options: Sequence[Any], named: dict[str, Any]) -> dict[str, Any]:
    if len(options) > len(order) or set(named) & set(order[: len(options)]) or set(named) - set(order):
        raise TypeError(f"the arguments {options} {named} don't fit", f"allowed: {', '.join(order)}, each once")
    return dict(zip(order, options, strict=False)) | named


def CS_GPU(g: list[int], lsb: int | str = 1, mem: str = "full_mem") -> Any:
    """A service on GPUs; the mask is required here, and ``CS_GPU(g, mem)`` leaves ``lsb`` out.

    Args:
        g: one 0 or 1 per GPU.
        lsb: after how many batches the replicas' weights are averaged.
        mem: ``full_mem``, ``mid_mem`` or ``low_mem``.
    """
    return eddl.CS_GPU(g, 1, lsb) if isinstance(lsb, str) else eddl.CS_GPU(g, lsb, mem)


def toGPU(net: Any, *options: Any, **named: Any) -> None:
    """Move a net to GPUs: ``toGPU(net)``, ``(net, mem)``, ``(net, g)``, ``(net, g, mem)`` or ``(net, g, lsb, mem)``."""
    for option in options:
        key = "mem" if isinstance(option, str) else "lsb" if isinstance(option, int) else "g"
        if key in named:
            raise TypeError(f"toGPU() got two values for '{key}'")
        named[key] = option
    eddl.toGPU(net, **named)


def build(net: Any, o: Any = None, *options: Any, **named: Any) -> None:
    """Build a net: ``(net)``, ``(net, o)``, ``(net, o, cs[, init_weights])`` or ``(net, o, lo, me[, cs, …])``.

    Args:
        net: the net.
        o: the optimizer; without one the default is taken.
        *options: as above.
        **named: the same by name (also the compiled module's spelling ``init_weigths``).

    Example:
        >>> x = eddl.Input([2])
        >>> build(eddl.Model([x], [eddl.ReLu(x)]), eddl.sgd(0.1), ["mse"], ["mse"], eddl.CS_CPU())
    """
    if "init_weigths" in named:
        named["init_weights"] = named.pop("init_weigths")
    with_losses = isinstance(options[0], list | tuple) if options else "lo" in named
    order = ("lo", "me", "cs", "init_weights") if with_losses else ("cs", "init_weights")
    given = _by_name(order, options, {k: v for k, v in named.items() if k in order})
    eddl.build(net, o, **given) if o is not None else eddl.build(net)


def forward(m: Any, *options: Any, **named: Any) -> Any:
    """Run a net: ``(m)``, ``(m, [Tensor])``, ``(m, [Layer])`` or ``(m, b)`` with a batch size."""
    if "in" in named:
        named["in_"] = named.pop("in")
    if options:
        named["b" if isinstance(options[0], int) else "in_"] = options[0]
    return eddl.forward(m, **named)


def backward(*options: Any, **named: Any) -> None:
    """Go backward from targets, ``(m, target)``, from the deltas there are, ``(net)``, or a graph loss, ``(l)``."""
    net = options[0] if options else next(named[k] for k in ("m", "net", "l") if k in named)
    eddl.backward(net, options[1] if len(options) > 1 else named.get("target"))


def plot(m: Any, fname: str = "model.pdf", rankdir: str = "LR") -> None:
    """Draw the graph of a net into a PDF."""
    eddl.plot(m, fname, rankdir)


def import_net_from_onnx_file(path: str, *options: Any, **named: Any) -> Any:
    """Read a net: ``(path[, mem[, log_level]])`` or ``(path, input_shape[, mem[, log_level]])``."""
    reshaped = bool(options) and isinstance(options[0], list | tuple)
    order = ("input_shape", "mem", "log_level") if reshaped else ("mem", "log_level")
    wanted = set(named) - {"input_shape"} if not reshaped else set(named)
    extra = {"input_shape": named["input_shape"]} if "input_shape" in named and not reshaped else {}
    return eddl.import_net_from_onnx_file(path, **_by_name(order, options, {k: named[k] for k in wanted}), **extra)


# compiled keyword -> keyword of deephealth.eddl, for functions that differ in nothing else
_KEYWORDS: dict[str, dict[str, str]] = {
    **{n: {"in": "in_"} for n in ("Model", "evaluate", "eval_batch", "fit", "next_batch", "predict", "train_batch")},
    **{n: {"type": "type_"} for n in ("getLoss", "getMetric")},
    **{n: {"k": "l2"} for n in ("Diff", "Div", "Mult", "Sub", "Sum")},
    "getLayer": {"l": "in_"},
}


def _renaming(function: Callable[..., Any], keywords: dict[str, str]) -> Callable[..., Any]:
    @wraps(function)
    def renamed(*arguments: Any, **named: Any) -> Any:
        return function(*arguments, **{keywords.get(key, key): value for key, value in named.items()})

    return renamed


def __getattr__(name: str) -> Any:
    value = getattr(eddl, name, None) if name in dir(eddl) else layer_class(name)
    if value is None or name.startswith("_"):
        msg = f"module '{__name__}' has no attribute '{name}'"
        raise AttributeError(msg)
    if name in _KEYWORDS:
        value = _renaming(value, _KEYWORDS[name])
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*__all__, *dir(eddl)})
