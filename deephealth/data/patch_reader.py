"""Batches of patches, read from stored volumes into memory that is used again."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch.utils.data import get_worker_info

from deephealth.core.errors import ConfigError, DataError
from deephealth.core.log import get_logger
from deephealth.data.batch_memory import BatchMemory
from deephealth.data.gather import gather_image, gather_label
from deephealth.data.scaling import Scaling
from deephealth.data.volume_store import StoredCase, VolumeStore

__all__ = ["Border", "PatchReader"]

_LOG = get_logger(__name__)

Batch = dict[str, Any]
Start = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Border:
    """What stands in a patch where there is no volume.

    Args:
        mode: ``"constant"``, or ``"edge"`` for the nearest voxel's value.
        image: the constant of images and extras, after scaling.
        label: the constant of labels; an ignored id keeps the border out of a loss.
    """

    mode: Literal["constant", "edge"] = "constant"
    image: float = 0.0
    label: int = 0

    def __post_init__(self) -> None:
        if self.mode not in ("constant", "edge"):
            raise ConfigError([f"mode: '{self.mode}' is neither 'constant' nor 'edge'"], source="Border")


class PatchReader:
    """Reads patches of one size as batches.

    A batch has ``image`` B×C×D×H×W float32, ``label`` B×1×D×H×W of whole numbers (if the set has labels), the extras
    B×C×D×H×W float32, ``affine`` B×4×4 float64 of each patch, and lists of B: ``start`` (D, H, W index of its first
    voxel in the stored volume, below 0 in a border), ``index`` (of the case) and ``id``.

    Args:
        store: filled; a case that is not is prepared here.
        patch_size: D, H, W.
        scaling: of the images' intensities, done while reading.
        border: what stands beyond the volume.
        label_dtype: of the label; the smallest of uint8, int16, int32 that holds all cases and the border when not
            given.
        pin: page-locked memory; ignored without a card, and in worker processes.

    Raises:
        DataError: cases differ in channels or extras, or some have a label and some have none.
        ConfigError: a patch size below 1, or a dtype that can't hold the labels and their border.
    """

    def __init__(
        self,
        store: VolumeStore,
        patch_size: Sequence[int],
        *,
        scaling: Scaling | None = None,
        border: Border | None = None,
        label_dtype: torch.dtype | None = None,
        pin: bool = False,
    ) -> None:
        if len(patch_size) != 3 or min(patch_size) < 1:
            raise ConfigError([f"patch_size: {tuple(patch_size)} is not three sizes above 0"], source="the patches")
        self.store, self.patch_size = store, (int(patch_size[0]), int(patch_size[1]), int(patch_size[2]))
        self.border = border or Border()
        self._scaling = scaling
        self._pin = pin
        self._memory = BatchMemory(pin=pin, keep=16)
        self._tables: dict[int, np.ndarray] = {}
        looks = [_look(case) for case in store]  # one after the other: not all of them are open at once
        self.shapes = [look.shape for look in looks]
        self._label_dtype = _label_dtype(looks, self.border, label_dtype)
        _check_alike(looks)
        _warn_of_small(looks, self.patch_size)

    def read(self, picks: Sequence[tuple[int, Start]]) -> Batch:
        """Return the patches that begin at these places of these cases as a batch."""
        cases, starts = [self.store[at] for at, _ in picks], [start for _, start in picks]
        tables = [self._table(at, case) for (at, _), case in zip(picks, cases, strict=True)]
        batch: Batch = {"image": self._images([case.image for case in cases], starts, tables)}
        labels = [case.label for case in cases if case.label is not None]
        if labels:
            batch["label"] = self._labels(labels, starts)
        for name in cases[0].extras:
            batch[name] = self._images([case.extras[name] for case in cases], starts, [None] * len(cases))
        affines = [_moved(case.affine, start) for case, start in zip(cases, starts, strict=True)]
        batch["affine"] = torch.from_numpy(np.stack(affines))
        batch["start"] = starts
        batch["index"] = [at for at, _ in picks]
        batch["id"] = [case.id for case in cases]
        return batch

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_memory": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._memory = BatchMemory(pin=self._pin, keep=16)

    def _images(
        self, sources: Sequence[np.ndarray], starts: Sequence[Start], tables: Sequence[np.ndarray | None]
    ) -> torch.Tensor:
        tensor = self._take((len(sources), len(sources[0]), *self.patch_size), torch.float32)
        for out, source, start, table in zip(tensor.numpy(), sources, starts, tables, strict=True):
            gather_image(source, start, out, scale=table, pad=self.border.image, edge=self._edge)
        return tensor

    def _labels(self, sources: Sequence[np.ndarray], starts: Sequence[Start]) -> torch.Tensor:
        tensor = self._take((len(sources), 1, *self.patch_size), self._label_dtype)
        for out, source, start in zip(tensor.numpy(), sources, starts, strict=True):
            gather_label(source, start, out, pad=self.border.label, edge=self._edge)
        return tensor

    @property
    def _edge(self) -> bool:
        return self.border.mode == "edge"

    def _table(self, at: int, case: StoredCase) -> np.ndarray | None:
        if self._scaling is None:
            return None
        if at not in self._tables:
            self._tables[at] = np.ascontiguousarray(self._scaling(case), dtype=np.float32)
        return self._tables[at]

    def _take(self, shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
        count = math.prod(shape)
        if get_worker_info() is not None:  # where the parent process gets it, as torch's collate does
            storage = torch.UntypedStorage._new_shared(count * dtype.itemsize, device="cpu")
            return torch.empty(0, dtype=dtype).set_(storage, 0, shape)  # type: ignore[call-overload, no-any-return]
        words = self._memory.take([-(-count * dtype.itemsize // 4)])
        return words.view(dtype)[:count].view(shape)


def _moved(affine: np.ndarray, start: Start) -> np.ndarray:
    moved = affine.copy()
    moved[:3, 3] += affine[:3, :3] @ np.array(start[::-1], dtype=np.float64)
    return moved


@dataclass(frozen=True, slots=True)
class _Look:
    """What is asked of a case before its voxels are."""

    id: str
    shape: tuple[int, int, int]
    kind: str
    label: np.dtype[Any] | None


def _look(case: StoredCase) -> _Look:
    extras = ", ".join(f"{name} ({len(array)})" for name, array in sorted(case.extras.items())) or "none"
    label = "no label" if case.label is None else "a label"
    kind = f"{len(case.image)} channels, {label}, extras: {extras}"
    return _Look(case.id, case.shape, kind, None if case.label is None else case.label.dtype)


def _label_dtype(looks: Sequence[_Look], border: Border, asked: torch.dtype | None) -> torch.dtype:
    dtypes = [look.label for look in looks if look.label is not None]
    wide = np.result_type(*dtypes, np.uint8 if 0 <= border.label < 256 else np.int16)
    if asked is None:
        return {1: torch.uint8, 2: torch.int16}.get(wide.itemsize, torch.int32)
    if not np.can_cast(wide, torch.empty(0, dtype=asked).numpy().dtype):
        raise ConfigError([f"label_dtype: {asked} does not hold all of {wide}"], source="the patches")
    return asked


def _check_alike(looks: Sequence[_Look]) -> None:
    kinds: dict[str, str] = {}
    for look in looks:
        kinds.setdefault(look.kind, look.id)
    if len(kinds) > 1:
        listed = "; ".join(f"'{name}' has {kind}" for kind, name in kinds.items())
        raise DataError(f"the cases differ: {listed}", allowed="the same channels, label and extras in all cases")


def _warn_of_small(looks: Sequence[_Look], patch_size: Sequence[int]) -> None:
    small = [look.id for look in looks if any(np.less(look.shape, patch_size))]
    if small:
        more = f", '{small[1]}', ..." if len(small) > 1 else ""
        size = "×".join(map(str, patch_size))
        _LOG.warning(
            "%d of %d cases are smaller than a patch of %s and are padded: '%s'%s",
            *(len(small), len(looks), size, small[0], more),
        )
