"""The data module: a split, a cache and a sampler as the loaders of a Lightning trainer."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from lightning.pytorch import LightningDataModule
from torch.utils.data import DataLoader

from deephealth.config.schema import DataConfig
from deephealth.core.errors import DataError, UnknownNameError
from deephealth.data.batches import EvaluationBatches, TrainBatches, TrainLoader
from deephealth.data.cache import DecodedRasters, RasterCache
from deephealth.data.catalogue import SAMPLERS
from deephealth.data.dataset import Augment, ImageDataset, Sizes, class_indices
from deephealth.data.permute import shuffle_labels
from deephealth.data.sample import Sample
from deephealth.data.sampler import Order
from deephealth.data.select import TASKS
from deephealth.data.split import SPLITS, Split, overfit_split

__all__ = ["ImageDataModule", "PrepareReport"]


@dataclass(frozen=True, slots=True)
class PrepareReport:
    """What :meth:`ImageDataModule.prepare` did.

    Args:
        num_images: pictures and masks that are ready.
        seconds: how long it took.
        cached_images: how many of them were in the cache already.
    """

    num_images: int
    seconds: float
    cached_images: int


class ImageDataModule(LightningDataModule):
    """Batches for training, validation and test.

    Give the Trainer ``use_distributed_sampler=False``: the batches below already know rank and world size, and unlike
    Lightning's sampler they repeat no sample in validation.

    To resume inside an epoch: restore the trainer's loops, then call :meth:`set_position` before ``fit``. The loaders'
    length stays that of a whole epoch, as step counters and schedules expect.

    Args:
        split: train, val, test.
        classes: class names in the order of the network's outputs.
        config: the ``data`` section of the configuration.
        task: ``classification`` or ``segmentation``.
        seed: of the run; order and augmentation follow from it.
        cache: ``None`` to decode each picture each time.
        augment: for training pictures; ``None`` serves them as cached.
        overfit: train, validate and test on the first so many training samples, without augmentation.
        progress: called with (done, total) while pictures are decoded.

    Raises:
        UnknownNameError: no such task or sampler.
        DataError: no training samples, a label that is not a class, or a sample without a mask (segmentation).
    """

    def __init__(
        self,
        split: Split,
        classes: tuple[str, ...],
        config: DataConfig,
        *,
        task: str,
        seed: int,
        cache: RasterCache | None,
        augment: Augment | None,
        overfit: int | None = None,
        progress: Callable[[int, int], object] | None = None,
    ) -> None:
        super().__init__()
        if task not in TASKS:
            raise UnknownNameError("task", task, TASKS)
        if config.shuffle_labels:
            split = shuffle_labels(split, seed=seed)
        self._overfits = overfit is not None
        self.split = split if overfit is None else overfit_split(split, overfit)
        self.classes, self.config, self.task, self.seed = classes, config, task, seed
        self._cache, self._augment, self._progress = cache, augment if overfit is None else None, progress
        self._parts: dict[str, tuple[Sample, ...]] = dict(self.split.items())
        _check_parts(self._parts, task)
        self._targets = {name: self._class_indices(samples) for name, samples in self._parts.items()}
        self._sizes = Sizes(config.image_size, config.image_sizes)
        self._datasets: dict[str, ImageDataset] = {}
        self._batches: TrainBatches | None = None

    @property
    def class_counts(self) -> list[int]:
        """Training samples per class, in the order of the classes (all 0 where there are no labels).

        On a handful of samples to overfit, a class that is not among them counts as one: losses divide by these.
        """
        labels = [sample.label for sample in self._parts["train"]]
        return [max(labels.count(name), int(self._overfits)) for name in self.classes]

    @property
    def position(self) -> tuple[int, int]:
        """(epoch, batches handed out in it): what a checkpoint keeps, and :meth:`set_position` takes."""
        return self._train_batches().position

    def set_position(self, epoch: int, batches_done: int) -> None:
        """Make the next pass through the training loader continue in ``epoch`` after ``batches_done`` batches.

        Raises:
            CheckpointError: the epoch has fewer batches.
        """
        self._train_batches().set_position(epoch, batches_done)

    def prepare(self) -> PrepareReport:
        """Decode and resize every picture that is not in the cache yet; doing it again costs nothing.

        Raises:
            MissingDataError, UnreadableFileError, LimitError: a picture can't be read.
            StorageError: the cache can't be written.
        """
        start = time.perf_counter()
        decoded = total = 0
        for name, samples in self._parts.items():
            for rasters in self._rasters(name) if samples else ():
                total += len(rasters)
                decoded += getattr(rasters, "num_decoded", 0)
        cached = total - decoded if self._cache is not None else 0
        return PrepareReport(total, time.perf_counter() - start, cached)

    def prepare_data(self) -> None:
        """Fill the cache; Lightning calls it on one process only."""
        if self._cache is not None:
            self.prepare()

    def dataset(self, name: str) -> ImageDataset:
        """Return the samples of ``train``, ``val`` or ``test`` as a dataset.

        Raises:
            UnknownNameError: no such part.
        """
        if name not in SPLITS:
            raise UnknownNameError("split", name, SPLITS)
        if name not in self._datasets:
            images, *masks = self._rasters(name)
            training = name == "train"
            self._datasets[name] = ImageDataset(
                self._parts[name],
                self._targets[name],
                images,
                masks[0] if masks else None,
                sizes=self._sizes if training else Sizes(self.config.image_size),
                augment=self._augment if training else None,
                seed=self.seed,
            )
        return self._datasets[name]

    def train_dataloader(self) -> TrainLoader:
        """Return the loader of the training samples."""
        return TrainLoader(self.dataset("train"), batch_sampler=self._train_batches(), **self._loader_options())

    def val_dataloader(self) -> DataLoader[Any]:
        """Return the loader of the validation samples: each once, in order."""
        return self._evaluation_loader("val")

    def test_dataloader(self) -> DataLoader[Any]:
        """Return the loader of the test samples: each once, in order."""
        return self._evaluation_loader("test")

    def _evaluation_loader(self, name: str) -> DataLoader[Any]:
        rank, world = self._place()
        batches = EvaluationBatches(len(self._parts[name]), self.config.batch_size, rank=rank, world=world)
        return DataLoader(self.dataset(name), batch_sampler=batches, **self._loader_options())

    def _train_batches(self) -> TrainBatches:
        rank, world = self._place()
        if self._batches is None or (rank, world) != self._batches.place:
            entry = self.config.sampler
            order: Order = SAMPLERS.get(entry.name)(self._targets["train"], self.seed, **entry.parameters)
            batches = TrainBatches(order, self.config.batch_size, rank=rank, world=world)
            if self._batches is not None:  # a position set before the trainer was attached
                batches.set_position(*self._batches.position)
            self._batches = batches
        return self._batches

    def _place(self) -> tuple[int, int]:
        trainer = self.trainer
        return (0, 1) if trainer is None else (trainer.global_rank, trainer.world_size)

    def _loader_options(self) -> dict[str, Any]:
        workers = self.config.num_workers
        return {
            "num_workers": workers,
            "persistent_workers": workers > 0,
            "pin_memory": torch.cuda.is_available(),
            "collate_fn": _as_it_is,
            # without one, each pass over a loader would draw from torch's global generator
            "generator": torch.Generator().manual_seed(self.seed),
        }

    def _class_indices(self, samples: Sequence[Sample]) -> list[int]:
        if self.task == "classification":
            return class_indices(samples, self.classes)
        known = {name: index for index, name in enumerate(self.classes)}
        return [known.get(sample.label or "", -1) for sample in samples]  # samplers may still balance by label

    def _rasters(self, name: str) -> list[Any]:
        samples = self._parts[name]
        size = self._sizes.largest() if name == "train" else self.config.image_size
        images = [sample.image for sample in samples]
        masks = [sample.mask for sample in samples if sample.mask is not None] if self.task == "segmentation" else None
        if self._cache is None:
            return [DecodedRasters(images, size)] + ([] if masks is None else [DecodedRasters(masks, size, "mask")])
        filled: list[Any] = [self._cache.images(images, size, progress=self._progress)]
        if masks is not None:
            filled.append(self._cache.masks(masks, size, progress=self._progress))
        return filled


def _check_parts(parts: dict[str, tuple[Sample, ...]], task: str) -> None:
    if not parts["train"]:
        raise DataError("the split has no training samples", hint="set data.split.source=groups")
    lacking = [sample.id for part in parts.values() for sample in part if getattr(sample, TASKS[task]) is None]
    if lacking:
        raise DataError(
            f"{len(lacking)} samples have no {TASKS[task]}, such as '{lacking[0]}'",
            hint="leave them out with deephealth.data.select_for_task before the split",
        )


def _as_it_is(batch: Any) -> Any:
    return batch
