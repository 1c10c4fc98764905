"""The publishers' own files of MNIST and CIFAR-10, turned into the ``.bin`` files that programs load."""

from __future__ import annotations

import gzip
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deephealth.core.errors import UnreadableFileError
from deephealth.io.eddl_bin import write_bin_parts

__all__ = ["convert_cifar", "convert_mnist", "read_idx"]

CLASSES = 10
IDX_BYTES = 0x08  # IDX's code for unsigned bytes
CIFAR_RECORD = 1 + 3 * 32 * 32
CIFAR_BATCHES = {"tr": [f"data_batch_{number}.bin" for number in range(1, 6)], "ts": ["test_batch.bin"]}


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Read an IDX file of bytes, gzipped or not.

    Args:
        path: such as ``train-images-idx3-ubyte.gz``.

    Raises:
        UnreadableFileError: it is damaged or something else.
    """
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError) as error:
        raise UnreadableFileError(f"{path} can't be unpacked: {error}", hint="delete it and try again") from error
    axes = content[3] if len(content) > 3 and content[:3] == bytes([0, 0, IDX_BYTES]) else 0
    shape = tuple(int(n) for n in np.frombuffer(content, ">i4", axes, 4)) if len(content) >= 4 + 4 * axes else ()
    if not shape or len(content) != 4 + 4 * axes + int(np.prod(shape)):
        raise UnreadableFileError(f"{path} is no whole IDX file of bytes", hint="delete it and try again")
    return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(shape)


def convert_mnist(sources: list[Path], folder: Path) -> None:
    """Write ``mnist_{trX,trY,tsX,tsY}.bin`` into ``folder``.

    Args:
        sources: the four IDX files: training images and labels, test images and labels.
        folder: where they go.
    """
    for part, (images, labels) in {"tr": sources[:2], "ts": sources[2:]}.items():
        pixels = read_idx(images)
        _write(folder / f"mnist_{part}X.bin", (len(pixels), 784), iter([pixels.reshape(len(pixels), -1)]))
        _write_labels(folder / f"mnist_{part}Y.bin", read_idx(labels))


def convert_cifar(archive: Path, folder: Path) -> None:
    """Write ``cifar_{trX,trY,tsX,tsY}.bin`` into ``folder``.

    Args:
        archive: ``cifar-10-binary.tar.gz``.
        folder: where they go.

    Raises:
        UnreadableFileError: the archive is damaged or lacks a batch.
    """
    try:
        with tarfile.open(archive) as stream:
            batches = {Path(m.name).name: _batch(stream, m) for m in stream if m.isfile() and m.name.endswith(".bin")}
    except (tarfile.TarError, OSError, EOFError) as error:
        raise UnreadableFileError(f"{archive} can't be unpacked: {error}", hint="delete it and try again") from error
    for part, names in CIFAR_BATCHES.items():
        if missing := [name for name in names if name not in batches]:
            raise UnreadableFileError(f"{archive} lacks {', '.join(missing)}", hint="delete it and try again")
        count = sum(len(batches[name]) for name in names)
        images = (batches[name][:, 1:].reshape(-1, 3, 32, 32) for name in names)
        _write(folder / f"cifar_{part}X.bin", (count, 3, 32, 32), images)
        _write_labels(folder / f"cifar_{part}Y.bin", np.concatenate([batches[name][:, 0] for name in names]))


def _batch(stream: tarfile.TarFile, member: tarfile.TarInfo) -> NDArray[np.uint8]:
    file = stream.extractfile(member)
    content = file.read() if file else b""
    whole = len(content) - len(content) % CIFAR_RECORD
    return np.frombuffer(content[:whole], np.uint8).reshape(-1, CIFAR_RECORD)


def _write_labels(path: Path, labels: NDArray[np.uint8]) -> None:
    _write(path, (len(labels), CLASSES), iter([np.eye(CLASSES, dtype=np.float32)[labels]]))


def _write(path: Path, shape: tuple[int, ...], parts: Iterator[NDArray[np.generic]]) -> None:
    """Write a ``.bin`` file that appears only when it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with temporary.open("wb") as stream:
            write_bin_parts(stream, shape, parts)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
