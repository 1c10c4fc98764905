"""A switch that a program sets, an environment variable presets, and a ``with`` block can hold for a while."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Switch"]


class Switch:
    """On or off: what the program said last, else what the environment said when it was first asked, else off.

    Args:
        variable: environment variable; ``1``, ``true``, ``yes`` and ``on`` mean on.

    Example:
        >>> switch = Switch("NO_SUCH_VARIABLE")
        >>> with switch.held(True):
        ...     switch.is_on()
        True
        >>> switch.is_on()
        False
    """

    def __init__(self, variable: str) -> None:
        self._variable = variable
        self._chosen: bool | None = None
        self._preset: bool | None = None  # what the environment says, read once: hot functions ask all the time

    def set(self, on: bool) -> None:
        """Turn it on or off, whatever the environment says."""
        self._chosen = on

    def is_on(self) -> bool:
        """Return whether it is on."""
        if self._chosen is not None:
            return self._chosen
        if self._preset is None:
            self._preset = os.environ.get(self._variable, "").strip().lower() in {"1", "true", "yes", "on"}
        return self._preset

    @contextmanager
    def held(self, on: bool) -> Iterator[None]:
        """Set it inside a ``with`` block, and put it back afterwards."""
        before, self._chosen = self._chosen, on
        try:
            yield
        finally:
            self._chosen = before
