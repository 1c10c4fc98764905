"""Consent: who agreed to what, until when, and who took it back."""

from __future__ import annotations

import datetime
import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from deephealth.core.errors import DataError, QuarantineError
from deephealth.lake.audit.event import Kind
from deephealth.lake.reasons import Reason
from deephealth.lake.vault.rows import Entry
from deephealth.lake.vault.vault import Vault

__all__ = ["Consent", "ConsentBook", "Policy", "Withdrawal"]

_SCOPE = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_ALL = "*"
_AT_ONCE = 2000  # patients per look-up


class Policy(StrEnum):
    """What a patient without a record means."""

    REQUIRED = "required"  # nobody enters without a consent in force
    OPT_OUT = "opt-out"  # everybody enters but those who objected


@dataclass(frozen=True, slots=True)
class Consent:
    """One consent.

    Args:
        scopes: what for, such as ``research``; lower case, digits, hyphens.
        version: of the form that was signed.
        given: from this day on.
        expires: the last day it holds; ``None`` for no end.
        issuer: who gave the patient's number.
        patient: the hospital's number.

    Raises:
        DataError: no scope, a scope that is no word, no version, or an end before the start.

    Example:
        >>> Consent("4711", frozenset({"research"}), "2.1", datetime.date(2024, 1, 1)).expires is None
        True
    """

    patient: str
    scopes: frozenset[str]
    version: str
    given: datetime.date
    expires: datetime.date | None = None
    issuer: str = ""

    def __post_init__(self) -> None:
        _check_scopes(self.scopes)
        if not self.version.strip():
            raise DataError("a consent needs the version of its form", allowed="such as '2.1'")
        if self.expires is not None and _day(self.expires) < _day(self.given):
            raise DataError("a consent ends before it begins", allowed="expires on or after the day it was given")


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """One withdrawal, or an objection of somebody who never consented.

    Args:
        scopes: what for; ``{"*"}`` for everything.
        on: from this day on.
    """

    scopes: frozenset[str]
    on: datetime.date


