"""Floor 2: losses, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deephealth.core.lazy import lazy_exports

if TYPE_CHECKING:
    from deephealth.losses.build import build_loss
    from deephealth.losses.catalogue import LOSSES

__all__ = ["LOSSES", "build_loss"]

_HOMES = {"LOSSES": "catalogue", "build_loss": "build"}

__getattr__, __dir__ = lazy_exports(__name__, _HOMES)
