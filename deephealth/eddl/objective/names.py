"""Losses and metrics by the names that programs write."""

from __future__ import annotations

from collections.abc import Callable

from deephealth.core.errors import did_you_mean
from deephealth.eddl.errors import EddlValueError
from deephealth.eddl.objective.accuracy import MBinAccuracy, MCategoricalAccuracy
from deephealth.eddl.objective.cross_entropy import (
    LBinaryCrossEntropy,
    LCategoricalCrossEntropy,
    LCrossEntropy,
    LSoftCrossEntropy,
)
from deephealth.eddl.objective.loss import Loss
from deephealth.eddl.objective.metric import Metric
from deephealth.eddl.objective.overlap import LDice, MDice
from deephealth.eddl.objective.regression import (
    LMeanSquaredError,
    MMeanAbsoluteError,
    MMeanRelativeError,
    MMeanSquaredError,
)

__all__ = ["LOSSES", "METRICS", "getLoss", "getMetric"]

LOSSES: dict[str, Callable[[], Loss]] = {
    "mse": LMeanSquaredError,
    "mean_squared_error": LMeanSquaredError,
    "categorical_cross_entropy": LCategoricalCrossEntropy,
    "cross_entropy": LCategoricalCrossEntropy,
    "ce": LCategoricalCrossEntropy,
    "cce": LCategoricalCrossEntropy,
    "binary_cross_entropy": LBinaryCrossEntropy,
    "bce": LBinaryCrossEntropy,
    "soft_cross_entropy": LSoftCrossEntropy,
    "softmax_cross_entropy": LSoftCrossEntropy,
    "sce": LSoftCrossEntropy,
    "deprecated_cross_entropy": LCrossEntropy,
    "dice": LDice,
    "none": lambda: Loss("none"),
}
"""Every name that :func:`getLoss` knows."""

METRICS: dict[str, Callable[[], Metric]] = {
    "mse": MMeanSquaredError,
    "mean_squared_error": MMeanSquaredError,
    "categorical_accuracy": MCategoricalAccuracy,
    "accuracy": MCategoricalAccuracy,
    "binary_accuracy": MBinAccuracy,
    "mean_absolute_error": MMeanAbsoluteError,
    "mean_relative_error": MMeanRelativeError,
    "dice": MDice,
    "none": lambda: Metric("none"),
}
"""Every name that :func:`getMetric` knows."""


def getLoss(type_: str) -> Loss:
    """Return a new loss by its name.

    Args:
        type_: a key of :data:`LOSSES`, such as ``"mse"`` or ``"soft_cross_entropy"``.

    Raises:
        EddlValueError: if the name is not known.

    Example:
        >>> getLoss("sce").name
        'softmax_cross_entropy'
    """
    if type_ not in LOSSES:
        raise EddlValueError(f"unsupported loss: {type_}", hint=did_you_mean(str(type_), LOSSES))
    return LOSSES[type_]()


def getMetric(type_: str) -> Metric:
    """Return a new metric by its name.

    Args:
        type_: a key of :data:`METRICS`, such as ``"accuracy"`` or ``"dice"``.

    Raises:
        EddlValueError: if the name is not known.

    Example:
        >>> getMetric("accuracy").name
        'categorical_accuracy'
    """
    if type_ not in METRICS:
        raise EddlValueError(f"unsupported metric: {type_}", hint=did_you_mean(str(type_), METRICS))
    return METRICS[type_]()
