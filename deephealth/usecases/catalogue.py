"""The table of use cases. Listing it imports neither torch nor a use case."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deephealth.core.registry import Registry

if TYPE_CHECKING:
    from deephealth.usecases.spec import UseCase

__all__ = ["USECASES", "list_usecases"]

USECASES: Registry[UseCase] = Registry("use case")

USECASES.add(
    "uc12-skin",
    "deephealth.usecases.uc12_skin.spec:USECASE",
    summary="Skin cancer in dermoscopy: which of 7 or 8 diagnoses, and where the lesion is",
    tasks=("classification", "segmentation"),
    modality="dermoscopy, RGB",
)


def list_usecases(pattern: str = "*") -> list[str]:
    """Return the names of the use cases that match a shell pattern.

    Example:
        >>> list_usecases("uc12*")
        ['uc12-skin']
    """
    return USECASES.names(pattern)
