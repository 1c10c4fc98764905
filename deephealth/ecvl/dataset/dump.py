"""A data set as the text of a DeepHealth YAML file, laid out as the original wrote it; here it reads back equal."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from deephealth.core.log import get_logger
from deephealth.ecvl.dataset.loading import is_address
from deephealth.ecvl.strictness import is_strict

if TYPE_CHECKING:
    from deephealth.ecvl.dataset.parser import Dataset
    from deephealth.ecvl.dataset.sample import Sample

__all__ = ["dump_text"]

_LOG = get_logger(__name__)
_INTEGER = re.compile(r"[-+]?\d+")
# Text that means itself without quotes; in a flow list, a comma ends it.
_PLAIN = re.compile(r"[\w./](?:[\w./()+,!@$%^*=;<>?' -]|:(?=\S))*")
_PLAIN_IN_FLOW = re.compile(r"[\w./](?:[\w./()+!@$%^*=;<>' -])*")
_NULLS = ("null", "Null", "NULL", "~", "")


def dump_text(dataset: Dataset, folder: Path) -> str:
    """Return the text of the file.

    Args:
        dataset: what to write.
        folder: where the file will lie: paths below it are written relative to it, others in full.

    Raises:
        DataError: a label that is not a class.
    """
    return "".join(f"{line}\n" for line in _lines(dataset, folder.resolve()))


def _lines(dataset: Dataset, folder: Path) -> Iterator[str]:
    strict = is_strict()
    yield f"name: {_scalar(dataset.name_)}"
    yield f"description: {_scalar(dataset.description_)}"
    yield from _list("classes", dataset.classes_)
    if not strict:
        yield from _list("features", dataset.features_)
    yield "images:" if dataset.samples_ else "images: []"
    paths = _Paths(folder)
    entry = _strict_entry if strict else _entry
    for sample in dataset.samples_:
        yield from entry(sample, dataset, paths)
    if dataset.split_:
        yield "split:"
    for split in dataset.split_:
        empty = "" if split.samples_indices_ or strict else " []"
        yield f"  {_scalar(split.split_name_)}:{empty}"
        for index in split.samples_indices_:
            yield f"    - {index}"


class _Paths:
    """Paths relative to a folder; following links is slow, and data sets have few folders."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._folders, self._warned = folder, dict[str, Path](), False

    def write(self, location: str) -> str:
        if is_address(location) or not os.path.isabs(location):
            return location
        head, tail = os.path.split(location)
        if head not in self._folders:
            self._folders[head] = Path(head).resolve()
        path = self._folders[head] / tail
        if path.is_relative_to(self.folder):
            return path.relative_to(self.folder).as_posix()
        if not self._warned:
            self._warned = True
            _LOG.warning(
                "%s lies outside %s: it is written in full, and reading the file needs Dataset(..., root=FOLDER)",
                location,
                self.folder,
            )
        return location


def _entry(sample: Sample, dataset: Dataset, paths: _Paths) -> Iterator[str]:
    locations = [paths.write(location) for location in sample.location_]
    yield f"  - location: {_scalar(locations[0]) if len(locations) == 1 else _flow(locations)}"
    if sample.label_ is not None:
        labels = [_label(index, dataset.classes_) for index in sample.label_]
        yield f"    label: {_scalar(labels[0]) if len(labels) == 1 else _flow(labels)}"
    elif sample.label_path_ is not None:
        yield f"    label: {_scalar(_label_path(paths.write(sample.label_path_), dataset.classes_))}"
    if sample.values_:
        yield f"    values: {_values(sample.values_, dataset.features_)}"


def _strict_entry(sample: Sample, dataset: Dataset, paths: _Paths) -> Iterator[str]:
    """Lay an entry out as the original does, although more than one location or label is then lost."""
    for location in sample.location_:
        yield f"  - location: {location}"
    if sample.label_ is not None:
        for index in sample.label_:
            yield f"    label: {dataset.classes_[index]}"
    elif sample.label_path_ is not None:
        yield f"    label: {sample.label_path_}"
    if sample.values_ is not None:
        first = sample.values_.get(0, "")
        yield "    values: [" + "\n".join(f"{first}]" for _ in sample.values_)


def _label(index: int, classes: Sequence[str]) -> str:
    from deephealth.ecvl.errors import EcvlDataError

    if index < 0 or (classes and index >= len(classes)):
        raise EcvlDataError(f"class index {index} does not exist", allowed=f"0 to {len(classes) - 1}")
    return classes[index] if classes and not _INTEGER.fullmatch(classes[index]) else str(index)


def _label_path(path: str, classes: Sequence[str]) -> str:
    looks_like_path = "/" in path or bool(Path(path).suffix)
    return path if looks_like_path and path not in classes and not _INTEGER.fullmatch(path) else f"./{path}"


def _values(values: dict[int, str], features: Sequence[str]) -> str:
    if max(values) < len(features):
        pairs = (f"{_scalar(features[at], flow=True)}: {_scalar(values[at], flow=True)}" for at in sorted(values))
        return "{" + ", ".join(pairs) + "}"
    row = [values.get(at) for at in range(max(values) + 1)]  # more values than features: by position
    return "[" + ", ".join("null" if value is None else _scalar(value, flow=True) for value in row) + "]"


def _list(key: str, names: Sequence[str]) -> Iterator[str]:
    if names:
        yield f"{key}:"
    for name in names:
        yield f"  - {_scalar(name)}"


def _flow(texts: Sequence[str]) -> str:
    return "[" + ", ".join(_scalar(text, flow=True) for text in texts) + "]"


def _scalar(text: str, *, flow: bool = False) -> str:
    """Return a text as a YAML scalar, in double quotes where it would mean something else without."""
    plain = (_PLAIN_IN_FLOW if flow else _PLAIN).fullmatch(text)
    if plain and text not in _NULLS and not text.endswith(" "):
        return text
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    return character if character.isprintable() else f"\\U{ord(character):08x}"
