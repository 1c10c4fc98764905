"""The vault remembers where the audit log ends, so that removing the log, or an old copy of it, is noticed."""

from __future__ import annotations

import base64

from deephealth.lake.vault.rows import Entry
from deephealth.lake.vault.vault import Vault

__all__ = ["VaultAnchor"]


class VaultAnchor:
    """An anchor for :class:`deephealth.lake.audit.log.AuditLog`, kept in a vault.

    Args:
        vault: the lake's vault.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> vault = Vault.create(Path(tempfile.mkdtemp()) / "a.vault", bytes(32), "chest")
        >>> anchor = VaultAnchor(vault)
        >>> anchor.save(b"7")
        >>> anchor.load()
        b'7'
    """

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def load(self) -> bytes | None:
        """Return what was saved last.

        Raises:
            VaultError: the vault can't be used.
        """
        found = self._vault.find("anchor", ["audit"]).get("audit")
        return base64.b64decode(found.value["head"]) if found else None

    def save(self, head: bytes) -> None:
        """Keep this; on disk when it returns.

        Raises:
            VaultError: the vault can't be used.
            StorageError: the disk is full.
        """
        with self._vault.changing() as write:
            write([Entry("anchor", "audit", "", {"head": base64.b64encode(head).decode()})])
