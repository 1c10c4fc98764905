"""The stand-in is imported by worker processes too: by the same name, from the repository's root."""

from __future__ import annotations

import sys
from pathlib import Path

REPOSITORY = str(Path(__file__).resolve().parents[3])
if REPOSITORY not in sys.path:
    sys.path.insert(0, REPOSITORY)
