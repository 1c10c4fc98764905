"""Verify, don't trust: the lake is read again by code of its own, and nobody trains from what did not pass."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from deephealth.core.errors import DataError
from deephealth.core.files import atomic_write_json
from deephealth.lake.audit.event import Kind
from deephealth.lake.check.verify import ByteScan, scan_lake
from deephealth.lake.intake.journal import Journal

if TYPE_CHECKING:
    from deephealth.lake.lake import Lake

__all__ = ["require_verified", "verify"]

_PASSED = "verified.json"


def verify(lake: Lake, *, workers: int = 2, progress: Callable[[int, int], object] | None = None) -> ByteScan:
    """Look for every identifier that the vault knows in every byte of the lake, and note whether it passed.

    Args:
        lake: the lake; its vault must be at hand, since it knows what to look for.
        workers: processes.
        progress: called with files done and all files.

    Raises:
        VaultError: the vault is missing: nothing can be verified without it.
    """
    state = _state(lake)
    scan = scan_lake(lake.folder, lake.vault.all_identifiers(), workers=workers, progress=progress)
    report = {
        "passed": scan.ok,
        "state": state,
        "when": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "files": scan.files,
        "bytes": scan.bytes,
        "patterns": scan.patterns,
        "findings": [str(one) for one in scan.findings[:1000]],
        "unreadable": list(scan.unreadable),
    }
    atomic_write_json(lake.folder.state / _PASSED, report)
    counts = {"files": scan.files, "findings": len(scan.findings), "unreadable": len(scan.unreadable)}
    lake.audit(Kind.VERIFY, "the lake was scanned for identifiers", counts=counts)
    return scan


def require_verified(lake: Lake) -> None:
    """Refuse a lake that was not verified since its last change, or did not pass.

    Raises:
        DataError: it was not, or did not.
    """
    hint = f"deephealth lake verify --lake {lake.folder.root}"
    try:
        last = json.loads((lake.folder.state / _PASSED).read_text())
    except (OSError, ValueError) as error:
        raise DataError("the lake was never verified", hint=hint) from error
    if not last.get("passed"):
        raise DataError("the lake's last verification found identifiers: nothing leaves it", hint=hint)
    if last.get("state") != _state(lake):
        raise DataError("objects were released since the lake was last verified", hint=hint)


def _state(lake: Lake) -> str:
    """Return a digest of all released objects."""
    digest = hashlib.sha256()
    with Journal(lake.folder.journal, create=False) as journal:
        for one in journal.published():
            digest.update(f"{one.path}\x1f{one.facts.sha256}\n".encode())
    return digest.hexdigest()
