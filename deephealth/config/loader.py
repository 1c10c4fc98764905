"""From names, files and overrides to one validated configuration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from deephealth.config.schema import Config
from deephealth.config.shipped import find_config
from deephealth.config.validate import Vocabulary, validate
from deephealth.core.errors import ConfigError

__all__ = ["dump_config", "load_config", "read_tree"]

COMPONENTS = ("loss", "optimizer", "schedule", "data.augment", "data.sampler", "trainer.mix")
WHOLE = ("data.image_sizes",)  # a table that is replaced, not merged; any other is emptied with {}
MAX_BYTES = 1_000_000  # a configuration is some kilobytes; a larger file is a mistake or an attack


def load_config(
    source: str | Path, overrides: Sequence[str] = (), *, vocabulary: Vocabulary | None = None, **extra: Any
) -> Config:
    """Load a configuration by name or path, apply overrides, and report every mistake at once.

    Args:
        source: ``uc12-skin``, ``uc12-skin/segmentation`` or the path of a YAML file.
        overrides: ``section.key=value`` strings; values are read as YAML.
        vocabulary: registered names by configuration path, to check names and their parameters.
        extra: top-level values that win over all else.

    Raises:
        ConfigError: one line per mistake, each with its path.
        UnknownNameError: no such configuration.

    Example:
        >>> load_config("uc12-skin", ["trainer.max_epochs=3"]).trainer.max_epochs
        3
    """
    problems: list[str] = []
    changes = _parse_overrides(overrides, problems)
    task = changes.get("task") if isinstance(changes.get("task"), str) else None
    path = find_config(str(source), task=task)
    tree = _merge(_merge(read_tree(path), changes), dict(extra))
    return validate(tree, vocabulary or {}, problems=problems, source=_describe(source, overrides))


def read_tree(path: Path, *, _seen: tuple[Path, ...] = ()) -> dict[str, Any]:
    """Read a YAML file and what it ``extends`` into one plain dictionary.

    Args:
        path: the file. Its ``extends`` is a file beside it, a shipped name, or a list of these; later ones win.

    Raises:
        ConfigError: unreadable, not YAML, not a mapping, or extending itself.
    """
    path = path.resolve()
    if path in _seen:
        chain = " -> ".join(p.name for p in (*_seen, path))
        raise ConfigError([f"extends: goes round in a circle: {chain}"], source=str(path))
    tree = _read_yaml(path)
    parents = tree.pop("extends", [])
    merged: dict[str, Any] = {}
    for parent in [parents] if isinstance(parents, str) else parents:
        merged = _merge(merged, read_tree(_find_parent(str(parent), path), _seen=(*_seen, path)))
    return _merge(merged, tree)


def dump_config(config: Config) -> str:
    """Return a configuration as YAML that :func:`load_config` reads back to the same configuration."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=120)


def _find_parent(name: str, child: Path) -> Path:
    beside = (child.parent / name).with_suffix(".yaml")
    return beside if beside.is_file() else find_config(name)


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError(
                [f"the file has {path.stat().st_size:,} bytes; at most {MAX_BYTES:,} are read"], source=str(path)
            )
        # OmegaConf's loader is a safe loader that also refuses duplicate keys and reads 1e-3 as a number
        tree = OmegaConf.to_container(OmegaConf.load(path), resolve=False)
    except (yaml.YAMLError, OmegaConfBaseException, UnicodeDecodeError, OSError) as error:
        raise ConfigError([f"not readable as YAML: {error}"], source=str(path)) from error
    if not isinstance(tree, dict):
        raise ConfigError([f"holds a {type(tree).__name__}; a mapping of sections is expected"], source=str(path))
    return {str(key): value for key, value in tree.items()}


def _parse_overrides(overrides: Iterable[str], problems: list[str]) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    for text in overrides:
        key, separator, _ = text.partition("=")
        if not separator or not key.strip():
            problems.append(f"'{text}': an override is written section.key=value, such as trainer.max_epochs=3")
            continue
        try:
            parsed = OmegaConf.to_container(OmegaConf.from_dotlist([text]), resolve=False)
        except (yaml.YAMLError, OmegaConfBaseException) as error:
            problems.append(f"{key}: the value can't be read: {error}")
            continue
        changes = _merge(changes, {str(k): v for k, v in parsed.items()} if isinstance(parsed, dict) else {})
    return changes


def _merge(base: Mapping[str, Any], changes: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    """Return ``base`` with ``changes`` over it; a thing that gets another name loses its old parameters."""
    merged = dict(base)
    for key, value in changes.items():
        here = f"{path}.{key}" if path else key
        if here in COMPONENTS and isinstance(value, str):
            value = {"name": value}
        old = merged.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping) and value and here not in WHOLE:
            merged[key] = _merge(_kept(here, old, value), value, here)
        else:
            merged[key] = _merge({}, value, here) if isinstance(value, Mapping) else value
    return merged


def _kept(path: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what of a section stays when another comes over it."""
    if "name" not in new or new["name"] == old.get("name"):
        return old
    if path in COMPONENTS:
        return {}
    return {key: value for key, value in old.items() if (path, key) != ("model", "parameters")}


def _describe(source: str | Path, overrides: Sequence[str]) -> str:
    return f"'{source}'" + (f" with {len(overrides)} override{'s' if len(overrides) != 1 else ''}" if overrides else "")
