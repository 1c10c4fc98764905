"""Removing what is older than it has to be kept, so that the rest of the chain still holds."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from deephealth.core.errors import AuditError
from deephealth.core.files import fsync_folder, storage_errors
from deephealth.lake.audit.chain import Link
from deephealth.lake.audit.event import AuditEvent, Kind, current_user

if TYPE_CHECKING:
    from deephealth.lake.audit.log import AuditLog

__all__ = ["expire"]

_YEAR = datetime.timedelta(days=365.2425)


def expire(log: AuditLog, years: float, who: str = "") -> list[str]:
    """Record the removal of old files, then remove them; the newest file always stays.

    Args:
        log: the log.
        years: how long events are kept.
        who: who decided it.

    Returns:
        the names of the files.

    Raises:
        AuditError: the log does not verify, or the time is below zero: nothing is removed.
        StorageError: a file can't be removed.
    """
    if not years >= 0:
        raise AuditError("events can't be kept for less than no time", allowed="years from 0")
    report = log.verify()
    if report.problem:
        raise AuditError(
            f"the audit log does not verify: {report.problem.what}", hint="nothing is removed from a broken log"
        )
    limit = datetime.datetime.now(datetime.UTC) - years * _YEAR
    old: list[tuple[Path, Link]] = []
    for path in log.files()[:-1]:
        link = _last_link(log, path)
        if datetime.datetime.fromisoformat(link.event["time"]) >= limit:
            break
        old.append((path, link))
    if not old:
        return []
    names = [path.name for path, _ in old]
    facts = {"files": [[path.name, end.sequence, end.mac] for path, end in old], "years": years}
    what, counts = "old files of the log were removed", {"files": len(names)}
    log.append(AuditEvent(Kind.EXPIRED, what, counts, facts, who or current_user()))
    with storage_errors(log.folder, "removing old files of the audit log"):
        for path, _ in old:
            path.unlink()
        fsync_folder(log.folder)
    return names


def _last_link(log: AuditLog, path: Path) -> Link:
    with path.open("rb") as stream:
        *_, last = stream
    return log.chain.link(last)
