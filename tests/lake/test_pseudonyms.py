"""Pseudonyms: the same everywhere, nobody else's, and the calendar survives."""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
import pickle
import subprocess
import sys
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deephealth.core.errors import DataError, VaultError
from deephealth.lake.pseudonyms import Pseudonyms

KEY = bytes(range(32))
NAMES = Pseudonyms(KEY)


def test_a_subject_is_an_hmac_under_the_key_and_nothing_else():
    digest = hmac.new(KEY, b"deephealth.lake/1\x1fsubject\x1f\x1f4711", hashlib.sha256).digest()
    assert NAMES.subject("4711") == base64.b32encode(digest).decode()[:16]


def test_a_uid_is_a_uuid_below_2_25_and_fits_dicom():
    new = NAMES.uid("1.2.826.0.1.3680043.2.1125.1")
    assert uuid.UUID(int=int(new.removeprefix("2.25."))).version == 4
    assert len(new) <= 64


def test_another_process_gives_the_same(tmp_path):
    code = (
        "from deephealth.lake.pseudonyms import Pseudonyms as P; p = P(bytes(range(32)));"
        "print(p.subject('4711'), p.uid('1.2.3'), p.accession('A1'), p.session('1.2'), p.shift_days('4711'))"
    )
    runs = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    }
    here = [NAMES.subject("4711"), NAMES.uid("1.2.3"), NAMES.accession("A1"), NAMES.session("1.2")]
    assert runs == {" ".join([*here, str(NAMES.shift_days("4711"))]) + "\n"}


def test_a_hundred_thousand_objects_share_no_pseudonym():
    uids = [f"1.2.840.99999.{n}" for n in range(100_000)]
    first = [NAMES.uid(uid) for uid in uids]
    assert first == [pickle.loads(pickle.dumps(NAMES)).uid(uid) for uid in uids[:100]] + first[100:]
    assert len(set(first)) == len(uids)
    assert len({NAMES.subject(str(n)) for n in range(100_000)}) == 100_000


def test_the_key_does_not_show():
    assert KEY.hex() not in repr(NAMES)
    assert NAMES.fingerprint != Pseudonyms(bytes(32)).fingerprint


@pytest.mark.parametrize("patient", ["", "   ", "\0", "\t\n"])
def test_a_patient_without_a_number_has_no_pseudonym(patient):
    with pytest.raises(DataError, match="without a number"):
        NAMES.subject(patient)
    with pytest.raises(DataError, match="without a number"):
        NAMES.shift_days(patient)


@pytest.mark.parametrize("key", [b"", b"short", bytes(33)])
def test_a_wrong_key_is_refused(key):
    with pytest.raises(VaultError, match="bytes"):
        Pseudonyms(key)


@given(st.dates(datetime.date(1900, 1, 1), datetime.date(2100, 1, 1)), st.integers(0, 40_000), st.text(min_size=1))
def test_intervals_survive_leap_years(first, days, patient):
    if not patient.strip(" \0\t\r\n"):
        return
    second = first + datetime.timedelta(days=days)
    assert (NAMES.shift(second, patient) - NAMES.shift(first, patient)).days == days
    assert 366 <= (first - NAMES.shift(first, patient)).days <= 3652


def test_a_date_in_the_first_year_can_not_be_shifted():
    with pytest.raises(DataError, match="can't be shifted"):
        NAMES.shift(datetime.date(1, 1, 1), "4711")


@given(st.text(min_size=1, max_size=64))
def test_composed_and_decomposed_letters_are_one_patient(patient):
    import unicodedata

    if patient.strip(" \0\t\r\n"):
        assert NAMES.subject(unicodedata.normalize("NFD", patient)) == NAMES.subject(
            unicodedata.normalize("NFC", patient)
        )


def test_kinds_don_t_mix():
    assert (
        len(
            {NAMES.code(kind, "4711", 16) for kind in ("a", "b", "c")}
            | {NAMES.accession("4711"), NAMES.subject("4711")}
        )
        == 5
    )
