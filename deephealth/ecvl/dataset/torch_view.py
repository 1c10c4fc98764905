"""A split as a PyTorch data set, for programs that bring their own loader."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.utils.data import Dataset

from deephealth.ecvl.dataset.sample import Sample
from deephealth.ecvl.dataset.slots import Draw, Filler, sample_error, write_label
from deephealth.ecvl.tensors import ImageToTensor

__all__ = ["TorchView"]


class TorchView(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Map-style data set of (image C x H x W, label), as float32 tensors with the values of a ``DLDataset``.

    The label is zeros and ones per class, the ground truth C x H x W, or empty. Random draws depend on the key, the
    epoch (:meth:`set_epoch`) and the position alone: they hold for any number of loader processes.

    Args:
        samples: the samples.
        filler: how they are loaded.
        num_classes: length of a classification label; 0 where samples have no class.
        key: seed, and number of the split.
    """

    def __init__(self, samples: Sequence[Sample], filler: Filler, num_classes: int, key: Draw) -> None:
        self.samples, self._filler, self._num_classes, self._key = list(samples), filler, num_classes, key
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Let the random draws be those of another epoch."""
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return one image and its label.

        Raises:
            EcvlDataError: it can't be read; the message names the file.
        """
        sample = self.samples[index]
        position = index % len(self.samples)
        try:
            draw = (*self._key, self._epoch, position)
            image, gt = self._filler.load(sample, draw, with_gt=sample.label_path_ is not None)
            label = torch.zeros(self._num_classes if gt is None else 0)
            if gt is not None:
                label = ImageToTensor(gt).torch
            elif self._num_classes:
                write_label(sample, label.numpy())
            return ImageToTensor(image).torch, label
        except Exception as error:
            raise sample_error(sample, position, error) from error
