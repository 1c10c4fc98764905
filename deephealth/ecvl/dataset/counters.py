"""Which samples a worker is in charge of, as old programs ask for it."""

from __future__ import annotations

from deephealth.ecvl.errors import EcvlValueError

__all__ = ["ThreadCounters"]


class ThreadCounters:
    """A position in the range of samples that one worker is in charge of.

    Args:
        args: smallest index and the one behind the largest; or the position, followed by these two.

    Raises:
        EcvlValueError: other than two or three numbers.

    Example:
        >>> counters = ThreadCounters(10, 30)
        >>> counters.counter_ = 25
        >>> counters.Reset()
        >>> counters.counter_, counters.min_, counters.max_
        (10, 10, 30)
    """

    def __init__(self, *args: int) -> None:
        if len(args) not in (2, 3):
            raise EcvlValueError(f"{len(args)} numbers", allowed="min and max, or counter, min and max")
        self.min_, self.max_ = args[-2], args[-1]
        self.counter_ = args[0]

    def Reset(self) -> None:
        """Go back to the smallest index."""
        self.counter_ = self.min_
