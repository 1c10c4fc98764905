"""The layers that every net has: input, dense, dropout."""

from __future__ import annotations

from collections.abc import Sequence

from deephealth.eddl.errors import EddlValueError
from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.ops.dense import DenseOp
from deephealth.eddl.ops.dropout import DropoutOp

__all__ = ["Dense", "Dropout", "Input", "LDense", "LDropout", "LInput"]


class LInput(Layer):
    """Where data enters the net; it computes nothing.

    Args:
        shape: shape of one sample.
        name: its name.
    """

    prefix = "input"

    def __init__(self, shape: Sequence[int], name: str = "") -> None:
        super().__init__([], None, shape, name)


class LDense(Layer):
    """A fully connected layer.

    Args:
        parent: what it reads.
        ndim: how many units.
        use_bias: whether there is a bias.
        name: its name.
    """

    prefix = "dense"

    def __init__(self, parent: Layer, ndim: int, use_bias: bool = True, name: str = "") -> None:
        self.ndim, self.use_bias = ndim, use_bias
        inputs = parent.shape[-1] if parent.shape else 1
        super().__init__([parent], DenseOp(inputs, ndim, use_bias=use_bias), [*parent.shape[:-1], ndim], name)


class LDropout(Layer):
    """Dropout as EDDL has it.

    Args:
        parent: what it reads.
        rate: probability that an element is zeroed.
        iw: whether the test pass is scaled by ``1 - rate``.
        name: its name.
    """

    prefix = "dropout"

    def __init__(self, parent: Layer, rate: float, iw: bool = True, name: str = "") -> None:
        if not 0 <= rate <= 1:
            raise EddlValueError(f"dropout rate {rate} is no probability", allowed="0 to 1")
        self.df, self.iw = rate, iw
        super().__init__([parent], DropoutOp(rate, iw=iw), parent.shape, name)


def Input(shape: Sequence[int], name: str = "") -> Layer:
    """Make an input layer.

    Args:
        shape: shape of one sample, without the batch.
        name: its name; ``input1``, ``input2``, ... when empty.

    Example:
        >>> Input([3, 32, 32]).shape
        [3, 32, 32]
    """
    return LInput(shape, name)


def Dense(parent: Layer, ndim: int, use_bias: bool = True, name: str = "") -> Layer:
    """Connect every input to every one of ``ndim`` units: ``x @ W + b`` over the last axis.

    Args:
        parent: layer of shape [..., inputs].
        ndim: number of units.
        use_bias: whether there is a bias.
        name: its name.

    Example:
        >>> layer = Dense(Input([8]), 3)
        >>> layer.shape, [list(p.torch.shape) for p in layer.params]
        ([3], [[8, 3], [3]])
    """
    return LDense(parent, ndim, use_bias, name)


def Dropout(parent: Layer, rate: float, iw: bool = True, name: str = "") -> Layer:
    """Zero elements with probability ``rate`` in training.

    Training multiplies by a mask of zeros and ones, without scaling up; a test pass multiplies by ``1 - rate``.

    Args:
        parent: any layer.
        rate: probability that an element is zeroed, 0 to 1.
        iw: whether the test pass is scaled.
        name: its name.

    Raises:
        EddlValueError: the rate is no probability.

    Example:
        >>> Dropout(Input([8]), 0.5).shape
        [8]
    """
    return LDropout(parent, rate, iw, name)
