"""The strict switch: bug-for-bug behaviour of the original ECVL, for people who must reproduce an old run.

By default ECVL's conventions are kept and its bugs are fixed (:mod:`deephealth.ecvl.differences` lists every one).
In strict mode the bugs come back. Functions read the switch when they are called; a ``DLDataset`` when it is made.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

from deephealth.core.switch import Switch

__all__ = ["is_strict", "strict", "strict_mode"]

_SWITCH = Switch("DEEPHEALTH_ECVL_STRICT")


def strict(on: bool = True) -> None:
    """Turn strict mode on or off for everything that is called afterwards.

    Args:
        on: ``True`` reproduces the original's bugs; ``False`` is the default behaviour.

    Example:
        >>> strict(True); is_strict()
        True
        >>> strict(False); is_strict()
        False
    """
    _SWITCH.set(on)


def is_strict() -> bool:
    """Return whether strict mode is on: what :func:`strict` said last, else ``DEEPHEALTH_ECVL_STRICT=1``."""
    return _SWITCH.is_on()


def strict_mode(on: bool = True) -> AbstractContextManager[None]:
    """Set strict mode inside a ``with`` block, and put it back afterwards.

    Example:
        >>> with strict_mode():
        ...     is_strict()
        True
    """
    return _SWITCH.held(on)
