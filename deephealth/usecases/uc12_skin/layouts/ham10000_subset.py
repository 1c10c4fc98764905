"""A cut of HAM10000 with its own split by lesion: ``labels.csv``, images and masks in one archive or two folders."""

from __future__ import annotations

from pathlib import Path

from deephealth.core.errors import MissingDataError
from deephealth.data.layout import Layout
from deephealth.data.sample import DataIndex
from deephealth.io.source import Source
from deephealth.usecases.uc12_skin.classes import class_order
from deephealth.usecases.uc12_skin.layouts.assemble import assemble, note_masks
from deephealth.usecases.uc12_skin.layouts.findings import Findings
from deephealth.usecases.uc12_skin.layouts.folders import image_key, mask_key, walk
from deephealth.usecases.uc12_skin.layouts.ham10000 import CITATION, LICENCE, metadata_records
from deephealth.usecases.uc12_skin.layouts.library import Library
from deephealth.usecases.uc12_skin.layouts.records import classes_of

__all__ = ["LAYOUT", "read", "recognise"]

EXPECTS = """
A cut of HAM10000 with a given split:
  labels.csv                      lesion_id,image_id,dx,...,split      (split: train, val or test)
  images_masks_200x150.zip        images/ISIC_0024312.jpg, masks/ISIC_0024312.png     or the two folders, unpacked
"""

_TABLE = "labels.csv"
_COLUMNS = {"lesion_id", "image_id", "dx", "split"}
_LONGEST_HEADER = 4096


def recognise(root: Path) -> bool:
    """Return whether ``root`` holds a ``labels.csv`` with the columns of this layout."""
    try:
        with (Path(root) / _TABLE).open(encoding="utf-8-sig") as stream:
            header = stream.readline(_LONGEST_HEADER)
    except (OSError, UnicodeDecodeError):
        return False
    return {name.strip().lower() for name in header.split(",")} >= _COLUMNS


def read(root: Path) -> DataIndex:
    """Read the cut without opening an image.

    Raises:
        MissingDataError: there is no image or no table.
    """
    root = Path(root)
    findings, images, masks = Findings(), Library("image"), Library("mask")
    for folder in walk(root, archives=lambda stem: stem.startswith(("images", "masks"))):
        if "masks" in folder.trail:
            masks.add(folder, lambda name: mask_key(name) or image_key(name))
        else:
            images.add(folder, image_key)
    table = root / _TABLE
    if not table.is_file() or not len(images):
        missing = f"no {_TABLE}" if not table.is_file() else "no image, neither in folders nor in an archive"
        raise MissingDataError(f"{root} holds {missing}", allowed=EXPECTS.strip())
    records = metadata_records(Source(table), findings)
    images.report(findings)
    masks.report(findings)
    samples = assemble(records, images, masks, findings)
    note_masks([images], masks, findings)
    return DataIndex(
        root=root,
        layout="ham10000_subset",
        classes=class_order(classes_of(records)),
        samples=samples,
        problems=findings.problems(),
        licence=LICENCE,
        citation=CITATION,
    )


LAYOUT = Layout(name="ham10000_subset", expects=EXPECTS, recognise=recognise, read=read)
