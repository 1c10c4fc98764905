"""ECVL's image operations, one file per topic."""

from __future__ import annotations

__all__: list[str] = []
