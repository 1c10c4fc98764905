"""Samples -> batches of tensors. A whole batch is made at once: no per-sample dict, no collate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import Dataset

from deephealth.core.errors import DataError
from deephealth.core.seeds import counter_seed
from deephealth.data.batches import Key
from deephealth.data.sample import Sample

if TYPE_CHECKING:
    Array = npt.NDArray[np.uint8]

__all__ = ["Augment", "Batch", "ImageDataset", "Sizes", "class_indices"]

Batch = dict[str, Any]


class Augment(Protocol):
    """What is asked of an augmentation; ``deephealth.transforms`` has them."""

    def __call__(
        self, image: torch.Tensor, mask: torch.Tensor | None, *, seed: int, size: tuple[int, int]
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return image (uint8 3 x H x W) and mask (uint8 1 x H x W) at ``size``; all draws come from ``seed``."""
        ...


@dataclass(frozen=True, slots=True)
class Sizes:
    """Height and width of training images by epoch (progressive resizing).

    Args:
        default: until the first step.
        steps: from this epoch on -> height and width.

    Example:
        >>> Sizes((144, 192), {0: (72, 96), 5: (108, 144)}).at(6)
        (108, 144)
    """

    default: tuple[int, int]
    steps: Mapping[int, tuple[int, int]] = field(default_factory=dict)

    def at(self, epoch: int) -> tuple[int, int]:
        """Return (height, width) of an epoch."""
        reached = [step for step in self.steps if step <= epoch]
        return self.steps[max(reached)] if reached else self.default

    def largest(self) -> tuple[int, int]:
        """Return the largest (height, width) that any epoch uses: pictures are cached at it."""
        first = [self.default] if 0 not in self.steps else []
        return max([*first, *self.steps.values()], key=lambda size: size[0] * size[1])


class ImageDataset(Dataset[Batch]):
    """Images with labels or masks, served by the batch.

    A batch has ``image`` float32 B x 3 x H x W, 0 to 255, not normalised, channels-last in memory; ``label`` int64 B
    (classification) or ``mask`` float32 B x 1 x H x W of 0 and 1 (segmentation); ``index`` int64 B, the positions in
    the split; ``id``, a list of B names.

    Each draw of an augmentation depends on (seed, epoch, sample id, how often the sample came before in this epoch) and
    on nothing else: not on workers, batch size, or where a run was resumed.

    Args:
        samples: one part of a split.
        targets: class index of each sample; empty for segmentation.
        images: their pictures, H x W x 3 uint8.
        masks: their masks, H x W uint8; for segmentation.
        sizes: height and width by epoch.
        augment: ``None`` to serve the pictures as they are.
        seed: of the run.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        targets: Sequence[int],
        images: Sequence[Array],
        masks: Sequence[Array] | None,
        *,
        sizes: Sizes,
        augment: Augment | None = None,
        seed: int = 0,
    ) -> None:
        self._ids = [sample.id for sample in samples]
        self._targets = torch.tensor(targets, dtype=torch.int64) if masks is None else None
        self._images, self._masks = images, masks
        self._sizes, self._augment, self._seed = sizes, augment, seed

    def __len__(self) -> int:
        return len(self._ids)

    def __getitem__(self, index: int) -> Batch:
        """Return a batch of one sample, as in epoch 0."""
        return self.__getitems__([(0, 0, index)])

    def __getitems__(self, keys: Sequence[Key]) -> Batch:
        """Return the batch of these keys; what a loader calls."""
        indices = torch.tensor([index for _, _, index in keys], dtype=torch.int64)
        images, masks = self._plain(keys) if self._augment is None else self._augmented(keys, self._augment)
        batch: Batch = {"image": images.to(torch.float32, memory_format=torch.channels_last)}
        if masks is not None:
            batch["mask"] = masks.to(torch.float32)
        if self._targets is not None:
            batch["label"] = self._targets[indices]
        batch["index"] = indices
        batch["id"] = [self._ids[index] for _, _, index in keys]
        return batch

    def _plain(self, keys: Sequence[Key]) -> tuple[torch.Tensor, torch.Tensor | None]:
        from deephealth.transforms.resize import resize_mask, resize_rgb

        size = self._sizes.at(keys[0][0])
        images = np.empty((len(keys), *size, 3), dtype=np.uint8)
        for slot, (_, _, index) in enumerate(keys):
            picture = self._images[index]
            images[slot] = picture if picture.shape[:2] == size else resize_rgb(np.array(picture), size)
        tensor = torch.from_numpy(images).permute(0, 3, 1, 2)
        if self._masks is None:
            return tensor, None
        masks = np.empty((len(keys), 1, *size), dtype=np.uint8)
        for slot, (_, _, index) in enumerate(keys):
            mask = self._masks[index]
            masks[slot, 0] = mask if mask.shape == size else resize_mask(np.array(mask), size)
        return tensor, torch.from_numpy(masks)

    def _augmented(self, keys: Sequence[Key], augment: Augment) -> tuple[torch.Tensor, torch.Tensor | None]:
        images, masks = [], []
        for epoch, repeat, index in keys:
            # np.array copies out of the read-only memory map, which an augmentation could not write to
            image = torch.from_numpy(np.array(self._images[index])).permute(2, 0, 1)
            mask = None if self._masks is None else torch.from_numpy(np.array(self._masks[index]))[None]
            seed = counter_seed(self._seed, "augment", epoch, self._ids[index], repeat)
            image, mask = augment(image, mask, seed=seed, size=self._sizes.at(epoch))
            images.append(image)
            if mask is not None:
                masks.append(mask)
        return torch.stack(images), torch.stack(masks) if masks else None


def class_indices(samples: Sequence[Sample], classes: Sequence[str]) -> list[int]:
    """Return the class index of each sample.

    Raises:
        DataError: a sample without a label, or with one that is not a class.
    """
    position = {name: index for index, name in enumerate(classes)}
    for sample in samples:
        if sample.label not in position:
            raise DataError(
                f"sample '{sample.id}' has the label {sample.label!r}",
                allowed=", ".join(classes),
                hint="leave out unlabelled samples with select_for_task, or correct the label",
            )
    return [position[sample.label] for sample in samples if sample.label is not None]
