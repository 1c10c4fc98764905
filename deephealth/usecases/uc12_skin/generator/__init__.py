"""Draws dermoscopy images in the layout of ISIC 2018: for demonstrations and tests, never the basis of a claim."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deephealth.usecases.uc12_skin.generator.picture import draw_image
    from deephealth.usecases.uc12_skin.generator.write import generate

__all__ = ["draw_image", "generate"]

_HOMES = {"draw_image": "picture", "generate": "write"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        msg = f"module '{__name__}' has no attribute '{name}'"
        raise AttributeError(msg)
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
