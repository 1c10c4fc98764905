"""Folders that appear as a whole and are verified as a whole: a manifest holds the SHA-256 of every file."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deephealth.core.errors import CheckpointError
from deephealth.core.files import below, fsync_folder, storage_errors

__all__ = ["MANIFEST", "read_folder", "write_folder"]

MANIFEST = "manifest.json"


def write_folder(folder: Path | str, files: Mapping[str, bytes], *, purpose: str = "saving a model") -> Path:
    """Write files and their manifest so that the folder is there complete, or not at all.

    Everything goes to a temporary name beside it, is flushed to disk, and is renamed. A folder that existed is
    replaced; should the machine stop between the two renames, it lies beside under the name ``.NAME.previous``.

    Args:
        folder: where; its parents are made.
        files: plain names to contents.
        purpose: for the message when it fails.

    Raises:
        StorageError: the disk is full or can't be written.
    """
    folder = Path(folder)
    temporary = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}.tmp")
    with storage_errors(folder, purpose):
        try:
            temporary.mkdir(parents=True)
            for name, content in {**files, MANIFEST: _manifest(files)}.items():
                _write(below(temporary, name), content)
            fsync_folder(temporary)
            _swap(temporary, folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        fsync_folder(folder.parent)
    return folder


def read_folder(folder: Path | str, required: tuple[str, ...] = ()) -> dict[str, bytes]:
    """Read every file of the manifest, each verified before anyone parses it.

    Args:
        folder: what :func:`write_folder` wrote.
        required: names that must be among them.

    Raises:
        CheckpointError: no such folder, no manifest, or a file is missing or differs by one bit; the file is named.
    """
    folder = Path(folder)
    entries = _read_manifest(folder)
    for name in required:
        if name not in entries:
            raise CheckpointError(
                f"{folder / MANIFEST} doesn't list {name}", hint="is this the folder of a saved model?"
            )
    contents = {}
    for name, expected in entries.items():
        path = below(folder, name)
        try:
            content = path.read_bytes()
        except OSError as error:
            raise CheckpointError(f"{path} can't be read: {error.strerror or error}", hint=_HINT) from error
        if hashlib.sha256(content).hexdigest() != expected:
            raise CheckpointError(f"{path} is damaged: its SHA-256 differs from the manifest's", hint=_HINT)
        contents[name] = content
    return contents


_HINT = "use an intact copy of the folder, or save the model again"


def _manifest(files: Mapping[str, bytes]) -> bytes:
    return _encode({name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())})


def _encode(entries: Mapping[str, Any]) -> bytes:
    # The manifest holds its own hash: a flipped bit in it is then blamed on the manifest, not on the file it names.
    own = hashlib.sha256(json.dumps(entries, sort_keys=True).encode()).hexdigest()
    return (
        json.dumps({"files": entries, "format_version": 1, "sha256": own}, indent=2, sort_keys=True) + "\n"
    ).encode()


def _read_manifest(folder: Path) -> dict[str, str]:
    path = folder / MANIFEST
    try:
        content = path.read_bytes()
    except OSError as error:
        previous = _previous(folder)
        hint = "give the folder of a saved model, such as RUN/model"
        if previous.is_dir():
            hint = f"replacing it was cut short: the whole earlier one is {previous}; rename it to {folder.name}"
        raise CheckpointError(f"{path} can't be read: {error.strerror or error}", hint=hint) from error
    try:
        entries = dict(json.loads(content)["files"])
        intact = content == _encode(entries)
    except (ValueError, KeyError, TypeError):
        intact = False
    if not intact:
        raise CheckpointError(f"{path} is damaged", hint=_HINT)
    return entries


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _swap(temporary: Path, folder: Path) -> None:
    previous = _previous(folder)
    if folder.exists():
        shutil.rmtree(previous, ignore_errors=True)
        folder.rename(previous)
    temporary.rename(folder)
    shutil.rmtree(previous, ignore_errors=True)


def _previous(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.previous")
