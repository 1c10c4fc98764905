"""Which label meets which: the joint histogram of two label maps, and the box of each label, in one pass.

Contract: two maps of one shape, D×H×W or H×W, of one type (uint8 or int16 in practice), all values in [0, classes);
counts int64, exact. The maps are read once (2 bytes a voxel for uint8), and nothing of their size is written. Dice,
Jaccard, sensitivity and precision of all classes follow from the counts, and every surface lies in its box.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from deephealth.kernels.compilers import compiled, on_cores, version_for

__all__ = ["LabelPairs", "label_pairs", "reference"]

_GRAIN = 1 << 20  # voxels that are worth a thread
_NOWHERE = 1 << 62


class LabelPairs(NamedTuple):
    """What two label maps have in common.

    Args:
        counts: classes×classes; voxels that are row's class in the reference and column's class in the prediction.
        boxes: classes×dims×2; the first and one past the last index of a class in either map, 0 and 0 where it is in
            neither.
    """

    counts: np.ndarray
    boxes: np.ndarray


def label_pairs(prediction: torch.Tensor, truth: torch.Tensor, classes: int) -> LabelPairs:
    """Return joint histogram and boxes of two label maps; both were checked to hold nothing outside [0, classes).

    Args:
        prediction: D×H×W or H×W whole numbers.
        truth: likewise, of the same shape, type and device.
        classes: how many labels there can be.

    Example:
        >>> found = label_pairs(torch.tensor([[0, 1, 1]]), torch.tensor([[0, 0, 1]]), 2)
        >>> found.counts.tolist(), found.boxes[1].tolist()
        ([[1, 1], [0, 1]], [[0, 1], [1, 3]])
    """
    if version_for(prediction, truth) != "compiled":
        return reference(prediction, truth, classes)
    dims = prediction.ndim
    maps = [one.detach().contiguous().numpy() for one in (prediction, truth)]
    maps = [one[None] if dims == 2 else one for one in maps]
    height = max(1, maps[0].shape[1] * maps[0].shape[2])

    def run(first: int, last: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        counts = np.zeros((classes, classes), dtype=np.int64)
        low, high = np.full((classes, 3), _NOWHERE), np.zeros((classes, 3), dtype=np.int64)
        _scan(maps[0], maps[1], first, last, counts, low, high)
        return counts, low, high

    parts = on_cores(run, maps[0].shape[0], max(1, _GRAIN // height))
    counts = sum((part[0] for part in parts), np.zeros((classes, classes), dtype=np.int64))
    if not parts:
        return LabelPairs(counts, np.zeros((classes, dims, 2), dtype=np.int64))
    low, high = np.minimum.reduce([part[1] for part in parts]), np.maximum.reduce([part[2] for part in parts])
    low[low == _NOWHERE] = 0
    return LabelPairs(counts, np.stack([low, high], axis=2)[:, 3 - dims :])


def reference(prediction: torch.Tensor, truth: torch.Tensor, classes: int) -> LabelPairs:
    """Return what :func:`label_pairs` returns, in plain torch."""
    codes = truth.reshape(-1).long() * classes + prediction.reshape(-1).long()
    counts = torch.bincount(codes, minlength=classes * classes).reshape(classes, classes)
    boxes = torch.zeros((classes, prediction.ndim, 2), dtype=torch.long)
    for value in range(classes):
        places = ((prediction == value) | (truth == value)).nonzero()
        if len(places):
            boxes[value] = torch.stack([places.amin(0), places.amax(0) + 1], dim=1)
    return LabelPairs(counts.cpu().numpy(), boxes.numpy())


@compiled
def _scan(prediction, truth, first, last, counts, low, high):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202  # numba types it
    """Labels come in runs along a row: what is counted and compared is a run, not a voxel."""
    rows, width = prediction.shape[1], prediction.shape[2]
    for z in range(first, last):
        for y in range(rows):
            start = 0
            while start < width:
                said, true = prediction[z, y, start], truth[z, y, start]
                end = start + 1
                while end < width and prediction[z, y, end] == said and truth[z, y, end] == true:
                    end += 1
                counts[true, said] += end - start
                for value in (said, true):
                    low[value, 0] = min(low[value, 0], z)
                    low[value, 1] = min(low[value, 1], y)
                    low[value, 2] = min(low[value, 2], start)
                    high[value, 0] = max(high[value, 0], z + 1)
                    high[value, 1] = max(high[value, 1], y + 1)
                    high[value, 2] = max(high[value, 2], end)
                start = end
