"""Floor 5: tasks, optimizers, schedules, atomic checkpoints, exact resume. Names are imported on first use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deephealth.core.lazy import lazy_exports
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

__getattr__, __dir__ = lazy_exports(__name__, _HOME)
