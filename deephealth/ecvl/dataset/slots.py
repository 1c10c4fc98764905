"""One sample's way into the memory of its batch: load, augment with draws of its own, write."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from deephealth.ecvl.dataset.fusing import Fused, fuse
from deephealth.ecvl.dataset.sample import Sample
from deephealth.ecvl.enums import ColorType
from deephealth.ecvl.errors import EcvlDataError, EcvlError
from deephealth.ecvl.imgproc import draws
from deephealth.ecvl.planar import write_planes

if TYPE_CHECKING:
    import torch

    from deephealth.ecvl.image import Image

__all__ = ["Batch", "Draw", "Filler", "Slot", "draws_of", "sample_error"]

Draw = tuple[int, ...]  # seed of an epoch, then what tells one use of a sample from all others


@dataclass(slots=True)
class Batch:
    """A batch that is being filled.

    Args:
        x: images, N x C x H x W.
        y: labels, N x classes or N x C x H x W; ``None`` without labels.
        samples: the samples, in order.
    """

    x: torch.Tensor
    y: torch.Tensor | None
    samples: list[Sample] = field(default_factory=list)


@dataclass(slots=True)
class Slot:
    """Where one sample belongs.

    Args:
        sample: the sample.
        index: its position in the data set, for messages.
        draw: key of its random numbers.
        x: its part of the batch, C x H x W.
        y: its part of the labels, or ``None``.
        batch: the batch.
    """

    sample: Sample
    index: int
    draw: Draw
    x: np.ndarray
    y: np.ndarray | None
    batch: Batch


@dataclass(frozen=True, slots=True)
class Filler:
    """Loads samples into slots; safe in any number of threads.

    Args:
        aug: augmentation of the split, or ``None``.
        ctype: colour space of the images.
        ctype_gt: colour space of the ground truth.
    """

    aug: Any
    ctype: ColorType
    ctype_gt: ColorType
    fused: Fused = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "fused", fuse(self.aug))

    def fill(self, slot: Slot) -> Batch:
        """Load a sample into its slot and return the batch.

        Raises:
            EcvlDataError: whatever goes wrong, with the name of the file.
        """
        chain = self.fused
        try:
            with_gt = slot.y is not None and slot.sample.label_path_ is not None
            image, gt = self.load(slot.sample, slot.draw if chain.random else (), with_gt=with_gt, aug=chain.aug)
            if gt is not None and slot.y is not None:
                _write(gt, slot.y, chain.divisor_gt, "ground truth")
            elif slot.y is not None:
                write_label(slot.sample, slot.y)
            _write(image, slot.x, chain.divisor, "image")
        except Exception as error:
            raise sample_error(slot.sample, slot.index, error) from error
        return slot.batch

    def load(self, sample: Sample, draw: Draw, *, with_gt: bool, aug: Any = ...) -> tuple[Image, Image | None]:
        """Return the augmented image of a sample, and its ground truth.

        Args:
            sample: the sample.
            draw: key of its random numbers.
            with_gt: load the ground truth, too.
            aug: applied instead of the filler's own.
        """
        aug = self.aug if aug is ... else aug
        image = sample.LoadImage(self.ctype)
        gt = sample.LoadImage(self.ctype_gt, True) if with_gt else None
        if aug is not None:
            with draws_of(draw):
                aug.Apply(image) if gt is None else aug.Apply(image, gt)
        return image, gt


def draws_of(draw: Draw) -> Any:
    """Return a context in which random operations draw from the stream of ``draw``; an empty key changes nothing."""
    return draws.using(draws.substream(*draw)) if draw else nullcontext()


def slots_of(
    indices: Sequence[int], samples: Sequence[Sample], key: Draw, batches: Iterable[tuple[Batch, int]], first: int = 0
) -> Iterator[Slot]:
    """Deal samples to batches.

    Args:
        indices: the split.
        samples: of the data set.
        key: seed of the epoch, and number of the split.
        batches: memory and size of each batch; the next one is asked for when the last one is dealt out.
        first: position in ``indices`` where the first batch begins.
    """
    uses = Counter(indices[:first])
    at = first
    for batch, size in batches:
        x = batch.x.numpy()
        y = None if batch.y is None else batch.y.numpy()
        for place in range(size):
            index = indices[at]
            sample = samples[index]
            batch.samples.append(sample)
            yield Slot(sample, index, (*key, index, uses[index]), x[place], None if y is None else y[place], batch)
            uses[index] += 1
            at += 1


def write_label(sample: Sample, into: np.ndarray) -> None:
    """Write a sample's classes as zeros and ones.

    Raises:
        EcvlError: no label, or a class that does not exist.
    """
    if sample.label_ is None:
        raise EcvlError("there is no label", hint="take the sample out of this split, or label it")
    if into.ndim != 1:
        raise EcvlError("the label is a class where others are ground-truth images", hint="use one kind of label")
    into[...] = 0
    for label in sample.label_:
        if not 0 <= label < len(into):
            raise EcvlError(f"class index {label} does not exist", allowed=f"0 to {len(into) - 1}")
        into[label] = 1


def sample_error(sample: Sample, index: int, error: Exception) -> EcvlDataError:
    """Return what the consumer is told when a sample fails: which one, and why."""
    what = getattr(error, "what", None) or f"{type(error).__name__}: {error}"
    found = EcvlDataError(
        f"sample {index}, {sample.name}: {what}",
        allowed=getattr(error, "allowed", None),
        hint=getattr(error, "hint", None),
    )
    found.filename = sample.location_[0] if sample.location_ else None  # type: ignore[attr-defined]
    return found


def _write(image: Image, into: np.ndarray, divisor: float, what: str) -> None:
    try:
        write_planes(image, into, divisor)
    except (EcvlError, ValueError) as error:
        raise EcvlError(
            f"the {what} can't become part of the batch: {getattr(error, 'what', error)}",
            allowed=f"{' x '.join(map(str, into.shape))} (channels, height, width), as the first image of the data set",
            hint="make all images one size with AugResizeDim or AugCenterCrop, and check the colour type",
        ) from error
