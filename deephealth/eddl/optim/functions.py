"""The functions that programs make optimizers with."""

from __future__ import annotations

from deephealth.eddl.optim.adadelta import AdaDelta
from deephealth.eddl.optim.adagrad import Adagrad
from deephealth.eddl.optim.adam import Adam
from deephealth.eddl.optim.adamax import Adamax
from deephealth.eddl.optim.nadam import Nadam
from deephealth.eddl.optim.rmsprop import RMSProp
from deephealth.eddl.optim.sgd import SGD

__all__ = ["adadelta", "adagrad", "adam", "adamax", "nadam", "rmsprop", "sgd"]


def sgd(lr: float = 0.01, momentum: float = 0.0, weight_decay: float = 0.0, nesterov: bool = False) -> SGD:
    """Return stochastic gradient descent, ``m = momentum m + lr g; p -= m``.

    Args:
        lr: learning rate.
        momentum: how much of the last change is kept.
        weight_decay: times the parameter, is added to its gradient.
        nesterov: use Nesterov's momentum.

    Example:
        >>> sgd(0.1, 0.9)
        SGD(lr=0.1, mu=0.9, weight_decay=0.0, nesterov=False)
    """
    return SGD(lr, momentum, weight_decay, nesterov)


def adam(
    lr: float = 0.01,
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    epsilon: float = 1e-06,
    weight_decay: float = 0,
    amsgrad: bool = False,
) -> Adam:
    """Return Adam, with epsilon inside the root.

    Args:
        lr: learning rate.
        beta_1: how much of the mean gradient is kept.
        beta_2: how much of the mean squared gradient is kept.
        epsilon: keeps the divisor from 0.
        weight_decay: times the parameter, is added to its gradient.
        amsgrad: divide by the largest mean square so far.

    Example:
        >>> adam(0.001)
        Adam(lr=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-06, weight_decay=0.0, amsgrad=False)
    """
    return Adam(lr, beta_1, beta_2, epsilon, weight_decay, amsgrad)


def rmsprop(lr: float = 0.01, rho: float = 0.9, epsilon: float = 1e-05, weight_decay: float = 0.0) -> RMSProp:
    """Return RMSProp.

    Args:
        lr: learning rate.
        rho: how much of the mean squared gradient is kept.
        epsilon: keeps the divisor from 0.
        weight_decay: times the parameter, is added to its gradient.

    Example:
        >>> rmsprop(0.001)
        RMSProp(lr=0.001, rho=0.9, epsilon=1e-05, weight_decay=0.0)
    """
    return RMSProp(lr, rho, epsilon, weight_decay)


def adadelta(lr: float, rho: float, epsilon: float, weight_decay: float) -> AdaDelta:
    """Return AdaDelta.

    Args:
        lr: factor of every step.
        rho: how much of the running means is kept.
        epsilon: keeps divisor and first steps from 0.
        weight_decay: times the parameter, is added to its gradient.

    Example:
        >>> adadelta(1.0, 0.95, 1e-6, 0.0)
        AdaDelta(lr=1.0, rho=0.95, epsilon=1e-06, weight_decay=0.0)
    """
    return AdaDelta(lr, rho, epsilon, weight_decay)


def adagrad(lr: float, epsilon: float, weight_decay: float) -> Adagrad:
    """Return Adagrad.

    Args:
        lr: learning rate.
        epsilon: keeps the divisor from 0.
        weight_decay: times the parameter, is added to its gradient.

    Example:
        >>> adagrad(0.01, 1e-10, 0.0)
        Adagrad(lr=0.01, epsilon=1e-10, weight_decay=0.0)
    """
    return Adagrad(lr, epsilon, weight_decay)


def adamax(lr: float, beta_1: float, beta_2: float, epsilon: float, weight_decay: float) -> Adamax:
    """Return Adamax.

    Args:
        lr: learning rate.
        beta_1: how much of the mean gradient is kept.
        beta_2: how much of the largest gradient is kept.
        epsilon: keeps the divisor from 0.
        weight_decay: times the parameter, is added to its gradient.

    Example:
        >>> adamax(0.002, 0.9, 0.999, 1e-8, 0.0)
        Adamax(lr=0.002, beta_1=0.9, beta_2=0.999, epsilon=1e-08, weight_decay=0.0)
    """
    return Adamax(lr, beta_1, beta_2, epsilon, weight_decay)


def nadam(lr: float, beta_1: float, beta_2: float, epsilon: float, schedule_decay: float) -> Nadam:
    """Return Nadam.

    Args:
        lr: learning rate.
        beta_1: how much of the mean gradient is kept, in the end.
        beta_2: how much of the mean squared gradient is kept.
        epsilon: keeps the divisor from 0.
        schedule_decay: how fast the momentum rises to ``beta_1``.

    Example:
        >>> nadam(0.002, 0.9, 0.999, 1e-8, 0.004)
        Nadam(lr=0.002, beta_1=0.9, beta_2=0.999, epsilon=1e-08, schedule_decay=0.004)
    """
    return Nadam(lr, beta_1, beta_2, epsilon, schedule_decay)
