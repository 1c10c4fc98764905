"""A cohort: what a question finds, with labels and a patient-wise split, as a data set that training reads."""

from __future__ import annotations

import datetime
import json
import os
import re
import shutil
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deephealth import __version__
from deephealth.config.schema import SplitConfig
from deephealth.core.errors import DataError, StorageError
from deephealth.core.files import atomic_write, atomic_write_json, below, fsync_folder, sha256, storage_errors
from deephealth.data.sample import DataIndex, Sample
from deephealth.data.split import make_split
from deephealth.io.dataset_yaml import YamlDataset, YamlSample, write_dataset_yaml
from deephealth.io.source import Source
from deephealth.lake.catalogue.index import open_index
from deephealth.lake.catalogue.labels import Labels, read_labels
from deephealth.lake.catalogue.query import parse
from deephealth.lake.folder import LakeFolder
from deephealth.lake.layout.convert import Kind, kind_of, link_or_copy
from deephealth.lake.layout.names import TABLES, image_name, series_label, subject_folder
from deephealth.lake.layout.pictures import picture_png
from deephealth.lake.layout.published import Published
from deephealth.lake.layout.tsv import write_tsv
from deephealth.lake.layout.visit_table import VisitTable

__all__ = ["DATASET_FILE", "MANIFEST", "PARTITIONS", "Cohort", "make_cohort", "read_manifest"]

MANIFEST, PARTITIONS, DATASET_FILE = "manifest.json", "partitions.tsv", "dataset.yml"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_IMAGES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".nii.gz", ".nii", ".svs")
_SPLITS = {"train": "training", "val": "validation", "test": "test"}  # our name -> that of the DeepHealth data set file
_FEATURES = ("patient_id", "session", "modality", "body_part", "age", "sex")


@dataclass(slots=True)
class _Picked:
    """One image of a cohort and where it comes from."""

    file: Path  # in the lake; for objects without an image, the object
    name: str  # in the cohort, below ``images``
    label: str
    objects: list[Published] = field(default_factory=list)

    @property
    def first(self) -> Published:
        return self.objects[0]


@dataclass(frozen=True, slots=True)
class Cohort:
    """What :func:`make_cohort` made.

    Args:
        folder: ``derivatives/<name>``; the ``data.root`` of a training.
        manifest: content of ``manifest.json``.
        unlabelled: images left out because they have no label.
        without_image: objects left out because nothing that training reads can be made of them.
    """

    folder: Path
    manifest: dict[str, Any]
    unlabelled: int
    without_image: int


