"""Optimizers: EDDL's own, and any of torch."""

from deephealth.eddl.optim.adadelta import AdaDelta
from deephealth.eddl.optim.adagrad import Adagrad
from deephealth.eddl.optim.adam import Adam
from deephealth.eddl.optim.adamax import Adamax
from deephealth.eddl.optim.functions import adadelta, adagrad, adam, adamax, nadam, rmsprop, sgd
from deephealth.eddl.optim.nadam import Nadam
from deephealth.eddl.optim.optimizer import Optimizer
from deephealth.eddl.optim.rmsprop import RMSProp
from deephealth.eddl.optim.sgd import SGD
from deephealth.eddl.optim.torch_optimizer import TorchOptimizer, as_optimizer

__all__ = [
    "AdaDelta",
    "Adagrad",
    "Adam",
    "Adamax",
    "Nadam",
    "Optimizer",
    "RMSProp",
    "SGD",
    "TorchOptimizer",
    "adadelta",
    "adagrad",
    "adam",
    "adamax",
    "as_optimizer",
    "nadam",
    "rmsprop",
    "sgd",
]
