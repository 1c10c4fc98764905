"""Checkpoints that are whole or absent: written aside, hashed, flushed, then renamed into place.

A checkpoint is a folder ``step-00000123`` with

* ``weights.safetensors``: the model's own state dict,
* ``state.safetensors``: every other tensor (optimizer, moving average, metric sums),
* ``state.json``: everything else, see :mod:`deephealth.train.codec`,
* ``manifest.json``: size and SHA-256 of each file, step, epoch, hash of the configuration; written last.

Bytes are hashed before anything is parsed. Nothing here pickles. Lightning's own saver, which is neither atomic nor
free of pickle, is never called.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

from deephealth.core.errors import CheckpointError
from deephealth.core.files import atomic_write_json, fsync_folder, storage_errors
from deephealth.core.log import get_logger
from deephealth.train.codec import decode, encode
from deephealth.train.failpoints import failpoint

__all__ = ["Checkpoint", "CheckpointStore"]

FORMAT = 1
WEIGHTS, TENSORS, STATE, MANIFEST = "weights.safetensors", "state.safetensors", "state.json", "manifest.json"
FILES = (WEIGHTS, TENSORS, STATE)
_NAME = re.compile(r"step-(\d{8,})(?:-(\d+))?")
_TEMPORARY, _DAMAGED = ".tmp-", ".damaged-"
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a checkpoint held, after its hashes were found right.

    Args:
        path: its folder.
        step: optimizer steps done.
        epoch: epochs begun before this one (the current epoch's number, from 0).
        config_hash: hash of the configuration that trained it.
        weights: the model's state dict.
        state: all the rest.
    """

    path: Path
    step: int
    epoch: int
    config_hash: str
    weights: dict[str, torch.Tensor]
    state: dict[str, Any]


