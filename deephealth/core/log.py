"""Logging that is silent until a program asks for it."""

from __future__ import annotations

import logging

__all__ = ["enable_logging", "get_logger"]

_ROOT = "deephealth"
logging.getLogger(_ROOT).addHandler(logging.NullHandler())


def get_logger(name: str) -> logging.Logger:
    """Return the logger of a module; pass ``__name__``.

    Example:
        >>> get_logger("deephealth.data.cache").name
        'deephealth.data.cache'
    """
    return logging.getLogger(name if name.startswith(_ROOT) else f"{_ROOT}.{name}")


def enable_logging(level: int = logging.INFO, *, handler: logging.Handler | None = None) -> None:
    """Show deephealth's log messages, on standard error unless a handler is given.

    Args:
        level: lowest level that is shown.
        handler: where messages go.
    """
    root = logging.getLogger(_ROOT)
    root.setLevel(level)
    if handler is None:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root.handlers[:] = [handler]
