"""A data set in the DeepHealth YAML format, with the names and the selection rules of the original."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from deephealth.core.errors import DataError, StorageError
from deephealth.core.files import atomic_write
from deephealth.core.log import get_logger
from deephealth.ecvl.dataset.dump import dump_text
from deephealth.ecvl.dataset.loading import is_address
from deephealth.ecvl.dataset.sample import Sample
from deephealth.ecvl.dataset.split import Split, SplitList
from deephealth.ecvl.enums import SplitType, Task
from deephealth.ecvl.errors import EcvlDataError, EcvlError, EcvlKeyError
from deephealth.ecvl.strictness import is_strict
from deephealth.io.dataset_yaml import DEFAULT_DESCRIPTION, DEFAULT_NAME, YamlDataset, read_dataset_yaml

__all__ = ["Dataset"]

_LOG = get_logger(__name__)


class Dataset:
    r"""A data set: samples, their classes and features, and splits.

    ``samples_`` and ``split_`` are live: what is changed in them stays changed. ``task_`` is segmentation where labels
    are paths of ground-truth images, classification where they are classes.

    Args:
        filename: the YAML file; nothing makes an empty data set.
        verify: warn of files that do not exist (logger ``deephealth.ecvl.dataset.parser``).
        root: paths may not lead out of this folder; the folder of the YAML file when not given. ``root="/"`` allows
            any path: for files that you trust.
        download: fetch images that are named by a web address into this folder; without it such a file is refused.

    Raises:
        EcvlDataError: no such file, not YAML, or an entry is wrong; the message names line and entry.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "toy.yml"
        >>> _ = path.write_text("classes: [cat, dog]\nimages: [{location: a.png, label: dog}]\nsplit: {test: [0]}\n")
        >>> toy = Dataset(path)
        >>> toy.samples_[0].label_, toy.GetSplit("test"), str(toy.task_)
        ([1], [0], 'Task.classification')
    """

    def __init__(
        self,
        filename: str | os.PathLike[str] | None = None,
        verify: bool = False,
        *,
        root: str | os.PathLike[str] | None = None,
        download: str | os.PathLike[str] | None = None,
    ) -> None:
        self.name_, self.description_ = DEFAULT_NAME, DEFAULT_DESCRIPTION
        self.classes_: list[str] = []
        self.features_: list[str] = []
        self.samples_: list[Sample] = []
        self._split = SplitList()
        self.current_split_ = -1
        self.task_ = Task.segmentation
        if filename is None:
            return
        self._take(_read(Path(os.fspath(filename)), root, download))
        if verify:
            self._verify()

    @property
    def split_(self) -> SplitList:
        """The splits, in the order of the file; an assigned list becomes one with ``training_`` and the like."""
        return self._split

    @split_.setter
    def split_(self, value: list[Split]) -> None:
        self._split = value if isinstance(value, SplitList) else SplitList(value)

    def GetSplit(self, split: Any = -1) -> list[int]:
        """Return a copy of the sample indices of a split.

        Args:
            split: its position, name or ``SplitType``. A position that does not exist, and anything else, means the
                current split.

        Raises:
            EcvlKeyError: no split of that name or type, or no current split.
        """
        return list(self._split[self._split_index(split)].samples_indices_)

    def SetSplit(self, split: Any) -> None:
        """Make a split the current one; arguments and errors as :meth:`GetSplit`."""
        self.current_split_ = self._split_index(split)

    def GetLocations(self) -> list[list[str]]:
        """Return the paths of all samples."""
        return [list(sample.location_) for sample in self.samples_]

    def Dump(self, path: str | os.PathLike[str]) -> None:
        """Write the data set as a YAML file, atomically; reading it gives an equal data set.

        Paths below the file's folder are written relative to it, others in full.

        Args:
            path: the file.

        Raises:
            EcvlDataError: a label that is not a class, or the file can't be written.
        """
        target = Path(os.fspath(path))
        try:
            atomic_write(target, dump_text(self, target.absolute().parent))
        except StorageError as error:
            raise EcvlDataError(error.what, allowed=error.allowed, hint=error.hint) from error

    # ---- inside

    def _split_index(self, split: Any) -> int:
        """Return the position of a split in ``split_``."""
        if isinstance(split, SplitType):
            return self._find(lambda entry: entry.split_type_ is split, f"of type {split}")
        if isinstance(split, str):
            return self._find(lambda entry: entry.split_name_ == split, f"named '{split}'")
        if isinstance(split, int | np.integer) and 0 <= split < len(self._split):
            return int(split)
        if not 0 <= self.current_split_ < len(self._split):
            raise EcvlKeyError(
                "no split is current" if self._split else "the data set has no splits",
                allowed=self._split_names(),
                hint="choose one with SetSplit" if self._split else "list them in the data set file under 'split'",
            )
        return self.current_split_

    def _find(self, fits: Callable[[Split], bool], what: str) -> int:
        for at, entry in enumerate(self._split):
            if fits(entry):
                return at
        raise EcvlKeyError(f"there is no split {what}", allowed=self._split_names())

    def _split_names(self) -> str:
        return ", ".join(entry.split_name_ for entry in self._split) or "none here"

    def _take(self, content: YamlDataset) -> None:
        self.name_, self.description_ = content.name, content.description
        self.classes_, self.features_ = list(content.classes), list(content.features)
        self.samples_ = [
            Sample(entry.location, entry.label, entry.label_path, entry.values or None) for entry in content.samples
        ]
        for name, indices in content.split.items():
            first = self.samples_[indices[0]] if indices else None
            if first is None:
                _LOG.warning("the split '%s' is empty", name)
            no_label = first is None or (first.label_ is None and first.label_path_ is None)
            self._split.append(Split(name, indices, no_label=no_label))
        self.task_ = self._find_task()

    def _find_task(self) -> Task:
        if is_strict():
            return Task.classification if self.classes_ else Task.segmentation
        for sample in self.samples_:
            if sample.label_path_ is not None:
                return Task.segmentation
            if sample.label_ is not None:
                return Task.classification
        return Task.classification if self.classes_ else Task.segmentation

    def _verify(self) -> None:
        for sample in self.samples_:
            for path in (*sample.location_, sample.label_path_):
                if path is not None and not is_address(path) and not os.path.exists(path):
                    _LOG.warning("'%s' does not exist", path)


def _read(path: Path, root: Any, download: Any) -> YamlDataset:
    options: dict[str, Any] = {} if download is None else {"remote": _fetcher(Path(os.fspath(download)))}
    try:
        return read_dataset_yaml(path, root=root, **options)
    except DataError as error:
        if isinstance(error, EcvlError):
            raise
        raise EcvlDataError(error.what, allowed=error.allowed, hint=error.hint) from error


def _fetcher(folder: Path) -> Callable[[str], Path]:
    from deephealth.ecvl.dataset.download import fetch

    return lambda address: fetch(address, folder)
