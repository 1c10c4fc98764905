"""What becomes of a scanned file, decided over all files at once: duplicates, mixed patients, conflicting identifiers.

The rules look only at keyed hashes. "Earlier" is the order of the source, after what the lake holds already, so a run
that was killed and goes on decides as one that was not.
"""

from __future__ import annotations

from deephealth.lake.intake.worklist import Worklist
from deephealth.lake.reasons import MEANING, Reason

__all__ = ["decide", "mixed_objects"]

_MIXED = "SELECT key FROM belongs WHERE kind = '{kind}' GROUP BY key HAVING count(*) > 1"
_IN_MIXED = f"(series IN ({_MIXED.format(kind='series')}) OR study IN ({_MIXED.format(kind='study')}))"

# quarantined before duplicates are looked for: every copy of a file of a mixed series is sealed, none is left out
_SEAL_MIXED = f"""
UPDATE files SET state = 'seal', reason = ?2, what = ?3
WHERE run = ?1 AND state IN ('scanned', 'ready') AND {_IN_MIXED}"""  # noqa: S608 - constants

_DUPLICATES = """
UPDATE files SET state = 'duplicate' WHERE run = ?1 AND state = 'scanned' AND (
    EXISTS (SELECT 1 FROM objects WHERE objects.source = files.source)
    OR EXISTS (SELECT 1 FROM files AS other WHERE other.run = ?1 AND other.source = files.source
        AND other.id != files.id AND (other.state IN ('ready', 'placing', 'released')
            OR other.state = 'scanned' AND (other.position, other.id) < (files.position, files.id))))"""

_CONFLICTS = """
UPDATE files SET state = 'seal', reason = ?2, what = ?3
WHERE run = ?1 AND state = 'scanned' AND object != '' AND (
    EXISTS (SELECT 1 FROM objects WHERE objects.object = files.object)
    OR EXISTS (SELECT 1 FROM files AS other WHERE other.run = ?1 AND other.object = files.object
        AND other.id != files.id AND (other.state IN ('ready', 'placing', 'released')
            OR other.state = 'scanned' AND (other.position, other.id) < (files.position, files.id))))"""


def decide(worklist: Worklist) -> None:
    """Move every scanned file to ``ready``, ``duplicate`` or ``seal``."""
    with worklist.journal.transaction() as database:
        mixed, conflict = Reason.MIXED_PATIENTS, Reason.CONFLICTING_UID
        database.execute(_SEAL_MIXED, (worklist.run, mixed, MEANING[mixed]))
        database.execute(_DUPLICATES, (worklist.run,))
        database.execute(_CONFLICTS, (worklist.run, conflict, MEANING[conflict]))
        database.execute("UPDATE files SET state = 'ready' WHERE run = ? AND state = 'scanned'", (worklist.run,))


def mixed_objects(worklist: Worklist) -> list[tuple[str, str, str, str]]:
    """Return the released objects that turned out to belong to a series or study of several patients.

    Returns:
        For each its source, data set, path within it, and subject.
    """
    query = f"SELECT source, dataset, path, subject FROM objects WHERE {_IN_MIXED} ORDER BY source"  # noqa: S608
    return worklist.journal.database.execute(query).fetchall()
