"""Any torch module as a layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import nn

from deephealth.eddl.errors import EddlShapeError
from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.ops.torch_module import TorchOp, single

__all__ = ["LTorch", "from_torch"]


class LTorch(Layer):
    """A torch module in a net.

    Args:
        parents: what it reads, one layer per argument of the module.
        module: the module; it is used itself, not copied, and keeps its weights when the net is built.
        name: its name.
    """

    prefix = "torch"

    def __init__(self, parents: Sequence[Layer], module: nn.Module, name: str = "") -> None:
        shape = _output_shape(module, [parent.shape for parent in parents], name or type(module).__name__)
        super().__init__(parents, None, shape, name)
        self.op = TorchOp(module, self.name)

    def initialize(self, key: Sequence[int] = ()) -> None:
        """Draw the parameters again if the user chose an initializer; else keep the module's own.

        Args:
            key: extra integers that tell this layer's draws from another's under one seed.
        """
        if self.init is not None:
            super().initialize(key)


def _output_shape(module: nn.Module, shapes: Sequence[Sequence[int]], name: str) -> list[int]:
    """Run the module on a batch of two, without data where torch can do that, and read the shape off."""
    own = dict(module.named_parameters()) | dict(module.named_buffers())
    with _untouched(module), torch.no_grad():
        try:
            if any(nn.parameter.is_lazy(value) for value in own.values()):
                return _shape_of(_real_run(module, shapes, name), name)
            blank = {key: value.to("meta") for key, value in own.items()}
            inputs = tuple(torch.zeros(2, *shape, device="meta") for shape in shapes)
            return _shape_of(torch.func.functional_call(module, blank, inputs), name)
        except EddlShapeError:
            raise
        except Exception:  # a module that looks at its data fails in its own way; real zeros decide whether it runs
            return _shape_of(_real_run(module, shapes, name), name)


def _shape_of(result: object, name: str) -> list[int]:
    return list(single(result, name).shape[1:])


def _real_run(module: nn.Module, shapes: Sequence[Sequence[int]], name: str) -> object:
    device = next((value.device for value in module.parameters()), torch.device("cpu"))
    try:
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            return module(*(torch.zeros(2, *shape, device=device) for shape in shapes))
    except (RuntimeError, ValueError, TypeError) as error:
        what = f"{type(module).__name__} does not run on samples of shape {[list(shape) for shape in shapes]}: {error}"
        raise EddlShapeError(name, what, hint="the module gets [batch, *shape] of every layer it reads") from error


@contextmanager
def _untouched(module: nn.Module) -> Iterator[None]:
    """Run in test mode, and give every submodule its own mode back."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training


def from_torch(module: nn.Module, in_: Layer | Sequence[Layer], name: str = "") -> Layer:
    """Use a torch module as a layer.

    The module's parameters are the layer's: the net's optimizer trains them, ``save`` stores them, and ``build`` leaves
    the values that they have, unless an initializer was set on the layer.

    Args:
        module: takes one tensor ``[batch, ...]`` per layer and returns one tensor ``[batch, ...]``.
        in_: the layer it reads, or several.
        name: its name; ``torch1``, ``torch2``, ... when empty.

    Raises:
        EddlShapeError: the module does not run on the layers' shapes, or returns no single tensor.

    Example:
        >>> from torch import nn
        >>> from deephealth.eddl.layers.core import Input
        >>> from_torch(nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)), Input([3, 16, 16])).shape
        [8, 14, 14]
    """
    return LTorch([in_] if isinstance(in_, Layer) else list(in_), module, name)
