"""What goes wrong while pixels are decoded, as the reasons of a quarantine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from deephealth.core.errors import DataError, LimitError, OptionalDependencyError, QuarantineError
from deephealth.io.dicom.guard import guarded
from deephealth.lake.reasons import Reason

__all__ = ["decoding"]


@contextmanager
def decoding(name: str) -> Iterator[None]:
    """Turn whatever decoders raise in the block into a quarantine; a missing decoder is none.

    Args:
        name: what errors call the thing that is decoded.

    Raises:
        QuarantineError: the pixels can't be decoded, or claim more than the limits allow.
        OptionalDependencyError: a decoder is not installed.

    Example:
        >>> with decoding("the object"):
        ...     raise IndexError("7")
        Traceback (most recent call last):
        ...
        deephealth.core.errors.QuarantineError: the pixels can't be decoded
    """
    try:
        with guarded(name, "decoded"):
            yield
    except (QuarantineError, OptionalDependencyError):
        raise
    except LimitError as error:
        raise QuarantineError(Reason.TOO_LARGE, "the pixels are above the limits", allowed=error.allowed) from error
    except DataError as error:
        raise QuarantineError(Reason.PIXELS_UNREADABLE, "the pixels can't be decoded") from error
