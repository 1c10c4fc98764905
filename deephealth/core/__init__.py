"""Floor 0: errors, registry, optional imports, seeds, files, logging. Imports nothing heavy."""

from deephealth.core.errors import DeepHealthError
from deephealth.core.registry import Entry, Registry

__all__ = ["DeepHealthError", "Entry", "Registry"]
