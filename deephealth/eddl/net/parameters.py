"""The net's parameters as a whole: lists of them, files of them, their limits, and the learning rate."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from deephealth.core.errors import MissingDataError
from deephealth.eddl.errors import EddlError, EddlShapeError
from deephealth.eddl.net.passes import need_built
from deephealth.eddl.net.replicas import spread_weights
from deephealth.eddl.tensor import Tensor
from deephealth.io.eddl_bin import read_records, write_records

if TYPE_CHECKING:
    from deephealth.eddl.net.net import Net

__all__ = ["clamp", "get_parameters", "load", "save", "set_parameters", "setlr"]


def get_parameters(net: Net, deepcopy: bool = False) -> list[list[Tensor]]:
    """Return the parameters of every layer, in order; layers without any have an empty list.

    Args:
        net: the net.
        deepcopy: return copies; otherwise the Tensors alias what the net computes with.
    """
    return [[param.clone() if deepcopy else param for param in layer.params] for layer in net.layers]


def set_parameters(net: Net, params: Sequence[Sequence[Tensor]]) -> None:
    """Copy parameters into a net.

    Args:
        net: the net.
        params: what ``get_parameters`` of a net of the same structure returned.

    Raises:
        EddlShapeError: they are another net's; the message names the layer. The net is then unchanged.
    """
    _check_parameters(net, params)
    with torch.no_grad():
        for layer, given in zip(net.layers, params, strict=True):
            for slot, own, new in zip(layer.slots(), layer.params, given, strict=True):
                if slot.scratch:
                    setattr(layer.module, slot.name, new.torch.detach().clone())
                else:
                    own.torch.copy_(new.torch)
    _spread(net)


def _check_parameters(net: Net, params: Sequence[Sequence[Tensor]]) -> None:
    where = "Net::set_parameters"
    if len(params) != len(net.layers):
        raise EddlShapeError(
            where, f"parameters of {len(params)} layers were given", allowed=f"{len(net.layers)} layers"
        )
    for layer, given in zip(net.layers, params, strict=True):
        wanted = [param.shape for param in layer.params]
        got = [param.shape for param in given]
        scratch = [slot.scratch for slot in layer.slots()]
        same = [loose or a == b for loose, a, b in zip(scratch, wanted, got, strict=False)]
        if len(wanted) != len(got) or not all(same):
            raise EddlShapeError(where, f"layer {layer.name} was given parameters of shapes {got}", allowed=str(wanted))


def _spread(net: Net) -> None:
    if len(net.snets) > 1:
        spread_weights(net)


def clamp(m: Net, min: float, max: float) -> None:
    """Clamp all parameters of a net, running statistics included, to ``min`` .. ``max``."""
    with torch.no_grad():
        for layer in m.layers:
            for param in layer.params:
                param.torch.clamp_(min, max)
    _spread(m)


def setlr(net: Net, p: Sequence[float]) -> None:
    """Change the optimizer's learning rate, and what else it takes (SGD: momentum; RMSProp: rho).

    Args:
        net: a built net.
        p: the learning rate first.
    """
    need_built(net, "setlr").change(list(p))
    for replica in net.snets:
        if replica is not net and replica.optimizer is not None:
            replica.optimizer.change(list(p))


def save(m: Net, fname: str, format: str = "bin") -> None:
    """Write all parameters to a file, layer after layer, in EDDL's ``.bin`` format (no names in it).

    The file is complete or not there: it is written under a temporary name first.

    Raises:
        EddlError: the format is not ``bin``.
    """
    _check_format("Net::save", format)
    write_records(Path(fname), [param.torch.cpu().numpy() for layer in m.layers for param in layer.params])


def load(m: Net, fname: str, format: str = "bin") -> None:
    """Read all parameters from a file written by :func:`save`, or by the original EDDL.

    Raises:
        EddlError: there is no such file, or it is truncated or another net's; the net is unchanged.
    """
    _check_format("Net::load", format)
    try:
        records = list(read_records(Path(fname)))
    except (MissingDataError, FileNotFoundError) as error:
        raise EddlError("Net::load", f"there is no file {fname}", hint="check the name") from error
    except (OSError, ValueError) as error:
        raise EddlError("Net::load", f"{fname} cannot be read: {error}") from error
    tensors = [Tensor.from_torch(torch.from_numpy(record)) for record in records]
    counts = [len(layer.slots()) for layer in m.layers]
    if sum(counts) != len(tensors):
        raise EddlShapeError(
            "Net::load",
            f"{fname} holds {len(tensors)} tensors",
            allowed=f"{sum(counts)}, the parameters of net {m.name}",
            hint="build the net that the file was saved from",
        )
    parts = iter(tensors)
    set_parameters(m, [[next(parts) for _ in range(count)] for count in counts])


def _check_format(where: str, format: str) -> None:
    if format != "bin":
        raise EddlError(
            where,
            f"unknown format '{format}'",
            allowed="bin",
            hint="for ONNX: eddl.save_net_to_onnx_file",
        )
