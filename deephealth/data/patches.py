"""Random patches of a store of volumes for training: a function of (seed, epoch, sample), with no state."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch.utils.data import Dataset

from deephealth.core.errors import ConfigError
from deephealth.core.seeds import counter_seed
from deephealth.data.batches import Key
from deephealth.data.patch_reader import Batch, PatchReader, Start
from deephealth.data.patch_sampling import ForegroundShare, PatchSampling, patch_start
from deephealth.data.volume_store import VolumeStore
from deephealth.transforms.volume.base import Draws

__all__ = ["PatchDataset", "as_it_is"]


class PatchDataset(Dataset[Batch]):
    """Several patches of each case per epoch, served by the batch.

    Sample ``s`` is draw ``s // len(store)`` of case ``s % len(store)``. Where its patch lies depends on (seed, epoch,
    id of the case, number of the draw, how often the sample came before) and, for samplings that share out a batch, on
    its slot there: not on workers, threads, or where a run was resumed. With :class:`~deephealth.data.TrainBatches` it
    goes into :class:`~deephealth.data.PatchLoader` (threads) or :class:`~deephealth.data.TrainLoader` (processes, with
    ``collate_fn=as_it_is``).

    A batch is that of :class:`~deephealth.data.patch_reader.PatchReader`, and ``seed``, a list of B numbers for the
    augmentation of the samples.

    Args:
        store: the training cases, filled.
        patch_size: D, H, W. A smaller volume is padded on both sides.
        patches_per_case: draws per case and epoch.
        sampling: where patches are taken.
        seed: of the run.
        transform: called with each batch and its seeds where it is made, in a thread or in a worker: a
            :class:`~deephealth.transforms.volume.chain.Chain`. To run it on an accelerator instead, call
            ``chain(batch, batch["seed"])`` there: the result is the same sample.
        **reader: ``scaling``, ``border``, ``label_dtype``, ``pin`` of the reader.

    Raises:
        ConfigError: fewer than one draw per case.
        DataError: the cases differ in channels.
    """

    def __init__(
        self,
        store: VolumeStore,
        patch_size: Sequence[int],
        *,
        patches_per_case: int = 1,
        sampling: PatchSampling | None = None,
        seed: int = 0,
        transform: Callable[[Batch, Sequence[int]], Batch] | None = None,
        **reader: Any,
    ) -> None:
        if patches_per_case < 1:
            raise ConfigError([f"patches_per_case: {patches_per_case} is below 1"], source="the patches")
        self._ids = [case.id for case in store.cases]
        self._per_case, self._seed = patches_per_case, seed
        self._sampling = sampling or ForegroundShare()
        self._transform = transform
        self.reader = PatchReader(store, patch_size, **reader)

    def __len__(self) -> int:
        return len(self._ids) * self._per_case

    def __getitem__(self, index: int) -> Batch:
        """Return a batch of one sample, as in epoch 0."""
        return self.__getitems__([(0, 0, index)])

    def __getitems__(self, keys: Sequence[Key]) -> Batch:
        """Return the batch of these keys; what a loader calls."""
        picks = [self._pick(key, slot, len(keys)) for slot, key in enumerate(keys)]
        batch = self.reader.read(picks)
        seeds = [self._seed_of("augment", key) for key in keys]
        batch["seed"] = seeds
        return batch if self._transform is None else self._transform(batch, seeds)

    def _pick(self, key: Key, slot: int, batch_size: int) -> tuple[int, Start]:
        at = key[2] % len(self._ids)
        draws = Draws(self._seed_of("patch", key), "place")
        centre = self._sampling.centre(draws, self.reader.store[at], slot, batch_size)
        return at, patch_start(draws, self.reader.shapes[at], self.reader.patch_size, centre)

    def _seed_of(self, purpose: str, key: Key) -> int:
        epoch, repeat, index = key
        draw, at = divmod(index, len(self._ids))
        return counter_seed(self._seed, purpose, epoch, self._ids[at], draw, repeat)


def as_it_is(batch: Any) -> Any:
    """Return a batch that needs no collating: the ``collate_fn`` of loaders over :class:`PatchDataset`."""
    return batch
