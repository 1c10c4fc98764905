"""A shipped configuration becomes a user's own file."""

from __future__ import annotations

from pathlib import Path

import yaml

from deephealth.config.loader import read_tree
from deephealth.config.shipped import find_config
from deephealth.core.errors import StorageError
from deephealth.core.files import atomic_write

__all__ = ["copy_config"]


def copy_config(name: str, target: Path, *, force: bool = False) -> Path:
    """Write the configuration ``name``, with all that it extends merged in, to ``target``.

    Args:
        name: a shipped name.
        target: the new file, or a folder for ``<name>.yaml``.
        force: replace an existing file.

    Raises:
        StorageError: the file exists and ``force`` is false.
    """
    if target.is_dir():
        target = target / f"{name.replace('/', '-')}.yaml"
    if target.exists() and not force:
        raise StorageError(f"{target} exists", hint="choose another name, or add --force to replace it")
    source = find_config(name)
    comments = [line for line in source.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    body = yaml.safe_dump(read_tree(source), sort_keys=False, allow_unicode=True)
    atomic_write(
        target, "\n".join([*comments, f"# copied from '{name}'; every key: deephealth show {name} --schema", body])
    )
    return target
