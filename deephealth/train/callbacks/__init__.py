"""Callbacks of a training, one duty each."""

from __future__ import annotations

from deephealth.train.callbacks.checkpointing import Checkpointing
from deephealth.train.callbacks.ema import WeightAverage
from deephealth.train.callbacks.history import History
from deephealth.train.callbacks.interrupt import Interruption, StopTraining
from deephealth.train.callbacks.positioning import LoaderPosition
from deephealth.train.callbacks.progress import Progress
from deephealth.train.callbacks.seeding import BatchSeeds
from deephealth.train.callbacks.stopping import EarlyStop
from deephealth.train.callbacks.tensorboard import TensorBoard

__all__ = [
    "BatchSeeds",
    "Checkpointing",
    "EarlyStop",
    "History",
    "Interruption",
    "LoaderPosition",
    "Progress",
    "StopTraining",
    "TensorBoard",
    "WeightAverage",
]
