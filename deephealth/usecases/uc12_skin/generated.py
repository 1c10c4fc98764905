"""How a folder that the generator made is known again, and what its images may be used for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

__all__ = ["GENERATED", "GENERATED_LICENCE", "read_marker"]

GENERATED = "generated.json"
GENERATED_LICENCE = "none needed: drawn by the generator of deephealth; no figure on them is a claim about medicine"


def read_marker(root: Path) -> dict[str, Any] | None:
    """Return the settings that a folder was generated with and whether it is ``complete``; None for other folders."""
    try:
        found = json.loads((root / GENERATED).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and "complete" in found else None
