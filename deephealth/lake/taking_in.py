"""Taking files into a lake: the intake with the lake's own cleaner, vault, consent and audit log."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from deephealth.lake.audit.event import Kind
from deephealth.lake.identifiers import Identifiers
from deephealth.lake.intake.runner import run_intake
from deephealth.lake.intake.tools import IntakeSettings, IntakeTools
from deephealth.lake.layout.names import place
from deephealth.lake.objects import ObjectCleaner, ObjectScan
from deephealth.lake.vault.consent import ConsentBook, Policy
from deephealth.lake.vault.vault import Known

if TYPE_CHECKING:
    from deephealth.lake.intake.report import IntakeReport
    from deephealth.lake.intake.sources import Source
    from deephealth.lake.lake import Lake

__all__ = ["take_in"]


def take_in(
    lake: Lake,
    source: Source,
    dataset: str | None = None,
    *,
    settings: IntakeSettings | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> IntakeReport:
    """Take the files of a source into a data set of the lake: de-identified, or into quarantine with a reason.

    Interrupted or killed, it goes on where it was when it is called again. The event is on disk before the report is
    given.

    Args:
        lake: the lake; its vault must be at hand.
        source: gives the files.
        dataset: name of the data set; default: the project's name.
        settings: processes, batches, limits.
        progress: called with steps done and all steps.

    Raises:
        VaultError: the vault is missing or another project's.
        AuditError: the audit log can't be written or was changed: nothing is taken in.
        StorageError: the disk is full.
        Interrupted: Ctrl-C.
    """
    vault = lake.vault
    lake.audit(Kind.INTAKE, "an intake was begun", facts={"dataset": dataset or lake.settings.project})

    def remember(batch: Sequence[tuple[str, str, Identifiers]]) -> None:
        vault.remember_many([Known(patient, issuer, known) for patient, issuer, known in batch])

    book = ConsentBook(vault, Policy(lake.settings.consent))

    def refuse(patient: str, issuer: str) -> str:
        return book.refusals([(patient, issuer)], lake.settings.scope).get((patient, issuer), "")

    tools = IntakeTools(
        pseudonyms=vault.pseudonyms(),
        key=vault.quarantine_key(),
        scan=ObjectScan(),
        cleaner=ObjectCleaner(vault.pseudonyms(), lake.settings.options, lake.settings.accept),
        place=place,
        remember=remember,
        recall=vault.identifiers,
        refuse=refuse,
    )
    report = run_intake(
        source, lake.folder, dataset or lake.settings.project, tools, settings=settings, progress=progress
    )
    counts = {
        "found": report.found,
        "released": report.released,
        "duplicates": report.duplicates,
        "quarantined": report.quarantined.total(),
        "dropped": report.dropped.total(),
        "retracted": report.retracted,
    }
    facts = {"dataset": report.dataset, "options": list(lake.settings.codes), "reasons": dict(report.quarantined)}
    lake.audit(Kind.INTAKE, "an intake was finished", counts=counts, facts=facts)
    return report