def make_cohort(
    lake: LakeFolder,
    query: str,
    *,
    name: str,
    labels: str = "",
    fractions: tuple[float, float, float] = (0.7, 0.15, 0.15),
    seed: int = 0,
    classes: Sequence[str] | None = None,
    sign: Callable[[bytes], str] | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> Cohort:
    """Make a data set in ``derivatives/<name>`` that ``deephealth train ... data.root=`` and ECVL's ``DLDataset`` read.

    The folder holds the data set file of the DeepHealth toolkit, the images (hard links where the lake has them, PNG
    made from the objects where it has not), ``partitions.tsv`` and a manifest that names every subject and object.
    All images of a subject stand in one split. It appears whole or not at all.

    Args:
        lake: where things lie.
        query: as for :func:`~deephealth.lake.catalogue.query.find`; conditions on ``n`` don't count.
        name: of the cohort.
        labels: value or table, as for :func:`~deephealth.lake.catalogue.labels.read_labels`; empty for no labels.
        fractions: shares of train, validation and test.
        seed: of the split.
        classes: names of the classes in the order of a network's outputs; those found, sorted, by default.
        sign: turns the manifest's bytes into a signature that the lake can check later.
        progress: is called with (images done, images in all).

    Raises:
        DataError: the name is taken or wrong, the question finds nothing, too few subjects, or an unknown class.
        MissingDataError: no index, or no label table.
        StorageError: the disk is full.
    """
    if not _NAME.fullmatch(name):
        raise DataError(f"'{name}' can't name a cohort", allowed="lower-case letters, digits, - and _")
    folder = lake.derivatives / name
    if folder.exists():
        raise DataError(f"the lake has a folder derivatives/{name} already", hint="choose another name for the cohort")
    question = parse(query)
    known = read_labels(lake, labels) if labels else None
    with open_index(lake) as index:
        picked, without_image = _pick(lake, index.objects(question.where, question.values), known)
        digest = index.digest()
    wanted = [one for one in picked if known is None or one.label]
    if not wanted:
        raise DataError(
            f"the question finds {len(picked)} images, and none has a label"
            if picked
            else "the question finds nothing",
            hint="deephealth lake find shows what there is; --labels names the table or the value with the labels",
        )
    facts = {
        "format": 1,
        "id": uuid.uuid4().hex,
        "cohort": name,
        "query": question.text,
        "labels": labels,
        "seed": seed,
        "fractions": list(fractions),
        "index_sha256": digest,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "tool": f"deephealth {__version__}",
        "classes": list(classes or sorted({one.label for one in wanted if one.label})),
    }
    with _appearing(lake, folder) as work:
        manifest = _write(lake, work, wanted, facts, sign, progress)
    return Cohort(folder, manifest, len(picked) - len(wanted), without_image)


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a cohort.

    Raises:
        DataError: it is missing or damaged.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return {**manifest, "subjects": list(manifest["subjects"])}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{folder.name} has no readable {MANIFEST}", hint="make the cohort anew") from error


def _pick(lake: LakeFolder, objects: Iterator[Published], labels: Labels | None) -> tuple[list[_Picked], int]:
    picked: dict[str, _Picked] = {}
    tables: dict[str, VisitTable] = {}
    lost = 0
    for one in objects:
        kind = kind_of(one.facts)
        if one.facts.format in TABLES or kind in (Kind.NONE, Kind.SLIDE, Kind.RECORDING):
            lost += 1
            continue
        label = "" if labels is None else labels.of(one.facts)
        found = _files(lake, one, kind, tables)
        lost += not found
        for file, name in found:
            picked.setdefault(f"{one.dataset}/{name}", _Picked(file, name, label)).objects.append(one)
    return sorted(picked.values(), key=lambda image: image.name), lost


def _files(lake: LakeFolder, one: Published, kind: Kind, tables: dict[str, VisitTable]) -> list[tuple[Path, str]]:
    """Return the images of an object: those that the layout made, or the object where a picture can be made of it."""
    visit = subject_folder(one.facts)
    place = f"{one.dataset}/sourcedata/{visit}"
    if place not in tables:
        tables[place] = VisitTable.load(lake.rawdata / place)
    row = tables[place].rows.get(series_label(one.facts) if kind is Kind.VOLUME else one.facts.key)
    made = [name for name in (row.files if row is not None else ()) if name.endswith(_IMAGES)]
    if made:
        return [(below(lake.dataset(one.dataset), name), name.rpartition("/")[2]) for name in made]
    if kind is Kind.PICTURE:
        word = image_name(one.facts, bids=False).after.rpartition("_")[2]
        return [(below(lake.root, one.path), f"{visit.replace('/', '_')}_{one.facts.key}_{word}.png")]
    suffix = ".nii.gz" if one.path.endswith(".nii.gz") else Path(one.path).suffix
    return (
        [(below(lake.root, one.path), f"{visit.replace('/', '_')}_{one.facts.key}{suffix}")]
        if kind is Kind.FILE
        else []
    )


def _write(
    lake: LakeFolder,
    work: Path,
    wanted: list[_Picked],
    facts: dict[str, Any],
    sign: Callable[[bytes], str] | None,
    progress: Callable[[int, int], object] | None,
) -> dict[str, Any]:
    strangers = sorted({one.label for one in wanted} - {"", *facts["classes"]})
    if strangers:
        raise DataError(f"labels that are no class: {', '.join(strangers)}", allowed=", ".join(facts["classes"]))
    images = []
    for done, one in enumerate(wanted, 1):
        images.append(_put_image(work, one))
        if progress is not None:
            progress(done, len(wanted))
    splits = _split(work, wanted, facts)
    yaml = _yaml(work, wanted, facts, splits)
    write_dataset_yaml(yaml, work / DATASET_FILE)
    rows = [
        {
            "participant_id": f"sub-{one.first.facts.subject}",
            "session_id": f"ses-{one.first.facts.session}",
            "filepath": f"images/{one.name}",
            "label": one.label,
            "partition": splits[at],
        }
        for at, one in enumerate(wanted)
    ]
    write_tsv(work / PARTITIONS, rows)
    manifest = {
        **facts,
        "subjects": sorted({one.first.facts.subject for one in wanted}),
        "counts": {name: dict(Counter(row["label"] for row in rows if row["partition"] == name)) for name in _SPLITS},
        "objects": _objects(wanted),
        "images": images,
        "dataset_sha256": sha256(work / DATASET_FILE),
    }
    if sign is not None:
        manifest["signature"] = sign(json.dumps(manifest, sort_keys=True).encode())
    atomic_write_json(work / MANIFEST, manifest)
    atomic_write(work / "README.md", _readme(manifest))
    return manifest


def _objects(wanted: list[_Picked]) -> list[dict[str, str]]:
    listed = {one.path: one for image in wanted for one in image.objects}
    return [
        {"path": path, "sha256": one.facts.sha256, "subject": one.facts.subject, "key": one.facts.key}
        for path, one in sorted(listed.items())
    ]


def _put_image(work: Path, one: _Picked) -> dict[str, str]:
    target = work / "images" / one.name
    target.parent.mkdir(exist_ok=True)
    with storage_errors(target, "putting an image into a cohort"):
        if one.file.suffix == ".dcm":
            atomic_write(target, picture_png(one.file)[0])
        else:
            link_or_copy(one.file, target)
    return {"file": f"images/{one.name}", "sha256": sha256(target), "subject": one.first.facts.subject}


def _split(work: Path, wanted: list[_Picked], facts: dict[str, Any]) -> list[str]:
    """Deal whole subjects to train, val and test; returns the split of each image."""
    samples = tuple(
        Sample(str(at), one.first.facts.subject, Source(work / "images" / one.name), one.label or None)
        for at, one in enumerate(wanted)
    )
    config = SplitConfig(source="groups", fractions=tuple(facts["fractions"]), seed=facts["seed"])
    split = make_split(DataIndex(work, "lake", tuple(facts["classes"]), samples), config)
    named = {sample.id: name for name, part in split.items() for sample in part}
    return [named[str(at)] for at in range(len(wanted))]


def _yaml(work: Path, wanted: list[_Picked], facts: dict[str, Any], splits: list[str]) -> YamlDataset:
    order = {name: at for at, name in enumerate(facts["classes"])}
    samples = []
    for one in wanted:
        of = one.first.facts
        values = (of.subject, of.session, of.modality, of.body_part, "" if of.age is None else str(of.age), of.sex)
        samples.append(
            YamlSample(
                (work / "images" / one.name,),
                (order[one.label],) if one.label else None,
                values={at: value for at, value in enumerate(values) if value},
            )
        )
    split = {theirs: tuple(at for at, name in enumerate(splits) if name == ours) for ours, theirs in _SPLITS.items()}
    return YamlDataset(
        tuple(samples),
        tuple(facts["classes"]),
        _FEATURES,
        split,
        facts["cohort"],
        f"Cohort {facts['cohort']} of a DeepHealth data lake: {facts['query'] or 'everything'}",
    )


def _readme(manifest: dict[str, Any]) -> str:
    return (
        f"# Cohort {manifest['cohort']}\n\n"
        f"{len(manifest['images'])} images of {len(manifest['subjects'])} subjects, found with "
        f"`{manifest['query'] or 'everything'}`.\n\n"
        f"`{DATASET_FILE}` is a data set file of the DeepHealth toolkit; all images of a subject stand in one split.\n"
        f"`{MANIFEST}` names every object that the cohort was made from: keep it with what is trained on it, and\n"
        "register the run (`deephealth lake register`), so that a withdrawal finds the models that saw a subject.\n"
    )


@contextmanager
def _appearing(lake: LakeFolder, folder: Path) -> Iterator[Path]:
    """Give a folder in which to build; at the end of the block it is renamed to ``folder``."""
    work = lake.staging / f"cohort-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    with storage_errors(folder, "making a cohort"):
        try:
            work.mkdir(parents=True)
            yield work
            folder.parent.mkdir(parents=True, exist_ok=True)
            os.rename(work, folder)
        except FileExistsError as error:
            raise StorageError(f"another process made derivatives/{folder.name} meanwhile") from error
        finally:
            shutil.rmtree(work, ignore_errors=True)
        fsync_folder(folder.parent)
