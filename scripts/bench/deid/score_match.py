"""Which output belongs to which input, and what became of UIDs, patient numbers and dates as a whole."""

from __future__ import annotations

import collections
import csv
import datetime
import json
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pydicom
from score_elements import lookup, values_of

__all__ = ["Answers", "Maps", "Output", "derive_maps", "match", "read_answers", "read_outputs"]


@dataclass
class Answers:
    """The answer key of a set."""

    folder: Path
    objects: list[dict[str, Any]]
    subjects: dict[int, dict[str, Any]]


@dataclass
class Output:
    """A file of the output; ``ds`` is None where it is no DICOM."""

    path: Path
    relative: str
    ds: Any = None


@dataclass
class Maps:
    """What became of things as a whole: old UID -> new, old patient number -> new, subject -> days of its shift."""

    uids: dict[str, str] = field(default_factory=dict)
    patients: dict[str, str] = field(default_factory=dict)
    shifts: dict[int, int] = field(default_factory=dict)
    hourly: set[int] = field(default_factory=set)  # subjects whose times of day were shifted too


def read_answers(folder: Path) -> Answers:
    """Read the key that ``generate.py`` wrote."""
    lines = (folder / "key" / "objects.jsonl").read_text(encoding="utf-8").strip("\n").split("\n")
    known = (folder / "key" / "subjects.jsonl").read_text(encoding="utf-8").strip("\n").split("\n")
    subjects = {one["number"]: one for one in map(json.loads, known)}
    return Answers(folder, [json.loads(line) for line in lines], subjects)


def read_outputs(folder: Path) -> list[Output]:
    """Return every regular file below a folder, parsed where it is DICOM."""
    warnings.filterwarnings("ignore", module="pydicom")
    found = []
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.is_symlink():
            continue
        one = Output(path, str(path.relative_to(folder)))
        with path.open("rb") as stream:
            head = stream.read(132)
        if head[128:132] == b"DICM" or path.suffix == ".dcm":
            try:
                one.ds = pydicom.dcmread(path, force=head[128:132] != b"DICM")
            except Exception:  # whatever breaks: it is no readable object
                one.ds = None
            if one.ds is not None and "SOPClassUID" not in one.ds:
                one.ds = None
        found.append(one)
    return found


def _read_map(path: Path | None) -> dict[str, str]:
    if path is None:
        return {}
    with path.open(newline="") as stream:
        return {row["id_old"].strip(): row["id_new"].strip() for row in csv.DictReader(stream)}


def match(answers: Answers, outputs: list[Output], mapping: Path | None) -> tuple[dict[str, Output], list[Output]]:
    """Return original SOP Instance UID -> output, and the DICOM files that match nothing (or twice)."""
    from score_pixels import digest_of

    by_uid = {new: old for old, new in _read_map(mapping).items()}
    known = {record["uid"] for record in answers.objects}
    by_numbers = {tuple(map(str, record["match"])): record["uid"] for record in answers.objects}
    by_digest = {record["digest"]: record["uid"] for record in answers.objects if "digest" in record}
    matched: dict[str, Output] = {}
    spare: list[Output] = []
    for one in outputs:
        if one.ds is None:
            continue
        ds = one.ds
        uid = by_uid.get(str(ds.get("SOPInstanceUID", "")))
        if uid not in known:
            numbers = (ds.get("SOPClassUID", ""), ds.get("SeriesNumber", ""), ds.get("InstanceNumber", ""))
            uid = by_numbers.get(tuple(map(str, numbers)))
        if uid is None:
            uid = by_digest.get(digest_of(ds))
        if uid is None or uid in matched:
            spare.append(one)
        else:
            matched[uid] = one
    return matched, spare


def _day(text: str) -> datetime.date | None:
    try:
        return datetime.datetime.strptime(text[:8], "%Y%m%d").date()
    except ValueError:
        return None


def derive_maps(answers: Answers, matched: dict[str, Output], mapping: Path | None, patients: Path | None) -> Maps:
    """Read the maps from the CSV files, or let all occurrences vote."""
    uids: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    ids: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    shifts: dict[int, collections.Counter[int]] = collections.defaultdict(collections.Counter)
    hourly: set[int] = set()
    for record in answers.objects:
        if record["uid"] not in matched:
            continue
        ds = matched[record["uid"]].ds
        for action in record["actions"]:
            kind = action["class"]
            if kind not in ("uid_consistent", "patient_consistent", "date_shifted"):
                continue
            _vote(action, ds, record["subject"], (uids, ids, shifts, hourly))
    made = Maps(hourly=hourly, shifts={subject: votes.most_common(1)[0][0] for subject, votes in shifts.items()})
    made.uids = {old: votes.most_common(1)[0][0] for old, votes in uids.items()} | _read_map(mapping)
    made.patients = {old: votes.most_common(1)[0][0] for old, votes in ids.items()} | _read_map(patients)
    return made


def _vote(action: dict[str, Any], ds: Any, subject: int, votes: tuple[Any, Any, Any, set[int]]) -> None:
    found = values_of(lookup(ds, action["path"]).element)
    uids, ids, shifts, hourly = votes
    if not found:
        return
    if action["class"] == "uid_consistent":
        for old, new in zip(action["value"], found, strict=False):
            uids[old][new] += 1
    elif action["class"] == "patient_consistent":
        ids[action["value"][0]][found[0]] += 1
    elif action["vr"] in ("DA", "DT"):
        old, new = _day(action["value"][0]), _day(found[0])
        if old and new:
            shifts[subject][(new - old).days] += 1
    elif found[0][:4] != action["value"][0][:4] and found[0].strip("0."):
        hourly.add(subject)
