"""Lineage: which run was trained, chosen and measured on which subjects, and which cohorts hold a subject.

``catalogue/lineage/<run>.json`` is written when a run is registered. A run is read as plain files (``config.yaml``,
``split.csv``, ``data.json``, the model's weights), so runs of any version can be registered.
"""

from __future__ import annotations

import csv
import datetime
import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import yaml

from deephealth.core.errors import DataError, MissingDataError
from deephealth.core.files import atomic_write_json, sha256
from deephealth.lake.catalogue.cohort import MANIFEST, read_manifest
from deephealth.lake.catalogue.index import open_index
from deephealth.lake.folder import LakeFolder

__all__ = [
    "RunRecord",
    "cohorts_of",
    "lineage_folder",
    "register_run",
    "runs",
    "runs_of",
    "withdrawn_name",
    "write_run",
]

_WEIGHTS = (".safetensors", ".onnx", ".bin")


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What the lake remembers of a run.

    Args:
        run: sixteen letters, the same for the same run.
        name: of the run's folder; its place is not kept.
        usecase: that was trained.
        cohort: name of the cohort; empty when the run read something else of the lake.
        cohort_id: that the cohort's manifest says.
        dataset_sha256: of the cohort's data set file when the run was registered.
        config_sha256: of the run's configuration.
        models: file of the model, relative to the run -> SHA-256.
        subjects: split -> pseudonyms. A withdrawn subject stands there as :func:`withdrawn_name` calls it.
        registered: when.
    """

    run: str
    name: str
    usecase: str
    cohort: str
    cohort_id: str
    dataset_sha256: str
    config_sha256: str
    models: dict[str, str] = field(default_factory=dict)
    subjects: dict[str, list[str]] = field(default_factory=dict)
    registered: str = ""

    def splits_of(self, subject: str) -> list[str]:
        """Return the splits a subject stands in; more than one would be a leak."""
        names = {subject, withdrawn_name(subject)}
        return sorted(split for split, members in self.subjects.items() if names & set(members))


def lineage_folder(lake: LakeFolder) -> Path:
    """Return where the records lie."""
    return lake.catalogue / "lineage"


def withdrawn_name(subject: str) -> str:
    """Return what stands in a record in place of a withdrawn subject.

    A pseudonym has 80 bits, so nobody finds it by guessing; who knows it can still ask for its runs.

    Example:
        >>> withdrawn_name("7B2KQ4ZP9XLM3N5A")[:10]
        'withdrawn-'
    """
    return f"withdrawn-{hashlib.sha256(subject.encode()).hexdigest()[:24]}"


def register_run(lake: LakeFolder, run_folder: Path) -> RunRecord:
    """Remember which subjects a run used.

    The groups of the run's ``split.csv`` are the pseudonyms of the subjects, because cohorts say so.

    Args:
        lake: where things lie.
        run_folder: of the run, as ``deephealth train`` left it.

    Raises:
        MissingDataError: there is no run in the folder.
        DataError: none of its groups is a subject of this lake.
        StorageError: the record can't be written.
    """
    config_file, split_file = run_folder / "config.yaml", run_folder / "split.csv"
    if not config_file.is_file() or not split_file.is_file():
        raise MissingDataError(
            f"{run_folder.name} holds no run",
            allowed="a folder with config.yaml and split.csv, made by deephealth train",
        )
    config = _config(config_file)
    subjects = _subjects(split_file)
    everyone = {name for members in subjects.values() for name in members}
    cohort, manifest = _cohort(lake, config, everyone)
    _check_known(lake, everyone, manifest)
    models = {path.relative_to(run_folder).as_posix(): sha256(path) for path in _models(run_folder)}
    config_digest = sha256(config_file)
    identity = json.dumps([config_digest, subjects, sorted(models.values())], sort_keys=True)
    record = RunRecord(
        run=hashlib.sha256(identity.encode()).hexdigest()[:16],
        name=run_folder.resolve().name,
        usecase=str(config.get("usecase", "")),
        cohort=cohort,
        cohort_id=str(manifest.get("id", "")),
        dataset_sha256=str(manifest.get("dataset_sha256", "")),
        config_sha256=config_digest,
        models=models,
        subjects=subjects,
        registered=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    )
    write_run(lake, record)
    return record


def write_run(lake: LakeFolder, record: RunRecord) -> None:
    """Write a record."""
    atomic_write_json(lineage_folder(lake) / f"{record.run}.json", asdict(record))


def runs(lake: LakeFolder) -> Iterator[RunRecord]:
    """Yield every registered run."""
    for path in sorted(lineage_folder(lake).glob("*.json")):
        yield RunRecord(**json.loads(path.read_text(encoding="utf-8")))


def runs_of(lake: LakeFolder, subject: str) -> list[RunRecord]:
    """Return the runs that used a subject, withdrawn or not.

    Args:
        lake: where things lie.
        subject: pseudonym.
    """
    return [record for record in runs(lake) if record.splits_of(subject)]


def cohorts_of(lake: LakeFolder, subject: str) -> list[str]:
    """Return the names of the cohorts that hold a subject now."""
    return [path.parent.name for path in _manifests(lake) if subject in read_manifest(path.parent)["subjects"]]


def _manifests(lake: LakeFolder) -> list[Path]:
    return sorted(lake.derivatives.glob(f"*/{MANIFEST}"))


def _config(path: Path) -> dict[str, Any]:
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise DataError(f"{path} is not YAML") from error
    return config if isinstance(config, dict) else {}


def _subjects(path: Path) -> dict[str, list[str]]:
    found: dict[str, set[str]] = {}
    with path.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            found.setdefault(row["split"], set()).add(row["group"])
    return {split: sorted(members) for split, members in sorted(found.items())}


def _cohort(lake: LakeFolder, config: dict[str, Any], subjects: set[str]) -> tuple[str, dict[str, Any]]:
    """Find the cohort by the run's ``data.root``; a run from another machine, by its subjects."""
    root = Path(str((config.get("data") or {}).get("root") or "."))
    manifests = {path.parent.name: path.parent for path in _manifests(lake)}
    for folder in (root, root.parent):
        if folder.name in manifests and subjects <= set(read_manifest(manifests[folder.name])["subjects"]):
            return folder.name, read_manifest(manifests[folder.name])
    for name, folder in manifests.items():
        manifest = read_manifest(folder)
        if subjects and subjects == set(manifest["subjects"]):
            return name, manifest
    return "", {}


def _check_known(lake: LakeFolder, subjects: set[str], manifest: dict[str, Any]) -> None:
    if manifest:
        return
    with open_index(lake) as index:
        known = {name for (name,) in index.ask("SELECT DISTINCT subject FROM objects")}
    if not subjects & known:
        raise DataError(
            "none of the run's groups is a subject of this lake",
            hint="train on a cohort of the lake: deephealth lake cohort, then data.root=LAKE/derivatives/COHORT",
        )


def _models(run_folder: Path) -> list[Path]:
    folder = run_folder / "model"
    return sorted(path for path in folder.rglob("*") if path.suffix in _WEIGHTS) if folder.is_dir() else []
