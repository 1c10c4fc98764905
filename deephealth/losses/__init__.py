"""Floor 2: losses, by name."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deephealth.losses.build import build_loss
    from deephealth.losses.catalogue import LOSSES

__all__ = ["LOSSES", "build_loss"]

_HOMES = {"LOSSES": "catalogue", "build_loss": "build"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
