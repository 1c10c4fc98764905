"""What a run folder says about its run; whatever is missing or damaged is named, not guessed."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any, TypeVar

import yaml

from deephealth.core.errors import MissingDataError
from deephealth.kpi.legs import Leg, read_legs

__all__ = ["RunRecord"]

_SPLITS = ("test", "val", "train")
_MOST_BYTES = 50 * 1024**2
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RunRecord:
    """The readable content of a run folder.

    Args:
        path: the folder.
        config_text: ``config.yaml`` as it stands.
        config: the same, parsed.
        environment: ``environment.json``.
        data: ``data.json``.
        epochs: rows of ``metrics.csv``; numbers where a cell is one.
        split_rows: rows of ``split.csv``.
        evaluations: split -> ``metrics.json``, the one to be judged by first.
        legs: of ``kpi.jsonl``.
        problems: what is missing or damaged, in words.
    """

    path: Path
    config_text: str
    config: dict[str, Any]
    environment: dict[str, Any]
    data: dict[str, Any]
    epochs: list[dict[str, Any]]
    split_rows: list[dict[str, str]]
    evaluations: dict[str, dict[str, Any]]
    legs: list[Leg]
    problems: list[str]

    @classmethod
    def read(cls, path: Path | str) -> RunRecord:
        """Read a run folder.

        Raises:
            MissingDataError: the folder does not exist, or holds nothing of a run.
        """
        folder = Path(path)
        reader = _Reader(folder)
        no_rows: list[dict[str, str]] = []
        config_text = reader("config.yaml", str, "")
        record = cls(
            path=folder,
            config_text=config_text,
            config=_mapping(reader("config.yaml", yaml.safe_load, {})),
            environment=_mapping(reader("environment.json", json.loads, {})),
            data=_mapping(reader("data.json", json.loads, {})),
            epochs=[_numbers(row) for row in reader("metrics.csv", _rows, no_rows)],
            split_rows=reader("split.csv", _rows, no_rows),
            evaluations=_evaluations(folder, reader),
            legs=read_legs(folder / "kpi.jsonl"),
            problems=reader.problems,
        )
        if not (folder / "kpi.jsonl").is_file():
            record.problems.append("kpi.jsonl is missing: no KPI can be told")
        if not any((record.config, record.epochs, record.evaluations, record.legs)):
            raise MissingDataError(
                f"{folder} holds no run",
                allowed="a folder that `deephealth train` wrote",
                hint="deephealth train ... run.dir=DIR",
            )
        return record

    @property
    def name(self) -> str:
        """Name of the folder."""
        return self.path.resolve().name

    @property
    def score_column(self) -> str:
        """Column of ``metrics.csv`` with the validation score (higher is better); empty when there is none.

        ``val_score``, or the first ``val_...`` that is not a loss: a training may name its score (``val_jaccard``).
        """
        names = [name for row in self.epochs for name in row]
        scores = [name for name in dict.fromkeys(names) if name.startswith("val_") and "loss" not in name]
        return "val_score" if "val_score" in scores else next(iter(scores), "")

    @property
    def task(self) -> str:
        """What was trained for."""
        first = next(iter(self.evaluations.values()), {})
        return str(self.config.get("task") or first.get("task") or "")


class _Reader:
    """Read files of a folder, and note which could not be."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.problems: list[str] = []

    def __call__(self, name: str, parse: Callable[[str], T], fallback: T) -> T:
        path = self.folder / name
        problem = ""
        try:
            if path.stat().st_size > _MOST_BYTES:
                problem = f"{name} is larger than 50 MiB: left out"
            else:
                return parse(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            problem = f"{name} is missing"
        except (OSError, ValueError, yaml.YAMLError) as error:
            problem = f"{name} can't be read: {error}"
        if problem not in self.problems:
            self.problems.append(problem)
        return fallback


def _evaluations(folder: Path, reader: _Reader) -> dict[str, dict[str, Any]]:
    found = {}
    for split in _SPLITS:
        if (folder / "evaluation" / split / "metrics.json").is_file():
            metrics = _mapping(reader(f"evaluation/{split}/metrics.json", json.loads, {}))
            if metrics.get("scores"):
                found[split] = metrics
    if not found:
        reader.problems.append("no evaluation yet: run `deephealth evaluate`")
    return found


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _rows(text: str) -> list[dict[str, str]]:
    return [{str(key): value or "" for key, value in row.items()} for row in csv.DictReader(text.splitlines())]


def _numbers(row: dict[str, str]) -> dict[str, Any]:
    return {name: _number(cell) for name, cell in row.items()}


def _number(cell: str) -> float | str | None:
    try:
        value = float(cell)
    except ValueError:
        return cell or None
    return value if isfinite(value) else None
