"""The strict switch: bug-for-bug behaviour of the original EDDL, for people who must reproduce an old run.

By default EDDL's conventions are kept and its bugs are fixed (:mod:`deephealth.eddl.differences` lists every one).
In strict mode the bugs come back. An object remembers the mode it was made in: set it before the first layer.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

from deephealth.core.switch import Switch

__all__ = ["is_strict", "strict", "strict_mode"]

_SWITCH = Switch("DEEPHEALTH_EDDL_STRICT")


def strict(on: bool = True) -> None:
    """Turn strict mode on or off for everything that is made afterwards.

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
    """Return whether strict mode is on: what :func:`strict` said last, else ``DEEPHEALTH_EDDL_STRICT=1``."""
    return _SWITCH.is_on()


def strict_mode(on: bool = True) -> AbstractContextManager[None]:
    """Set strict mode inside a ``with`` block, and put it back afterwards.

    Example:
        >>> with strict_mode():
        ...     is_strict()
        True
    """
    return _SWITCH.held(on)
