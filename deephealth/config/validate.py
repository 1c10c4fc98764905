"""All mistakes of a configuration at once, each with its path and the nearest right word."""

from __future__ import annotations

import difflib
import inspect
import typing
from collections.abc import Iterator, Mapping
from types import UnionType
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import BaseModel, ValidationError

from deephealth.config.schema import Config
from deephealth.core.errors import ConfigError, did_you_mean
from deephealth.core.registry import Registry

__all__ = ["Vocabulary", "validate"]

Vocabulary = Mapping[str, Registry[Any]]
"""Registered names by configuration path, such as ``{"loss": LOSSES, "model.name": NETWORKS}``."""

EXTERNAL = ("timm/",)  # names that another library's own registry checks when the network is built


def validate(
    tree: Mapping[str, Any],
    vocabulary: Vocabulary,
    *,
    problems: list[str] | None = None,
    source: str = "the configuration",
) -> Config:
    """Turn a plain dictionary into a :class:`Config`.

    Args:
        tree: nested dictionaries and plain values; ``${section.key}`` is replaced.
        vocabulary: registries whose names (and the parameters beside them) are checked.
        problems: mistakes found before, reported with the others.
        source: where it came from, for the message.

    Raises:
        ConfigError: all mistakes, one line each.
    """
    found = list(problems or [])
    plain = _interpolate(tree, found)
    config: Config | None = None
    try:
        config = Config.model_validate(plain)
    except ValidationError as error:
        found += [_explain(item) for item in error.errors()]
    for path, registry in vocabulary.items():
        found += _check_name(plain, path, registry)
    if found or config is None:
        raise ConfigError(list(dict.fromkeys(found)), source=source)
    return config


def _interpolate(tree: Mapping[str, Any], found: list[str]) -> dict[str, Any]:
    try:
        resolved = OmegaConf.to_container(OmegaConf.create(dict(tree)), resolve=True)
    except OmegaConfBaseException as error:
        found.append(f"${{...}}: {str(error).splitlines()[0]}")
        return dict(tree.items())
    return typing.cast(dict[str, Any], resolved)


def _explain(item: Any) -> str:
    path = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        section = _section(item["loc"][:-1])
        known = list(section.model_fields) if section else []
        return f"{path}: unknown key; {_near_path(str(item['loc'][-1]), known)}"
    if item["type"] == "missing":
        return f"{path}: missing; it has no default"
    message = item["msg"].removeprefix("Value error, ")
    value = item["input"]
    shown = "" if isinstance(value, dict | list) else f" (got {value!r})"
    return f"{path}: {message[0].lower()}{message[1:]}{shown}"


def _near_path(key: str, siblings: list[str]) -> str:
    """Suggest a key beside the wrong one, else the same key where it does exist."""
    if difflib.get_close_matches(key, siblings, n=1, cutoff=0.6):
        return did_you_mean(key, siblings)
    elsewhere = [path for path in _all_paths(Config) if path.rpartition(".")[2] == key]
    if elsewhere:
        return f"did you mean '{elsewhere[0]}'?"
    return did_you_mean(key, siblings)


def _all_paths(section: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in section.model_fields.items():
        yield prefix + name
        inner = _model_of(field.annotation)
        if inner is not None:
            yield from _all_paths(inner, f"{prefix}{name}.")


def _section(location: tuple[Any, ...]) -> type[BaseModel] | None:
    section: type[BaseModel] | None = Config
    for part in location:
        if section is None or part not in section.model_fields:
            return None
        section = _model_of(section.model_fields[part].annotation)
    return section


def _model_of(annotation: Any) -> type[BaseModel] | None:
    options = (
        typing.get_args(annotation) if typing.get_origin(annotation) in (typing.Union, UnionType) else (annotation,)
    )
    for option in options:
        if inspect.isclass(option) and issubclass(option, BaseModel):
            return option
    return None


def _check_name(tree: Mapping[str, Any], path: str, registry: Registry[Any]) -> list[str]:
    value: Any = tree
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    name = value.get("name") if isinstance(value, Mapping) else value
    if not isinstance(name, str) or name.startswith(EXTERNAL):
        return []
    where = f"{path}.name" if isinstance(value, Mapping) else path
    if name not in registry:
        python = "; configs name registered things, never Python paths" if "." in name else ""
        return [f"{where}: unknown {registry.kind} '{name}'; {did_you_mean(name, registry.names())}{python}"]
    if not isinstance(value, Mapping):
        return []
    return _check_parameters({key: v for key, v in value.items() if key != "name"}, path, name, registry)


def _check_parameters(given: Mapping[str, Any], path: str, name: str, registry: Registry[Any]) -> list[str]:
    if not given:
        return []
    known = registry.parameters(name)
    return [
        f"{path}.{key}: the {registry.kind} '{name}' has no such parameter; {did_you_mean(key, known)}"
        for key in given
        if key not in known
    ]
