"""Make a synthetic-PHI DICOM set with its answer key; nothing of deephealth is used.

    python scripts/bench/deid/generate.py OUT --subjects 300 --seed 1

``OUT/data`` holds the objects, in folders named after the patients; ``OUT/key`` the answer key: ``objects.jsonl`` (one
object a line: its UID, path, subject, what matches it, its actions), ``subjects.jsonl`` (what may appear nowhere) and
``masks`` (the strokes of the texts burned in). Every person is made up.
"""

from __future__ import annotations

import argparse
import collections
import datetime
import hashlib
import json
import random
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from generate_derived import DERIVED
from generate_key import actions_of
from generate_modalities import IMAGES
from generate_objects import Draft, Study, new_uid, study_module
from generate_people import Subject, make_subjects
from generate_text import vocabulary
from pydicom.datadict import private_dictionary_VR
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless

_WEIGHTS = {
    "CT": 16,
    "MR": 14,
    "CR": 9,
    "DX": 8,
    "MG": 6,
    "US": 9,
    "USM": 4,
    "PT": 6,
    "NM": 4,
    "XA": 4,
    "SC": 6,
    "XC": 3,
    "ES": 3,
    "SM": 2,
}
_FOLLOWERS = {
    "CT": ("SR", "SEG", "RTSTRUCT", "RTPLAN", "RTDOSE", "KO", "PR"),
    "MR": ("SR", "SEG", "KO", "PR"),
    "PT": ("SEG", "SR"),
    "CR": ("KO", "PR", "ECG"),
    "DX": ("SR", "PR", "ECG"),
    "MG": ("SR", "PR"),
    "US": ("SR", "KO"),
    "XA": ("ECG", "PR"),
}


def digest(pixels: np.ndarray) -> str:
    """Return what names decoded pixels, whatever type they are stored in."""
    return hashlib.sha256(repr(pixels.shape).encode() + pixels.astype("<i8").tobytes()).hexdigest()[:32]


def _studies(subject: Subject, rng: random.Random) -> list[Study]:
    first = max(subject.birth.year + 1, 2003)
    leap = [year for year in (2004, 2008, 2012, 2016, 2020, 2024) if year > first]
    studies = []
    for _ in range(rng.choices((1, 2, 3), (45, 40, 15))[0]):
        day = datetime.date(rng.randint(first, 2024), 1, 1) + datetime.timedelta(days=rng.randint(0, 364))
        if leap and rng.random() < 0.08:
            day = datetime.date(rng.choice(leap), 2, 29)
        when = datetime.datetime.combine(day, datetime.time(rng.randint(6, 21), rng.randint(0, 59), rng.randint(0, 59)))
        accession = rng.choice(
            (f"A{rng.randint(10**7, 10**8)}", f"{rng.randint(10**8, 10**9)}", f"ACC-{rng.randint(10**5, 10**6)}")
        )
        subject.accessions.append(accession)
        study = Study(subject, when, new_uid(rng), accession, new_uid(rng))
        study_module(study, rng)
        studies.append(study)
    return studies


def _series(rng: random.Random, numbers: set[int]) -> dict[str, Any]:
    while (number := rng.randint(1, 9999)) in numbers:
        pass
    numbers.add(number)
    return {"uid": new_uid(rng), "number": number, "next": 1}


def drafts_of(subject: Subject, rng: random.Random, numbers: set[int]) -> list[Draft]:
    """Return all objects of a subject."""
    made: list[Draft] = []
    for study in _studies(subject, rng):
        kind = rng.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
        series = _series(rng, numbers)
        images = [IMAGES[kind](study, series, rng) for _ in range(rng.choices((1, 2), (70, 30))[0])]
        made += images
        if kind in _FOLLOWERS and rng.random() < 0.55:
            follower = rng.choice(_FOLLOWERS[kind])
            made.append(DERIVED[follower](study, _series(rng, numbers), rng, images[0]))
    return made


def _swap(draft: Draft) -> None:
    """Turn the words of native 16-bit data round for the big-endian transfer syntax."""
    for tag in (0x7FE00010, 0x60003000, 0x50003000):
        if tag in draft.ds and draft.ds[tag].VR == "OW":
            draft.ds[tag].value = np.frombuffer(draft.ds[tag].value, "<u2").byteswap().tobytes()


def _other_vr(draft: Draft) -> bool:
    """Tell whether a private element has another VR than readers of implicit VR will take it for."""
    for element in draft.ds.iterall():
        if element.tag.is_private and not element.tag.is_private_creator:
            try:
                if private_dictionary_VR(element.tag, element.private_creator) != element.VR:
                    return True
            except KeyError:
                continue
    return False


