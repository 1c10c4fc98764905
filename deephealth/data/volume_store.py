"""The store of a set of volumes: each case prepared once, then read from a memory map that all workers share."""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from deephealth.core.errors import ConfigError, DataError, DeepHealthError, StorageError
from deephealth.core.log import get_logger
from deephealth.core.units import format_bytes
from deephealth.data.case_facts import ClassTable, describe_channels, locate_classes
from deephealth.data.prepare_volume import Prepare, PrepareVolume
from deephealth.data.tensor_file import Stored
from deephealth.data.volume_cache import Kept, VolumeCache, content_key
from deephealth.data.volume_case import CaseArrays, VolumeCase, check_arrays

__all__ = ["FillReport", "StoredCase", "VolumeStore"]

_LOG = get_logger(__name__)

Outcome = tuple[int, bool] | DataError  # bytes of an entry and whether it was made, or why it could not be

STORE_VERSION = 1  # raise it when the same case and settings would be stored as other numbers
_MOST_OPEN = 256  # memory maps per process: each holds a file descriptor
_PLACES = "places"
_EXTRA = "extra."


@dataclass(frozen=True, slots=True, eq=False)
class StoredCase:
    """A case of the store; its arrays are read-only views of a memory map, and nothing is read before it is used.

    Args:
        id: of the case.
        image: C×D×H×W.
        label: 1×D×H×W, or ``None``.
        extras: name -> C×D×H×W.
        affine: 4×4, voxel (i, j, k) = (W, H, D) index -> RAS+ mm.
        statistics: region (``all``, ``nonzero``, ``foreground``) -> one table per channel; see
            :func:`~deephealth.data.case_facts.describe_channels`.
        classes: class id -> number of voxels.
    """

    id: str
    image: np.ndarray
    label: np.ndarray | None
    extras: dict[str, np.ndarray]
    affine: npt.NDArray[np.float64]
    statistics: dict[str, list[dict[str, float]]]
    classes: dict[int, int]
    _places: np.ndarray
    _table: ClassTable

    @property
    def shape(self) -> tuple[int, int, int]:
        """D, H, W."""
        depth, height, width = self.image.shape[1:]
        return depth, height, width

    def places(self, class_id: int) -> np.ndarray:
        """Return the listed voxels of a class as flat indices into D×H×W; none if the case lacks it."""
        first, count, _ = self._table.get(class_id, (0, 0, 0))
        return self._places[first : first + count]


@dataclass(frozen=True, slots=True)
class FillReport:
    """What :meth:`VolumeStore.fill` did.

    Args:
        num_cases: that are ready.
        made: how many of them had to be prepared.
        num_bytes: of the set on disk.
        seconds: how long it took.
        problems: id of a case -> what is wrong with it; such cases were left out.
    """

    num_cases: int
    made: int
    num_bytes: int
    seconds: float
    problems: dict[str, str]


