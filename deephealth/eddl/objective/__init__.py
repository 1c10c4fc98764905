"""Losses and metrics: what a net is trained towards and what it is judged by."""

from deephealth.eddl.objective.accuracy import MBinAccuracy, MCategoricalAccuracy
from deephealth.eddl.objective.cross_entropy import (
    LBinaryCrossEntropy,
    LCategoricalCrossEntropy,
    LCrossEntropy,
    LSoftCrossEntropy,
)
from deephealth.eddl.objective.loss import Loss, TorchLoss
from deephealth.eddl.objective.metric import Metric, TorchMetric
from deephealth.eddl.objective.names import LOSSES, METRICS, getLoss, getMetric
from deephealth.eddl.objective.overlap import LDice, MDice
from deephealth.eddl.objective.regression import (
    LMeanSquaredError,
    MMeanAbsoluteError,
    MMeanRelativeError,
    MMeanSquaredError,
)
from deephealth.eddl.objective.sums import LMin, MSum

__all__ = [
    "LOSSES",
    "LBinaryCrossEntropy",
    "LCategoricalCrossEntropy",
    "LCrossEntropy",
    "LDice",
    "LMeanSquaredError",
    "LMin",
    "LSoftCrossEntropy",
    "Loss",
    "MBinAccuracy",
    "MCategoricalAccuracy",
    "MDice",
    "METRICS",
    "MMeanAbsoluteError",
    "MMeanRelativeError",
    "MMeanSquaredError",
    "MSum",
    "Metric",
    "TorchLoss",
    "TorchMetric",
    "getLoss",
    "getMetric",
]
