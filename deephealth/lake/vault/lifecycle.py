"""Changing a vault's key, and destroying a vault: each in one step that is done or not done."""

from __future__ import annotations

import base64
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeAlias

from deephealth.core.errors import StorageError, VaultError
from deephealth.core.log import get_logger
from deephealth.lake.vault.header import Tombstone, Unlocked, new_header, now
from deephealth.lake.vault.keys import Key, bind_key_file
from deephealth.lake.vault.store import Store, pages

__all__ = ["CLEARING", "KINDS", "clear", "destroy", "rotate"]

KINDS = ("secret", "patient", "uid", "consent", "anchor")
CLEARING = "clearing"  # in the header while the disk still holds what was removed
_log = get_logger(__name__)
Writing: TypeAlias = Callable[[], AbstractContextManager[None]]


def rotate(store: Store, unlocked: Unlocked, new_key: Key, writing: Writing) -> Unlocked:
    """Seal every row anew under another key, in one transaction.

    Args:
        store: the vault's rows.
        unlocked: the vault as the old key opened it.
        new_key: the new key.
        writing: begins a transaction in which the vault is known to be unchanged.

    Returns:
        the vault under the new key.

    Raises:
        VaultError: the new key is the old one, or serves another project.
        StorageError: the disk is full; nothing was changed.
    """
    if isinstance(new_key, Path):
        bind_key_file(new_key, unlocked.project)
    header, renewed = new_header(
        new_key,
        unlocked.project,
        vault=unlocked.vault,
        generation=unlocked.generation + 1,
        created=unlocked.created,
    )
    with writing():
        if store.header()["fingerprint"] == header["fingerprint"]:
            raise VaultError("the new key is the old one", hint="make a new key")
        store.refuse_shared_key(header)
        store.replace_all(renewed.codec.row(unlocked.codec.entry(row)) for row in pages(store, KINDS))
        store.put_header({**header, CLEARING: True})
    clear(store)  # what was sealed under the old key leaves the disk
    return renewed


def destroy(store: Store, unlocked: Unlocked, who: str, why: str, writing: Writing) -> Tombstone:
    """Remove every row, put up the tombstone, and clear the disk.

    Args:
        store: the vault's rows.
        unlocked: the vault.
        who: who decided it.
        why: the reason.
        writing: begins a transaction in which the vault is known to be unchanged.

    Raises:
        StorageError: the disk is full.
    """
    with writing():
        audit_key = base64.b64decode(_value(store, unlocked, "secret", "keys")["audit"])
        anchor = _value(store, unlocked, "anchor", "audit").get("head", "")
        sealed = base64.b64encode(unlocked.codec.seal(audit_key, "audit key")).decode()
        facts = {"when": now(), "who": who, "why": why, "audit_key": sealed, "anchor": anchor}
        header = {**store.header(), "state": "destroyed", "tombstone": facts, CLEARING: True}
        store.replace_all(())
        store.put_header(header)
    cleared = clear(store)
    return Tombstone(facts["when"], who, why, cleared, audit_key, base64.b64decode(anchor) or None)


def _value(store: Store, unlocked: Unlocked, kind: str, name: str) -> dict[str, Any]:
    lookup = unlocked.codec.lookup(kind, name)
    row = store.get(kind, [lookup]).get(lookup)
    return unlocked.codec.entry(row).value if row else {}


def clear(store: Store) -> bool:
    """Clear the disk of what was removed or replaced, and note that it was done.

    Returns:
        whether it was done: not on a full disk, or while another process reads the vault. The next one who opens the
        vault does it.
    """
    try:
        if not store.shred():
            return False
        with store.writing():
            header = store.header()
            header.pop(CLEARING, None)
            store.put_header(header)
    except (StorageError, VaultError) as error:  # the change itself is done and on disk
        _log.warning("the disk could not be cleared of what was removed from the vault: %s", error.what)
        return False
    return True
