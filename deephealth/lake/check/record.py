"""What the last verification said, in ``.state/verified.json``: counts and places, never what was found there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from deephealth.lake.check.pictures import PictureScan
from deephealth.lake.check.scan import Finding
from deephealth.lake.check.verify import ByteScan
from deephealth.lake.folder import LakeFolder
from deephealth.lake.intake.journal import Journal

__all__ = ["bytes_record", "pictures_record", "read_record", "record_path", "state_of"]

_LISTED = 1000


def record_path(folder: LakeFolder) -> Path:
    """Return where the record lies."""
    return folder.state / "verified.json"


def read_record(folder: LakeFolder) -> dict[str, Any] | None:
    """Return the record; ``None`` where nothing was verified or the record can't be read."""
    try:
        record = json.loads(record_path(folder).read_text())
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) else None


def state_of(folder: LakeFolder) -> str:
    """Return a digest of all released objects, by which a later release or change shows."""
    digest = hashlib.sha256()
    with Journal(folder.journal, create=False) as journal:
        for one in journal.published():
            digest.update(f"{one.path}\x1f{one.facts.sha256}\n".encode())
    return digest.hexdigest()


def bytes_record(scan: ByteScan) -> dict[str, Any]:
    """Return a scan of bytes as plain values."""
    return {
        "files": scan.files,
        "bytes": scan.bytes,
        "patterns": scan.patterns,
        "findings": _shown(scan.findings[:_LISTED]),
        "finding_count": len(scan.findings),
        "unreadable": list(scan.unreadable),
    }


def _shown(findings: Sequence[Finding]) -> list[str]:
    """Return findings as lines; a file whose name holds an identifier is called by a digest: the record is read too."""
    named = {one.path: hashlib.sha256(one.path.encode()).hexdigest()[:12] for one in findings if one.where == "name"}
    return [str(replace(one, path=f"file {named[one.path]}") if one.path in named else one) for one in findings]


def pictures_record(scan: PictureScan) -> dict[str, Any]:
    """Return a reading of pictures as plain values."""
    doubts: dict[str, int] = {}
    for doubt in scan.doubts:
        doubts[doubt.kind] = doubts.get(doubt.kind, 0) + 1
    return {
        "passed": scan.ok,
        "objects": scan.objects,
        "renders": scan.renders,
        "by_modality": dict(sorted(scan.by_modality.items())),
        "pictures": dict(sorted(scan.pictures.items())),
        "at_risk": scan.at_risk,
        "sample": {
            "at_risk": scan.sample.at_risk,
            "others": scan.sample.others,
            "frames": scan.sample.frames,
            "seed": scan.sample.seed,
        },
        "findings": _shown(scan.findings[:_LISTED]),
        "finding_count": len(scan.findings),
        "doubts": doubts,
        "doubtful_places": [str(one) for one in scan.doubts[:_LISTED]],
        "unreadable": list(scan.unreadable),
    }
