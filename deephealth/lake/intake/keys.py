"""Keyed hashes of where files came from and what they are, and sealed values that only the key's holder can read."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from typing import Any

from deephealth.core.errors import VaultError
from deephealth.core.optional import require
from deephealth.lake.pseudonyms import Pseudonyms

__all__ = ["JournalKeys"]

_NONCE_BYTES = 12


class JournalKeys:
    """What the journal writes instead of paths, patient numbers and UIDs.

    Args:
        pseudonyms: the project's; keyed hashes come from its key.
        key: 32 bytes from the vault; what must be read again after a kill is encrypted under a key derived from it.

    Source: HMAC-SHA-256 (RFC 2104) for the hashes, AES-256-GCM (NIST SP 800-38D) for the sealed values.

    Example:
        >>> keys = JournalKeys(Pseudonyms(bytes(32)), bytes(32))
        >>> keys.opened(keys.sealed(["4711", ""], "row 1"), "row 1")
        ['4711', '']
        >>> keys.of("series", ""), len(keys.of("series", "1.2.3"))
        ('', 32)
    """

    def __init__(self, pseudonyms: Pseudonyms, key: bytes) -> None:
        aead = require("cryptography.hazmat.primitives.ciphers.aead", purpose="sealing the journal of the intake")
        self._pseudonyms = pseudonyms
        self._cipher = aead.AESGCM(hmac.new(key, b"deephealth.lake/journal/1", hashlib.sha256).digest())

    def of(self, kind: str, value: str) -> str:
        """Return the keyed hash of a value, 32 letters and digits; nothing for nothing."""
        if kind == "locator" and not value.isascii():  # names that only look alike (e and an accent) are two files
            kind, value = "locator:bytes", value.encode("utf-8", "surrogatepass").hex()
        return self._pseudonyms.code(f"journal:{kind}", value, 32) if value else ""

    def subject(self, patient: str, issuer: str) -> str:
        """Return the patient's pseudonym.

        Raises:
            DataError: the number is empty.
        """
        return self._pseudonyms.subject(patient, issuer)

    def sealed(self, value: Any, row: str) -> bytes:
        """Encrypt a value that JSON can hold; ``row`` says where it belongs, so that it can't be moved elsewhere."""
        nonce = os.urandom(_NONCE_BYTES)
        plain = json.dumps(value).encode("utf-8", "surrogatepass")
        return nonce + self._cipher.encrypt(nonce, plain, row.encode())

    def opened(self, sealed: bytes, row: str) -> Any:
        """Decrypt what :meth:`sealed` gave.

        Raises:
            VaultError: it was changed, moved, or sealed under another key.
        """
        try:
            plain = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], row.encode())
        except Exception as error:  # InvalidTag; the package is optional, so its class can't be named here
            raise VaultError(
                "a row of the intake's journal can't be opened: it was changed, or belongs to another vault",
                hint="use the vault that the lake was made with, or start the intake of this source afresh",
            ) from error
        return json.loads(plain)
