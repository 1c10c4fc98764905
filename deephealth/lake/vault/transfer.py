"""Taking a project's key to a second machine, so that both give the same pseudonyms."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

from deephealth.core.errors import VaultError
from deephealth.core.files import replacing
from deephealth.lake.audit.event import Kind, current_user
from deephealth.lake.vault.keys import Key, material, new_kdf
from deephealth.lake.vault.safety import refuse_inside_lake
from deephealth.lake.vault.sealed import cipher, seal, unseal
from deephealth.lake.vault.vault import Vault

__all__ = ["export_project_key", "read_project_key"]

_FORMAT = "deephealth project key 1"


def export_project_key(vault: Vault, path: Path, key: Key, *, reason: str, who: str = "") -> None:
    """Write a project's key, sealed; recorded before it is written.

    Args:
        vault: the project's vault, opened with an audit.
        path: the new file; outside every lake.
        key: what seals it: a passphrase to be told, or a key file that goes another way than this file.
        reason: why, at least one word.
        who: who asks; the user of this process when left out.

    Raises:
        VaultError: no reason, no audit, or a folder in a lake.
        StorageError: it can't be written.
    """
    vault.record_release(Kind.EXPORT, {"what": "the project's key", "by": who or current_user()}, reason)
    refuse_inside_lake(path.parent, what="the project's key")
    content = json.dumps({"project": vault.project, "key": base64.b64encode(vault.project_key()).decode()})
    kdf = new_kdf(key)
    sealed = seal(cipher(material(key, kdf)), content.encode(), _FORMAT.encode())
    text = json.dumps({"format": _FORMAT, "kdf": kdf, "sealed": base64.b64encode(sealed).decode()})
    with replacing(path, "writing a project's key") as temporary:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            stream.write(text + "\n")


def read_project_key(path: Path, key: Key, project: str) -> bytes:
    """Return a project's key, for :meth:`deephealth.lake.vault.vault.Vault.create` on the second machine.

    Args:
        path: from :func:`export_project_key`.
        key: what sealed it.
        project: what the project must be: one key never serves two.

    Raises:
        VaultError: the file is missing, damaged, sealed with another key, or holds another project's key.
    """
    try:
        content = json.loads(path.read_text())
        kdf, sealed = content["kdf"], base64.b64decode(content["sealed"])
        known = content["format"] == _FORMAT
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise VaultError(f"{path} is not a project's key, or can't be read") from error
    if not known:
        raise VaultError(f"{path} was made by another version", allowed=_FORMAT)
    facts = json.loads(unseal(cipher(material(key, kdf)), sealed, _FORMAT.encode()))
    if facts["project"] != project:
        raise VaultError(
            f"{path} holds the key of another project",
            allowed="one key per project, one project per key",
            hint=f"give the key of the project '{project}'",
        )
    return base64.b64decode(facts["key"])
