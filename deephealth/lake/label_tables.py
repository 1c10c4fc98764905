"""Tables of many patients, such as labels: cleaned row by row, judged by how much rows stand out."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from deephealth.core.errors import DataError, QuarantineError
from deephealth.lake.audit.event import Kind
from deephealth.lake.formats.catalogue import format_of
from deephealth.lake.formats.context import FileContext, RiskPolicy
from deephealth.lake.profile.options import Option
from deephealth.lake.reasons import Reason

if TYPE_CHECKING:
    from deephealth.lake.formats.context import FileOutcome
    from deephealth.lake.lake import Lake

__all__ = ["add_table"]


def add_table(
    lake: Lake,
    source: Path,
    name: str,
    dataset: str | None = None,
    *,
    columns: Mapping[str, str] | None = None,
    risk: RiskPolicy | None = None,
) -> tuple[Path, FileOutcome]:
    """Put a table of many patients into ``derivatives/<dataset>/labels``: pseudonyms, shifted dates, cleaned texts.

    Args:
        lake: the lake; its vault must be at hand.
        source: a CSV or TSV file with a column that names the patient of each row.
        name: of the table in the lake, without a suffix.
        dataset: the data set it belongs to; default: the project's name.
        columns: roles that the steward has decided, by column.
        risk: how much a row may stand out (k-anonymity, l-diversity).

    Returns:
        The table's place and what was done.

    Raises:
        QuarantineError: no table, no patients in it, or too many rows that stand out.
        DataError: the name is wrong.
        VaultError: the vault is missing.
    """
    if not name.replace("-", "").replace("_", "").isalnum():
        raise DataError(f"'{name}' can't name a table", allowed="letters, digits, - and _")
    kind = format_of(source)
    if kind is None or kind.name not in ("csv", "tsv"):
        raise QuarantineError(Reason.UNKNOWN_FORMAT, "the file is no CSV or TSV table")
    options = lake.settings.options
    who = FileContext(
        lake.pseudonyms,
        known=lake.vault.identifiers,
        columns=columns or {},
        risk=risk or RiskPolicy(k=lake.settings.smallest),
        full_dates=Option.FULL_DATES in options,
        characteristics=Option.PATIENT_CHARACTERISTICS in options,
        device=Option.DEVICE in options,
    )
    target = lake.folder.derivatives / (dataset or lake.settings.project) / "labels" / f"{name}{kind.suffix}"
    target.parent.mkdir(parents=True, exist_ok=True)
    outcome = kind.clean(source, target, who)
    day = datetime.datetime.now(datetime.UTC).date().isoformat()
    facts = {"table": target.relative_to(lake.folder.root).as_posix(), "day": day, "risk": outcome.facts.get("risk")}
    lake.audit(Kind.INTAKE, "a table was taken in", counts={"rows": outcome.facts["table_rows"]}, facts=facts)
    return target, outcome
