"""The DeepHealth toolkit data set format: one YAML file that lists images, labels, values and splits.

Keys: ``name``, ``description``, ``classes``, ``features``, ``images`` (required), ``split``. An image is a path, a list
of paths (several acquisitions of one sample), or a map with ``location``, and optionally ``label`` and ``values``. A
label is tried as a class index first, then as a class name, then as the path of a ground-truth image; a list of indices
and names is a multi-label. Paths count from the folder of the YAML file.

Where the original reader or writer lost data, this one does not: what is written reads back equal.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from deephealth.core.errors import DataError, did_you_mean
from deephealth.core.files import atomic_write
from deephealth.io.yaml_nodes import Node, compose, items, pairs, text, whole_number

__all__ = [
    "DEFAULT_DESCRIPTION",
    "DEFAULT_NAME",
    "YamlDataset",
    "YamlSample",
    "read_dataset_yaml",
    "write_dataset_yaml",
]

DEFAULT_NAME = "DeepHealth dataset"
DEFAULT_DESCRIPTION = "This is the DeepHealth example dataset!"

_INTEGER = re.compile(r"[-+]?\d+")
_REMOTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_Dumper: type = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


@dataclass(frozen=True, slots=True)
class YamlSample:
    """One entry of ``images``.

    Args:
        location: its files, absolute; more than one for a multi-acquisition sample.
        label: class indices; ``None`` without a label, several for a multi-label.
        label_path: the ground-truth image, absolute.
        values: position in ``features`` -> text; features without a value are left out.
    """

    location: tuple[Path, ...]
    label: tuple[int, ...] | None = None
    label_path: Path | None = None
    values: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class YamlDataset:
    """The content of a data set file.

    Args:
        samples: the entries of ``images``, in order.
        classes: class names.
        features: names of the values that samples have.
        split: name of a split -> positions in ``samples``; in the order of the file.
        name: title.
        description: free text.
    """

    samples: tuple[YamlSample, ...]
    classes: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    split: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    name: str = DEFAULT_NAME
    description: str = DEFAULT_DESCRIPTION

    def named_values(self, sample: YamlSample) -> dict[str, str]:
        """Return the values of a sample by feature name; those beyond the named features are called ``value_3``, ..."""
        known = len(self.features)
        return {self.features[at] if at < known else f"value_{at}": value for at, value in sample.values.items()}


def read_dataset_yaml(
    path: Path | str, *, root: Path | str | None = None, remote: Callable[[str], Path] | None = None
) -> YamlDataset:
    """Read a data set file. The images themselves are not opened, and need not exist.

    Args:
        path: the YAML file.
        root: paths may not leave this folder; the folder of the YAML file when not given.
        remote: turns a web address into the path of a local copy; addresses are refused without it.

    Raises:
        MissingDataError: no such file.
        UnreadableFileError: not YAML.
        DataError: an entry is wrong; the message names the line and the entry.
    """
    path = Path(path)
    top = pairs(compose(path), "the file")
    if "images" not in top:
        raise DataError(f"{path} has no key 'images'", hint=did_you_mean("images", top))
    classes = _names(top.get("classes"))
    features = _names(top.get("features"))
    resolver = _Paths(path.parent, Path(root) if root is not None else path.parent, remote)
    reader = _SampleReader(classes, features, resolver)
    nodes = items(top["images"], "images")
    samples = tuple(reader.read(node, f"images[{at}]") for at, node in enumerate(nodes))
    return YamlDataset(
        samples=samples,
        classes=classes,
        features=features,
        split=_read_split(top.get("split"), len(samples)),
        name=_optional_text(top.get("name"), DEFAULT_NAME),
        description=_optional_text(top.get("description"), DEFAULT_DESCRIPTION),
    )


def write_dataset_yaml(dataset: YamlDataset, path: Path | str, *, root: Path | str | None = None) -> None:
    """Write a data set file that :func:`read_dataset_yaml` reads back equal, atomically.

    Args:
        dataset: what to write.
        path: the YAML file; images are written relative to its folder.
        root: images may not lie outside this folder; the folder of the YAML file when not given.

    Raises:
        DataError: an image lies outside ``root``, or a label or index is out of range.
        StorageError: it can't be written.
    """
    path = Path(path)
    paths = _Paths(path.parent, Path(root) if root is not None else path.parent)
    content: dict[str, Any] = {"name": dataset.name, "description": dataset.description}
    if dataset.classes:
        content["classes"] = list(dataset.classes)
    if dataset.features:
        content["features"] = list(dataset.features)
    content["images"] = [_sample_entry(sample, dataset, paths) for sample in dataset.samples]
    if dataset.split:
        for name, indices in dataset.split.items():
            _check_indices(indices, len(dataset.samples), f"split '{name}'")
        content["split"] = {name: list(indices) for name, indices in dataset.split.items()}
    atomic_write(path, yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120))


class _Paths:
    """Paths of a data file: read relative to its folder, refused outside a root."""

    def __init__(self, folder: Path, root: Path, remote: Callable[[str], Path] | None = None) -> None:
        self.folder, self.root, self._remote = folder.resolve(), root.resolve(), remote
        self._folders: dict[str, Path] = {}  # following links is slow, and data sets have few folders

    def read(self, node: Node, where: str) -> Path:
        name = text(node, where)
        if _REMOTE.match(name):
            if self._remote is not None:
                return self._remote(name)
            raise DataError(
                f"{node.at}: {where} is the address '{name}'",
                allowed="files: nothing is downloaded while a data set is read",
                hint="download it into the data set's folder and write its path here",
            )
        try:
            joined = self._resolve(name)
        except (OSError, RuntimeError) as error:  # too long for the file system, or links in a circle
            raise DataError(f"{node.at}: {where}: the path '{name[:80]}' can't be looked up: {error}") from error
        if "\x00" in name or not name or not joined.is_relative_to(self.root):
            raise DataError(
                f"{node.at}: {where}: the path '{name}' leads outside {self.root}",
                allowed="paths below that folder",
                hint="move the file below it, or pass a root that holds both",
            )
        return joined

    def _resolve(self, name: str) -> Path:
        if "\x00" in name:
            return Path(self.folder.anchor)
        head, tail = os.path.split(os.path.join(self.folder, name))
        if head not in self._folders:
            self._folders[head] = Path(head).resolve()
        joined = self._folders[head] / tail
        return joined.resolve() if tail in ("", ".", "..") or joined.is_symlink() else joined

    def write(self, path: Path) -> str:
        absolute = (self.folder / path).resolve()
        if not absolute.is_relative_to(self.root):
            raise DataError(
                f"{path} lies outside {self.root}, so the data set file can't name it",
                hint="write the YAML file into a folder that holds all images",
            )
        return Path(os.path.relpath(absolute, self.folder)).as_posix()


class _SampleReader:
    """Entries of ``images`` -> samples."""

    def __init__(self, classes: tuple[str, ...], features: tuple[str, ...], paths: _Paths) -> None:
        self.classes, self.features, self.paths = classes, features, paths
        self.class_index = {name: index for index, name in reversed(list(enumerate(classes)))}
        self.feature_index = {name: index for index, name in reversed(list(enumerate(features)))}

    def read(self, node: Node, where: str) -> YamlSample:
        if node.kind != "map":
            return YamlSample(self._location(node, where))
        entry = pairs(node, where)
        if "location" not in entry:
            raise DataError(f"{node.at}: {where} has no 'location'", hint=did_you_mean("location", entry))
        label, label_path = self._label(entry.get("label"), f"{where}.label")
        return YamlSample(
            location=self._location(entry["location"], f"{where}.location"),
            label=label,
            label_path=label_path,
            values=self._values(entry.get("values"), f"{where}.values"),
        )

    def _location(self, node: Node, where: str) -> tuple[Path, ...]:
        if node.kind != "list":
            return (self.paths.read(node, where),)
        locations = tuple(self.paths.read(part, f"{where}[{at}]") for at, part in enumerate(items(node, where)))
        if not locations:
            raise DataError(f"{node.at}: {where} is an empty list", allowed="a path, or a list of paths")
        return locations

    def _label(self, node: Node | None, where: str) -> tuple[tuple[int, ...] | None, Path | None]:
        if node is None or node.kind == "null":
            return None, None
        if node.kind == "list":
            return tuple(self._class(part, f"{where}[{at}]") for at, part in enumerate(items(node, where))), None
        value = text(node, where)
        if _INTEGER.fullmatch(value) or value in self.class_index:
            return (self._class(node, where),), None
        if self.classes and not _looks_like_path(value):
            self._unknown_class(node, value, where)
        return None, self.paths.read(node, where)

    def _class(self, node: Node, where: str) -> int:
        value = text(node, where)
        if not _INTEGER.fullmatch(value):
            return self.class_index[value] if value in self.class_index else self._unknown_class(node, value, where)
        index = whole_number(node, where)
        if index < 0 or (self.classes and index >= len(self.classes)):
            raise DataError(
                f"{node.at}: {where}: class index {index} does not exist",
                allowed=f"0 to {len(self.classes) - 1}" if self.classes else "0 and above",
                hint="a label of digits is an index even in quotes; classes whose names are digits need their index",
            )
        return index

    def _unknown_class(self, node: Node, value: str, where: str) -> int:
        raise DataError(
            f"{node.at}: {where}: '{value}' is not a class",
            allowed="a class index, a class name, or the path of a ground-truth image",
            hint=did_you_mean(value, self.classes),
        )

    def _values(self, node: Node | None, where: str) -> dict[int, str]:
        if node is None or node.kind == "null":
            return {}
        if node.kind == "map":
            return {
                self._feature(name, value, where): text(value, f"{where}.{name}")
                for name, value in pairs(node, where).items()
                if value.kind != "null"
            }
        listed = enumerate(items(node, where))  # a published set has more values than features: all are kept
        return {at: text(value, f"{where}[{at}]") for at, value in listed if value.kind != "null"}

    def _feature(self, name: str, node: Node, where: str) -> int:
        if name not in self.feature_index:
            raise DataError(
                f"{node.at}: {where}: '{name}' is not one of the features", hint=did_you_mean(name, self.features)
            )
        return self.feature_index[name]


def _looks_like_path(value: str) -> bool:
    return "/" in value or "\\" in value or bool(Path(value).suffix)


def _names(node: Node | None) -> tuple[str, ...]:
    if node is None or node.kind == "null":
        return ()
    names = tuple(text(part, "a name in this list") for part in items(node, "this list"))
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"{node.at}: the name '{twice[0]}' stands in the list twice", hint="give each its own name")
    return names


def _optional_text(node: Node | None, default: str) -> str:
    return default if node is None or node.kind == "null" else text(node, "this value")


def _read_split(node: Node | None, num_samples: int) -> dict[str, tuple[int, ...]]:
    if node is None or node.kind == "null":
        return {}
    split = {}
    for name, listed in pairs(node, "split").items():
        nodes = [] if listed.kind == "null" else items(listed, f"split.{name}")
        indices = tuple(whole_number(part, f"split.{name}[{at}]") for at, part in enumerate(nodes))
        for part, index in zip(nodes, indices, strict=True):
            _check_indices((index,), num_samples, f"{part.at}: split.{name}")
        split[name] = indices
    return split


def _check_indices(indices: tuple[int, ...], num_samples: int, where: str) -> None:
    for index in indices:
        if not 0 <= index < num_samples:
            raise DataError(f"{where}: there is no image {index}", allowed=f"0 to {num_samples - 1}")


def _sample_entry(sample: YamlSample, dataset: YamlDataset, paths: _Paths) -> Any:
    locations = [paths.write(path) for path in sample.location]
    location: Any = locations[0] if len(locations) == 1 else locations
    entry: dict[str, Any] = {"location": location}
    if sample.label is not None:
        labels = [_label_entry(index, dataset.classes) for index in sample.label]
        entry["label"] = labels[0] if len(labels) == 1 else labels
    elif sample.label_path is not None:
        entry["label"] = _label_path_entry(paths.write(sample.label_path), dataset.classes)
    if sample.values:
        entry["values"] = _values_entry(sample.values, dataset.features)
    return entry if len(entry) > 1 else location


def _label_entry(index: int, classes: tuple[str, ...]) -> int | str:
    if index < 0 or (classes and index >= len(classes)):
        raise DataError(f"class index {index} does not exist", allowed=f"0 to {len(classes) - 1}")
    if not classes or _INTEGER.fullmatch(classes[index]):  # digits would be read as an index
        return index
    return classes[index]


def _label_path_entry(name: str, classes: tuple[str, ...]) -> str:
    ambiguous = _INTEGER.fullmatch(name) or name in classes or not _looks_like_path(name)
    return f"./{name}" if ambiguous else name


def _values_entry(values: Mapping[int, str], features: tuple[str, ...]) -> Any:
    if max(values) < len(features):
        return {features[at]: value for at, value in sorted(values.items())}
    return [values.get(at) for at in range(max(values) + 1)]
