"""Withdrawal of consent: recorded, carried out everywhere in the lake, proven, and forgotten in the vault."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from deephealth.lake.arranging import arrange_lake
from deephealth.lake.audit.event import Kind
from deephealth.lake.catalogue.withdrawal import remove_subject
from deephealth.lake.intake.journal import Journal
from deephealth.lake.vault.consent import ConsentBook, Policy

if TYPE_CHECKING:
    from deephealth.lake.catalogue.withdrawal import Removal
    from deephealth.lake.lake import Lake

__all__ = ["withdraw"]


def withdraw(lake: Lake, patient: str, *, progress: Callable[[int, int], object] | None = None) -> Removal:
    """Take a patient out of the lake for good.

    The withdrawal is recorded first, so that no later intake takes the patient in again; then files, rows, cohorts,
    index and cards lose the subject; then the lake is searched for traces; last the vault forgets who it was. A call
    that was killed is finished by the next one.

    Args:
        lake: the lake; its vault must be at hand.
        patient: the hospital's number.
        progress: called with steps done and all steps.

    Returns:
        What was removed, the registered runs that saw the subject, and the traces that were found: none, or it is not
        done.

    Raises:
        VaultError: the vault is missing.
        DataError: the number is empty.
    """
    subject = lake.pseudonyms.subject(patient)
    ConsentBook(lake.vault, Policy(lake.settings.consent)).withdraw(patient)

    def refresh() -> None:
        for dataset in lake.datasets():
            arrange_lake(lake, dataset, images=False)

    with Journal(lake.folder.journal) as journal:
        removal = remove_subject(lake.folder, subject, journal, refresh=refresh, progress=progress)
    if removal.is_proven:
        lake.vault.forget(patient)
    counts = {"files": removal.files, "rows": removal.rows, "runs": len(removal.runs), "traces": len(removal.traces)}
    lake.audit(Kind.WITHDRAWAL, "a subject was taken out of the lake", counts=counts, facts={"subject": subject})
    return removal
