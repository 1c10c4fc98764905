"""What a lake holds, in numbers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from deephealth.core.errors import DataError
from deephealth.lake.faces.at_risk import count
from deephealth.lake.intake.journal import Journal
from deephealth.lake.verifying import require_verified

if TYPE_CHECKING:
    from deephealth.lake.lake import Lake

__all__ = ["overview"]


def overview(lake: Lake) -> dict[str, Any]:
    """Return project, profile, data sets with their subjects and objects, quarantine, faces at risk, last verification.

    Args:
        lake: the lake; its vault is not needed.
    """
    settings = lake.settings
    subjects: dict[str, set[str]] = {name: set() for name in lake.datasets()}
    objects = dict.fromkeys(subjects, 0)
    waiting: dict[str, int] = {}
    faces = 0
    if lake.folder.journal.exists():
        with Journal(lake.folder.journal, create=False) as journal:
            for one in journal.published():
                subjects.setdefault(one.dataset, set()).add(one.facts.subject)
                objects[one.dataset] = objects.get(one.dataset, 0) + 1
            waiting = dict(journal.quarantined().most_common())
            faces = count(journal.published())
    return {
        "project": settings.project,
        "options": list(settings.codes),
        "consent": settings.consent,
        "datasets": {name: {"subjects": len(found), "objects": objects[name]} for name, found in subjects.items()},
        "quarantine": waiting,
        "head_series_with_faces": faces,
        "verified": _verified(lake),
        "anonymised": lake.anonymised,
    }


def _verified(lake: Lake) -> str:
    if not lake.folder.journal.exists():
        return "nothing was taken in yet"
    try:
        require_verified(lake)
    except DataError as error:
        return error.what
    return str(json.loads((lake.folder.state / "verified.json").read_text())["when"])
