"""Floor 7: the use cases. Each is a name, data layouts, a generator, classes and facts; none has its own trainer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deephealth.usecases.catalogue import USECASES
    from deephealth.usecases.spec import UseCase

__all__ = ["USECASES", "UseCase"]

_HOMES = {"USECASES": "catalogue", "UseCase": "spec"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        msg = f"module '{__name__}' has no attribute '{name}'"
        raise AttributeError(msg)
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
