"""A lake with its vault and its audit log: where every command begins."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from deephealth import __version__
from deephealth.core.errors import DataError, MissingDataError, VaultError
from deephealth.core.files import atomic_write, writable_folder
from deephealth.lake.audit.event import AuditEvent, Kind
from deephealth.lake.audit.log import AuditLog
from deephealth.lake.folder import LakeFolder
from deephealth.lake.pseudonyms import Pseudonyms
from deephealth.lake.settings import LakeSettings
from deephealth.lake.vault.anchor import VaultAnchor
from deephealth.lake.vault.backends import connect
from deephealth.lake.vault.header import Tombstone
from deephealth.lake.vault.keys import Key, write_key_file
from deephealth.lake.vault.safety import refuse_bad_places
from deephealth.lake.vault.store import is_address
from deephealth.lake.vault.vault import Vault, tombstone

__all__ = ["Lake"]

_LOCAL = "local.json"  # where this machine finds the vault; leave it out when the lake is copied elsewhere


class Lake:
    """One data lake.

    Args:
        root: its folder.
        vault: the vault's place: a file, or ``postgresql://...``; default: where this machine had it last.
        key: the vault's key; default: the key file this machine had last.

    Raises:
        MissingDataError: there is no lake.
    """

    def __init__(self, root: Path | str, *, vault: str | None = None, key: Key | None = None) -> None:
        self.folder = LakeFolder(Path(root).absolute())
        self.settings = LakeSettings.load(self.folder.settings)
        self._place, self._key = vault, key

    @classmethod
    def create(
        cls,
        root: Path | str,
        settings: LakeSettings,
        *,
        vault: str,
        key_file: Path | None = None,
        key: Key | None = None,
    ) -> Self:
        """Make a lake, and its vault where there is none yet.

        Args:
            root: a new or empty folder.
            settings: project, profile, policy.
            vault: where the vault lies or is to lie; never inside the lake.
            key_file: the vault's key; made when missing. Default: ``~/.config/deephealth/vault-keys/NAME.key``, never
                beside the vault.
            key: a passphrase instead of a key file.

        Raises:
            DataError: the folder holds something.
            VaultError: the vault lies inside the lake, or belongs to another project.
        """
        folder = LakeFolder(Path(root).absolute())
        if folder.root.exists() and any(folder.root.iterdir()):
            raise DataError(f"{folder.root} is not empty", allowed="a new folder", hint="choose another one")
        if key is None:
            key = key_file or _default_key(vault)
            refuse_bad_places(_location(vault), key, folder.root)  # before a key is made there
            if not key.exists():
                write_key_file(key)
        with _open_or_create(vault, key, settings.project, folder.root) as chamber:
            fingerprint = chamber.pseudonyms().fingerprint
            _refuse_second_lake(chamber, vault)
        writable_folder(folder.root, "making the lake")
        for place in (folder.quarantine, folder.state, folder.audit):
            place.mkdir(mode=0o700, exist_ok=True)
        for place in (folder.rawdata, folder.derivatives, folder.catalogue):
            place.mkdir(exist_ok=True)
        replace(settings, fingerprint=fingerprint).save(folder.settings)
        local = {"vault": vault if is_address(vault) else str(Path(vault).resolve())}
        local |= {"key": str(key.resolve())} if isinstance(key, Path) else {}
        atomic_write(folder.state / _LOCAL, json.dumps(local, indent=2))
        lake = cls(root, vault=vault, key=key)
        facts = {"project": settings.project, "options": list(settings.codes), "consent": settings.consent}
        lake.audit(Kind.INIT, "the lake was made", facts=facts)
        return lake

    @classmethod
    def find(cls, root: Path | None = None, *, vault: str | None = None, key: Key | None = None) -> Self:
        """Open the lake that was named, or that of ``DEEPHEALTH_LAKE``, or the one around the current folder."""
        named = root or (Path(os.environ["DEEPHEALTH_LAKE"]) if "DEEPHEALTH_LAKE" in os.environ else None)
        if named is None:
            here = Path.cwd()
            named = next((one for one in (here, *here.parents) if LakeFolder(one).settings.is_file()), here)
        return cls(named, vault=vault, key=key)

    @cached_property
    def vault(self) -> Vault:
        """The vault, opened.

        Raises:
            VaultError: missing, locked, or of another project: nothing runs without it.
        """
        place, key = self._where()
        vault = Vault.open(_location(place), key, lake=self.folder.root, audit=self._vault_event)
        if vault.pseudonyms().fingerprint != self.settings.fingerprint:
            raise VaultError(
                f"the vault {place} has another project's key: its pseudonyms would not fit what is in the lake",
                hint=f"name the vault of project '{self.settings.project}'",
            )
        return vault

    @property
    def key_place(self) -> str:
        """Where this machine finds the vault's key; empty for a passphrase."""
        return self._local().get("key", "")

    def private_places(self) -> list[tuple[str, Path]]:
        """Return the files that identify, those there are: the vault and its key, each with what it is."""
        place, key = self._where()
        location = _location(place)
        files = [("vault", location), ("vault's key", key)]
        return [(what, file) for what, file in files if isinstance(file, Path)]

    @property
    def pseudonyms(self) -> Pseudonyms:
        """The project's pseudonyms."""
        return self.vault.pseudonyms()

    @cached_property
    def log(self) -> AuditLog:
        """The audit log, opened."""
        place, key = self._where()
        stone = tombstone(_location(place), key)
        if stone is not None and stone.audit_key is not None:  # the vault was destroyed; its log can still be proven
            return AuditLog(self.folder.audit, stone.audit_key)
        return AuditLog(self.folder.audit, self.vault.audit_key(), anchor=VaultAnchor(self.vault))

    def audit(
        self, kind: Kind, what: str, *, counts: Mapping[str, int] | None = None, facts: Mapping[str, Any] | None = None
    ) -> None:
        """Write one event to the audit log; it is on disk when this returns.

        Args:
            kind: what happened.
            what: in one sentence, without identifiers.
            counts: how many of what.
            facts: anything else; the version of the program is added.

        Raises:
            AuditError: it can't be written; then nothing may be done that it would have recorded.
        """
        self.log.append(AuditEvent(kind, what, counts or {}, {**(facts or {}), "version": __version__}))

    def _vault_event(self, event: str, facts: Mapping[str, Any]) -> None:
        self.audit(Kind(event), "the vault was used", facts=facts)

    @property
    def anonymised(self) -> bool:
        """Whether the project's key was destroyed: then no pseudonym leads to a patient any more."""
        return bool(self._local().get("destroyed"))

    def remember_key(self, key_file: Path) -> None:
        """Note where this machine finds the vault's key from now on."""
        self._note(key=str(key_file.resolve()))
        self._key = key_file
        self.__dict__.pop("vault", None)

    def destroy(self, reason: str) -> Tombstone:
        """Destroy the project's key and every link; recorded before. What is in the lake is anonymised then.

        Raises:
            VaultError: no reason, or the vault is missing.
        """
        tombstone = self.vault.destroy(why=reason)
        self._note(destroyed=str(tombstone))
        return tombstone

    def datasets(self) -> list[str]:
        """Return the names of the data sets."""
        if not self.folder.rawdata.is_dir():
            raise MissingDataError(f"{self.folder.root} has no rawdata folder", hint="is this the lake's root?")
        return sorted(one.name for one in self.folder.rawdata.iterdir() if one.is_dir())

    def _where(self) -> tuple[str, Key]:
        local = self._local()
        place = self._place or os.environ.get("DEEPHEALTH_VAULT") or local.get("vault")
        key = self._key or _path(os.environ.get("DEEPHEALTH_VAULT_KEY") or local.get("key"))
        if not place or key is None:
            raise VaultError(
                "the lake's vault is not known on this machine",
                hint="name it: --vault PLACE --vault-key FILE, or DEEPHEALTH_VAULT and DEEPHEALTH_VAULT_KEY",
            )
        return place, key

    def _note(self, **facts: str) -> None:
        atomic_write(self.folder.state / _LOCAL, json.dumps(self._local() | facts, indent=2))

    def _local(self) -> dict[str, str]:
        try:
            return dict(json.loads((self.folder.state / _LOCAL).read_text()))
        except (OSError, ValueError):
            return {}


def _open_or_create(place: str, key: Key, project: str, lake: Path) -> Vault:
    location = _location(place)
    if _exists(location):
        return Vault.open(location, key, project=project, lake=lake)
    return Vault.create(location, key, project, lake=lake)


def _refuse_second_lake(vault: Vault, place: str) -> None:
    """The vault remembers where its lake's audit log ends: with two lakes it could not tell when one was cut."""
    if VaultAnchor(vault).load() is not None:
        raise VaultError(
            f"the vault {place} serves a lake already",
            allowed="one lake for each vault; a lake holds many data sets (--dataset)",
            hint="open that lake, or choose another place for the vault",
        )


def _exists(location: Path | str) -> bool:
    if isinstance(location, Path):
        return location.exists()
    try:
        connect(location).close()
    except VaultError:
        return False
    return True


def _default_key(vault: str) -> Path:
    return Path.home() / ".config" / "deephealth" / "vault-keys" / f"{Path(vault).name}.key"


def _location(place: str) -> Path | str:
    return place if is_address(place) else Path(place)


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None
