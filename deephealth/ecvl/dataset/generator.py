"""Data sets from directory trees: one folder per class, or images beside their ground truth."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from pathlib import Path

from deephealth.core.log import get_logger
from deephealth.ecvl.dataset.parser import Dataset
from deephealth.ecvl.dataset.sample import Sample
from deephealth.ecvl.dataset.split import Split
from deephealth.ecvl.enums import SplitType, Task
from deephealth.ecvl.errors import EcvlDataError
from deephealth.ecvl.strictness import is_strict

__all__ = ["GenerateClassificationDataset", "GenerateDataset", "GenerateSegmentationDataset"]

_LOG = get_logger(__name__)
_YAML = (".yml", ".yaml")


class GenerateDataset(ABC):
    """What both generators share; subclasses say how the samples of a folder are found.

    Folders are gone through in the order training, validation, test, others by name; files by name. A folder counts as
    a split if it is named as one of the three, or lies beside one that is.

    Args:
        dataset_root_directory: the tree.

    Raises:
        EcvlDataError: no such folder.
    """

    def __init__(self, dataset_root_directory: str | os.PathLike[str]) -> None:
        self.dataset_root_directory_ = Path(os.fspath(dataset_root_directory)).absolute()
        if not self.dataset_root_directory_.is_dir():
            raise EcvlDataError(f"the folder '{self.dataset_root_directory_}' does not exist")
        folders = _folders(self.dataset_root_directory_)
        self.splits_: list[str] = self._split_names([folder.name for folder in folders])
        self.num_samples_: list[int] = [0] * len(self.splits_)
        self.d_ = Dataset()
        self.d_.name_ = self.d_.description_ = self.dataset_root_directory_.name

    def GetDataset(self) -> Dataset:
        """Return the data set."""
        return self.d_

    def LoadImagesAndSplits(self) -> None:
        """Collect the samples, split by split."""
        if not self.splits_:
            self.LoadSplitImages("")
            return
        for at, name in enumerate(self.splits_):
            first = len(self.d_.samples_)
            self.num_samples_[at] = self.LoadSplitImages(name)
            no_label = all(s.label_ is None and s.label_path_ is None for s in self.d_.samples_[first : first + 1])
            self.d_.split_.append(Split(name, range(first, len(self.d_.samples_)), no_label=no_label))

    @abstractmethod
    def LoadSplitImages(self, split: str) -> int:
        """Add the samples of one split to ``d_.samples_`` and return their number.

        Args:
            split: name of its folder; empty for a tree without splits.
        """

    def add(self, location: Path, label: int | None = None, label_path: Path | None = None) -> None:
        """Add a sample to ``d_.samples_``; its paths are absolute (in strict mode, below the root)."""
        root = self.dataset_root_directory_
        paths = [
            None if path is None else path.relative_to(root) if is_strict() else path for path in (location, label_path)
        ]
        self.d_.samples_.append(Sample([str(paths[0])], None if label is None else [label], paths[1]))

    def _split_names(self, names: list[str]) -> list[str]:
        """Return which of the root's folders are splits."""
        standard = [split.name for split in SplitType if split.name in names]
        return standard + [name for name in names if name not in standard] if standard else []


class GenerateClassificationDataset(GenerateDataset):
    """A data set for classification from ``root/{training,validation,test}/<class>/<file>`` or ``root/<class>/<file>``.

    Classes are sorted by name, and are those of all splits together.

    Args:
        dataset_root_directory: the tree.

    Raises:
        EcvlDataError: no such folder.

    Example:
        >>> import tempfile
        >>> root = Path(tempfile.mkdtemp())
        >>> for name in ("training/nv/a.png", "training/mel/b.png", "test/nv/c.png"):
        ...     (root / name).parent.mkdir(parents=True, exist_ok=True); (root / name).touch()
        >>> made = GenerateClassificationDataset(root).GetDataset()
        >>> made.classes_, [sample.label_ for sample in made.samples_], made.split_.test_
        (['mel', 'nv'], [[0], [1], [1]], [2])
    """

    def __init__(self, dataset_root_directory: str | os.PathLike[str]) -> None:
        super().__init__(dataset_root_directory)
        roots = [self.dataset_root_directory_ / name for name in self.splits_] or [self.dataset_root_directory_]
        self.d_.classes_ = sorted({folder.name for root in roots for folder in _folders(root)})
        self.d_.task_ = Task.classification
        self.LoadImagesAndSplits()

    def LoadSplitImages(self, split: str) -> int:
        """Add the images of a split's class folders; files elsewhere are warned of and left out."""
        root = self.dataset_root_directory_ / split
        before = len(self.d_.samples_)
        for path in sorted(root.rglob("*")):
            if path.is_dir():
                continue
            if path.parent.parent == root and path.parent != root:
                self.add(path, label=self.d_.classes_.index(path.parent.name))
            elif path.suffix.lower() not in _YAML:
                _LOG.warning("'%s' lies in no class folder; it is left out", path)
        return len(self.d_.samples_) - before


class GenerateSegmentationDataset(GenerateDataset):
    """A data set for segmentation from ``root/<split>/{images,ground_truth}/<file>``, or from one folder for both.

    The split folders may be missing. A mask has its image's name; with ``suffix``, the image's stem and the suffix.
    Images of training and validation without a mask are warned of and left out; in ``test`` they are kept.

    Args:
        dataset_root_directory: the tree.
        suffix: end of the masks' names, such as ``"_segmentation.png"`` or ``".png"``.
        gt_name: one mask that serves all images without their own.

    Raises:
        EcvlDataError: no such folder.
    """

    def __init__(
        self,
        dataset_root_directory: str | os.PathLike[str],
        suffix: str | os.PathLike[str] = "",
        gt_name: str | os.PathLike[str] = "",
    ) -> None:
        super().__init__(dataset_root_directory)
        self.suffix_, self.gt_name_ = os.fspath(suffix), os.fspath(gt_name)
        self.d_.task_ = Task.segmentation
        self.LoadImagesAndSplits()

    def LoadSplitImages(self, split: str) -> int:
        """Add the images of a split with their masks."""
        root = self.dataset_root_directory_ / split
        apart = (root / "images").is_dir()
        images, masks = (root / "images", root / "ground_truth") if apart else (root, root)
        before = len(self.d_.samples_)
        for path in sorted(images.iterdir()):
            if path.is_dir() or path.suffix.lower() in _YAML or self._is_mask(path.name, apart):
                continue
            mask = self._mask_of(path, masks, apart)
            if mask is None and self.splits_ and split != "test":
                _LOG.warning("'%s' has no ground truth; it is left out", path)
                continue
            self.add(path, label_path=mask)
        return len(self.d_.samples_) - before

    def _is_mask(self, name: str, apart: bool) -> bool:
        if self.gt_name_ and name == self.gt_name_:
            return True
        return bool(self.suffix_) and not apart and name.endswith(self.suffix_)

    def _mask_of(self, image: Path, masks: Path, apart: bool) -> Path | None:
        """Return the mask of an image, the common one, or ``None``."""
        own = masks / (image.stem + self.suffix_ if self.suffix_ else image.name)
        common = masks / self.gt_name_
        if own.is_file() and (apart or own != image):
            return own
        return common if self.gt_name_ and common.is_file() else None


def _folders(root: Path) -> list[Path]:
    return sorted(path for path in root.iterdir() if path.is_dir())
