"""What the report says of trust: the last verification, the audit log, consent, and the keys."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from deephealth.core.errors import AuditError, DeepHealthError, VaultError
from deephealth.lake.check.record import read_record, state_of

if TYPE_CHECKING:
    from deephealth.lake.lake import Lake

__all__ = ["audit_facts", "consent_facts", "key_facts", "verification_facts"]


def verification_facts(lake: Lake) -> dict[str, Any]:
    """Return the last verification and what it is worth now.

    Args:
        lake: the lake.
    """
    record = read_record(lake.folder)
    if record is None:
        return {"status": "never", "record": None, "pictures": None, "findings": 0, "whole": False}
    if record.get("state") != state_of(lake.folder):
        status = "outdated"
    else:
        status = "passed" if record.get("passed") else "failed"
    pictures: dict[str, Any] | None = record.get("pictures")
    found = int(record.get("finding_count", len(record.get("findings", ()))))
    found += int(pictures.get("finding_count", 0)) if pictures else 0
    whole = status == "passed" and pictures is not None and bool(pictures.get("passed"))
    return {"status": status, "record": record, "pictures": pictures, "findings": found, "whole": whole}


def audit_facts(lake: Lake) -> dict[str, Any]:
    """Return whether the audit log is whole, its events by kind, and the notes of tables that it keeps.

    Args:
        lake: the lake; without its vault or the tombstone's key nothing can be proven.
    """
    empty: dict[str, Any] = {"report": None, "kinds": Counter(), "tables": [], "why": ""}
    try:
        report = lake.log.verify()
    except VaultError as error:
        return {**empty, "why": error.what}
    kinds: Counter[str] = Counter()
    tables: dict[str, Mapping[str, Any]] = {}
    try:
        for event in lake.log.events():
            kinds[str(event.get("kind", ""))] += 1
            facts = event.get("facts", {})
            if "table" in facts:
                tables[str(facts["table"])] = {**facts, "rows": event.get("counts", {}).get("rows")}
    except AuditError:  # what comes after the first broken line proves nothing
        tables.clear()
    return {**empty, "report": report, "kinds": kinds, "tables": sorted(tables.items())}


def consent_facts(lake: Lake) -> dict[str, Any]:
    """Return policy and counts.

    Args:
        lake: the lake; the counts need its vault.
    """
    records = [_json(path.read_text()) for path in sorted((lake.folder.catalogue / "withdrawals").glob("*.json"))]
    facts: dict[str, Any] = {
        "policy": lake.settings.consent,
        "scope": lake.settings.scope,
        "withdrawals": len(records),
        "models": sum(len(record.get("runs", ())) for record in records),
        "patients": None,
        "counts": Counter(),
    }
    try:
        counts: Counter[str] = Counter()
        for entry in lake.vault.entries("consent"):
            kinds = {str(line.get("kind")) for line in entry.value.get("lines", ())}
            counts.update(kinds)
            counts["patients"] += 1
        facts |= {"counts": counts, "patients": lake.vault.patients()}
    except DeepHealthError:
        pass
    return facts


def key_facts(lake: Lake) -> dict[str, Any]:
    """Return whether the lake is pseudonymised or anonymised, and its key's fingerprint.

    Args:
        lake: the lake.
    """
    when = ""
    if lake.anonymised:
        when = next((str(e.get("time", "")) for e in _destroyed(lake)), "")
    return {"anonymised": lake.anonymised, "fingerprint": lake.settings.fingerprint, "when": when}


def _destroyed(lake: Lake) -> list[dict[str, Any]]:
    try:
        return [event for event in lake.log.events() if event.get("kind") == "destroy"]
    except DeepHealthError:
        return []


def _json(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
