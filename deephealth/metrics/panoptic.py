"""Panoptic quality: are the instances found, and how well is each one drawn?

Per class, an instance of the prediction and one of the reference match where their intersection over union is above
0.5; so no instance can match two. PQ = SQ·RQ, with segmentation quality SQ, the mean IoU of the matches, and
recognition quality RQ, the F1 of finding them.

Source: Kirillov et al., Panoptic segmentation, CVPR 2019.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from deephealth.core.errors import ConfigError, DataError
from deephealth.metrics.instances import instances_of, overlaps
from deephealth.metrics.label_maps import FORMATS, InputFormat, LabelMaps, label_maps
from deephealth.metrics.per_case import PerCaseMetric, Reduction, exact_sums, reduced

__all__ = ["InstanceMetric", "PanopticQuality"]

_MATCH = 0.5


class InstanceMetric(PerCaseMetric):
    """Base of the metrics that compare instances: every case gives some sums per class.

    Args:
        sums: how many numbers a class has.
        num_classes: with the background, class 0, which has no instances.
        pooled: add the sums of all cases up before the scores are computed; otherwise each case has its own scores,
            and these are reduced.
        reduction: of the scores; ``mean`` over classes (and cases, where not pooled), ``mean_batch`` one per class,
            ``mean_channel`` one per case, ``none`` cases×classes, of which pooling leaves one row.
        connectivity: of the components, where instances are not given.
        input_format: ``index``, ``one-hot``, ``mixed`` or ``logits``.
        ignore_index: number in the reference of voxels that don't count; they are taken out of both maps.
        kwargs: torchmetrics' own settings.

    Raises:
        ConfigError: with all that is wrong with the settings.
    """

    def __init__(
        self,
        sums: int,
        num_classes: int,
        *,
        pooled: bool = True,
        reduction: Reduction = "mean",
        connectivity: int | None = None,
        input_format: InputFormat = "index",
        ignore_index: int | None = None,
        **kwargs: Any,
    ) -> None:
        problems = [] if num_classes > 1 else [f"num_classes: {num_classes}; at least 2, with the background"]
        if input_format not in FORMATS or input_format == "masks":
            problems.append(
                f"input_format: '{input_format}'; {', '.join(FORMATS[:-1])} (channels that overlap: one by one)"
            )
        if problems:
            raise ConfigError(problems, source=type(self).__name__)
        super().__init__((num_classes - 1) * sums, reduction, **kwargs)
        self.sums, self.num_classes, self.pooled, self.connectivity = sums, num_classes, pooled, connectivity
        self.input_format, self.ignore_index = input_format, ignore_index

    def maps(self, preds: torch.Tensor, target: torch.Tensor) -> LabelMaps:
        """Return the batch as label maps, checked."""
        return label_maps(
            preds, target, self.num_classes, input_format=self.input_format, ignore_index=self.ignore_index
        )

    def numbers_of(self, instances: torch.Tensor | None, case: int, shape: torch.Size) -> torch.Tensor | None:
        """Return the given instance numbers of one case in the shape of its map."""
        if instances is None:
            return None
        if case >= len(instances) or instances[case].numel() != shape.numel():
            raise DataError(f"instances of shape {tuple(instances.shape)}", allowed=f"B×{'×'.join(map(str, shape))}")
        return instances[case].reshape(shape)

    def class_sums(self) -> torch.Tensor:
        """Return cases×classes×sums, one row if pooled."""
        table = self.table()
        table = exact_sums(table)[None] if self.pooled else table
        return table.reshape(-1, self.num_classes - 1, self.sums)


class PanopticQuality(InstanceMetric):
    """Panoptic, segmentation and recognition quality of instances, per class.

    Args:
        num_classes: with the background, class 0, which has no instances.
        settings: of :class:`InstanceMetric`.

    Example:
        >>> preds, target = torch.tensor([[[1, 1, 0, 1, 1]]]), torch.tensor([[[1, 1, 0, 0, 1]]])
        >>> {name: score.item() for name, score in PanopticQuality(2)(preds, target).items()}
        {'panoptic_quality': 0.5, 'segmentation_quality': 1.0, 'recognition_quality': 0.5}
    """

    higher_is_better = True

    def __init__(self, num_classes: int, **settings: Any) -> None:
        super().__init__(4, num_classes, **settings)

    def update(
        self,
        preds: torch.Tensor,
        target: torch.Tensor,
        preds_instances: torch.Tensor | None = None,
        target_instances: torch.Tensor | None = None,
    ) -> None:
        """Match the instances of a batch.

        Args:
            preds: B×D×H×W or B×H×W class numbers, or what ``input_format`` says.
            target: likewise.
            preds_instances: B×spatial numbers; class and number together make an instance. Without them, the connected
                components of each class are its instances.
            target_instances: likewise.

        Raises:
            DataError: maps that can't be compared.
        """
        maps = self.maps(preds, target)
        for case, (said, true) in enumerate(zip(maps.prediction, maps.reference, strict=True)):
            numbers = [self.numbers_of(one, case, said.shape) for one in (preds_instances, target_instances)]
            self.keep(self._matched(said, true, maps.void, *numbers))

    def _matched(
        self,
        preds: torch.Tensor,
        target: torch.Tensor,
        void: int,
        preds_instances: torch.Tensor | None,
        target_instances: torch.Tensor | None,
    ) -> torch.Tensor:
        """Return sum of IoU, matches, false alarms and misses per class."""
        said = instances_of(preds, void, preds_instances, self.connectivity)
        true = instances_of(target, void, target_instances, self.connectivity)
        pairs = overlaps(said, true)
        iou = pairs.shared / (said.sizes[pairs.predicted] + true.sizes[pairs.true] - pairs.shared)
        classes = said.classes[pairs.predicted]
        match = (iou > _MATCH) & (classes == true.classes[pairs.true])
        count = self.num_classes
        quality = np.bincount(classes[match], weights=iou[match], minlength=count)
        found = np.bincount(classes[match], minlength=count)
        alarms = np.bincount(said.classes, minlength=count) - found
        misses = np.bincount(true.classes, minlength=count) - found
        return torch.from_numpy(np.stack([quality, found, alarms, misses], axis=1)[1:])

    def compute(self) -> dict[str, torch.Tensor]:
        """Return ``panoptic_quality``, ``segmentation_quality`` and ``recognition_quality``.

        NaN where a class has no instance in either map; a segmentation quality without a match is 0.
        """
        quality, found, alarms, misses = self.class_sums().unbind(-1)
        weight = found + (alarms + misses) / 2
        scores = {
            "panoptic_quality": quality / weight,
            "segmentation_quality": torch.where(found > 0, quality / found, 0 * weight / weight),
            "recognition_quality": found / weight,
        }
        return {name: reduced(score, self.reduction) for name, score in scores.items()}
