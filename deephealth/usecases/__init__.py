"""Floor 7: the use cases. Each is a name, data layouts, a generator, classes and facts; none has its own trainer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deephealth.core.lazy import lazy_exports

if TYPE_CHECKING:
    from deephealth.usecases.catalogue import USECASES, list_usecases
    from deephealth.usecases.spec import UseCase

__all__ = ["USECASES", "UseCase", "list_usecases"]

_HOMES = {"USECASES": "catalogue", "UseCase": "spec", "list_usecases": "catalogue"}

__getattr__, __dir__ = lazy_exports(__name__, _HOMES)
