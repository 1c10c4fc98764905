"""From the lake to training and back: cohorts of verified objects, signed, and the runs that were trained from them."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from deephealth.lake.audit.event import Kind
from deephealth.lake.catalogue.cohort import make_cohort
from deephealth.lake.catalogue.lineage import register_run
from deephealth.lake.verifying import require_verified

if TYPE_CHECKING:
    from deephealth.lake.catalogue.cohort import Cohort
    from deephealth.lake.catalogue.lineage import RunRecord
    from deephealth.lake.lake import Lake

__all__ = ["make_verified_cohort", "register_audited"]


def make_verified_cohort(
    lake: Lake,
    query: str,
    *,
    name: str,
    labels: str = "",
    seed: int = 0,
    progress: Callable[[int, int], object] | None = None,
) -> Cohort:
    """Make a cohort of a lake that passed its verification; recorded, and its manifest signed.

    Args:
        lake: the lake; its vault must be at hand, which signs.
        query: as for :func:`deephealth.lake.catalogue.query.find`.
        name: of the cohort.
        labels: as for :func:`deephealth.lake.catalogue.cohort.make_cohort`.
        seed: of the split by patient.
        progress: called with images done and all images.

    Raises:
        DataError: not verified, or the question, the name or the labels are wrong.
        VaultError: the vault is missing.
    """
    require_verified(lake)
    key = lake.vault.key_for("cohort manifests")

    def sign(manifest: bytes) -> str:
        return hmac.new(key, manifest, hashlib.sha256).hexdigest()

    lake.audit(Kind.COHORT, "a cohort is made", facts={"cohort": name, "query": query, "labels": labels})
    return make_cohort(lake.folder, query, name=name, labels=labels, seed=seed, sign=sign, progress=progress)


def register_audited(lake: Lake, run: Path) -> RunRecord:
    """Note which subjects a run saw; recorded.

    Raises:
        MissingDataError: the folder holds no run.
        DataError: the run read subjects that this lake does not hold.
    """
    record = register_run(lake.folder, run)
    facts = {"run": record.run, "cohort": record.cohort, "models": dict(record.models)}
    lake.audit(Kind.COHORT, "a run was registered", facts=facts)
    return record