class ConsentBook:
    """The consents of one project, sealed in its vault.

    Args:
        vault: the project's vault.
        policy: what a patient without a record means.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> book = ConsentBook(Vault.create(Path(tempfile.mkdtemp()) / "a.vault", bytes(32), "chest"))
        >>> book.record(Consent("4711", frozenset({"research"}), "2.1", datetime.date(2024, 1, 1)))
        >>> book.check("4711", "research")
        >>> book.withdraw("4711", on=datetime.date(2024, 6, 1))
        >>> book.check("4711", "research")
        Traceback (most recent call last):
        deephealth.core.errors.QuarantineError: the consent was withdrawn
          allowed: a consent in force for the scope 'research'
    """

    def __init__(self, vault: Vault, policy: Policy = Policy.REQUIRED) -> None:
        self._vault, self.policy = vault, Policy(policy)

    def record(self, consent: Consent) -> None:
        """Add a consent; what was recorded before stays.

        Raises:
            DataError: the patient's number is empty.
            StorageError: the disk is full.
        """
        self.record_many([consent])

    def record_many(self, consents: Iterable[Consent]) -> None:
        """Add consents, such as a hospital's table of them, in one step.

        Raises:
            DataError: a number is empty; nothing is recorded.
            StorageError: the disk is full.
        """
        lines = [(one.patient, one.issuer, _consent_line(one)) for one in consents]
        self._vault.record(Kind.CONSENT, {"consents": len(lines)})
        self._add(lines)

    def withdraw(
        self,
        patient: str,
        issuer: str = "",
        *,
        scopes: Iterable[str] = (_ALL,),
        on: datetime.date | None = None,
    ) -> None:
        """Record that a patient takes consent back, or objects; recorded in the audit by pseudonym.

        Args:
            patient: the hospital's number.
            issuer: who gave it.
            scopes: what for; everything when left out.
            on: from this day on; today when left out.

        Raises:
            DataError: the number is empty, or a scope is no word.
            StorageError: the disk is full.
        """
        chosen = frozenset(scopes)
        _check_scopes(chosen - {_ALL} or frozenset({"all"}))
        subject = self._vault.pseudonyms().subject(patient, issuer)
        self._vault.record(Kind.WITHDRAWAL, {"subject": subject, "scopes": sorted(chosen)})
        line = {"kind": "withdrawal", "scopes": sorted(chosen), "on": _day(on or _today()).isoformat()}
        self._add([(patient, issuer, line)])

    def history(self, patient: str, issuer: str = "") -> tuple[Consent | Withdrawal, ...]:
        """Return everything recorded for a patient, in the order it was recorded.

        Raises:
            DataError: the number is empty.
        """
        subject = self._vault.pseudonyms().subject(patient, issuer)
        entry = self._vault.find("consent", [subject]).get(subject)
        return tuple(_parsed(entry, line) for line in entry.value["lines"]) if entry else ()

    def check(self, patient: str, scope: str, on: datetime.date | None = None, *, issuer: str = "") -> None:
        """Refuse a patient without a consent in force.

        Args:
            patient: the hospital's number.
            scope: what for.
            on: the day it has to be in force; today when left out.
            issuer: who gave the number.

        Raises:
            QuarantineError: ``no-consent``, with what is missing.
            DataError: the number is empty.
        """
        for why in self.refusals([(patient, issuer)], scope, on).values():
            raise QuarantineError(Reason.NO_CONSENT, why, allowed=f"a consent in force for the scope '{scope}'")

    def refusals(
        self, patients: Iterable[tuple[str, str]], scope: str, on: datetime.date | None = None
    ) -> dict[tuple[str, str], str]:
        """Return, of many patients, those who may not enter, each with the reason.

        Args:
            patients: numbers and issuers; repetitions cost nothing.
            scope: what for.
            on: the day it has to be in force; today when left out.

        Raises:
            DataError: a number is empty, or the scope is no word.
        """
        _check_scopes(frozenset({scope}))
        day, names = _day(on or _today()), self._vault.pseudonyms()
        found: dict[tuple[str, str], str] = {}
        distinct = iter(dict.fromkeys(patients))
        while part := list(itertools.islice(distinct, _AT_ONCE)):
            subjects = {patient: names.subject(*patient) for patient in part}
            entries = self._vault.find("consent", subjects.values())
            for patient, subject in subjects.items():
                entry = entries.get(subject)
                lines = [_parsed(entry, line) for line in entry.value["lines"]] if entry else []
                if why := self._refusal(lines, scope, day):
                    found[patient] = why
        return found

    def _refusal(self, lines: list[Consent | Withdrawal], scope: str, day: datetime.date) -> str:
        """Return why a patient may not enter; empty for one who may."""
        withdrawn = [one.on for one in lines if isinstance(one, Withdrawal) and one.scopes & {scope, _ALL}]
        past = [date for date in withdrawn if date <= day]
        given = [one for one in lines if isinstance(one, Consent) and scope in one.scopes and one.given <= day]
        # a form that was signed before the withdrawal, or on its day, does not undo it
        standing = [one for one in given if not past or one.given > max(past)]
        if past and not standing:
            return "the consent was withdrawn"
        if any(one.expires is None or one.expires >= day for one in standing):
            return ""
        if self.policy is Policy.OPT_OUT and not past:
            return ""
        if standing:
            return "the consent has expired"
        if any(isinstance(one, Consent) for one in lines):
            return "there's a consent, but not for this scope or not yet"
        return "no consent is recorded"

    def _add(self, lines: Iterable[tuple[str, str, dict[str, Any]]]) -> None:
        with self._vault.changing() as write:
            names = self._vault.pseudonyms()
            grouped: dict[str, Entry] = {}
            for patient, issuer, line in lines:
                subject = names.subject(patient, issuer)
                entry = grouped.get(subject) or _empty(subject, patient, issuer)
                grouped[subject] = entry
                entry.value["lines"].append(line)
            for subject, old in self._vault.find("consent", grouped).items():
                grouped[subject].value["lines"][:0] = old.value["lines"]
            write(grouped.values())


def _empty(subject: str, patient: str, issuer: str) -> Entry:
    # the number stays, sealed: an objection must still hold when the project gets another key
    who = {"patient": patient.strip(" \0\t\r\n"), "issuer": issuer.strip()}
    return Entry("consent", subject, subject, {**who, "lines": []})


def _consent_line(consent: Consent) -> dict[str, Any]:
    return {
        "kind": "consent",
        "scopes": sorted(consent.scopes),
        "version": consent.version,
        "given": _day(consent.given).isoformat(),
        "expires": _day(consent.expires).isoformat() if consent.expires else None,
    }


def _parsed(entry: Entry, line: Mapping[str, Any]) -> Consent | Withdrawal:
    day = datetime.date.fromisoformat
    scopes = frozenset(line["scopes"])
    if line["kind"] == "withdrawal":
        return Withdrawal(scopes, day(line["on"]))
    expires = day(line["expires"]) if line["expires"] else None
    return Consent(entry.value["patient"], scopes, line["version"], day(line["given"]), expires, entry.value["issuer"])


def _check_scopes(scopes: frozenset[str]) -> None:
    if not scopes or not all(_SCOPE.fullmatch(scope) for scope in scopes):
        raise DataError("a consent needs scopes that are words", allowed="lower case, digits, hyphens: 'research'")


def _day(date: datetime.date) -> datetime.date:
    """Return the day of a date, also where a moment was given."""
    return date.date() if isinstance(date, datetime.datetime) else date


def _today() -> datetime.date:
    return datetime.datetime.now(datetime.UTC).date()
