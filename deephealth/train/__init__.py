"""Floor 5: tasks, optimizers, schedules, atomic checkpoints, exact resume. Names are imported on first use."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from deephealth.train.catalogue import MIXES, OPTIMIZERS, SCHEDULES, TASKS

if TYPE_CHECKING:
    from deephealth.train.checkpoint import Checkpoint, CheckpointStore
    from deephealth.train.classification import ClassificationTask
    from deephealth.train.fit import FitResult, fit
    from deephealth.train.segmentation import SegmentationTask
    from deephealth.train.task import Task
    from deephealth.train.trainer import make_trainer

__all__ = [
    "MIXES",
    "OPTIMIZERS",
    "SCHEDULES",
    "TASKS",
    "Checkpoint",
    "CheckpointStore",
    "ClassificationTask",
    "FitResult",
    "SegmentationTask",
    "Task",
    "fit",
    "make_trainer",
]

_HOME = {
    "Checkpoint": "checkpoint",
    "CheckpointStore": "checkpoint",
    "ClassificationTask": "classification",
    "FitResult": "fit",
    "SegmentationTask": "segmentation",
    "Task": "task",
    "fit": "fit",
    "make_trainer": "trainer",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    value = getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value  # over the submodule of the same name, which the import has just bound here
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
