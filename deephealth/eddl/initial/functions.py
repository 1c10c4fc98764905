"""The functions that attach an initializer or a regularizer to a layer, and return the layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from deephealth.eddl.initial.plain import IConstant, IRandomNormal, IRandomUniform
from deephealth.eddl.initial.regularizer import RL1, RL1L2, RL2
from deephealth.eddl.initial.scaled import IGlorotNormal, IGlorotUniform, IHeNormal, IHeUniform

if TYPE_CHECKING:
    from deephealth.eddl.graph.layer import Layer

    L_ = TypeVar("L_", bound=Layer)
else:
    L_ = TypeVar("L_")

__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "L1",
    "L1L2",
    "L2",
    "RandomNormal",
    "RandomUniform",
]


def GlorotNormal(l: L_, seed: int = 1234) -> L_:
    """Let the layer begin with normal numbers of variance ``2 / (in + out)``.

    Args:
        l: the layer.
        seed: seed of the draws.

    Example:
        >>> from deephealth.eddl.graph.layer import Layer
        >>> GlorotNormal(Layer([], None, [2])).init.name
        'glorot_normal'
    """
    l.init = IGlorotNormal(seed)
    return l


def GlorotUniform(l: L_, seed: int = 1234) -> L_:
    """Let the layer begin with numbers equally likely between plus and minus ``sqrt(6 / (in + out))``.

    Args:
        l: the layer.
        seed: seed of the draws.

    Example:
        >>> from deephealth.eddl.graph.layer import Layer
        >>> GlorotUniform(Layer([], None, [2])).init.name
        'glorot_uniform'
    """
    l.init = IGlorotUniform(seed)
    return l


def HeNormal(l: L_, seed: int = 1234) -> L_:
    """Let the layer begin with normal numbers of variance ``2 / in``.

    Args:
        l: the layer.
        seed: seed of the draws.

    Example:
        >>> from deephealth.eddl.graph.layer import Layer
        >>> HeNormal(Layer([], None, [2])).init.name
        'He_normal'
    """
    l.init = IHeNormal(seed)
    return l


def HeUniform(l: L_, seed: int = 1234) -> L_:
    """Let the layer begin with numbers equally likely between plus and minus ``sqrt(6 / in)``.

    Args:
        l: the layer.
        seed: seed of the draws.

    Example:
        >>> from deephealth.eddl.graph.layer import Layer
        >>> HeUniform(Layer([], None, [2])).init.name
        'He_uniform'
    """
    l.init = IHeUniform(seed)
    return l


def RandomNormal(l: L_, m: float = 0.0, s: float = 0.1, seed: int = 1234) -> L_:
    """Let the layer begin with normal numbers, biases too.

    Args:
        l: the layer.
        m: their mean.
        s: their standard deviation.
        seed: seed of the draws.

    Example:
        >>> from deephealth.eddl.graph.layer import Layer
        >>> RandomNormal(Layer([], None, [2]), 0.0, 0.5).init.stdev
        0.5
    """
    l.init = IRandomNormal(m, s, seed)
    return l


def RandomUniform(l: L_, min: float = 0.0, max: float = 0.1, seed: int = 1234) -> L_:
    """Let the layer begin with numbers equally likely between two bounds, biases too.

    Args:
        l: the layer.
        min: lower bound.
        max: upper bound.
        seed: seed of the draws.

    Example:
        >>> from deephealth.eddl.graph.layer import Layer
        >>> RandomUniform(Layer([], None, [2]), -0.05, 0.05).init.maxval
        0.05
    """
    l.init = IRandomUniform(min, max, seed)
    return l


def Constant(l: L_, v: float = 0.1) -> L_:
    """Let every parameter of the layer begin with one value.

    Args:
        l: the layer.
        v: the value.

    Example:
        >>> from deephealth.eddl.graph.layer import Layer
        >>> Constant(Layer([], None, [2]), 0.25).init.value
        0.25
    """
    l.init = IConstant(v)
    return l


def L1(l: L_, l1: float) -> L_:
    """Let every training step take ``l1 sign(W)`` from the layer's weight.

    Args:
        l: the layer.
        l1: by how much every value comes nearer to 0.

    Example:
        >>> from deephealth.eddl.graph.layer import Layer
        >>> L1(Layer([], None, [2]), 0.01).reg.name
        'l1'
    """
    l.reg = RL1(l1)
    return l


def L2(l: L_, l2: float) -> L_:
    """Let every training step take the share ``l2`` from the layer's weight.

    Args:
        l: the layer.
        l2: the share that every value loses.

    Example:
        >>> from deephealth.eddl.graph.layer import Layer
        >>> L2(Layer([], None, [2]), 0.01).reg.name
        'l2'
    """
    l.reg = RL2(l2)
    return l


def L1L2(l: L_, l1: float, l2: float) -> L_:
    """Let every training step take ``l1 sign(W) + l2 W`` from the layer's weight.

    Args:
        l: the layer.
        l1: by how much every value comes nearer to 0.
        l2: the share that every value loses.

    Example:
        >>> from deephealth.eddl.graph.layer import Layer
        >>> L1L2(Layer([], None, [2]), 0.01, 0.02).reg.name
        'l1_l2'
    """
    l.reg = RL1L2(l1, l2)
    return l
