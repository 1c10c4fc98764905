"""A YAML document as nodes that know their line, for readers whose errors must name the place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from deephealth.core.errors import DataError, LimitError, UnreadableFileError
from deephealth.io.source import Source

__all__ = ["Node", "compose", "items", "pairs", "text", "whole_number"]

_MAX_BYTES = 128 * 1024**2
_MAX_DEPTH = 64
_MAX_DIGITS = 18  # more don't fit 64 bits
_NULL = "tag:yaml.org,2002:null"
_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_SafeLoader):  # type: ignore[misc]
    """The safe loader, with every scalar but null kept as the text it is: ``010``, ``yes`` and ``1.0`` are names."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own attribute
        first: [(tag, pattern) for tag, pattern in resolvers if tag == _NULL]
        for first, resolvers in _SafeLoader.yaml_implicit_resolvers.items()
    }


@dataclass(frozen=True, slots=True)
class Node:
    """A node of a document.

    Args:
        raw: PyYAML's node.
        path: the file.
    """

    raw: yaml.Node
    path: Path

    @property
    def at(self) -> str:
        """Where it stands: ``file, line 12``."""
        return f"{self.path}, line {self.raw.start_mark.line + 1}"

    @property
    def kind(self) -> Literal["map", "list", "text", "null"]:
        """What it is."""
        if isinstance(self.raw, yaml.MappingNode):
            return "map"
        if isinstance(self.raw, yaml.SequenceNode):
            return "list"
        return "null" if self.raw.tag == _NULL else "text"


def compose(path: Path) -> Node:
    """Return the root of the document in a YAML file.

    Raises:
        MissingDataError: no such file.
        UnreadableFileError: not YAML, empty, or several documents.
        LimitError: nested too deeply.
    """
    data = Source(path).read_bytes(_MAX_BYTES)
    try:
        _check_depth(data, path)
        root = _Loader(data).get_single_node()
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        if "nesting depth" in str(error):  # PyYAML from 6.0.4 refuses 1,000 levels itself, before its first event
            raise _too_deep(path, "too deep for its reader") from error
        mark = getattr(error, "problem_mark", None)
        place = f"{path}, line {mark.line + 1}" if mark is not None else str(path)
        reason = getattr(error, "problem", None) or error
        raise UnreadableFileError(f"{place}: not valid YAML: {reason}", hint="correct that line") from error
    if root is None:
        raise UnreadableFileError(f"{path} is empty", allowed="a YAML document")
    return Node(root, path)


def _check_depth(data: bytes, path: Path) -> None:
    """Refuse a document that is nested so deeply that putting it together would exhaust the C stack."""
    depth = 0
    for event in yaml.parse(data, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _MAX_DEPTH:
                line = event.start_mark.line + 1 if event.start_mark is not None else 0
                raise _too_deep(f"{path}, line {line}", f"{depth} deep")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _too_deep(where: object, how: str) -> LimitError:
    return LimitError(
        f"{where}: lists and maps are nested {how}", allowed=f"at most {_MAX_DEPTH} levels; a data set has 4"
    )


def pairs(node: Node, where: str) -> dict[str, Node]:
    """Return the entries of a map; keys become text.

    Raises:
        DataError: not a map, a key that is not a scalar, or a key twice.
    """
    if not isinstance(node.raw, yaml.MappingNode):
        raise DataError(f"{node.at}: {where} is a {node.kind}", allowed="a map of keys to values")
    entries: dict[str, Node] = {}
    for key, value in node.raw.value:
        if not isinstance(key, yaml.ScalarNode):
            raise DataError(f"{Node(key, node.path).at}: {where} has a key that is not a name", allowed="names as keys")
        if key.value in entries:
            raise DataError(f"{Node(key, node.path).at}: {where} has the key '{key.value}' twice", hint="remove one")
        entries[key.value] = Node(value, node.path)
    return entries


def items(node: Node, where: str) -> list[Node]:
    """Return the entries of a list.

    Raises:
        DataError: not a list.
    """
    if not isinstance(node.raw, yaml.SequenceNode):
        raise DataError(f"{node.at}: {where} is a {node.kind}", allowed="a list")
    return [Node(part, node.path) for part in node.raw.value]


def text(node: Node, where: str) -> str:
    """Return a scalar as the text that stands in the file.

    Raises:
        DataError: a map, a list, or null.
    """
    if node.kind != "text":
        raise DataError(f"{node.at}: {where} is a {node.kind}", allowed="text or a number")
    return str(node.raw.value)


def whole_number(node: Node, where: str) -> int:
    """Return a scalar as an integer.

    Raises:
        DataError: anything else.
    """
    value = text(node, where)
    try:
        if len(value) > _MAX_DIGITS:
            raise ValueError
        return int(value)
    except ValueError:
        raise DataError(f"{node.at}: {where} is '{value[:80]}'", allowed="a whole number") from None