class CheckpointStore:
    """The checkpoints of one run.

    Args:
        folder: where they are; made on the first save.
        keep: how many of the newest stay, beside the best one.
    """

    def __init__(self, folder: Path | str, *, keep: int = 2) -> None:
        self.folder = Path(folder)
        self.keep = keep

    def paths(self) -> list[Path]:
        """Return the folders that carry a checkpoint's name, oldest first; whether they are valid is not looked at."""
        if not self.folder.is_dir():
            return []
        named = [(match, path) for path in self.folder.iterdir() if (match := _NAME.fullmatch(path.name))]
        return [path for *_, path in sorted((int(match[1]), int(match[2] or 0), path) for match, path in named)]

    def next_path(self, step: int) -> Path:
        """Return the folder that a save at ``step`` will make; an existing one is never replaced."""
        base = self.folder / f"step-{step:08d}"
        taken = {path.name for path in self.paths()}
        if base.name not in taken:
            return base
        number = next(n for n in range(2, len(taken) + 3) if f"{base.name}-{n}" not in taken)
        return base.with_name(f"{base.name}-{number}")

    def save(
        self,
        weights: Mapping[str, torch.Tensor],
        state: Mapping[str, Any],
        *,
        step: int,
        epoch: int,
        config_hash: str = "",
    ) -> Path:
        """Commit a checkpoint; until the final rename no reader sees any of it.

        Args:
            weights: the model's state dict.
            state: all the rest; see :func:`deephealth.train.codec.encode` for what it may hold.
            step: optimizer steps done.
            epoch: the current epoch, from 0.
            config_hash: hash of the run's configuration.

        Raises:
            StorageError: no space, or not writable; what was saved earlier is untouched.
            CheckpointError: ``state`` holds something that can't be kept exactly.
        """
        encoded, tensors = encode(dict(state))
        target = self.next_path(step)
        temporary = self.folder / f"{_TEMPORARY}{target.name}-{uuid.uuid4().hex}"
        facts = {"format": FORMAT, "step": step, "epoch": epoch, "config_hash": config_hash}
        with storage_errors(target, "saving a checkpoint"):
            try:
                _write_folder(temporary, weights, tensors, encoded, facts)
                failpoint("before-rename")
                os.rename(temporary, target)
            except BaseException:
                shutil.rmtree(temporary, ignore_errors=True)
                raise
            failpoint("after-rename")
            fsync_folder(self.folder)
        return target

    def load(self, path: Path | str) -> Checkpoint:
        """Read one checkpoint; every byte is hashed before any is parsed.

        Raises:
            CheckpointError: it is incomplete, damaged, or of another format.
        """
        path = Path(path)
        manifest = _read_manifest(path)
        blobs = {name: _read_sealed(path / name, manifest["files"].get(name)) for name in FILES}
        try:
            weights = safetensors.torch.load(blobs[WEIGHTS])
            state = decode(json.loads(blobs[STATE]), safetensors.torch.load(blobs[TENSORS]))
        except (safetensors.SafetensorError, ValueError) as error:
            raise CheckpointError(f"{path} can't be read: {error}") from error
        return Checkpoint(path, manifest["step"], manifest["epoch"], manifest["config_hash"], weights, state)

    def newest_valid(self) -> Checkpoint:
        """Return the newest undamaged checkpoint; damaged newer ones are reported and set aside.

        Raises:
            CheckpointError: there is none.
        """
        failures: dict[Path, str] = {}
        for path in reversed(self.paths()):
            try:
                found = self.load(path)
            except CheckpointError as error:
                failures[path] = error.what
                continue
            for damaged, what in failures.items():
                _log.warning("%s; falling back to %s", what, path.name)
                self._set_aside(damaged)
            return found
        listed = "".join(f"\n  {line}" for line in failures.values()) or " (there are no checkpoints)"
        raise CheckpointError(
            f"no valid checkpoint in {self.folder}:{listed}",
            hint="start the run again, in another folder, with `deephealth train`",
        )

    def clean(self) -> list[str]:
        """Remove what killed saves left behind, and return the names."""
        leftovers = [path for path in self._hidden() if path.name.startswith(_TEMPORARY)]
        with storage_errors(self.folder, "cleaning up checkpoints"):
            for path in leftovers:
                with suppress(FileNotFoundError):  # another process of the same run was faster
                    shutil.rmtree(path)
            for path in self.folder.glob(".*.tmp"):
                path.unlink(missing_ok=True)  # of an atomic write of best.json
        return [path.name for path in leftovers]

    def prune(self, best: str | None = None) -> None:
        """Delete all but the newest ``keep`` and ``best``; call it only after a newer one was committed.

        Args:
            best: folder name of the best checkpoint.

        Raises:
            StorageError: something can't be deleted.
        """
        with storage_errors(self.folder, "deleting old checkpoints"):
            failpoint("before-prune")
            paths = self.paths()
            old = [path for path in paths[: max(len(paths) - self.keep, 0)] if path.name != best]
            for path in [*old, *(hidden for hidden in self._hidden() if hidden.name.startswith(_DAMAGED))]:
                # under a name that nobody reads: a kill in the middle leaves nothing that looks like a checkpoint
                doomed = path.with_name(f"{_TEMPORARY}old-{path.name}-{uuid.uuid4().hex[:8]}")
                os.rename(path, doomed)
                shutil.rmtree(doomed)

    def write_best(self, *, checkpoint: str, metric: str, score: float, epoch: int) -> None:
        """Point ``best.json`` to the best checkpoint, atomically."""
        atomic_write_json(
            self.folder / "best.json", {"checkpoint": checkpoint, "metric": metric, "score": score, "epoch": epoch}
        )

    def best(self) -> Path | None:
        """Return the folder that ``best.json`` points to, or ``None``."""
        try:
            name = json.loads((self.folder / "best.json").read_text(encoding="utf-8"))["checkpoint"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        path = self.folder / str(name)
        return path if _NAME.fullmatch(str(name)) and path.is_dir() else None

    def _hidden(self) -> Iterator[Path]:
        if self.folder.is_dir():
            yield from (path for path in sorted(self.folder.iterdir()) if path.is_dir() and path.name.startswith("."))

    def _set_aside(self, path: Path) -> None:
        try:
            os.rename(path, path.with_name(f"{_DAMAGED}{path.name}-{uuid.uuid4().hex[:8]}"))
        except OSError as error:  # a read-only folder can still be resumed from elsewhere
            _log.warning("the damaged checkpoint %s stays where it is: %s", path, error)


def _write_folder(
    folder: Path,
    weights: Mapping[str, torch.Tensor],
    tensors: Mapping[str, torch.Tensor],
    encoded: Any,
    facts: Mapping[str, Any],
) -> None:
    """Write the files of a checkpoint, the manifest last, and flush each of them."""
    folder.mkdir(parents=True)
    failpoint("before-weights")
    # copies, since safetensors refuses tied weights; reading puts them into the model's own memory order
    plain = {
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format) for name, tensor in weights.items()
    }
    blobs = {WEIGHTS: _tensor_bytes(plain), TENSORS: _tensor_bytes(tensors), STATE: json.dumps(encoded).encode()}
    for name, blob in blobs.items():
        _write(folder / name, blob)
        if name == WEIGHTS:
            failpoint("after-weights")
    manifest = {**facts, "files": {name: _seal(blob) for name, blob in blobs.items()}}
    _write(folder / MANIFEST, _manifest_bytes(manifest))
    fsync_folder(folder)


