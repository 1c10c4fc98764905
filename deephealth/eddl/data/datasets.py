"""``download_mnist`` and its sisters: make sure that the files a program loads are in the current folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from deephealth.core.errors import DataError, StorageError
from deephealth.eddl.data.cache import cache_folder, place
from deephealth.eddl.data.catalogue import DATASETS, MEBIBYTE, BinFile, Dataset
from deephealth.eddl.data.convert import convert_cifar, convert_mnist
from deephealth.eddl.data.fetch import fetch
from deephealth.eddl.errors import EddlError
from deephealth.io.eddl_bin import read_whole_shape

__all__ = [
    "download_cifar10",
    "download_drive",
    "download_eutrans",
    "download_flickr",
    "download_imdb_2000",
    "download_mnist",
    "exist",
]

LARGEST_BIN = 4096 * MEBIBYTE


def exist(name: str) -> bool:
    """Return whether a file can be read.

    Args:
        name: its path.

    Example:
        >>> exist("no-such-file.bin")
        False
    """
    return Path(name).is_file() and os.access(name, os.R_OK)


def download_mnist() -> None:
    """Provide ``mnist_{trX,trY,tsX,tsY}.bin``: images [60000 or 10000, 784], 0 to 255, and one-hot digits.

    Files in the current folder are used as they are, then those of the cache, then the publishers' files are converted.

    Raises:
        EddlError: a file is missing and cannot be fetched; the message says how to make it.
    """
    _provide(DATASETS["mnist"], "eddl.download_mnist")


def download_cifar10() -> None:
    """Provide ``cifar_{trX,trY,tsX,tsY}.bin``: images [50000 or 10000, 3, 32, 32], 0 to 255, and one-hot classes.

    Raises:
        EddlError: a file is missing and cannot be fetched; the message says how to make it.
    """
    _provide(DATASETS["cifar"], "eddl.download_cifar10")


def download_drive() -> None:
    """Provide ``drive_{trX,trY}.bin``: retina photographs [20, 584, 584, 3] and their vessels.

    Raises:
        EddlError: a file is missing and cannot be fetched; the message says how to make it.
    """
    _provide(DATASETS["drive"], "eddl.download_drive")


def download_imdb_2000() -> None:
    """Provide ``imdb_2000_{trX,trY,tsX,tsY}.bin``: film reviews [N, 250] as word numbers, and whether they praise.

    Raises:
        EddlError: a file is missing and cannot be fetched; the message says how to make it.
    """
    _provide(DATASETS["imdb_2000"], "eddl.download_imdb_2000")


def download_eutrans() -> None:
    """Provide ``eutrans_{trX,trY,tsX,tsY}.bin``: sentences and translations [N, 30] as word numbers.

    Raises:
        EddlError: a file is missing and cannot be fetched; the message says how to make it.
    """
    _provide(DATASETS["eutrans"], "eddl.download_eutrans")


def download_flickr() -> None:
    """Provide ``flickr_{trX,trY}.bin``: photographs [N, 256, 256, 3] and captions [N, 20] as word numbers.

    Raises:
        EddlError: a file is missing and cannot be fetched; the message says how to make it.
    """
    _provide(DATASETS["flickr"], "eddl.download_flickr")


def _provide(dataset: Dataset, title: str) -> None:
    folder, cache = Path.cwd(), cache_folder("datasets")
    sys.stdout.write(f"Downloading {dataset.name}\n")
    problem = _fill_cache(dataset, folder, cache)
    for file in dataset.files:
        if not exist(file.name) and (cache / file.name).is_file():
            _check_shape(file, cache / file.name, title)
            place(cache / file.name, folder)
    missing = [file for file in dataset.files if not exist(file.name)]
    if missing:
        raise _missing(dataset, missing, title, problem)
    sys.stdout.write("".join(f"{file.name} \u2713\n" for file in dataset.files))


def _fill_cache(dataset: Dataset, folder: Path, cache: Path) -> str:
    """Bring what is neither in the folder nor in the cache into the cache; return what went wrong, or nothing."""
    problem = ""
    for bring in (_convert, _fetch_bins):
        wanted = [file for file in dataset.files if not exist(file.name) and not (cache / file.name).is_file()]
        if not wanted:
            return ""
        try:
            bring(dataset, wanted, folder, cache)
        except (DataError, StorageError) as error:
            problem = problem or str(error)
    return problem


def _convert(dataset: Dataset, wanted: Sequence[BinFile], folder: Path, cache: Path) -> None:
    """Convert the publishers' files, from this machine where they are here."""
    if not dataset.sources:
        return
    raw = cache_folder("raw")
    found = []
    for source in dataset.sources:
        here = _local(source.name, folder)
        digest = ("md5", source.md5)
        found.append(here or fetch(source.url, raw / source.name, limit=source.limit, digest=digest))
    if dataset.name == "mnist":
        convert_mnist(found, cache)
    else:
        convert_cifar(found[0], cache)


def _local(name: str, folder: Path) -> Path | None:
    """Find a publisher's file where torchvision's data sets, or an earlier run, keep it."""
    places = (folder, folder / "data", folder / "MNIST" / "raw", folder / "data" / "MNIST" / "raw", cache_folder("raw"))
    names = (name, name.removesuffix(".gz"))
    return next((place / n for place in places for n in names if (place / n).is_file()), None)


def _fetch_bins(dataset: Dataset, wanted: Sequence[BinFile], folder: Path, cache: Path) -> None:
    """Fetch the files from where the original had them; they are checked by the shape they must have."""
    for file in wanted:
        fetch(file.url, cache / file.name, limit=LARGEST_BIN)


def _check_shape(file: BinFile, path: Path, title: str) -> None:
    """Refuse a cached file that is not a whole tensor of its shape; data sets that fit in another shape are free."""
    shape = read_whole_shape(path)
    same = len(shape) == len(file.shape) and all(w in (0, g) for w, g in zip(file.shape, shape, strict=True))
    if not same and file.name != "drive_trY.bin":
        raise EddlError(
            title, f"{path} has the shape {list(shape)}", allowed=file.shape_text, hint=f"delete {path} and try again"
        )


def _missing(dataset: Dataset, missing: Sequence[BinFile], title: str, problem: str) -> EddlError:
    lines = "\n".join(f"    {file.name}: float32 {file.shape_text}, {file.meaning}" for file in missing)
    reason = problem.splitlines()[0] if problem else "there is no copy here"
    return EddlError(
        title,
        f"{dataset.about}: these files are missing and can't be fetched ({reason}):\n{lines}",
        allowed=f"in the current folder, {Path.cwd()}, or in {cache_folder('datasets')}",
        hint="make each with eddl.Tensor.fromarray(array).save(name), or copy it from a machine that has it",
    )
