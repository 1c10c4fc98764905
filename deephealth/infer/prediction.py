"""What a model says about one file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from deephealth.core.errors import DataError, DeepHealthError

if TYPE_CHECKING:
    import numpy.typing as npt

    from deephealth.core.types import MaskHW
    from deephealth.io.source import Source

__all__ = ["BACKGROUND", "Failure", "Prediction", "Predictions"]

# The label of a mask without a foreground pixel.
BACKGROUND = "background"


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """The answer for one image.

    Args:
        source: the file.
        label: the most probable class; for a mask its class, or ``"background"`` when it is empty.
        probabilities: class -> probability; for a mask the mean probability inside it (0 when it is empty).
        size: height and width of the file's image, pixels.
        mask: 0 or 1, in source size; ``None`` for a classification.
        probability_map: float32, 0 to 1, in source size; ``None`` for a classification.
    """

    source: Source
    label: str
    probabilities: Mapping[str, float]
    size: tuple[int, int]
    mask: MaskHW | None = None
    probability_map: npt.NDArray[np.float32] | None = None

    @property
    def file(self) -> str:
        """The file as text, such as ``"photos/a.jpg"`` or ``"photos.zip!a.jpg"``."""
        return str(self.source)

    @property
    def area_fraction(self) -> float | None:
        """Share of the image that is foreground; ``None`` for a classification."""
        return None if self.mask is None else float(np.count_nonzero(self.mask) / self.mask.size)


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that could not be predicted.

    Args:
        source: the file.
        error: why.
    """

    source: Source
    error: DeepHealthError

    def __str__(self) -> str:
        return f"{self.source}: {self.error.what}"


class Predictions(list[Prediction]):
    """The predictions in the order of the files, and the files that failed.

    Args:
        predictions: one for each file that could be read.
        failures: the others.
    """

    def __init__(self, predictions: Iterable[Prediction] = (), failures: Iterable[Failure] = ()) -> None:
        super().__init__(predictions)
        self.failures = tuple(failures)

    def raise_failures(self) -> None:
        """Raise one error that names every file that failed; return when there is none.

        Raises:
            DeepHealthError: the error itself when there is one; several of one type become one of that type, and a
                mixture becomes a :class:`DataError`.
        """
        if not self.failures:
            return
        first = self.failures[0].error
        if len(self.failures) == 1:
            raise first
        kinds = {type(failure.error) for failure in self.failures}
        kind = type(first) if len(kinds) == 1 else DataError
        shown = "\n".join(f"  {failure}" for failure in self.failures[:20])
        more = f"\n  and {len(self.failures) - 20} more" if len(self.failures) > 20 else ""
        total = len(self) + len(self.failures)
        raise kind(
            f"{len(self.failures)} of {total} files can't be predicted:\n{shown}{more}",
            hint="replace or remove these files; `deephealth predict` goes on without them with --skip-unreadable",
        ) from first
