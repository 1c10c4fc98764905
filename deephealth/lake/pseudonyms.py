"""Pseudonyms: what stands in a patient's place, computed from the project's key and nothing else.

Everything here is HMAC-SHA-256 under the key of one project (RFC 2104), so the same patient gets the same pseudonym in
every modality, run, process and machine, and nobody without the key can go from a guess to a pseudonym. Bare hashes
are never used: patient numbers can be counted through.
"""

from __future__ import annotations

import base64
import datetime
import hmac
import unicodedata
import uuid

from deephealth.core.errors import DataError, VaultError

__all__ = ["KEY_BYTES", "Pseudonyms"]

KEY_BYTES = 32
_WELL_KNOWN = "1.2.840.10008."  # the standard's own identifiers name kinds, never objects
_SHIFT_FROM, _SHIFT_TO = 366, 3653  # days into the past: one to ten years


class Pseudonyms:
    """The pseudonyms of one project.

    Args:
        key: 32 random bytes, from the vault.

    Raises:
        VaultError: the key has another length.

    Source: NIST SP 800-224 (HMAC); ISO/TS 25237 (pseudonymisation); DICOM PS3.5 B.2 (UIDs below ``2.25``).

    Example:
        >>> names = Pseudonyms(bytes(32))
        >>> names.subject("4711") == names.subject(" 4711 "), names.subject("4711") == names.subject("4712")
        (True, False)
        >>> names.uid("1.2.3").startswith("2.25."), names.uid("1.2.840.10008.1.2")
        (True, '1.2.840.10008.1.2')
    """

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise VaultError(f"the project's key has {len(key)} bytes", allowed=f"{KEY_BYTES} random bytes")
        self._key = key

    def __repr__(self) -> str:
        return f"Pseudonyms(fingerprint={self.fingerprint})"

    def __reduce__(self) -> tuple[type[Pseudonyms], tuple[bytes]]:
        return Pseudonyms, (self._key,)

    @property
    def fingerprint(self) -> str:
        """Sixteen letters that tell two keys apart and reveal neither."""
        return self._label("fingerprint", "", 16)

    def subject(self, patient: str, issuer: str = "") -> str:
        """Return a patient's pseudonym: 16 letters and digits, fit for a BIDS ``sub-`` label and a DICOM Patient ID.

        Args:
            patient: the hospital's number; spaces around it don't count.
            issuer: who gave the number, where two hospitals give the same ones.

        Raises:
            DataError: the number is empty.
        """
        return self._label("subject", _patient(patient, issuer), 16)

    def session(self, study_uid: str) -> str:
        """Return the label of a study for a BIDS ``ses-`` entity: 12 letters and digits."""
        return self._label("session", study_uid.strip(), 12)

    def accession(self, number: str) -> str:
        """Return the pseudonym of an accession number: 16 letters and digits, as long as DICOM lets it be."""
        return self._label("accession", number.strip(), 16)

    def code(self, kind: str, value: str, length: int = 12) -> str:
        """Return a pseudonym for any other value, such as a file name or a report number.

        Args:
            kind: what it is; the same value of two kinds gives two pseudonyms.
            value: the value.
            length: letters and digits, at most 51.
        """
        return self._label(f"code:{kind}", value, length)

    def uid(self, value: str) -> str:
        """Return the UID that takes the place of ``value``; the standard's own UIDs stay."""
        original = value.strip(" \0")
        if not original or original.startswith(_WELL_KNOWN):
            return original
        digest = self._digest("uid", original)
        return f"2.25.{uuid.UUID(bytes=digest[:16], version=4).int}"

    def shift_days(self, patient: str, issuer: str = "") -> int:
        """Return by how many days the dates of a patient move: one to ten years into the past, always the same.

        Raises:
            DataError: the number is empty.
        """
        number = int.from_bytes(self._digest("shift", _patient(patient, issuer))[:8], "big")
        return -(_SHIFT_FROM + number % (_SHIFT_TO - _SHIFT_FROM))

    def shift(self, date: datetime.date, patient: str, issuer: str = "") -> datetime.date:
        """Move a date of a patient; intervals between two dates of one patient stay as they were.

        Raises:
            DataError: the number is empty, or the date would fall before the year 1.
        """
        try:
            return date + datetime.timedelta(days=self.shift_days(patient, issuer))
        except OverflowError as error:
            raise DataError(
                f"a date in the year {date.year} can't be shifted", allowed="dates after the year 11"
            ) from error

    def _digest(self, purpose: str, value: str) -> bytes:
        text = f"deephealth.lake/1\x1f{purpose}\x1f{unicodedata.normalize('NFC', value)}"
        return hmac.digest(self._key, text.encode("utf-8", "surrogatepass"), "sha256")

    def _label(self, purpose: str, value: str, length: int) -> str:
        return base64.b32encode(self._digest(purpose, value)).decode()[:length]


def _patient(patient: str, issuer: str) -> str:
    number = patient.strip(" \0\t\r\n")
    if not number:
        raise DataError(
            "a patient without a number can't be given a pseudonym", allowed="an id of at least one character"
        )
    return f"{issuer.strip()}\x1f{number}"
