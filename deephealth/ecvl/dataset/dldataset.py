"""Batches of a data set for training: loaded, augmented and packed by threads, in an order that always holds."""

from __future__ import annotations

import datetime
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from deephealth.core.log import get_logger
from deephealth.data.batch_memory import BatchMemory
from deephealth.data.prefetch import Prefetch
from deephealth.ecvl.dataset.collecting import CollectingQueue, ItemRun
from deephealth.ecvl.dataset.counters import ThreadCounters
from deephealth.ecvl.dataset.dataset_augmentations import DatasetAugmentations
from deephealth.ecvl.dataset.parser import Dataset
from deephealth.ecvl.dataset.run import SlotRun
from deephealth.ecvl.dataset.sample import Sample
from deephealth.ecvl.dataset.slots import Batch, Draw, Filler, draws_of, slots_of, write_label
from deephealth.ecvl.dataset.torch_view import TorchView
from deephealth.ecvl.enums import ColorType, SplitType, Task
from deephealth.ecvl.errors import EcvlDataError, EcvlError, EcvlValueError
from deephealth.ecvl.imgproc import draws
from deephealth.ecvl.strictness import is_strict
from deephealth.ecvl.tensors import ImageToTensor
from deephealth.eddl.tensor import Tensor

__all__ = ["DLDataset"]

_LOG = get_logger(__name__)
_SEEDS = 1 << 62
_NO_DRAWS = 0  # seed of what only finds out sizes


class _SplitEngine:
    """The generator that shuffles draw from: one for all data sets, as in the original."""

    rng = np.random.Generator(np.random.PCG64())


