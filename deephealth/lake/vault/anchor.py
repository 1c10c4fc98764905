"""The vault remembers where the audit log ends, so that removing the log, or an old copy of it, is noticed."""

from __future__ import annotations

import base64
from pathlib import Path

from deephealth.lake.audit.log import AuditLog
from deephealth.lake.vault.rows import Entry
from deephealth.lake.vault.vault import Vault

__all__ = ["VaultAnchor", "audit_log"]


def audit_log(vault: Vault, folder: Path) -> AuditLog:
    """Open a lake's audit log with the key and the anchor of its vault, and let the vault record into it.

    Args:
        vault: the lake's vault.
        folder: the lake's audit folder.

    Raises:
        VaultError: the vault can't be used.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> vault = Vault.create(folder / "vault" / "a.vault", bytes(32), "chest")
        >>> log = audit_log(vault, folder / "lake" / "audit")
        >>> vault.remember("4711")
        >>> vault.reidentify(vault.pseudonyms().subject("4711"), reason="incidental finding").patient
        '4711'
        >>> [event["kind"] for event in log.events()], log.verify().ok
        (['reidentify'], True)
    """
    log = AuditLog(folder, vault.audit_key(), anchor=VaultAnchor(vault))
    vault.attach(log.record)
    return log


class VaultAnchor:
    """An anchor for :class:`deephealth.lake.audit.log.AuditLog`, kept in a vault.

    Args:
        vault: the lake's vault.

    Example:
        >>> import tempfile
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
