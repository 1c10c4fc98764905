"""The facts of a vault that stand in the clear, and the check that a key fits them."""

from __future__ import annotations

import base64
import datetime
import json
import secrets
import uuid
from dataclasses import dataclass, field
from typing import Any

from deephealth.core.errors import VaultError
from deephealth.lake.vault.keys import Key, fingerprint, material, new_kdf
from deephealth.lake.vault.rows import RowCodec

__all__ = ["SCHEMA", "Tombstone", "Unlocked", "new_header", "now", "tombstone_of", "unlock"]

SCHEMA = 1
_CHECKED = ("schema", "vault", "generation", "salt", "kdf", "fingerprint")


@dataclass(frozen=True, slots=True)
class Unlocked:
    """What the right key gives.

    Args:
        codec: opens and seals the rows.
        vault: the vault's identifier.
        generation: how often the vault's key was changed.
        project: the project's name.
        created: when the vault was made (UTC, ISO 8601).
    """

    codec: RowCodec
    vault: str
    generation: int
    project: str
    created: str


@dataclass(frozen=True, slots=True)
class Tombstone:
    """What is left of a destroyed vault.

    Args:
        when: UTC, ISO 8601.
        who: who destroyed it.
        why: as it was typed.
        shredded: whether the disk was cleared of what was removed.
        audit_key: for proving the audit log, when the vault's key was given.
        anchor: where the audit log ended, when the vault remembered it.
    """

    when: str
    who: str
    why: str
    shredded: bool
    audit_key: bytes | None = field(default=None, repr=False)
    anchor: bytes | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return f"destroyed on {self.when} by {self.who}: {self.why}"


def now() -> str:
    """Return the present moment (UTC, ISO 8601, seconds)."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def new_header(
    key: Key, project: str, *, vault: str = "", generation: int = 1, created: str = ""
) -> tuple[dict[str, Any], Unlocked]:
    """Return the header of a new vault, or of the next generation of one, with a new salt.

    Args:
        key: the vault's key.
        project: the project's name; it is sealed.
        vault: identifier of an existing vault.
        generation: its new generation.
        created: when it was made.

    Raises:
        VaultError: the key can't be read.
    """
    kdf, salt = new_kdf(key), secrets.token_bytes(32)
    bytes_of_key = material(key, kdf)
    identifier, made = vault or uuid.uuid4().hex, created or now()
    codec = RowCodec(bytes_of_key, identifier, salt)
    header: dict[str, Any] = {
        "schema": SCHEMA,
        "vault": identifier,
        "generation": generation,
        "salt": salt.hex(),
        "kdf": kdf,
        "fingerprint": fingerprint(bytes_of_key),
        "state": "live",
    }
    facts = json.dumps({"project": project, "created": made}).encode()
    header["check"] = base64.b64encode(codec.seal(facts, _context(header))).decode()
    return header, Unlocked(codec, identifier, generation, project, made)


def unlock(header: dict[str, Any], key: Key, name: str) -> Unlocked:
    """Open a vault's header.

    Args:
        header: from the store.
        key: the vault's key.
        name: what errors call the vault.

    Raises:
        VaultError: it is destroyed, of a newer version, damaged, or the key is another one.
    """
    refuse_unusable(header, name)
    codec = _codec(header, key, name)
    try:
        facts = json.loads(codec.unseal(base64.b64decode(header["check"]), _context(header)))
    except (VaultError, KeyError, ValueError, TypeError) as error:
        raise VaultError(f"{name} is damaged: its header was changed", hint="restore it from its backup") from error
    return Unlocked(codec, header["vault"], header["generation"], facts["project"], facts["created"])


def refuse_unusable(header: dict[str, Any], name: str) -> None:
    """Refuse a header that no key opens.

    Raises:
        VaultError: it is empty, of a newer version, or of a destroyed vault.
    """
    if not isinstance(header.get("schema"), int):
        raise VaultError(f"{name} is no vault", allowed="a vault that was made by `deephealth lake init`")
    if header["schema"] > SCHEMA:  # a damaged number is refused by the check
        raise VaultError(
            f"{name} was made by a newer deephealth (schema {header['schema']})",
            allowed=f"schema {SCHEMA} and older",
            hint="pip install --upgrade deephealth",
        )
    if header.get("state") != "live":
        tombstone = tombstone_of(header)
        raise VaultError(
            f"{name} was {tombstone if tombstone else 'damaged'}",
            hint="no pseudonym can be led back to a patient any more; start a new project for new data",
        )


def tombstone_of(header: dict[str, Any], key: Key | None = None, name: str = "the vault") -> Tombstone | None:
    """Return the tombstone in a header, or ``None`` when the vault lives.

    Args:
        header: from the store.
        key: with it the audit log's key comes along.
        name: what errors call the vault.

    Raises:
        VaultError: the key is another one.
    """
    if header.get("state") != "destroyed":
        return None
    facts = header.get("tombstone")
    if not isinstance(facts, dict) or not {"when", "who", "why", "audit_key"} <= facts.keys():
        raise VaultError(f"{name} is damaged: its tombstone was changed")
    audit_key = None
    if key is not None:
        audit_key = _codec(header, key, name).unseal(base64.b64decode(facts["audit_key"]), "audit key")
    anchor = base64.b64decode(facts["anchor"]) if facts.get("anchor") else None
    return Tombstone(facts["when"], facts["who"], facts["why"], not header.get("clearing"), audit_key, anchor)


def _codec(header: dict[str, Any], key: Key, name: str) -> RowCodec:
    try:
        salt, vault, known = bytes.fromhex(header["salt"]), str(header["vault"]), header["fingerprint"]
        bytes_of_key = material(key, header["kdf"])
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise VaultError(f"{name} is damaged: its header was changed", hint="restore it from its backup") from error
    if fingerprint(bytes_of_key) != known:
        raise VaultError(
            f"the key does not open {name}",
            allowed=f"the key with the fingerprint {known}",
            hint="give the key of this project",
        )
    return RowCodec(bytes_of_key, vault, salt)


def _context(header: dict[str, Any]) -> str:
    return json.dumps([header.get(name) for name in _CHECKED], sort_keys=True)
