"""Floor 8: run programs written for the original libraries, unchanged, on this package.

Three ways in, which do the same: ``deephealth run-legacy PROGRAM …``, ``python -m deephealth.compat PROGRAM …`` and
:func:`install` in a program of one's own. ``pytest -p deephealth.compat`` makes this module a pytest plugin that does
it before the first test is imported. Which modules stand in for which is data: :mod:`deephealth.compat.catalogue`.

Where the original library is installed it wins, so that nothing changes under a user's feet; ``--force`` (or
``DEEPHEALTH_COMPAT_FORCE=1``) says otherwise.
"""

from __future__ import annotations

from deephealth.compat.aliases import install, original_of, uninstall
from deephealth.compat.catalogue import LEGACY, LegacyPackage
from deephealth.compat.run import run_program

__all__ = [
    "LEGACY",
    "LegacyPackage",
    "install",
    "original_of",
    "pytest_load_initial_conftests",
    "run_program",
    "uninstall",
]


def pytest_load_initial_conftests() -> None:
    """Hook of pytest: alias the original names before the first conftest or test is imported."""
    install()
