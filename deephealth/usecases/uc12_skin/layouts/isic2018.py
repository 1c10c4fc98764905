"""ISIC 2018 (and HAM10000 as its Task 3): folders of images, a one-hot table per part, lesion outlines of Task 1."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from deephealth.core.errors import MissingDataError
from deephealth.data.layout import Layout
from deephealth.data.sample import DataIndex, Sample
from deephealth.io.source import Source
from deephealth.usecases.uc12_skin.classes import class_order
from deephealth.usecases.uc12_skin.generated import GENERATED_LICENCE, read_marker
from deephealth.usecases.uc12_skin.layouts.assemble import (
    assemble,
    note_masks,
    note_missing_groups,
    unique,
    unlabelled,
)
from deephealth.usecases.uc12_skin.layouts.findings import Findings
from deephealth.usecases.uc12_skin.layouts.folders import Folder, entry_names, image_key, mask_key, walk
from deephealth.usecases.uc12_skin.layouts.library import Library
from deephealth.usecases.uc12_skin.layouts.records import (
    Record,
    classes_of,
    label_columns,
    note_unknown,
    one_hot_label,
)
from deephealth.usecases.uc12_skin.layouts.rows import read_rows

__all__ = ["LAYOUT", "LICENCE", "read", "recognise"]

EXPECTS = """
ISIC 2018 challenge, as its archives unpack (or as the .zip files themselves):
  ISIC2018_Task3_Training_Input/ISIC_0024306.jpg ...
  ISIC2018_Task3_Training_GroundTruth/ISIC2018_Task3_Training_GroundTruth.csv   image,MEL,NV,BCC,AKIEC,BKL,DF,VASC
  ISIC2018_Task3_Training_LesionGroupings.csv            optional: image,lesion_id,diagnosis_confirm_type
  ISIC2018_Task3_{Validation,Test}_{Input,GroundTruth}   optional: they become the val and test splits
  ISIC2018_Task1-2_Training_Input/, ISIC2018_Task1_Training_GroundTruth/ISIC_0024306_segmentation.png   optional: masks
"""
LICENCE = "CC BY-NC 4.0 (non-commercial, with attribution)"
CITATION = (
    "Tschandl et al., The HAM10000 dataset, Sci Data 5:180161 (2018), doi:10.1038/sdata.2018.161; "
    "Codella et al., Skin lesion analysis toward melanoma detection 2018, arXiv:1902.03368"
)

_SPLITS = {"training": "train", "validation": "val", "test": "test"}
_PART = re.compile(r"isic_?2018_task(1-2|1|3)_(training|validation|test)_(input|groundtruth|lesiongroupings)")


@dataclass(slots=True)
class _Part:
    """What belongs to training, validation or test."""

    images: Library = field(default_factory=lambda: Library("image"))
    outlined: Library = field(default_factory=lambda: Library("image"))  # of Task 1-2, which have no diagnosis
    truth: Source | None = None
    groupings: Source | None = None


def recognise(root: Path) -> bool:
    """Return whether a folder or table of ISIC 2018 lies in ``root``.

    HAM10000 as downloaded has the test images of ISIC 2018 beside it and a better table, so it is not meant here.
    """
    names = entry_names(root)
    return any(map(_PART.match, names)) and not any(name.startswith("ham10000_metadata") for name in names)


def read(root: Path) -> DataIndex:
    """Read ISIC 2018 without opening an image.

    Raises:
        MissingDataError: there is no image folder, or neither a ground-truth table nor a mask; or the set was being
            generated when that was interrupted.
    """
    root = Path(root)
    drawn = read_marker(root)
    if drawn is not None and not drawn["complete"]:
        raise MissingDataError(
            f"{root} was not generated to its end", hint="run the same `deephealth data generate` again"
        )
    findings, masks = Findings(), Library("mask")
    parts = {name: _Part() for name in _SPLITS}
    for folder in walk(root, archives=lambda stem: _PART.match(stem) is not None):
        _file(folder, parts, masks)
    _require(root, parts, masks)
    # one table of lesions may cover several parts, and a lesion that crosses them is a leak: look everywhere
    lesions = {image: found for part in parts.values() for image, found in _lesions(part.groupings).items()}
    records = {name: _records(name, part, lesions, findings) for name, part in parts.items()}
    samples = _samples(parts, records, masks, findings)
    masks.report(findings)
    note_masks([library for part in parts.values() for library in (part.images, part.outlined)], masks, findings)
    return DataIndex(
        root=root,
        layout="isic2018",
        classes=class_order(classes_of(record for some in records.values() for record in some)),
        samples=_with_splits(samples),
        problems=findings.problems(),
        licence=GENERATED_LICENCE if drawn else LICENCE,
        citation="" if drawn else CITATION,
    )


def _file(folder: Folder, parts: dict[str, _Part], masks: Library) -> None:
    """Sort a folder's images, masks and tables into the parts they belong to."""
    for name, source in folder.files.items():
        table = _PART.match(name.lower())
        if table and name.lower().endswith(".csv"):
            part = parts[table[2]]
            if table[3] == "lesiongroupings":
                part.groupings = source
            elif table[3] == "groundtruth":
                part.truth = source
    places = [place for place in map(_PART.fullmatch, folder.trail) if place]
    if not places:
        return
    task, phase, kind = places[-1].groups()
    if kind == "input":
        part = parts[phase]
        (part.images if task == "3" else part.outlined).add(folder, image_key)
    elif kind == "groundtruth" and task != "3":
        masks.add(folder, mask_key)


