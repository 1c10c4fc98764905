"""Losses that are graphs themselves: ``newloss`` and ``newmetric``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import torch

from deephealth.eddl.errors import EddlError
from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.graph.order import ancestors
from deephealth.eddl.layers.core import Input
from deephealth.eddl.net.net import Net
from deephealth.eddl.net.passes import apply_regularizers, forward
from deephealth.eddl.net.report import describe
from deephealth.eddl.tensor import Tensor

__all__ = ["NetLoss", "compute_loss", "compute_metric", "newloss", "newmetric"]


class NetLoss:
    """A loss made of layers, over layers of other nets.

    Args:
        f: takes one layer, or a list of them, and returns the layer that is the loss.
        in_: the layers it is over.
        name: its name.

    Attributes:
        value: what it was last.
        graph: the net of the loss.
        input: the layers it is over.
        ginput: their stand-ins in the graph.
        fout: the layer that is the loss.
    """

    def __init__(self, f: Callable[..., Layer], in_: Layer | Sequence[Layer], name: str) -> None:
        single = isinstance(in_, Layer)
        self.name = name
        self.value = 0.0
        self.input: list[Layer] = [in_] if isinstance(in_, Layer) else list(in_)
        self.ginput = [
            Input(layer.shape, "graph_input" + ("" if single else str(index))) for index, layer in enumerate(self.input)
        ]
        self.fout = f(self.ginput[0] if single else self.ginput)
        used = ancestors([self.fout], self.ginput)  # a function may leave a stand-in out
        self.graph = Net(used, [self.fout])
        for layer in self.graph.layers:
            if layer.op is not None and layer.slots():
                layer.initialize((self.graph.layers.index(layer),))
        sys.stdout.write(f"Loss graph:{name}\n{describe(self.graph)}\n")

    def compute(self) -> float:
        """Run the graph on what its layers put out last, and return the sum of the result over elements per sample.

        Divide by the batch size for a mean.
        """
        reads = {id(stand_in): layer for stand_in, layer in zip(self.ginput, self.input, strict=True)}
        forward(self.graph, [reads[id(stand_in)] for stand_in in self.graph.lin])
        value = self._output()
        self.value = float(value.detach().sum()) / (value.numel() / value.shape[0])
        return self.value

    def _output(self) -> torch.Tensor:
        if self.fout.value is None:
            raise EddlError("optimize", f"loss {self.name} has no value yet", hint="call eddl.compute_loss(loss) first")
        return self.fout.value

    def backward(self, target: Sequence[Tensor] = ()) -> None:
        """Run backward from the sum of the loss into the nets it was computed from; a loss takes no targets."""
        value = self._output()
        torch.autograd.backward([value], [torch.ones_like(value)], retain_graph=True)
        apply_regularizers(self.graph)


def newloss(f: Callable[..., Layer], in_: Layer | Sequence[Layer], name: str) -> NetLoss:
    """Make a loss out of layers.

    Args:
        f: takes a list of layers (one layer, if ``in_`` is one) and returns the layer that is the loss; its gradient
            is that of the sum of its elements.
        in_: layers of one or several nets.
        name: its name.

    Example:
        >>> from deephealth import eddl
        >>> x = eddl.Input([3])
        >>> net = eddl.Model([x], [])
        >>> loss = eddl.newloss(lambda l: eddl.Mult(l, l), x, "square")  # doctest: +ELLIPSIS
        Loss graph:square
        ...
        >>> _ = eddl.forward(net, [eddl.Tensor.ones([2, 3])])
        >>> eddl.compute_loss(loss)
        2.0
    """
    return NetLoss(f, in_, name)


def newmetric(f: Callable[..., Layer], in_: Layer | Sequence[Layer], name: str) -> NetLoss:
    """Make a metric out of layers (as :func:`newloss`; the C++ API has both names)."""
    return NetLoss(f, in_, name)


def compute_loss(L: NetLoss) -> float:
    """Return the loss on what its layers put out last: the sum over the batch of the mean per sample."""
    return L.compute()


def compute_metric(L: NetLoss) -> float:
    """Return the metric on what its layers put out last: the sum over the batch of the mean per sample."""
    return L.compute()
