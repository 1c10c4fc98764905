"""What an intake did, in counts that add up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields
from typing import Any

from deephealth.core.errors import StorageError
from deephealth.lake.actions import Tally

__all__ = ["IntakeReport"]


@dataclass(frozen=True, slots=True)
class IntakeReport:
    """The end of one run; every file that the source gave stands in exactly one of the four counts.

    Args:
        dataset: where released files went.
        found: files that the source gave.
        released: files that are in the data set now.
        duplicates: files whose content was taken in before, in this run or an earlier one.
        quarantined: files that may not enter, by reason.
        dropped: files with nothing to release, by kind.
        skipped: what was seen and not opened: links, pipes and devices, folders that may not be read.
        retracted: objects of earlier runs that were taken out of the data sets, because a file of this run showed that
            their series or study holds several patients.
        subjects: patients that this run released something of.
        tally: how often each action was taken.
        boxes: rectangles that were painted over.
        options: on how many objects each option of the profile was executed.
        bytes: size of all released files of this run.
        seconds: of this process; what a killed one used before is not in it.
        resumed: whether an earlier process had begun this run.

    Example:
        >>> IntakeReport("chest", found=2, released=1, quarantined=Counter({"hostile": 1})).missing
        0
    """

    dataset: str
    found: int = 0
    released: int = 0
    duplicates: int = 0
    quarantined: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    retracted: int = 0
    subjects: int = 0
    tally: Tally = field(default_factory=Tally)
    boxes: int = 0
    options: Counter[str] = field(default_factory=Counter)
    bytes: int = 0
    seconds: float = 0.0
    resumed: bool = False

    @property
    def missing(self) -> int:
        """Files without an end state; anything but 0 is a fault of the intake."""
        return self.found - self.released - self.duplicates - self.quarantined.total() - self.dropped.total()

    def check(self) -> None:
        """Refuse a report that does not add up.

        Raises:
            StorageError: a file was lost.
        """
        if self.missing:
            raise StorageError(
                f"{self.missing} of {self.found} files have no end state: the journal was changed from outside",
                hint="run the same intake again, then `deephealth lake verify`",
            )

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values that JSON can hold."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {
            name: {str(key): count for key, count in sorted(value.items())} if isinstance(value, Counter) else value
            for name, value in values.items()
        }
