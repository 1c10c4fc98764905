"""What the ECVL face raises: each error is also the built-in that the original raised: old ``except`` lines work."""

from __future__ import annotations

from deephealth.core.errors import DataError, DeepHealthError

__all__ = ["EcvlDataError", "EcvlError", "EcvlKeyError", "EcvlValueError"]


class EcvlError(DeepHealthError, RuntimeError):
    """An operation can't be done on these images, as the original's ``RuntimeError``."""


class EcvlValueError(EcvlError, ValueError):
    """An argument has a wrong value, as the original's ``ValueError``."""


class EcvlKeyError(EcvlError, IndexError, KeyError):
    """A key is not there; the original raised ``IndexError``."""


class EcvlDataError(DataError, EcvlError):
    """A file or data set can't be read."""
