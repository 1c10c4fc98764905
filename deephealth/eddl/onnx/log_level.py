"""How much an import says."""

from __future__ import annotations

import logging
from enum import IntEnum

__all__ = ["LOG_LEVEL", "logger"]

logger = logging.getLogger("deephealth.eddl.onnx")


class LOG_LEVEL(IntEnum):  # noqa: N801 - EDDL's name
    """What an import reports: this level and everything more serious.

    Example:
        >>> LOG_LEVEL.TRACE < LOG_LEVEL.INFO < LOG_LEVEL.NO_LOGS
        True
    """

    TRACE = 0
    DEBUG = 1
    INFO = 2
    WARN = 3
    ERROR = 4
    NO_LOGS = 5

    @property
    def standard(self) -> int:
        """The level of Python's ``logging``."""
        return (5, logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL + 10)[self]
