"""How a layer's parameters begin (initializers), and what shrinks them in training (regularizers)."""

from deephealth.eddl.initial.functions import (
    L1,
    L1L2,
    L2,
    Constant,
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    RandomNormal,
    RandomUniform,
)
from deephealth.eddl.initial.initialize import initialize_layer
from deephealth.eddl.initial.initializer import Initializer
from deephealth.eddl.initial.plain import IConstant, IRandomNormal, IRandomUniform
from deephealth.eddl.initial.regularizer import RL1, RL1L2, RL2, Regularizer
from deephealth.eddl.initial.scaled import IGlorotNormal, IGlorotUniform, IHeNormal, IHeUniform

__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "IConstant",
    "IGlorotNormal",
    "IGlorotUniform",
    "IHeNormal",
    "IHeUniform",
    "IRandomNormal",
    "IRandomUniform",
    "Initializer",
    "L1",
    "L1L2",
    "L2",
    "RL1",
    "RL1L2",
    "RL2",
    "RandomNormal",
    "RandomUniform",
    "Regularizer",
    "initialize_layer",
]
