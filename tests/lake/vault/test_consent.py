"""Consent: what holds on which day, under which policy."""

from __future__ import annotations

import datetime
import time
from pathlib import Path

import pytest

from deephealth.core.errors import DataError, QuarantineError
from deephealth.lake.reasons import Reason
from deephealth.lake.vault.consent import Consent, ConsentBook, Policy, Withdrawal
from deephealth.lake.vault.keys import generate_key
from deephealth.lake.vault.vault import Vault


def day(text: str) -> datetime.date:
    return datetime.date.fromisoformat(text)


def _consent(scope: str = "research", given: str = "2024-01-01", expires: str = "", patient: str = "1") -> Consent:
    return Consent(patient, frozenset({scope}), "2.1", day(given), day(expires) if expires else None)


@pytest.mark.parametrize(
    ("lines", "on", "required", "opt_out"),
    [
        ([], "2024-06-01", "no consent is recorded", ""),
        ([_consent()], "2024-06-01", "", ""),
        ([_consent()], "2024-01-01", "", ""),
        ([_consent()], "2023-12-31", "not for this scope or not yet", ""),
        ([_consent(expires="2024-05-31")], "2024-05-31", "", ""),
        ([_consent(expires="2024-05-31")], "2024-06-01", "has expired", ""),
        ([_consent("teaching")], "2024-06-01", "not for this scope", ""),
        ([_consent(), "2024-03-01"], "2024-02-29", "", ""),
        ([_consent(), "2024-03-01"], "2024-03-01", "was withdrawn", "was withdrawn"),
        ([_consent(), "2024-03-01", _consent(given="2024-04-01")], "2024-06-01", "", ""),
        ([_consent(), "2024-03-01", _consent(given="2024-04-01")], "2024-03-15", "was withdrawn", "was withdrawn"),
        # a form that came late, signed before the withdrawal or on its day
        (["2024-03-01", _consent()], "2024-06-01", "was withdrawn", "was withdrawn"),
        (["2024-03-01", _consent(given="2024-03-01")], "2024-06-01", "was withdrawn", "was withdrawn"),
        (["2024-03-01"], "2024-06-01", "was withdrawn", "was withdrawn"),
        (["2024-03-01"], "2024-02-01", "no consent is recorded", ""),
        # consented again, and that ended: the objection from before is in doubt, so it stays
        (["2024-03-01", _consent(given="2024-04-01", expires="2024-05-01")], "2024-06-01", "expired", "expired"),
    ],
)
def test_what_holds(tmp_path: Path, lines: list, on: str, required: str, opt_out: str) -> None:
    with Vault.create(tmp_path / "a.vault", generate_key(), "chest") as vault:
        for policy, expected in ((Policy.REQUIRED, required), (Policy.OPT_OUT, opt_out)):
            book = ConsentBook(vault, policy)
            if policy is Policy.REQUIRED:
                for line in lines:
                    book.withdraw("1", on=day(line)) if isinstance(line, str) else book.record(line)
            if not expected:
                book.check("1", "research", day(on))
                continue
            with pytest.raises(QuarantineError, match=expected) as caught:
                book.check("1", "research", day(on))
            assert caught.value.reason == Reason.NO_CONSENT


def test_scopes_are_withdrawn_one_by_one(vault: Vault, events: list) -> None:
    book = ConsentBook(vault)
    book.record(Consent("1", frozenset({"research", "teaching"}), "2.1", day("2024-01-01")))
    book.withdraw("1", scopes=["teaching"], on=day("2024-02-01"))
    book.check("1", "research", day("2024-06-01"))
    with pytest.raises(QuarantineError, match="was withdrawn"):
        book.check("1", "teaching", day("2024-06-01"))
    assert book.history("1") == (
        Consent("1", frozenset({"research", "teaching"}), "2.1", day("2024-01-01")),
        Withdrawal(frozenset({"teaching"}), day("2024-02-01")),
    )
    assert book.history("2") == ()
    subject = vault.pseudonyms().subject("1")
    assert events == [("consent", {"consents": 1}), ("withdrawal", {"subject": subject, "scopes": ["teaching"]})]


def test_a_withdrawal_outlives_the_patient(vault: Vault) -> None:
    vault.remember("1")
    book = ConsentBook(vault)
    book.withdraw("1")
    vault.forget("1")
    with pytest.raises(QuarantineError, match="was withdrawn"):
        book.check("1", "research")


def test_the_issuer_counts(vault: Vault) -> None:
    book = ConsentBook(vault)
    book.record(Consent("1", frozenset({"research"}), "2", day("2024-01-01"), issuer="A"))
    book.check("1", "research", issuer="A")
    with pytest.raises(QuarantineError):
        book.check("1", "research", issuer="B")


def test_a_hundred_thousand_patients(vault: Vault) -> None:
    book = ConsentBook(vault)
    book.record_many(_consent(patient=f"P{n}") for n in range(0, 3000, 3))
    objects = [(f"P{n % 3000}", "") for n in range(100_000)]
    began = time.perf_counter()
    refused = book.refusals(objects, "research")
    assert time.perf_counter() - began < 30
    assert set(refused) == {(f"P{n}", "") for n in range(3000) if n % 3}


@pytest.mark.parametrize(
    "make",
    [
        lambda: Consent("1", frozenset(), "1", day("2024-01-01")),
        lambda: Consent("1", frozenset({"Re search"}), "1", day("2024-01-01")),
        lambda: Consent("1", frozenset({"research"}), " ", day("2024-01-01")),
        lambda: _consent(given="2024-01-02", expires="2024-01-01"),
    ],
)
def test_bad_consents(make: object) -> None:
    with pytest.raises(DataError, match="consent"):
        make()  # type: ignore[operator]


def test_bad_requests(vault: Vault) -> None:
    book = ConsentBook(vault)
    with pytest.raises(DataError, match="without a number"):
        book.record(_consent(patient=" "))
    with pytest.raises(DataError, match="without a number"):
        book.check("", "research")
    with pytest.raises(DataError, match="words"):
        book.check("1", "")
    with pytest.raises(DataError, match="words"):
        book.withdraw("1", scopes=["?"])
    with pytest.raises(ValueError, match="perhaps"):
        ConsentBook(vault, "perhaps")


def test_moments_count_as_days(vault: Vault) -> None:
    book = ConsentBook(vault)
    moment = datetime.datetime(2024, 1, 1, 12, tzinfo=datetime.UTC)
    book.record(Consent("1", frozenset({"research"}), "1", moment, moment))
    book.check("1", "research", moment)
