"""Taking released objects back, when a later file shows that nobody knows whose they are."""

from __future__ import annotations

from pathlib import Path

from deephealth.core.files import fsync_folder, replacing, storage_errors
from deephealth.lake.folder import LakeFolder
from deephealth.lake.intake.tools import IntakeTools
from deephealth.lake.intake.worklist import SEALED, Worklist

__all__ = ["remove_from_dataset", "retract"]


def retract(lake: LakeFolder, worklist: Worklist, tools: IntakeTools, objects: list[tuple[str, str, str, str]]) -> None:
    """Move released objects into the quarantine: sealed first, then deleted, then written down.

    Args:
        lake: the folders.
        worklist: of the run that found out.
        tools: for the seal and its key.
        objects: source, data set, path and subject of each.

    Raises:
        StorageError: the disk is full.
    """
    for source, dataset, path, _ in objects:
        name = f"{source}-retracted{SEALED}"
        released = lake.dataset(dataset) / path
        size = 0
        if released.is_file():  # a process that was killed here may have deleted it already
            size = released.stat().st_size
            with replacing(lake.quarantine / name, "taking an object back") as temporary:
                tools.seal(released, temporary, tools.key, name.encode())
            remove_from_dataset(lake, released)
        worklist.retract(source, name, size)


def remove_from_dataset(lake: LakeFolder, path: Path) -> None:
    """Delete a released file, and the folders that are empty without it.

    Args:
        lake: the folders.
        path: the file.

    Raises:
        StorageError: it can't be deleted.
    """
    with storage_errors(path, "taking an object back"):
        path.unlink(missing_ok=True)
        folder = path.parent
        while folder.parent != lake.rawdata and folder != lake.rawdata and not any(folder.iterdir()):
            folder.rmdir()
            folder = folder.parent
        fsync_folder(folder)
