"""The folder of a run: which files lie in it, and how they are read and written."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deephealth.config import Config, dump_config, load_config
from deephealth.core.errors import ConfigError, DataError, MissingDataError, StorageError
from deephealth.core.files import atomic_write, atomic_write_json, writable_folder

if TYPE_CHECKING:
    from deephealth.data.sample import DataIndex
    from deephealth.data.split import Split

__all__ = ["RunFolder"]


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Paths of one run.

    Args:
        path: the folder.
    """

    path: Path

    @classmethod
    def create(cls, config: Config) -> RunFolder:
        """Make the folder that ``run.dir`` names, or one named after the use case and the time.

        Raises:
            StorageError: it can't be written, or holds another run.
        """
        default = Path("runs") / f"{config.usecase}-{datetime.now().astimezone():%Y%m%d-%H%M%S}"
        run = cls(config.run.dir or default)
        if run.is_started:
            raise StorageError(
                f"{run.path} holds a run already",
                hint=f"deephealth resume {run.path}, or choose another folder with run.dir=DIR",
            )
        if not run.config_file.exists() and run.path.is_dir() and any(run.path.iterdir()):
            raise StorageError(
                f"{run.path} is not empty and holds no run", hint="choose another folder with run.dir=DIR"
            )
        writable_folder(run.path, "making the run's folder")
        return run

    @classmethod
    def open(cls, path: Path | str) -> RunFolder:
        """Open the folder of an existing run.

        Raises:
            MissingDataError: there is no run in it.
        """
        run = cls(Path(path))
        if not run.config_file.is_file():
            raise MissingDataError(
                f"{path} holds no run",
                allowed="a folder with config.yaml in it",
                hint="deephealth train ... run.dir=DIR makes one",
            )
        return run

    @property
    def is_started(self) -> bool:
        """Whether training has saved something that a resume can go on from."""
        return (self.path / "split.csv").is_file() and any((self.path / "checkpoints").glob("step-*"))

    @property
    def config_file(self) -> Path:
        """The resolved configuration."""
        return self.path / "config.yaml"

    @property
    def model(self) -> Path:
        """The trained model with its card."""
        return self.path / "model"

    @property
    def report(self) -> Path:
        """The report."""
        return self.path / "report.html"

    @property
    def kpis(self) -> Path:
        """The recorder's file."""
        return self.path / "kpi.jsonl"

    def clean(self) -> None:
        """Remove what a killed process left half-written; it was never part of the run."""
        for leftover in [*self.path.glob(".*.tmp"), *self.path.glob("e*/**/.*.tmp")]:
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()

    def evaluation(self, split: str) -> Path:
        """The folder of the measurements on a split."""
        return self.path / "evaluation" / split

    def config(self, overrides: Sequence[str] = (), *, may_change: tuple[str, ...] = ()) -> Config:
        """Read the configuration, with the overrides that make sense after training.

        Args:
            overrides: ``section.key=value`` strings.
            may_change: paths, or beginnings of paths that end in a dot, which may be overridden.

        Raises:
            ConfigError: another key is overridden, or a value is wrong.
        """
        from deephealth.usecases.vocabulary import vocabulary

        fixed = [text for text in overrides if not _allowed(text.partition("=")[0], may_change)]
        if fixed:
            allowed = ", ".join(key + "*" if key.endswith(".") else key for key in may_change)
            raise ConfigError(
                [f"{text}: can't change after training began; {allowed} may" for text in fixed], source=str(self.path)
            )
        return load_config(self.config_file, overrides, vocabulary=vocabulary())

    def write_config(self, config: Config) -> None:
        """Write the resolved configuration."""
        atomic_write(self.config_file, dump_config(config))

    def write_environment(self) -> None:
        """Write versions, processors and accelerators."""
        from deephealth.usecases.environment import environment

        atomic_write_json(self.path / "environment.json", environment())

    def write_data(self, index: DataIndex, split: Split) -> None:
        """Write what the data set is, and who stands in which split."""
        parts = {"train": split.train, "val": split.val, "test": split.test}
        facts = {
            "layout": index.layout,
            "classes": list(index.classes),
            "licence": index.licence,
            "citation": index.citation,
            "split_source": split.source,
            "groups": {name: len({s.group for s in samples}) for name, samples in parts.items()},
            "counts": {name: _count(samples, index.classes) for name, samples in parts.items()},
            "problems": [f"{p.severity}: {p.where}: {p.message}" for p in index.problems][:200],
        }
        atomic_write_json(self.path / "data.json", facts)
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["id", "group", "label", "split"])
        writer.writerows([s.id, s.group, s.label or "", name] for name, samples in parts.items() for s in samples)
        atomic_write(self.path / "split.csv", text.getvalue())

    def read_data(self) -> dict[str, Any]:
        """Read what :meth:`write_data` wrote of the data set."""
        facts: dict[str, Any] = json.loads((self.path / "data.json").read_text(encoding="utf-8"))
        return facts

    def restore_split(self, index: DataIndex) -> Split:
        """Deal the samples of ``index`` as this run did, so that no test sample is ever trained on.

        Raises:
            DataError: the data set no longer holds samples that the run used.
        """
        from deephealth.data.split import Split

        by_id = {sample.id: sample for sample in index.samples}
        parts: dict[str, list[Any]] = {"train": [], "val": [], "test": []}
        missing: list[str] = []
        with (self.path / "split.csv").open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                if row["id"] in by_id:
                    parts[row["split"]].append(by_id[row["id"]])
                else:
                    missing.append(row["id"])
        if missing:
            raise DataError(
                f"{len(missing)} samples of this run are not in {index.root} any more, such as '{missing[0]}'",
                hint="point data.root at the data set that the run was trained on",
            )
        return Split(
            tuple(parts["train"]), tuple(parts["val"]), tuple(parts["test"]), source=self.read_data()["split_source"]
        )


def _allowed(key: str, may_change: tuple[str, ...]) -> bool:
    return any(key == path or (path.endswith(".") and key.startswith(path)) for path in may_change)


def _count(samples: Sequence[Any], classes: Sequence[str]) -> dict[str, int]:
    counts = dict.fromkeys(classes, 0)
    for sample in samples:
        if sample.label is not None:
            counts[sample.label] = counts.get(sample.label, 0) + 1
    return {**counts, "total": len(samples)}
