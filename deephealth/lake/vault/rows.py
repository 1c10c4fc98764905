"""Between what a vault knows and what a back-end sees: names become keyed hashes, values are sealed in their place."""

from __future__ import annotations

import hmac
import json
from dataclasses import dataclass
from typing import Any

from deephealth.core.errors import VaultError
from deephealth.lake.vault.keys import derive
from deephealth.lake.vault.sealed import cipher, seal, unseal
from deephealth.lake.vault.store import Row

__all__ = ["Entry", "RowCodec"]

_BLOCK = 64  # values are padded to multiples, so that their length says little


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that the vault knows.

    Args:
        kind: ``secret``, ``patient``, ``uid``, ``consent``.
        name: what it is about, such as a subject's pseudonym.
        owner: the subject it belongs to; empty for the vault's own.
        value: what JSON can hold.
    """

    kind: str
    name: str
    owner: str
    value: dict[str, Any]


class RowCodec:
    """Seals entries into rows, and opens them, under the keys of one generation of one vault.

    Args:
        key: the vault's key, 32 bytes.
        vault: the vault's identifier.
        salt: random bytes of this generation.

    Example:
        >>> codec = RowCodec(bytes(32), "v", bytes(16))
        >>> row = codec.row(Entry("patient", "ABC", "ABC", {"patient": "4711"}))
        >>> b"4711" in row.value, codec.entry(row).value
        (False, {'patient': '4711'})
    """

    def __init__(self, key: bytes, vault: str, salt: bytes) -> None:
        self._vault = vault.encode()
        self._lookups = derive(key, salt, "lookups")
        self._values = cipher(derive(key, salt, "values"))

    def lookup(self, kind: str, name: str) -> bytes:
        """Return the keyed hash by which a row is found."""
        return hmac.digest(self._lookups, f"{kind}\x1f{name}".encode("utf-8", "surrogatepass"), "sha256")

    def row(self, entry: Entry) -> Row:
        """Seal an entry."""
        content = {"name": entry.name, "owner": entry.owner, "value": entry.value}
        plain = json.dumps(content, separators=(",", ":")).encode()
        plain += b" " * (-len(plain) % _BLOCK)
        lookup = self.lookup(entry.kind, entry.name)
        owner = self.lookup("owner", entry.owner)
        return Row(entry.kind, lookup, owner, seal(self._values, plain, self._context(entry.kind, lookup, owner)))

    def entry(self, row: Row) -> Entry:
        """Open a row.

        Raises:
            VaultError: it was damaged, changed, or moved from another place.
        """
        content = json.loads(unseal(self._values, row.value, self._context(row.kind, row.lookup, row.owner)))
        entry = Entry(row.kind, content["name"], content["owner"], content["value"])
        if not hmac.compare_digest(self.lookup(entry.kind, entry.name), row.lookup):
            raise VaultError("a row of the vault stands in another's place", hint="restore the vault from its backup")
        return entry

    def seal(self, plain: bytes, context: str) -> bytes:
        """Seal a value that stands outside the rows, in the header."""
        return seal(self._values, plain, self._vault + b"\x1fheader\x1f" + context.encode())

    def unseal(self, sealed: bytes, context: str) -> bytes:
        """Open a value of the header.

        Raises:
            VaultError: another key, or the value or the header was changed.
        """
        return unseal(self._values, sealed, self._vault + b"\x1fheader\x1f" + context.encode())

    def _context(self, kind: str, lookup: bytes, owner: bytes) -> bytes:
        return b"\x1f".join((self._vault, kind.encode(), lookup, owner))
