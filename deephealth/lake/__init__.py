"""The data lake: files are de-identified, pseudonymised, checked, catalogued, and only then anybody's to read.

Start with :class:`Lake`; :func:`take_in` fills it, :func:`verify` reads it again, :func:`make_verified_cohort` makes a
data set to train from. :func:`deidentify` cleans a folder without one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deephealth.core.lazy import lazy_exports

if TYPE_CHECKING:
    from deephealth.lake.arranging import *  # noqa: F403
    from deephealth.lake.cohorts import *  # noqa: F403
    from deephealth.lake.deidentifying import *  # noqa: F403
    from deephealth.lake.facts import *  # noqa: F403
    from deephealth.lake.folder import *  # noqa: F403
    from deephealth.lake.identifiers import *  # noqa: F403
    from deephealth.lake.label_tables import *  # noqa: F403
    from deephealth.lake.lake import *  # noqa: F403
    from deephealth.lake.pseudonyms import *  # noqa: F403
    from deephealth.lake.settings import *  # noqa: F403
    from deephealth.lake.taking_in import *  # noqa: F403
    from deephealth.lake.verifying import *  # noqa: F403
    from deephealth.lake.withdrawing import *  # noqa: F403

_BY_HOME = {
    "arranging": "arrange_lake",
    "deidentifying": "deidentify",
    "cohorts": "make_verified_cohort register_audited",
    "facts": "ObjectFacts",
    "folder": "LakeFolder",
    "identifiers": "Identifiers",
    "label_tables": "add_table",
    "lake": "Lake",
    "pseudonyms": "Pseudonyms",
    "settings": "LakeSettings",
    "taking_in": "take_in",
    "verifying": "verify",
    "withdrawing": "withdraw",
}
_HOMES: dict[str, str | None] = {name: home for home, names in _BY_HOME.items() for name in names.split()}

__all__ = sorted(_HOMES)

_get, __dir__ = lazy_exports(__name__, _HOMES)


def __getattr__(name: str) -> Any:
    return _get(name)
