"""Joins what the tables say with the files that are there; every disagreement is noted, never guessed away."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from deephealth.data.sample import Sample
from deephealth.io.source import Source
from deephealth.usecases.uc12_skin.classes import UNKNOWN
from deephealth.usecases.uc12_skin.layouts.findings import Findings
from deephealth.usecases.uc12_skin.layouts.library import Library
from deephealth.usecases.uc12_skin.layouts.records import Record

__all__ = ["assemble", "note_masks", "note_missing_groups", "unique", "unlabelled"]


def unique(records: Iterable[Record], findings: Findings) -> list[Record]:
    """Return one record per image id, the first; repeats are noted, as errors where they contradict the first."""
    first: dict[str, Record] = {}
    for record in records:
        earlier = first.setdefault(record.id, record)
        if earlier is record:
            continue
        if earlier.label == record.label and earlier.group == record.group:
            findings.warning("duplicate", record.where, f"{record.id} is listed again; first in {earlier.where}")
        else:
            said = f"{record.label} of lesion {record.group or '?'}, and {earlier.label} of {earlier.group or '?'}"
            findings.error("duplicate", record.where, f"{record.id} is {said} in {earlier.where}; the first is taken")
    return list(first.values())


def assemble(records: Sequence[Record], images: Library, masks: Library, findings: Findings) -> tuple[Sample, ...]:
    """Return a sample for every record with a label and an image file.

    A label without image is an error. An image that no record speaks of is left out with a warning. A record whose
    label is wrong was noted when it was read, and one of the class UNK is left out.

    Args:
        records: one per image id.
        images: image files.
        masks: lesion outlines.
        findings: takes the problems.
    """
    samples = []
    for record in records:
        if record.label == UNKNOWN:
            continue
        image = images.find(record.id)
        if image is None:
            findings.error("missing-image", record.where, f"{record.id} has a label, and there is no image of it")
        elif record.label is not None:
            samples.append(_sample(record, image, masks))
    for image_id in images.others(record.id for record in records):
        message = f"{image_id} has no label; it is left out of classification"
        findings.warning("missing-label", str(images.find(image_id)), message)
    return tuple(samples)


def unlabelled(images: Library, masks: Library, known: Iterable[str], split: str | None = None) -> tuple[Sample, ...]:
    """Return a sample without label for every image that has a mask and is not among ``known``; for segmentation."""
    found = ((image_id, images.find(image_id)) for image_id in images.others(known))
    records = ((Record(image_id, str(image), None, split=split), image) for image_id, image in found if image)
    return tuple(_sample(record, image, masks) for record, image in records if record.id in masks)


def _sample(record: Record, image: Source, masks: Library) -> Sample:
    return Sample(
        id=record.id,
        group=record.group or record.id,
        image=image,
        label=record.label,
        mask=masks.find(record.id),
        split=record.split,
        facts=record.facts,
    )


def note_missing_groups(records: Sequence[Record], findings: Findings, where: str) -> None:
    """Warn once where images do not say which lesion they show: each then counts as a lesion of its own."""
    count = sum(not record.group for record in records)
    if count:
        message = f"{count} of {len(records)} images name no lesion; each counts as a lesion of its own"
        findings.warning("no-group", where, message)


def note_masks(images: Sequence[Library], masks: Library, findings: Findings) -> None:
    """Note the masks that have no image. (Images without mask are counted by the data check.)"""
    for image_id in masks.others(()):
        if not any(image_id in library for library in images):
            where = str(masks.find(image_id))
            findings.warning("mask-without-image", where, f"there is no image {image_id} for this mask")
