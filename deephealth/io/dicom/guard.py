"""The boundary to the DICOM libraries: whatever they raise on a damaged file leaves here as a typed error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from deephealth.core.errors import DeepHealthError, LimitError, MissingDataError, UnreadableFileError

__all__ = ["guarded"]

_HINT = "copy the file again; if its source has the same fault, take it out of the data set"


@contextmanager
def guarded(name: str, doing: str = "read") -> Iterator[None]:
    """Turn any exception of the block into a typed error that names the file.

    Args:
        name: what errors call the file.
        doing: what could not be done.

    Raises:
        MissingDataError: no such file.
        LimitError: memory ran out.
        UnreadableFileError: anything else that is not typed already.

    Example:
        >>> with guarded("a.dcm"):
        ...     raise IndexError("7")
        Traceback (most recent call last):
        ...
        deephealth.core.errors.UnreadableFileError: a.dcm can't be read: IndexError: 7
          do next: copy the file again; if its source has the same fault, take it out of the data set
    """
    try:
        yield
    except DeepHealthError:
        raise
    except FileNotFoundError as error:
        raise MissingDataError(f"there is no file {name}", hint="check the path") from error
    except MemoryError as error:
        raise LimitError(f"{name} needs more memory than there is", hint="read fewer frames at a time") from error
    except Exception as error:
        text = " ".join(str(error).split())[:200]
        raise UnreadableFileError(f"{name} can't be {doing}: {type(error).__name__}: {text}", hint=_HINT) from error
