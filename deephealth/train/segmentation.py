"""Foreground or background for each pixel."""

from __future__ import annotations

from collections.abc import Sequence

from deephealth.config.schema import Config
from deephealth.core.errors import ConfigError
from deephealth.models.model import Model
from deephealth.train.meters import MeanJaccard
from deephealth.train.task import Task

__all__ = ["SegmentationTask"]


class SegmentationTask(Task):
    """Training of a segmentation network; validated by the mean Jaccard index over images.

    Raises:
        ConfigError: a mix of images is asked for, which has no meaning for masks.
    """

    monitor = "val_jaccard"
    target_key = "mask"

    def __init__(self, model: Model, config: Config, class_counts: Sequence[int]) -> None:
        mix = config.trainer.mix.name
        if mix != "none":
            raise ConfigError([f"trainer.mix: '{mix}' mixes labels, which masks do not have; set it to 'none'"])
        super().__init__(model, config, class_counts)

    def make_score(self) -> MeanJaccard:
        """Return the mean Jaccard index at the evaluation's threshold."""
        return MeanJaccard(self.config.evaluate.threshold)
