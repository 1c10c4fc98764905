"""HAM10000 as published (Harvard Dataverse, Kaggle): a metadata table with lesion ids, images in one or two folders."""

from __future__ import annotations

from pathlib import Path

from deephealth.core.errors import MissingDataError
from deephealth.data.layout import Layout
from deephealth.data.sample import DataIndex
from deephealth.io.source import Source
from deephealth.usecases.uc12_skin.classes import class_order
from deephealth.usecases.uc12_skin.layouts.assemble import assemble, note_masks, note_missing_groups, unique
from deephealth.usecases.uc12_skin.layouts.findings import Findings
from deephealth.usecases.uc12_skin.layouts.folders import entry_names, image_key, mask_key, walk
from deephealth.usecases.uc12_skin.layouts.library import Library
from deephealth.usecases.uc12_skin.layouts.records import Record, classes_of, note_unknown, word_label
from deephealth.usecases.uc12_skin.layouts.rows import Row, read_rows

__all__ = ["CITATION", "LAYOUT", "LICENCE", "metadata_records", "read", "recognise"]

EXPECTS = """
HAM10000 as published (the .zip files may stay packed):
  HAM10000_metadata  or  HAM10000_metadata.csv / .tab     lesion_id,image_id,dx,dx_type,age,sex,localization
  HAM10000_images_part_1/ISIC_0024306.jpg ..., HAM10000_images_part_2/ ...     or all images in one folder
  HAM10000_segmentations_lesion_tschandl/ISIC_0024306_segmentation.png ...     optional: masks
"""
LICENCE = "CC BY-NC 4.0 (non-commercial, with attribution)"
CITATION = "Tschandl et al., The HAM10000 dataset, Sci Data 5:180161 (2018), doi:10.7910/DVN/DBW86T"

_METADATA = ("ham10000_metadata", "ham10000_metadata.csv", "ham10000_metadata.tab", "ham10000_metadata.txt")


def recognise(root: Path) -> bool:
    """Return whether the metadata table of HAM10000 lies in ``root``."""
    return not entry_names(root).isdisjoint(_METADATA)


def read(root: Path) -> DataIndex:
    """Read HAM10000 without opening an image.

    Raises:
        MissingDataError: there is no image or no metadata table.
    """
    root = Path(root)
    findings, images, masks = Findings(), Library("image"), Library("mask")
    table: Source | None = None
    for folder in walk(root, archives=lambda stem: stem.startswith("ham10000_")):
        if any(name.startswith("isic2018_task3_test") for name in folder.trail):
            continue  # the test images of ISIC 2018, which the Dataverse page offers beside HAM10000
        table = table or next((at for name, at in folder.files.items() if name.lower() in _METADATA), None)
        images.add(folder, image_key)
        masks.add(folder, mask_key)
    if table is None or not len(images):
        missing = "metadata table" if table is None else "image"
        raise MissingDataError(f"{root} holds no {missing} of HAM10000", allowed=EXPECTS.strip())
    records = metadata_records(table, findings)
    images.report(findings)
    masks.report(findings)
    samples = assemble(records, images, masks, findings)
    note_masks([images], masks, findings)
    return DataIndex(
        root=root,
        layout="ham10000",
        classes=class_order(classes_of(records)),
        samples=samples,
        problems=findings.problems(),
        licence=LICENCE,
        citation=CITATION,
    )


def metadata_records(table: Source, findings: Findings) -> list[Record]:
    """Return one record per image of a table with HAM10000's columns; a column ``split`` gives the split.

    Args:
        table: the metadata file.
        findings: takes the problems.
    """
    rows = read_rows(table, ("image_id", "dx"))
    records = [_record(row, findings) for row in rows]
    records = unique(records, findings)
    note_unknown(records, findings, str(table))
    note_missing_groups(records, findings, str(table))
    return records


def _record(row: Row, findings: Findings) -> Record:
    facts = {
        "age": row.get("age"),
        "sex": row.get("sex"),
        "site": row.get("localization"),
        "confirmation": row.get("dx_type"),
        "source": row.get("dataset"),
    }
    label = word_label(row, "dx", findings)
    return Record(
        id=row.get("image_id"),
        where=row.where,
        label=label,
        group=row.get("lesion_id"),
        split=_split(row, findings),
        facts={name: "" if text.lower() in ("unknown", "nan") else text for name, text in facts.items() if text},
    )


def _split(row: Row, findings: Findings) -> str | None:
    text = row.get("split").lower()
    split = {"validation": "val", "valid": "val", "training": "train", "testing": "test"}.get(text, text)
    if split and split not in ("train", "val", "test"):
        findings.error("bad-split", row.where, f"unknown split '{text}'; known are train, val, test")
        return None
    return split or None


LAYOUT = Layout(name="ham10000", expects=EXPECTS, recognise=recognise, read=read)