class VolumeStore(Sequence[StoredCase]):
    """Cases, prepared once each and cached on disk; a sequence of :class:`StoredCase`.

    A case is known by its files (path, size, time of change, or content) and by the settings of its preparation: a
    changed file makes that case anew, changed settings make all of them anew, and neither touches what else lies in the
    cache. An entry that is missing or damaged when it is read is made anew on the spot. Stores pickle as paths, so
    workers that are spawned share the same pages of memory as those that are forked.

    Args:
        cases: of the set.
        cache: a folder, or a cache with its budget. The set's entries are not removed to make room while the
            store lives; a set that is larger than the budget is an error of :meth:`fill`.
        prepare: makes the arrays of a case, with the settings that its ``config`` names; :class:`PrepareVolume` as
            it comes when not given.
        config: the settings, for a ``prepare`` that has none of its own.
        labels: every case must have a label.
        by: ``"stat"`` trusts path, size and time of change of a file; ``"content"`` hashes it.
        most_places: voxels listed per class.

    Raises:
        DataError: no cases, one id twice, (with ``labels``) cases without a label, which are all named, or settings
            that can't be written as JSON.
        ConfigError: ``prepare`` has no settings and ``config`` is missing.
        StorageError: the folder can't be written.

    Example:
        >>> import tempfile
        >>> from deephealth.io.volume import Volume
        >>> from deephealth.io.volumes import write_volume
        >>> folder = Path(tempfile.mkdtemp())
        >>> write_volume(folder / "a.nii", Volume(np.ones((4, 5, 6), np.int16), np.eye(4)))
        >>> write_volume(folder / "a_seg.nii", Volume(np.ones((4, 5, 6), np.uint8), np.eye(4)))
        >>> store = VolumeStore([VolumeCase("a", folder / "a.nii", folder / "a_seg.nii")], folder / "cache")
        >>> report = store.fill()
        >>> report.made, store.fill().made, store[0].image.shape, store[0].classes
        (1, 0, (1, 4, 5, 6), {1: 120})
    """

    def __init__(
        self,
        cases: Sequence[VolumeCase],
        cache: VolumeCache | Path | str,
        *,
        prepare: Prepare | Callable[[VolumeCase], CaseArrays] | None = None,
        config: Any = None,
        labels: bool = True,
        by: Literal["stat", "content"] = "stat",
        most_places: int = 10_000,
    ) -> None:
        self.cases = tuple(cases)
        self.cache = cache if isinstance(cache, VolumeCache) else VolumeCache(cache)
        prepare = prepare or PrepareVolume()
        own = getattr(prepare, "config", None)
        if own is None and config is None:
            raise ConfigError(
                [f"config: {prepare!r} has no settings of its own, and none were given"], source="the store of volumes"
            )
        self._prepare, self._by, self._most_places = prepare, by, most_places
        self._config = {"prepare": own, "config": config, "most_places": most_places}
        content_key([], self._config)  # says at once that the settings can't be written as JSON
        _check_cases(self.cases, labels=labels)
        self._keys: dict[int, str] = {}
        self._open: OrderedDict[int, StoredCase] = OrderedDict()
        self._kept: Kept | None = None

    def __len__(self) -> int:
        return len(self.cases)

    def __getitem__(self, index: Any) -> Any:
        """Return a case, preparing it if it is not there; a slice gives a list.

        Raises:
            DataError: the case can't be prepared.
            StorageError: the disk is full.
        """
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        at = range(len(self))[index]
        found = self._open.get(at)
        if found is None:
            found = self._open[at] = self._stored(at, self._key(at))
            while len(self._open) > _MOST_OPEN:
                self._open.popitem(last=False)
        return found

    def __iter__(self) -> Iterator[StoredCase]:
        return (self[at] for at in range(len(self)))

    def fill(
        self,
        *,
        progress: Callable[[int, int], object] | None = None,
        threads: int | None = None,
        on_bad: Literal["raise", "leave_out"] = "raise",
    ) -> FillReport:
        """Prepare every case that is not in the cache yet, in threads. Broken off and called again, it goes on.

        Several processes may fill one cache at once; what both make is the same, and is written whole by each. To
        spare the double work, let one of them fill it first, as Lightning's ``prepare_data`` does.

        Args:
            progress: called with (done, total) after each case.
            threads: cases that are prepared at a time; the number of cores, at most 8, when not given. Each holds a
                volume in memory.
            on_bad: ``"leave_out"`` goes on without the cases that can't be prepared: they are in the report and in
                the log, and no longer among :attr:`cases`.

        Raises:
            DataError: cases can't be prepared. All others are done by then, and all problems are listed.
            StorageError: the disk is full, or the set is larger than the cache's budget: the message says how much it
                needs. Reading on without a cache would make every epoch as slow as this call, so it is not done.
        """
        start = time.perf_counter()
        problems: dict[int, DataError] = {}
        self._find_keys(problems)
        self._kept = self.cache.keep(self._keys.values())
        sizes: dict[int, int] = {}
        made = 0
        with closing(self._in_threads(list(self._keys), threads or min(8, os.cpu_count() or 1))) as results:
            for at, result in results:
                if isinstance(result, DataError):
                    problems[at] = result
                else:
                    sizes[at] = result[0]
                    made += result[1]
                    self._check_budget(sizes)
                if progress is not None:
                    progress(len(sizes) + len(problems), len(self.cases))
        named = {self.cases[at].id: error.what for at, error in sorted(problems.items())}
        if problems:
            self._leave_out(problems, named, on_bad)
        return FillReport(len(sizes), made, sum(sizes.values()), time.perf_counter() - start, named)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_open": OrderedDict(), "_kept": None}  # a worker's entries are kept by its parent

    def _find_keys(self, problems: dict[int, DataError]) -> None:
        for at in range(len(self.cases)):
            try:
                self._keys[at] = self._new_key(at)
            except DataError as error:
                self._keys.pop(at, None)
                problems[at] = error
        self._open.clear()

    def _key(self, at: int) -> str:
        if at not in self._keys:
            self._keys[at] = self._new_key(at)
        return self._keys[at]

    def _new_key(self, at: int) -> str:
        parts = self.cases[at].files()
        facts = {**self._config, "parts": [[name, len(files)] for name, files in parts.items()]}
        files = [file for part in parts.values() for file in part]
        return content_key(files, facts, versions=(f"volume store {STORE_VERSION}",), by=self._by)

    def _in_threads(self, todo: list[int], threads: int) -> Generator[tuple[int, Outcome], None, None]:
        with ThreadPoolExecutor(threads) as pool:
            running: dict[Future[tuple[int, bool]], int] = {pool.submit(self._ensure, at): at for at in todo}
            try:
                for future in as_completed(running):
                    try:
                        yield running[future], future.result()
                    except DataError as error:
                        yield running[future], error
            finally:
                pool.shutdown(wait=False, cancel_futures=True)  # after an error or an interruption nothing new begins

    def _ensure(self, at: int) -> tuple[int, bool]:
        """Make a case if it is not there; return its bytes on disk, and whether it was made."""
        key = self._keys[at]
        found = self.cache.find_all(key)
        if found is not None:
            return found.num_bytes, False
        return self.cache.put_all(key, *self._made(at)), True

    def _stored(self, at: int, key: str) -> StoredCase:
        found = self.cache.find_all(key)
        if found is None:
            arrays, facts = self._made(at)
            self.cache.put_all(key, arrays, facts)
            found = self.cache.find_all(key) or Stored(arrays, facts)  # larger than the budget: from memory
        return _stored_case(self.cases[at].id, found)

    def _made(self, at: int) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        case = self.cases[at]
        try:
            arrays = check_arrays(self._prepare(case), case.id)
        except (DeepHealthError, MemoryError):
            raise
        except Exception as error:  # a preparation is anybody's code: the other cases go on
            raise DataError(f"preparing '{case.id}' failed: {type(error).__name__}: {error}") from error
        table: ClassTable = {}
        parts = {"image": arrays.image, **{f"{_EXTRA}{name}": array for name, array in arrays.extras.items()}}
        if arrays.label is not None:
            parts["label"] = arrays.label
            parts[_PLACES], table = locate_classes(arrays.label[0], most=self._most_places)
        facts = {
            "affine": np.asarray(arrays.affine, dtype=np.float64).tolist(),
            "classes": [[class_id, *row] for class_id, row in table.items()],
            "statistics": describe_channels(arrays.image, None if arrays.label is None else arrays.label[0]),
        }
        return {name: np.ascontiguousarray(array) for name, array in parts.items()}, facts

    def _check_budget(self, sizes: dict[int, int]) -> None:
        used = sum(sizes.values())
        if used <= self.cache.max_bytes:
            return
        need = used / len(sizes) * len(self.cases)
        raise StorageError(
            f"the {len(self.cases)} cases need about {format_bytes(need)} on disk, and the budget of the cache "
            f"{self.cache.folder} is {format_bytes(self.cache.max_bytes)}",
            hint=f"VolumeCache(folder, max_bytes={int(need * 1.1)}), a smaller dtype, or a coarser spacing",
        )

    def _leave_out(self, problems: dict[int, DataError], named: dict[str, str], on_bad: str) -> None:
        listed = "\n".join(f"  {name}: {what}" for name, what in named.items())
        text = f"{len(named)} of {len(self.cases)} cases can't be used:\n{listed}"
        good = [at for at in range(len(self.cases)) if at not in problems]
        if on_bad != "leave_out" or not good:
            raise DataError(text, hint="correct these cases, or leave them out with fill(on_bad='leave_out')")
        _LOG.warning("%s", text)
        self._keys = {new: self._keys[old] for new, old in enumerate(good)}
        self.cases = tuple(self.cases[at] for at in good)
        self._open.clear()


