"""A lake with its vault and its audit log: where every command begins."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from deephealth.core.errors import DataError, MissingDataError, VaultError
from deephealth.core.files import atomic_write, writable_folder
from deephealth.lake.audit.log import AuditLog
from deephealth.lake.folder import LakeFolder
from deephealth.lake.pseudonyms import Pseudonyms
from deephealth.lake.settings import LakeSettings
from deephealth.lake.vault.keys import Key, write_key_file
from deephealth.lake.vault.vault import Vault

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
        self.folder = LakeFolder(Path(root))
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
            key_file: the vault's key; made when missing. Default: beside the vault, its name with ``.key``.
            key: a passphrase instead of a key file.

        Raises:
            DataError: the folder holds something.
            VaultError: the vault lies inside the lake, or belongs to another project.
        """
        folder = LakeFolder(Path(root))
        if folder.root.exists() and any(folder.root.iterdir()):
            raise DataError(f"{folder.root} is not empty", allowed="a new folder", hint="choose another one")
        _outside(vault, folder.root)
        file = key_file or Path(f"{vault}.key")
        if key is None:
            if not file.exists():
                write_key_file(file)
            key = file
        chamber = _open_or_create(vault, key, settings.project)
        writable_folder(folder.root, "making the lake")
        for place in (folder.quarantine, folder.state, folder.audit):
            place.mkdir(mode=0o700, exist_ok=True)
        for place in (folder.rawdata, folder.derivatives, folder.catalogue):
            place.mkdir(exist_ok=True)
        replace(settings, fingerprint=chamber.pseudonyms().fingerprint).save(folder.settings)
        local = {"vault": vault if "://" in vault else str(Path(vault).resolve())}
        local |= {"key": str(key.resolve())} if isinstance(key, Path) else {}
        atomic_write(folder.state / _LOCAL, json.dumps(local, indent=2))
        lake = cls(root, vault=vault, key=key)
        lake.audit("create", options=" ".join(settings.codes), consent=settings.consent)
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
        local = self._local()
        place = self._place or os.environ.get("DEEPHEALTH_VAULT") or local.get("vault")
        key = self._key or _path(os.environ.get("DEEPHEALTH_VAULT_KEY") or local.get("key"))
        if not place or key is None:
            raise VaultError(
                "the lake's vault is not known on this machine",
                hint="name it: --vault PLACE --vault-key FILE, or DEEPHEALTH_VAULT and DEEPHEALTH_VAULT_KEY",
            )
        vault = Vault.open(_location(place), key)
        if vault.pseudonyms().fingerprint != self.settings.fingerprint:
            raise VaultError(
                f"the vault {place} has another project's key: its pseudonyms would not fit what is in the lake",
                hint=f"name the vault of project '{self.settings.project}'",
            )
        return vault

    @property
    def pseudonyms(self) -> Pseudonyms:
        """The project's pseudonyms."""
        return self.vault.pseudonyms()

    @cached_property
    def log(self) -> AuditLog:
        """The audit log, opened."""
        return AuditLog(self.folder.audit, self.vault.audit_key())

    def audit(self, what: str, **facts: Any) -> None:
        """Write one event to the audit log; it is on disk when this returns.

        Raises:
            AuditError: it can't be written; then nothing may be done that it would have recorded.
        """
        self.log.record(what, **facts)

    def datasets(self) -> list[str]:
        """Return the names of the data sets."""
        if not self.folder.rawdata.is_dir():
            raise MissingDataError(f"{self.folder.root} has no rawdata folder", hint="is this the lake's root?")
        return sorted(one.name for one in self.folder.rawdata.iterdir() if one.is_dir())

    def _local(self) -> dict[str, str]:
        try:
            return dict(json.loads((self.folder.state / _LOCAL).read_text()))
        except (OSError, ValueError):
            return {}


def _open_or_create(place: str, key: Key, project: str) -> Vault:
    location = _location(place)
    if Vault.exists(location):
        vault = Vault.open(location, key)
        if vault.project != project:
            raise VaultError(
                f"the vault {place} belongs to project '{vault.project}'",
                allowed="one vault and one key for each project",
                hint="choose another place for the vault",
            )
        return vault
    return Vault.create(location, key, project)


def _outside(place: str, root: Path) -> None:
    if "://" not in place and Path(place).resolve().is_relative_to(root.resolve()):
        raise VaultError(
            "the vault would lie inside the lake",
            allowed="a place that whoever reads the lake can't read",
            hint="--vault /another/disk/project.vault",
        )


def _location(place: str) -> Path | str:
    return place if "://" in place else Path(place)


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None
