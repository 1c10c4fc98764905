"""Splits of a data set: named lists of sample indices, under both generations' ways to reach them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from deephealth.ecvl.enums import SplitType
from deephealth.ecvl.errors import EcvlValueError

__all__ = ["Split", "SplitList"]


class Split:
    """A named list of sample indices, and how it falls into batches.

    Args:
        split_name: any name; ``training``, ``validation`` and ``test`` also have a type.
        samples_indices: positions in the data set's samples.
        drop_last: whether the samples that do not fill a batch are left out.
        no_label: whether the samples have no labels.

    Example:
        >>> split = Split("training", range(7))
        >>> split.SetNumBatches(3); split.SetLastBatch(3)
        >>> split.num_batches_, split.last_batch_, split.split_type_ is SplitType.training
        (3, 1, True)
    """

    def __init__(
        self,
        split_name: str = "",
        samples_indices: Iterable[int] | None = None,
        drop_last: bool = False,
        no_label: bool = False,
    ) -> None:
        self.split_name_ = split_name
        self.split_type_: SplitType | None = SplitType.__members__.get(split_name)
        self.samples_indices_: list[int] = [int(index) for index in samples_indices or ()]
        self.drop_last_, self.no_label_ = bool(drop_last), bool(no_label)
        self.num_batches_ = self.last_batch_ = 0

    def SetNumBatches(self, batch_size: int) -> None:
        """Set ``num_batches_`` for a batch size: whole batches only with ``drop_last_``.

        Raises:
            EcvlValueError: a batch size below 1.
        """
        whole, rest = divmod(len(self.samples_indices_), _positive(batch_size))
        self.num_batches_ = whole + (rest > 0 and not self.drop_last_)

    def SetLastBatch(self, batch_size: int) -> None:
        """Set ``last_batch_``, the number of samples in the last batch.

        Raises:
            EcvlValueError: a batch size below 1.
        """
        rest = len(self.samples_indices_) % _positive(batch_size)
        self.last_batch_ = rest if rest and not self.drop_last_ else batch_size

    def __repr__(self) -> str:
        return f"<Split {self.split_name_}: {len(self.samples_indices_)} samples>"


class SplitList(list[Split]):
    """The splits of a data set, in the order of its file; old programs reach the standard ones by attributes.

    Example:
        >>> splits = SplitList([Split("training", [0, 1]), Split("test", [2])])
        >>> splits.training_ = [1, 0]
        >>> splits[0].samples_indices_, splits.test_, splits.validation_
        ([1, 0], [2], [])
    """

    @property
    def training_(self) -> list[int]:
        """Sample indices of the training split; assigning them changes it."""
        return self._indices("training")

    @training_.setter
    def training_(self, value: Iterable[int]) -> None:
        self._assign("training", value)

    @property
    def validation_(self) -> list[int]:
        """Sample indices of the validation split; assigning them changes it."""
        return self._indices("validation")

    @validation_.setter
    def validation_(self, value: Iterable[int]) -> None:
        self._assign("validation", value)

    @property
    def test_(self) -> list[int]:
        """Sample indices of the test split; assigning them changes it."""
        return self._indices("test")

    @test_.setter
    def test_(self, value: Iterable[int]) -> None:
        self._assign("test", value)

    def named(self, name: str) -> Split | None:
        """Return the split of a name, or ``None``."""
        return next((split for split in self if split.split_name_ == name), None)

    def _indices(self, name: str) -> list[int]:
        split = self.named(name)
        return [] if split is None else split.samples_indices_

    def _assign(self, name: str, value: Iterable[int]) -> None:
        indices = [int(index) for index in value]
        split = self.named(name)
        if split is None:
            self.append(Split(name, indices))
        else:
            split.samples_indices_ = indices


def _positive(batch_size: Any) -> int:
    if batch_size < 1:
        raise EcvlValueError(f"a batch size of {batch_size}", allowed="1 or more")
    return int(batch_size)
