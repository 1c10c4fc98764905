"""One class per image."""

from __future__ import annotations

from deephealth.train.meters import BalancedAccuracy
from deephealth.train.task import Task

__all__ = ["ClassificationTask"]


class ClassificationTask(Task):
    """Training of a classifier; validated by balanced accuracy."""

    monitor = "val_balanced_accuracy"
    target_key = "label"

    def make_score(self) -> BalancedAccuracy:
        """Return the mean recall over the model's classes."""
        return BalancedAccuracy(len(self.model.labels))