class DLDataset(Dataset):
    """A data set that hands out batches of tensors.

    ``Start`` spawns workers for one epoch of the current split, ``GetBatch`` returns batches, ``Stop`` ends them.
    Batches come in the order of the split whatever the number of workers, and each sample's random draws depend on the
    seed (``AugmentationParam.SetSeed``), the epoch and the sample alone. What fails in a worker is raised by the
    ``GetBatch`` that would have returned the sample, with the name of the file.

    Subclasses may override :meth:`ProduceImageLabel` and push any number of elements per sample to ``queue_``.

    Args:
        filename: the YAML file.
        batch_size: samples per batch.
        augs: augmentations, one per split in the order of the file; ``None`` and an empty list mean none at all.
        ctype: colour space of the images; ``none`` leaves them as they are.
        ctype_gt: colour space of the ground truth.
        num_workers: threads; not more than the machine has cores.
        queue_ratio_size: workers run ahead by at most ``batch_size * queue_ratio_size * num_workers`` samples.
        drop_last: name of a split -> whether samples that do not fill a batch are left out.
        verify: warn of files that do not exist.
        root: as in :class:`Dataset`.
        download: as in :class:`Dataset`.
        pin_memory: batches in page-locked memory, for copies to a graphics card.

    Raises:
        EcvlDataError: the file or the first image can't be read.
        EcvlValueError: a batch size, worker count or queue ratio below 1.
    """

    def __init__(  # noqa: PLR0913 - the original's parameters
        self,
        filename: str | os.PathLike[str],
        batch_size: int,
        augs: DatasetAugmentations | Iterable[Any] | None = None,
        ctype: ColorType | int = ColorType.RGB,
        ctype_gt: ColorType | int = ColorType.GRAY,
        num_workers: int = 1,
        queue_ratio_size: float = 1,
        drop_last: Mapping[Any, bool] | None = None,
        verify: bool = False,
        *,
        root: str | os.PathLike[str] | None = None,
        download: str | os.PathLike[str] | None = None,
        pin_memory: bool = False,
    ) -> None:
        if isinstance(num_workers, bool):  # the older generation had `verify` in this place
            num_workers, verify = 1, bool(num_workers) or verify
        super().__init__(filename, verify, root=root, download=download)
        if not self.samples_:
            raise EcvlDataError(f"'{os.fspath(filename)}' lists no images", hint="list them under 'images'")
        self._run: SlotRun | ItemRun | None = None
        self.augs_ = DatasetAugmentations(augs)
        self.ctype_, self.ctype_gt_ = ColorType(ctype), ColorType(ctype_gt)
        self.batch_size_ = _at_least_one(batch_size, "batch size")
        self._ratio = queue_ratio_size
        self.num_workers_ = _workers(num_workers)
        self.queue_ = CollectingQueue(self.run_ahead())
        self._memory = BatchMemory(pin=pin_memory)
        self.current_batch_ = [0] * len(self.split_)
        self._counters: dict[tuple[int, int], ThreadCounters] = {}
        self._seeds: dict[int, int] = {}  # split -> seed of its running epoch
        self.n_channels_gt_ = -1
        self._measure()
        self._set_drop_last(drop_last or {})
        self._count_batches()

    # ---- batches by workers

    def Start(self, split_index: Any = -1) -> None:
        """Spawn the workers for what is left of the current split's epoch.

        Args:
            split_index: make this split the current one first.

        Raises:
            EcvlError: the workers are running.
        """
        if self._run is not None:
            raise EcvlError("the workers are running already", hint="call Stop first")
        if not (isinstance(split_index, int) and not isinstance(split_index, SplitType) and split_index == -1):
            self.SetSplit(split_index)
        split = self._split_index(-1)
        if self.current_batch_[split] > 0:
            _LOG.warning(
                "%d batches of this split were handed out before: is a ResetBatch missing?", self.current_batch_[split]
            )
        self._count_batches()
        self._seeds[split] = _new_seed()
        self.queue_.SetSize(self.run_ahead())
        self._run = ItemRun(self, split) if self._is_overridden() else self._slot_run(split)

    def GetBatch(self) -> tuple[list[Sample], Tensor, Tensor]:
        """Return the next batch: its samples, images N x C x H x W, and labels.

        Labels are zeros and ones N x classes, or ground truth N x C x H x W; empty for a split without labels. The last
        batch is smaller if the samples do not fill it.

        Raises:
            EcvlError: the workers are not running, or the epoch is over.
            EcvlDataError: a sample of this batch failed; the next call returns the next batch.
        """
        split = self._split_index(-1)
        if self._run is None:
            if self.queue_.IsEmpty():
                raise EcvlError("the workers are not running", hint="call Start first")
            self.current_batch_[split] += 1
            count = min(self.batch_size_, self.queue_.Length())
            return self._pack([self.queue_.Pop() for _ in range(count)])
        try:
            found = self._run.next()
        except StopIteration:
            name = self.split_[split].split_name_
            raise EcvlError(
                f"all {self.current_batch_[split]} batches of the split '{name}' were handed out",
                hint="call Stop, ResetBatch and Start for the next epoch",
            ) from None
        except KeyboardInterrupt:  # the batch is still to come
            raise
        except BaseException:
            self.current_batch_[split] += 1
            raise
        self.current_batch_[split] += 1
        if isinstance(found, Batch):
            y = Tensor() if found.y is None else Tensor.from_torch(found.y)
            return found.samples, Tensor.from_torch(found.x), y
        return self._pack(found)

    def Stop(self) -> None:
        """End the workers; what they had prepared is dropped.

        Raises:
            EcvlError: they are not running.
        """
        if self._run is None:
            raise EcvlError("the workers are not running", hint="call Start first")
        run, self._run = self._run, None
        self.queue_.FreeLockedOnPush()
        if not run.close():
            _LOG.warning("a worker still hangs in a sample; it is left behind")
        self.queue_.Clear()

    def GetQueueSize(self) -> int:
        """Return how many samples are ready and not yet handed out."""
        return self.queue_.Length() + (0 if self._run is None else self._run.ready)

    def ProduceImageLabel(self, augs: DatasetAugmentations, elem: Sample) -> None:
        """Load a sample, augment it, and push image and label to ``queue_``; subclasses may do it in their own way.

        Inside a worker, pushed elements reach the consumer in the order of the samples; pushing never blocks there.

        Args:
            augs: the augmentations.
            elem: the sample.
        """
        split = self._split_index(-1)
        labelled = not self.split_[split].no_label_
        filler = Filler(self._aug_of(split, augs), self.ctype_, self.ctype_gt_)
        image, gt = filler.load(elem, (), with_gt=labelled and elem.label_path_ is not None)
        label = None
        if gt is not None:
            label = ImageToTensor(gt)
        elif labelled:
            if elem.label_ is None:
                raise EcvlDataError(f"the sample {elem.name} has no label", hint="take it out of this split")
            label = self.ToTensorPlane(elem.label_)
        self.queue_.Push(elem, ImageToTensor(image), label)

    def ThreadFunc(self, thread_index: int) -> None:
        """Call :meth:`ProduceImageLabel` for the share of one worker, as a worker of the original does.

        Without running workers it does so for the first sample of the share, as the original.

        Args:
            thread_index: number of the worker.
        """
        split = self._split_index(-1)
        counters = self._share(split, thread_index)
        indices = self.split_[split].samples_indices_
        while counters.counter_ < counters.max_:
            self.ProduceImageLabel(self.augs_, self.samples_[indices[counters.counter_]])
            counters.counter_ += 1
            if self._run is None:
                return

    # ---- batches without workers

    def LoadBatch(self, images: Any, labels: Any = None) -> None:
        """Fill tensors with the next batch of the current split, in this thread.

        Args:
            images: tensor of ``batch_size_ x n_channels_ x height x width`` numbers.
            labels: tensor of ``batch_size_ x classes`` numbers, or the ground truth's; ``None`` to load no labels.

        Raises:
            EcvlError: wrong sizes, or fewer than ``batch_size_`` samples are left.
            EcvlDataError: a sample can't be read.
        """
        split = self._split_index(-1)
        shape, label_shape = self._shapes(split, labelled=labels is not None)
        x = _shaped(images, shape, "images")
        y = None if labels is None else _shaped(labels, label_shape, "labels")
        indices = self.split_[split].samples_indices_
        first = self.current_batch_[split] * self.batch_size_
        if first == 0 or split not in self._seeds:
            self._seeds[split] = _new_seed()
        self.current_batch_[split] += 1
        if len(indices) < first + self.batch_size_:
            raise EcvlError(
                f"{max(0, len(indices) - first)} samples of the split are left, and a batch has {self.batch_size_}",
                hint="loop len(GetSplit()) // batch_size times, or use Start and GetBatch",
            )
        batch = Batch(x, y)
        slots = slots_of(indices, self.samples_, self.epoch_key(split), [(batch, self.batch_size_)], first)
        filler = Filler(self._aug_of(split), self.ctype_, self.ctype_gt_)
        if self.num_workers_ == 1:
            for slot in slots:
                filler.fill(slot)
        else:
            with Prefetch(filler.fill, slots, workers=self.num_workers_, capacity=self.batch_size_) as filled:
                filled.take_many(self.batch_size_)
        _bring_back(images, x)
        _bring_back(labels, y)

    # ---- order and sizes

    def ResetBatch(self, split: Any = -1, shuffle: bool = False) -> None:
        """Begin a new epoch of a split.

        Args:
            split: position, name or type; the current one by default.
            shuffle: put its samples into a new order, drawn from the engine of :meth:`SetSplitSeed`.
        """
        self._reset(self._split_index(split), shuffle)

    def ResetAllBatches(self, shuffle: bool = False) -> None:
        """Begin a new epoch of every split."""
        for split in range(len(self.split_)):
            self._reset(split, shuffle)

    def ResetCurrentBatch(self) -> None:
        """Begin a new epoch of the current split, as programs of the older generation ask for it."""
        self.ResetBatch()

    @staticmethod
    def SetSplitSeed(seed: int) -> None:
        """Seed the engine that shuffles draw from, for all data sets."""
        _SplitEngine.rng = np.random.Generator(np.random.PCG64(seed))

    def GetNumBatches(self, split: Any = -1) -> int:
        """Return the number of batches in a split: position, name or type; the current one by default."""
        self._count_batches()
        return self.split_[self._split_index(split)].num_batches_

    def SetBatchSize(self, bs: int) -> None:
        """Change the batch size.

        Raises:
            EcvlError: below 1, or the workers are running; in strict mode also if a split's samples fit into one batch.
        """
        if self._run is not None:
            raise EcvlError("the batch size can't change while the workers are running", hint="call Stop first")
        if is_strict() and bs >= len(self.GetSplit()):
            raise EcvlError(f"a batch size of {bs}", allowed="less than the number of samples")
        self.batch_size_ = _at_least_one(bs, "batch size")
        self._set_tensors_shape()
        self.queue_.SetSize(self.run_ahead())
        self._count_batches()

    def SetWorkers(self, num_workers: int) -> None:
        """Change the number of workers; running ones go on as they are until :meth:`Stop`.

        Raises:
            EcvlValueError: below 1.
        """
        self.num_workers_ = _workers(num_workers)
        self.queue_.SetSize(self.run_ahead())
        self._counters = {}

    def SetAugmentations(self, da: DatasetAugmentations | Iterable[Any] | None) -> None:
        """Replace the augmentations, and find out the size that images have after them; for the next ``Start``."""
        self.augs_ = DatasetAugmentations(da)
        if self.split_:
            self._measure(self.current_split_)

    def SetNumChannels(self, n_channels: int, n_channels_gt: int = 1) -> None:
        """Say how many channels images and ground truth have, where :meth:`ProduceImageLabel` changes it."""
        self.n_channels_, self.n_channels_gt_ = n_channels, n_channels_gt
        self._set_tensors_shape()

    def ToTensorPlane(self, label: Sequence[int]) -> Tensor:
        """Return classes as a tensor of zeros and ones.

        Raises:
            EcvlError: a class that does not exist.
        """
        plane = torch.zeros(self._num_classes())
        write_label(Sample(label=label), plane.numpy())
        return Tensor.from_torch(plane)

    @staticmethod
    def sleep_for(delta: datetime.timedelta | float) -> None:
        """Wait.

        Args:
            delta: a ``timedelta``, or seconds.
        """
        time.sleep(delta.total_seconds() if isinstance(delta, datetime.timedelta) else float(delta))

    def torch_dataset(self, split: Any = -1, *, seed: int | None = None) -> TorchView:
        """Return a split as a map-style ``torch.utils.data.Dataset`` of (image, label) tensors.

        Args:
            split: position, name or type; the current one by default.
            seed: of its random draws; drawn from the process-wide generator when not given.
        """
        at = self._split_index(split)
        return TorchView(
            [self.samples_[index] for index in self.split_[at].samples_indices_],
            Filler(self._aug_of(at), self.ctype_, self.ctype_gt_),
            0 if self.split_[at].no_label_ else self._num_classes(),
            (_new_seed() if seed is None else seed, at),
        )

    # ---- for runs

    def run_ahead(self) -> int:
        """Return how many samples the workers may have ready or begun."""
        return max(1, int(self.batch_size_ * self._ratio * self.num_workers_))

    def epoch_key(self, split: int) -> Draw:
        """Return the key of the random draws of a split's running epoch."""
        return (self._seeds[split], split)

    # ---- inside

    def _measure(self, split: int | None = None) -> None:
        """Find out channels and sizes from the first sample, and the first split with an augmentation."""
        first = self.samples_[0]
        image = first.LoadImage(self.ctype_)
        self.n_channels_ = image.Channels()
        if split is None:
            split = next((at for at, aug in enumerate(self.augs_.augs_) if aug is not None), 0)
            self.current_split_ = split if self.split_ else -1
        aug = self._aug_of(split) if split < max(1, len(self.augs_)) else None
        if aug is not None:
            with draws_of((_NO_DRAWS,)):
                aug.Apply(image)
        self.resize_dims_ = [image.Height(), image.Width()]
        with_gt = next((sample for sample in self.samples_ if sample.label_path_ is not None), None)
        if with_gt is not None and self.n_channels_gt_ == -1:
            self.n_channels_gt_ = with_gt.LoadImage(self.ctype_gt_, True).Channels()
        self._set_tensors_shape()

    def _set_tensors_shape(self) -> None:
        self.tensors_shape_ = self._shapes(max(self.current_split_, 0), labelled=True)

    def _shapes(self, split: int, *, labelled: bool) -> tuple[list[int], list[int]]:
        """Return the shapes of a full batch's images and labels."""
        images = [self.batch_size_, self.n_channels_, *self.resize_dims_]
        if not labelled:
            return images, []
        if self.task_ is Task.classification:
            return images, [self.batch_size_, self._num_classes()]
        return images, [self.batch_size_, self.n_channels_gt_, *self.resize_dims_]

    def _num_classes(self) -> int:
        if self.classes_ or self.task_ is Task.segmentation:
            return len(self.classes_)
        return 1 + max((label for sample in self.samples_ for label in sample.label_ or ()), default=-1)

    def _aug_of(self, split: int, augs: DatasetAugmentations | None = None) -> Any:
        chosen = self.augs_ if augs is None else augs
        return None if chosen.IsEmpty() else chosen.at(split)

    def _is_overridden(self) -> bool:
        own = type(self)
        return (
            own.ProduceImageLabel is not DLDataset.ProduceImageLabel or own.ToTensorPlane is not DLDataset.ToTensorPlane
        )

    def _slot_run(self, split: int) -> SlotRun:
        entry = self.split_[split]
        shape, label_shape = self._shapes(split, labelled=not entry.no_label_)
        return SlotRun(
            Filler(self._aug_of(split), self.ctype_, self.ctype_gt_),
            list(self.samples_),
            list(entry.samples_indices_),
            (shape, label_shape or None),
            memory=self._memory,
            key=self.epoch_key(split),
            batches=(self.current_batch_[split], entry.num_batches_, entry.last_batch_),
            workers=self.num_workers_,
            capacity=self.run_ahead(),
        )

    def _pack(self, elements: list[tuple[Sample, Any, Any]]) -> tuple[list[Sample], Tensor, Tensor]:
        """Make a batch of queue elements."""
        samples = [sample for sample, _, _ in elements]
        try:
            x = torch.stack([_memory_of(image) for _, image, _ in elements])
            labels = [_memory_of(label) for _, _, label in elements if label is not None]
            y = torch.stack(labels) if labels else None
        except RuntimeError as error:
            names = ", ".join(sorted({sample.name for sample in samples}))
            raise EcvlDataError(f"the tensors of a batch differ in size: {names}: {error}") from error
        return samples, Tensor.from_torch(x), Tensor() if y is None else Tensor.from_torch(y)

    def _reset(self, split: int, shuffle: bool) -> None:
        if self._run is not None and split == self.current_split_:
            _LOG.warning("the split is reset while its workers are running; it begins anew at the next Start")
        self.current_batch_[split] = 0
        self._seeds.pop(split, None)
        self._counters = {key: value for key, value in self._counters.items() if key[0] != split}
        if shuffle:
            _SplitEngine.rng.shuffle(self.split_[split].samples_indices_)

    def _share(self, split: int, worker: int) -> ThreadCounters:
        """Return the range of samples that a worker of the original is in charge of."""
        if not 0 <= worker < self.num_workers_:
            raise EcvlValueError(f"worker {worker}", allowed=f"0 to {self.num_workers_ - 1}")
        if (split, worker) not in self._counters:
            entry = self.split_[split]
            count = len(entry.samples_indices_)
            used = count - count % self.batch_size_ if entry.drop_last_ else count
            each = count // self.num_workers_
            last = used if worker == self.num_workers_ - 1 else min(used, each * (worker + 1))
            self._counters[split, worker] = ThreadCounters(min(each * worker, last), last)
        return self._counters[split, worker]

    def _count_batches(self) -> None:
        for split in self.split_:
            split.SetNumBatches(self.batch_size_)
            split.SetLastBatch(self.batch_size_)
        self.current_batch_ += [0] * (len(self.split_) - len(self.current_batch_))

    def _set_drop_last(self, drop_last: Mapping[Any, bool]) -> None:
        for name, drop in drop_last.items():
            known = name.name if isinstance(name, SplitType) else str(name)
            split = self.split_.named(known)
            if split is None:
                _LOG.warning("drop_last names the split '%s', which does not exist", known)
            else:
                split.drop_last_ = bool(drop)

    def __del__(self) -> None:
        run = getattr(self, "_run", None)
        if run is not None:
            run.close(timeout_s=0)


