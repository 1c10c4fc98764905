"""The activations."""

from __future__ import annotations

from collections.abc import Sequence

from deephealth.eddl.errors import EddlError
from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.graph.names import default_name
from deephealth.eddl.ops.activation import SELU, ActivationOp

__all__ = [
    "Activation",
    "Elu",
    "Exponential",
    "HardSigmoid",
    "LActivation",
    "LeakyReLu",
    "Linear",
    "ReLu",
    "Selu",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Softsign",
    "Tanh",
    "ThresholdedReLu",
]


class LActivation(Layer):
    """An activation.

    Args:
        parent: what it reads.
        act: its name, one of :data:`deephealth.eddl.ops.activation.ACTIVATIONS`.
        params: alpha (and scale), or the softmax axis, batch included.
        name: the layer's name; all activations share one counter.

    Attributes:
        act: its name.
        act_params: its numbers, the softmax axis resolved.
    """

    def __init__(self, parent: Layer, act: str, params: Sequence[float] = (), name: str = "") -> None:
        self.act = act
        self.act_params = [float(param) for param in params]
        if act == "softmax":
            self.act_params = [_softmax_axis(self.act_params, len(parent.shape) + 1)]
        super().__init__([parent], ActivationOp(act, self.act_params), parent.shape, name)

    def make_name(self) -> str:
        """Return the next default name: the activation's name and the counter that all activations share."""
        return default_name(self.act, "activation")


def _softmax_axis(params: Sequence[float], ndim: int) -> int:
    if len(params) > 1:
        raise EddlError("LActivation::Softmax", f"only one axis is possible, {len(params)} were given")
    axis = int(params[0]) if params else -1
    if axis == -1:
        return ndim - 1
    if not 0 <= axis < ndim:
        what = f"axis {axis} does not exist"
        raise EddlError("LActivation::Softmax", what, allowed=f"0 (the batch) to {ndim - 1}, or -1 for the last")
    return axis


def Activation(parent: Layer, activation: str, params: Sequence[float] = [], name: str = "") -> Layer:
    """Apply an activation by name.

    Args:
        parent: any layer.
        activation: relu, thresholded_relu, leaky_relu, elu, selu, exp, softplus, softsign, softmax, sigmoid,
            hard_sigmoid, tanh or linear.
        params: [alpha]; [alpha, scale] for selu; [axis] for softmax. The usual defaults where missing.
        name: its name.

    Raises:
        EddlValueError: an unknown activation.
        EddlError: a softmax axis that does not exist.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> Activation(Input([4]), "leaky_relu", [0.1]).shape
        [4]
    """
    return LActivation(parent, activation, params, name)


def Softmax(parent: Layer, axis: int = -1, name: str = "") -> Layer:
    """Turn scores into probabilities along an axis.

    Args:
        parent: any layer.
        axis: the axis, counted with the batch (0); -1 is the last.
        name: its name.

    Raises:
        EddlError: the axis does not exist.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> Softmax(Input([4])).act_params
        [1]
    """
    return LActivation(parent, "softmax", [axis], name)


def Sigmoid(parent: Layer, name: str = "") -> Layer:
    """Apply ``1 / (1 + exp(-x))``.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> Sigmoid(Input([4])).act
        'sigmoid'
    """
    return LActivation(parent, "sigmoid", [], name)


def HardSigmoid(parent: Layer, name: str = "") -> Layer:
    """Apply ``0.2 x + 0.5``, clipped to 0 and 1.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> HardSigmoid(Input([4])).act
        'hard_sigmoid'
    """
    return LActivation(parent, "hard_sigmoid", [], name)


def ReLu(parent: Layer, name: str = "") -> Layer:
    """Apply ``max(x, 0)``.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> ReLu(Input([4])).act
        'relu'
    """
    return LActivation(parent, "relu", [], name)


def ThresholdedReLu(parent: Layer, alpha: float = 1.0, name: str = "") -> Layer:
    """Keep ``x`` where it is larger than ``alpha``; zero elsewhere.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> ThresholdedReLu(Input([4]), 0.5).act_params
        [0.5]
    """
    return LActivation(parent, "thresholded_relu", [alpha], name)


def LeakyReLu(parent: Layer, alpha: float = 0.01, name: str = "") -> Layer:
    """Keep positive ``x``; multiply the rest by ``alpha``.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> LeakyReLu(Input([4])).act_params
        [0.01]
    """
    return LActivation(parent, "leaky_relu", [alpha], name)


def Elu(parent: Layer, alpha: float = 1.0, name: str = "") -> Layer:
    """Keep positive ``x``; ``alpha (exp(x) - 1)`` elsewhere.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> Elu(Input([4])).act_params
        [1.0]
    """
    return LActivation(parent, "elu", [alpha], name)


def Selu(parent: Layer, name: str = "") -> Layer:
    """Apply the self-normalising unit: a scaled ELU with the usual constants.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> Selu(Input([4])).act
        'selu'
    """
    return LActivation(parent, "selu", SELU, name)


def Exponential(parent: Layer, name: str = "") -> Layer:
    """Apply ``exp(x)``.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> Exponential(Input([4])).act
        'exp'
    """
    return LActivation(parent, "exp", [], name)


def Softplus(parent: Layer, name: str = "") -> Layer:
    """Apply ``log(1 + exp(x))``.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> Softplus(Input([4])).act
        'softplus'
    """
    return LActivation(parent, "softplus", [], name)


def Softsign(parent: Layer, name: str = "") -> Layer:
    """Apply ``x / (1 + |x|)``.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> Softsign(Input([4])).act
        'softsign'
    """
    return LActivation(parent, "softsign", [], name)


def Linear(parent: Layer, alpha: float = 1.0, name: str = "") -> Layer:
    """Multiply by ``alpha``.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> Linear(Input([4]), 2.0).act_params
        [2.0]
    """
    return LActivation(parent, "linear", [alpha], name)


def Tanh(parent: Layer, name: str = "") -> Layer:
    """Apply the hyperbolic tangent.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> Tanh(Input([4])).act
        'tanh'
    """
    return LActivation(parent, "tanh", [], name)
