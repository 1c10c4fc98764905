"""The configurations that ship with deephealth: found by name, listed, copied."""

from __future__ import annotations

from pathlib import Path

from deephealth.core.errors import UnknownNameError

__all__ = ["configs_folder", "find_config", "list_configs"]


def configs_folder() -> Path:
    """Return the folder of the shipped configurations: inside the wheel, or beside the package in a checkout."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "_configs"
    return inside if inside.is_dir() else package.parent / "configs"


def list_configs() -> list[str]:
    """Return the names of the shipped configurations, such as ``uc12-skin`` and ``uc12-skin/segmentation``.

    Example:
        >>> "uc12-skin" in list_configs()
        True
    """
    root = configs_folder()
    names = [path.relative_to(root).with_suffix("").as_posix() for path in root.rglob("*.yaml")]
    runnable = [name.removesuffix("/default") for name in names if not name.startswith("base/")]
    return sorted(runnable)


def find_config(name: str, *, task: str | None = None) -> Path:
    """Return the file that ``name`` stands for: a path to a YAML file, or the name of a shipped configuration.

    Args:
        name: ``my.yaml``, ``uc12-skin`` or ``uc12-skin/segmentation``.
        task: with the bare name of a use case, prefer its configuration for this task.

    Raises:
        UnknownNameError: neither a file nor a shipped name.
    """
    path = Path(name)
    if path.suffix in {".yaml", ".yml"} and path.is_file():
        return path
    root = configs_folder()
    candidates = [root / name / f"{task}.yaml"] if task else []
    candidates += [root / name / "default.yaml", root / f"{name}.yaml"]
    for candidate in candidates:
        if candidate.is_file() and candidate.resolve().is_relative_to(root.resolve()):
            return candidate
    known = list_configs()
    raise UnknownNameError(
        "configuration", name, known if path.suffix == "" else [*known, "or the path of a .yaml file"]
    )