def _tensor_bytes(tensors: Mapping[str, torch.Tensor]) -> bytes:
    try:
        return safetensors.torch.save(dict(tensors))
    except (KeyError, ValueError, RuntimeError, safetensors.SafetensorError) as error:
        raise CheckpointError(f"the state holds a tensor that safetensors can't keep: {error}") from error


def _seal(blob: bytes) -> dict[str, Any]:
    return {"size": len(blob), "sha256": hashlib.sha256(blob).hexdigest()}


def _manifest_bytes(manifest: Mapping[str, Any]) -> bytes:
    """Serialise in the one way that a reader accepts, with a hash of the manifest itself as the last field."""
    own = hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()
    return json.dumps({**manifest, "sha256": own}, indent=2).encode()


def _write(path: Path, blob: bytes) -> None:
    with path.open("xb") as stream:
        stream.write(blob)
        stream.flush()
        failpoint("before-fsync")
        os.fsync(stream.fileno())


def _read_manifest(path: Path) -> dict[str, Any]:
    source = path / MANIFEST
    try:
        blob = source.read_bytes()
        manifest = json.loads(blob)
    except FileNotFoundError:
        raise CheckpointError(f"{path} is incomplete: it has no {MANIFEST}") from None
    except OSError as error:
        raise CheckpointError(f"{source} can't be read: {error.strerror or error}") from error
    except ValueError as error:
        raise CheckpointError(f"{source} is damaged: {error}") from error
    if not isinstance(manifest, dict) or not _is_sealed(manifest, blob):
        raise CheckpointError(f"{source} is damaged: its own hash is wrong")
    if manifest["format"] != FORMAT:
        raise CheckpointError(
            f"{path} has the format {manifest['format']}",
            allowed=f"format {FORMAT}",
            hint="install the deephealth version that wrote it",
        )
    return manifest


def _is_sealed(manifest: dict[str, Any], blob: bytes) -> bool:
    body = {key: value for key, value in manifest.items() if key != "sha256"}
    return _manifest_bytes(body) == blob and set(body) == {"format", "step", "epoch", "config_hash", "files"}


def _read_sealed(path: Path, seal: Any) -> bytes:
    try:
        blob = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path} can't be read: {error.strerror or error}") from error
    if not isinstance(seal, dict) or seal != _seal(blob):
        raise CheckpointError(f"{path} is damaged: its size or SHA-256 is not what the manifest says")
    return blob
