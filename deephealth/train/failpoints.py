"""Places at which a test can kill the process or make a write fail; without the environment variable they do nothing.

``DEEPHEALTH_FAILPOINT=name[:count]`` arms the ``count``-th passing of ``name``: SIGKILL to the own process, or, with
``DEEPHEALTH_FAILPOINT_ERROR=ENOSPC``, an ``OSError`` of that number from that passing on.
"""

from __future__ import annotations

import errno
import os
import signal
from collections import Counter

__all__ = ["failpoint"]

_passed: Counter[str] = Counter()


def failpoint(name: str) -> None:
    """Pass the failpoint ``name``.

    Args:
        name: such as ``"before-rename"``.

    Raises:
        OSError: the failpoint is armed with an error.
    """
    armed = os.environ.get("DEEPHEALTH_FAILPOINT")
    if not armed:
        return
    wanted, _, count = armed.partition(":")
    if wanted != name:
        return
    _passed[name] += 1
    if _passed[name] < int(count or 1):
        return
    code = os.environ.get("DEEPHEALTH_FAILPOINT_ERROR")
    if code:
        number = getattr(errno, code)
        raise OSError(number, os.strerror(number))
    os.kill(os.getpid(), signal.SIGKILL)
