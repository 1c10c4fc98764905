"""Importing this loads the networks that look for writing, where workers are forked from: they share them then.

None of them starts a thread, so that forking is safe. What can't be loaded here is told by the first worker that needs
it.
"""

from __future__ import annotations

import sys
from contextlib import suppress

from deephealth.lake.pixels import reader, screen

__all__: list[str] = []

if sys.platform == "linux":  # elsewhere processes with loaded libraries are not forked safely
    with suppress(Exception):  # it would end the process that forks; a worker raises it again, where it is told
        screen.network()
        reader.reader()
