"""Where a vault and its key may lie: never in a lake, never together."""

from __future__ import annotations

from pathlib import Path

from deephealth.core.errors import VaultError
from deephealth.lake.folder import LakeFolder
from deephealth.lake.vault.keys import Key
from deephealth.lake.vault.store import is_address

__all__ = ["refuse_bad_places", "refuse_inside_lake"]


def refuse_bad_places(location: Path | str, key: Key, lake: Path | None) -> None:
    """Refuse a vault or a key file in a lake, and a key file beside its vault: who copies one would have both.

    Args:
        location: the vault.
        key: its key.
        lake: the lake's folder, when it is known; any other lake is recognised by its settings file.

    Raises:
        VaultError: they lie there.
    """
    folder = None if is_address(location) else Path(location).absolute().resolve().parent
    if folder is not None:
        refuse_inside_lake(folder, lake, what="the vault")
    if isinstance(key, Path):
        beside = key.absolute().resolve().parent
        refuse_inside_lake(beside, lake, what="the vault's key")
        if beside == folder:
            raise VaultError(
                "the key lies in the folder of its vault: whoever copies the folder has both",
                allowed="a key file in another folder, better on another disk",
                hint="move the key file",
            )


def refuse_inside_lake(folder: Path, lake: Path | None = None, *, what: str = "the table of identities") -> None:
    """Refuse a folder that is a lake, or is below one.

    Raises:
        VaultError: it is.
    """
    place = folder.absolute().resolve()
    for parent in (place, *place.parents):
        if LakeFolder(parent).settings.exists() or (lake is not None and parent == lake.absolute().resolve()):
            raise VaultError(
                f"{what} would lie inside the lake {parent}",
                allowed="a folder outside every lake, better on another machine",
                hint="choose another folder",
            )
