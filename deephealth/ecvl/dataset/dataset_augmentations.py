"""Which augmentation belongs to which split."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from deephealth.ecvl.enums import SplitType
from deephealth.ecvl.errors import EcvlKeyError

if TYPE_CHECKING:
    from deephealth.ecvl.image import Image

__all__ = ["DatasetAugmentations"]


class DatasetAugmentations:
    """One augmentation, container, or ``None`` for each split of a data set, in the order of its file.

    Args:
        augs: the augmentations.

    Example:
        >>> DatasetAugmentations([]).IsEmpty()
        True
    """

    def __init__(self, augs: Iterable[Any] | DatasetAugmentations | None = None) -> None:
        self.augs_: list[Any] = list(augs.augs_ if isinstance(augs, DatasetAugmentations) else augs or ())
        for aug in self.augs_:
            if aug is not None and not hasattr(aug, "Apply"):
                raise TypeError(f"{aug!r} is no augmentation: it has no method Apply")

    def Apply(self, st: SplitType | int, img: Image, gt: Image | None = None) -> bool:
        """Apply the augmentation of a split to an image and its ground truth, and return whether there was one.

        Args:
            st: position in the list; a ``SplitType`` stands for its number.
            img: changed in place.
            gt: changed in place by augmentations that move pixels.

        Raises:
            EcvlKeyError: there are fewer augmentations.
        """
        aug = self.at(int(st))
        if aug is None:
            return False
        aug.Apply(img) if gt is None else aug.Apply(img, gt)
        return True

    def at(self, split: int) -> Any:
        """Return the augmentation of a split, or ``None``.

        Raises:
            EcvlKeyError: there are fewer augmentations.
        """
        if not 0 <= split < len(self.augs_):
            raise EcvlKeyError(
                f"there is no augmentation for split {split}",
                allowed=f"0 to {len(self.augs_) - 1}" if self.augs_ else "none: the list is empty",
                hint="list one augmentation, or None, for each split",
            )
        return self.augs_[split]

    def IsEmpty(self) -> bool:
        """Return whether the list has no entry."""
        return not self.augs_

    def __len__(self) -> int:
        return len(self.augs_)
