"""What is recorded: one event, without identifiers."""

from __future__ import annotations

import datetime
import getpass
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from deephealth.core.errors import AuditError

__all__ = ["AuditEvent", "Kind", "current_user"]

_LONGEST = 65536  # bytes of one event


def current_user() -> str:
    """Return the name of the user of this process, or its number where it has no name (containers).

    Example:
        >>> bool(current_user())
        True
    """
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


class Kind(StrEnum):
    """What happened."""

    INIT = "init"
    INTAKE = "intake"
    VAULT_READ = "vault-read"
    REIDENTIFY = "reidentify"
    EXPORT = "export"
    ROTATE = "rotate"
    DESTROY = "destroy"
    CONSENT = "consent"
    WITHDRAWAL = "withdrawal"
    RELEASE = "release"
    QUARANTINE = "quarantine"
    COHORT = "cohort"
    VERIFY = "verify"
    LOGIN = "login"
    SETTINGS = "settings"
    REPAIRED = "repaired"  # half a line was left by a process that was killed
    EXPIRED = "expired"  # old files of the log were removed at the end of their time


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One event.

    Args:
        kind: what happened.
        what: in one sentence; pseudonyms only, never an identifier.
        counts: how many of what.
        facts: anything else that JSON can hold: profile, versions, reason, pseudonyms.
        who: who did it; the user of this process when left out.
        when: the present moment when left out.

    Raises:
        AuditError: a fact can't be written as JSON, or the event is above 64 KiB.

    Example:
        >>> AuditEvent(Kind.INTAKE, "a folder was taken in", counts={"released": 12}, who="steward").counts
        {'released': 12}
    """

    kind: Kind
    what: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    who: str = field(default_factory=current_user)
    when: datetime.datetime = field(default_factory=lambda: datetime.datetime.now(datetime.UTC))

    def __post_init__(self) -> None:
        try:
            size = len(json.dumps(self.to_dict()))
        except (TypeError, ValueError) as error:
            raise AuditError("an event holds what JSON can't write", allowed="texts, numbers, lists") from error
        if size > _LONGEST:
            raise AuditError("an event is too long to be recorded", allowed=f"{_LONGEST} bytes", hint="record counts")

    def to_dict(self) -> dict[str, Any]:
        """Return the event as plain values that JSON can hold."""
        return {
            "time": self.when.astimezone(datetime.UTC).isoformat(timespec="milliseconds"),
            "kind": str(self.kind),
            "who": self.who,
            "what": self.what,
            "counts": dict(self.counts),
            "facts": dict(self.facts),
        }