def _at_least_one(value: int, what: str) -> int:
    if value < 1:
        raise EcvlValueError(f"a {what} of {value}", allowed="1 or more")
    return int(value)


def _workers(count: int) -> int:
    return min(_at_least_one(count, "number of workers"), os.cpu_count() or 1)


def _new_seed() -> int:
    return int(draws.current().integers(_SEEDS))


def _memory_of(tensor: Any) -> torch.Tensor:
    found: torch.Tensor = tensor if isinstance(tensor, torch.Tensor) else tensor.torch
    return found


def _shaped(tensor: Any, shape: list[int], what: str) -> torch.Tensor:
    """Return memory of a shape: the tensor's own if it can be written as it is."""
    memory = _memory_of(tensor)
    if memory.numel() != int(np.prod(shape)):
        raise EcvlError(f"the {what} tensor is {list(memory.shape)}", allowed=" x ".join(map(str, shape)))
    direct = memory.device.type == "cpu" and memory.is_contiguous() and memory.dtype is torch.float32
    return memory.detach().view(shape) if direct else torch.empty(shape)


def _bring_back(tensor: Any, filled: torch.Tensor | None) -> None:
    if filled is None:
        return
    memory = _memory_of(tensor)
    if memory.data_ptr() != filled.data_ptr():
        memory.copy_(filled.view(memory.shape))