def write(draft: Draft, path: Path) -> None:
    """Write the draft as a Part 10 file."""
    ds, meta = draft.ds, FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = ds.SOPClassUID, ds.SOPInstanceUID
    if draft.syntax == ImplicitVRLittleEndian and _other_vr(draft):
        draft.syntax = ExplicitVRLittleEndian
    meta.TransferSyntaxUID = draft.syntax
    if "SourceApplicationEntityTitle" in draft.meta_plants:
        meta.SourceApplicationEntityTitle = draft.meta_plants["SourceApplicationEntityTitle"]
    if "PrivateInformation" in draft.meta_plants:
        meta.PrivateInformationCreatorUID = "1.3.6.1.4.1.99887.1"
        meta.PrivateInformation = draft.meta_plants["PrivateInformation"].encode("utf8")
    ds.file_meta = meta
    ds.preamble = draft.meta_plants.get("preamble", "").encode("utf8")[:128].ljust(128, b"\0")
    if draft.syntax == RLELossless:
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.compress(RLELossless, generate_instance_uid=False)
    elif draft.syntax == ExplicitVRBigEndian:
        _swap(draft)
    path.parent.mkdir(parents=True, exist_ok=True)
    pydicom.dcmwrite(path, ds, enforce_file_format=True)


def _numbers(draft: Draft) -> None:
    """Turn numbers written as text into numbers where the VR is binary."""
    for element in draft.ds.iterall():
        if element.VR in ("FD", "FL") and isinstance(element.value, str):
            element.value = float(element.value)


def _path_of(draft: Draft, index: int) -> Path:
    who, ds = draft.subject, draft.ds
    safe = re.sub(r"[^\w,. -]", "_", f"{who.family}, {who.given} ({who.patient_id})")
    return (
        Path(safe)
        / f"{ds.StudyDate} {draft.modality} {who.accessions[0]}"
        / f"{who.family}_{draft.modality}_{index:05d}.dcm"
    )


def _record(draft: Draft, index: int, out: Path) -> dict[str, Any]:
    relative = _path_of(draft, index)
    _numbers(draft)
    actions = actions_of(draft)
    ds = draft.ds
    record: dict[str, Any] = {
        "uid": str(ds.SOPInstanceUID),
        "path": str(relative),
        "subject": draft.subject.number,
        "modality": draft.modality,
        "patient": draft.subject.patient_id,
        "study": draft.study.uid,
        "sop_class": str(ds.SOPClassUID),
        "syntax": str(draft.syntax),
        "match": [str(ds.SOPClassUID), int(ds.SeriesNumber), int(ds.InstanceNumber)],
        "charset": draft.subject.charset,
    }
    write(draft, out / "data" / relative)
    if "PixelData" in ds:
        record["digest"] = digest(pydicom.dcmread(out / "data" / relative).pixel_array)
        actions.append(
            {"class": "pixels_kept", "path": "7FE00010", "value": [record["digest"]], "burned": bool(draft.burned)}
        )
    for number, one in enumerate(draft.burned):
        actions.append(
            {"class": "pixels_hidden", "path": "7FE00010", "box": list(one.box), "text": one.text, "mask": number}
        )
    if draft.burned:
        masks = {f"m{number}": one.mask for number, one in enumerate(draft.burned)}
        np.savez_compressed(out / "key" / "masks" / f"{record['uid']}.npz", **masks)
    record["actions"] = actions
    return record


def generate(out: Path, subjects: int, seed: int) -> collections.Counter[str]:
    """Write the set and its key; return the number of actions per class."""
    warnings.filterwarnings("ignore", module="pydicom")
    rng = random.Random(seed)
    (out / "key" / "masks").mkdir(parents=True, exist_ok=True)
    people = make_subjects(subjects, seed * 7919 + 1, vocabulary())
    tally: collections.Counter[str] = collections.Counter()
    numbers: set[int] = set()
    index = 0
    with (
        (out / "key" / "objects.jsonl").open("w", encoding="utf-8") as objects,
        (out / "key" / "subjects.jsonl").open("w", encoding="utf-8") as known,
    ):
        for subject in people:
            for draft in drafts_of(subject, rng, numbers):
                record = _record(draft, index, out)
                index += 1
                tally.update(action["class"] for action in record["actions"])
                tally["objects"] += 1
                tally[f"modality {record['modality']}"] += 1
                objects.write(json.dumps(record, ensure_ascii=False) + "\n")
            known.write(
                json.dumps(
                    {
                        "number": subject.number,
                        "patient": subject.patient_id,
                        "charset": subject.charset,
                        "canaries": subject.canaries(),
                    },
                    ensure_ascii=False,
                )
                + "\n"
            )
    return tally


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--subjects", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    tally = generate(asked.out, asked.subjects, asked.seed)
    actions = sum(count for name, count in tally.items() if name != "objects" and not name.startswith("modality"))
    for name, count in sorted(tally.items()):
        print(f"{name:24} {count:8}")
    print(f"actions per object       {actions / tally['objects']:8.1f}")


if __name__ == "__main__":
    main()
