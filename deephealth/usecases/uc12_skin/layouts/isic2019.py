"""ISIC 2019: one folder of images, a one-hot table with eight classes and UNK, and a table of patients' facts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deephealth.core.errors import MissingDataError
from deephealth.data.layout import Layout
from deephealth.data.sample import DataIndex, Sample
from deephealth.io.source import Source
from deephealth.usecases.uc12_skin.classes import class_order
from deephealth.usecases.uc12_skin.layouts.assemble import assemble, note_masks, note_missing_groups, unique
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
from deephealth.usecases.uc12_skin.layouts.rows import Row, read_rows

__all__ = ["LAYOUT", "read", "recognise"]

EXPECTS = """
ISIC 2019 challenge, as its archives unpack (or as the .zip files themselves):
  ISIC_2019_Training_Input/ISIC_0000000.jpg ...     (also ISIC_2019_Training_Input/ISIC_2019_Training_Input/)
  ISIC_2019_Training_GroundTruth.csv                image,MEL,NV,BCC,AK,BKL,DF,VASC,SCC,UNK
  ISIC_2019_Training_Metadata.csv                   optional: image,age_approx,anatom_site_general,lesion_id,sex
  ISIC_2019_Test_{Input,GroundTruth.csv,Metadata.csv}   optional: they become the test split
"""
LICENCE = "CC BY-NC 4.0 (non-commercial, with attribution)"
CITATION = (
    "Tschandl et al., Sci Data 5:180161 (2018); Codella et al., arXiv:1710.05006; "
    "Combalia et al., BCN20000, arXiv:1908.02288"
)

_SPLITS = {"training": "train", "test": "test"}
_PART = re.compile(r"isic_?2019_(training|test)_(input|groundtruth|metadata)")


@dataclass(slots=True)
class _Part:
    images: Library = field(default_factory=lambda: Library("image"))
    truth: Source | None = None
    metadata: Source | None = None


def recognise(root: Path) -> bool:
    """Return whether a folder or table of ISIC 2019 lies in ``root``."""
    return any(map(_PART.match, entry_names(root)))


def read(root: Path) -> DataIndex:
    """Read ISIC 2019 without opening an image.

    Raises:
        MissingDataError: there is no image or no ground-truth table.
    """
    root = Path(root)
    findings, masks = Findings(), Library("mask")
    parts = {name: _Part() for name in _SPLITS}
    for folder in walk(root, archives=lambda stem: _PART.match(stem) is not None):
        _file(folder, parts)
        masks.add(folder, mask_key)
    _require(root, parts)
    both = all(part.truth and len(part.images) for part in parts.values())
    samples: list[Sample] = []
    classes: set[str] = set()
    for name, part in parts.items():
        part.images.report(findings)
        records = _records(name, part, findings, split=_SPLITS[name] if both else None)
        classes |= classes_of(records)
        if part.truth:
            samples += assemble(records, part.images, masks, findings)
    masks.report(findings)
    note_masks([part.images for part in parts.values()], masks, findings)
    return DataIndex(
        root=root,
        layout="isic2019",
        classes=class_order(classes),
        samples=tuple(samples),
        problems=findings.problems(),
        licence=LICENCE,
        citation=CITATION,
    )


def _file(folder: Folder, parts: dict[str, _Part]) -> None:
    for name, source in folder.files.items():
        table = _PART.match(name.lower())
        if table and name.lower().endswith(".csv"):
            part = parts[table[1]]
            if table[2] == "groundtruth":
                part.truth = source
            elif table[2] == "metadata":
                part.metadata = source
    places = [place for place in map(_PART.fullmatch, folder.trail) if place and place[2] == "input"]
    if places:
        parts[places[-1][1]].images.add(folder, image_key)


def _require(root: Path, parts: dict[str, _Part]) -> None:
    if not any(len(part.images) for part in parts.values()):
        raise MissingDataError(f"{root} holds no image of ISIC 2019", allowed=EXPECTS.strip())
    if not any(part.truth for part in parts.values()):
        hint = "add ISIC_2019_Training_GroundTruth.csv"
        raise MissingDataError(f"{root} holds no ground-truth table of ISIC 2019", allowed=EXPECTS.strip(), hint=hint)


def _records(name: str, part: _Part, findings: Findings, split: str | None) -> list[Record]:
    if part.truth is None:
        if len(part.images):
            message = f"{len(part.images)} images without a ground-truth table; they are left out"
            findings.warning("missing-label", f"ISIC_2019_{name.title()}_GroundTruth.csv", message)
        return []
    metadata = {} if part.metadata is None else {row.get("image"): row for row in read_rows(part.metadata, ("image",))}
    rows = read_rows(part.truth, ("image",))
    columns = label_columns(rows[0]) if rows else {}
    records = []
    for row in rows:
        about = metadata.get(row.get("image"), row)
        label = one_hot_label(row, columns, findings)
        records.append(Record(row.get("image"), row.where, label, about.get("lesion_id"), split, _facts(about)))
    records = unique(records, findings)
    note_unknown(records, findings, str(part.truth))
    note_missing_groups(records, findings, str(part.metadata or part.truth))
    return records


def _facts(row: Row) -> Mapping[str, str]:
    return {"age": row.get("age_approx"), "sex": row.get("sex"), "site": row.get("anatom_site_general")}


LAYOUT = Layout(name="isic2019", expects=EXPECTS, recognise=recognise, read=read)