def _stored_case(name: str, found: Stored) -> StoredCase:
    table = {int(class_id): (first, listed, count) for class_id, first, listed, count in found.facts["classes"]}
    return StoredCase(
        id=name,
        image=found.arrays["image"],
        label=found.arrays.get("label"),
        extras={name.removeprefix(_EXTRA): array for name, array in found.arrays.items() if name.startswith(_EXTRA)},
        affine=np.array(found.facts["affine"], dtype=np.float64),
        statistics=found.facts["statistics"],
        classes={class_id: count for class_id, (_, _, count) in table.items()},
        _places=found.arrays.get(_PLACES, np.empty(0, np.int32)),
        _table=table,
    )


def _check_cases(cases: Sequence[VolumeCase], *, labels: bool) -> None:
    if not cases:
        raise DataError("there are no cases", allowed="one or more")
    ids = [case.id for case in cases]
    twice = sorted({name for name in ids if ids.count(name) > 1}) if len(set(ids)) < len(ids) else []
    if twice:
        raise DataError(f"several cases are called {', '.join(twice)}", allowed="ids that are unique")
    bare = [case.id for case in cases if case.label is None] if labels else []
    if bare:
        raise DataError(
            f"{len(bare)} of {len(cases)} cases have no label: {', '.join(bare)}",
            hint="give them one, or use VolumeStore(..., labels=False)",
        )