def _require(root: Path, parts: dict[str, _Part], masks: Library) -> None:
    if not any(len(part.images) or len(part.outlined) for part in parts.values()):
        raise MissingDataError(f"{root} holds no image of ISIC 2018", allowed=EXPECTS.strip())
    if not len(masks) and not any(part.truth for part in parts.values()):
        raise MissingDataError(
            f"{root} holds images of ISIC 2018 and neither a ground-truth table nor a mask",
            allowed=EXPECTS.strip(),
            hint="add ISIC2018_Task3_Training_GroundTruth.csv",
        )


def _records(name: str, part: _Part, lesions: dict[str, tuple[str, str]], findings: Findings) -> list[Record]:
    if part.truth is None:
        if len(part.images):
            message = f"{len(part.images)} images without a ground-truth table; they are left out of classification"
            findings.warning("missing-label", f"ISIC2018_Task3_{name.title()}_GroundTruth.csv", message)
        return []
    rows = read_rows(part.truth, ("image",))
    columns = label_columns(rows[0]) if rows else {}
    records = []
    for row in rows:
        group, confirmation = lesions.get(row.get("image"), ("", ""))
        label = one_hot_label(row, columns, findings)
        facts = {"confirmation": confirmation}
        records.append(Record(row.get("image"), row.where, label, group, _SPLITS[name], facts))
    records = unique(records, findings)
    note_unknown(records, findings, str(part.truth))
    note_missing_groups(records, findings, str(part.truth))
    return records


def _lesions(groupings: Source | None) -> dict[str, tuple[str, str]]:
    """Return image id -> (lesion, how the diagnosis was confirmed)."""
    if groupings is None:
        return {}
    rows = read_rows(groupings, ("image", "lesion_id"))
    return {row.get("image"): (row.get("lesion_id"), row.get("diagnosis_confirm_type")) for row in rows}


def _samples(
    parts: dict[str, _Part], records: dict[str, list[Record]], masks: Library, findings: Findings
) -> list[Sample]:
    """Return the labelled images of all parts, then those that have only an outline; each id once."""
    samples: list[Sample] = []
    for name, part in parts.items():
        part.images.report(findings)
        part.outlined.report(findings)
        if part.truth is not None:
            samples += assemble(records[name], part.images, masks, findings)
    listed = {record.id for some in records.values() for record in some}
    for name, part in parts.items():
        for library in (part.images, part.outlined):
            more = unlabelled(library, masks, listed, _SPLITS[name])
            listed |= {sample.id for sample in more}
            samples += more
    return samples


def _with_splits(samples: list[Sample]) -> tuple[Sample, ...]:
    """Keep the challenge's splits where there is more than one; a training part alone says nothing about a split."""
    if len({sample.split for sample in samples}) > 1:
        return tuple(samples)
    return tuple(replace(sample, split=None) for sample in samples)


LAYOUT = Layout(name="isic2018", expects=EXPECTS, recognise=recognise, read=read)
