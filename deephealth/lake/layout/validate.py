"""Our own check of a data set's layout: the names of BIDS and of MIDS, the tables, and that one agrees with the other.

The BIDS validator leaves out what ``.bidsignore`` names, which is all of MIDS, and it does not know our
``sourcedata``; this one looks at every file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from deephealth.core.errors import DataError
from deephealth.lake.layout.tables import BIDS_IGNORE
from deephealth.lake.layout.tsv import read_tsv

__all__ = ["LayoutProblem", "check_layout"]

_REQUIRED = ("dataset_description.json", "participants.tsv", "participants.json", "README.md", "CHANGES", "LICENSE")
_TOP = re.compile(
    r"dataset_description\.json|participants\.(tsv|json)|README(\.md)?|CHANGES|LICENSE|\.bidsignore|generated\.json"
)
_LABEL = r"[0-9A-Za-z]+"
_FOLDER = re.compile(rf"(sub-{_LABEL})(?:/(ses-{_LABEL}))?")
_BIDS_FOLDERS = frozenset({"anat", "func", "dwi", "eeg"})
_MIDS_FOLDER = re.compile(r"mod-[0-9a-z]+(/(anat|func|dwi))?")
# Entities in the order in which they stand in a name.
_ENTITIES = ("task", "acq", "ce", "rec", "dir", "run", "bp", "lat", "vp", "chunk")
_NAME = re.compile(
    rf"(sub-{_LABEL})(?:_(ses-{_LABEL}))?"
    + "".join(rf"(?:_{key}-(?P<{key}>{_LABEL}))?" for key in _ENTITIES)
    + r"_(?P<word>[0-9A-Za-z]+)(?P<suffix>(\.[0-9a-z]+)+)"
)
_IMAGES = (".nii.gz", ".nii", ".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".svs", ".dcm", ".edf", ".bdf")
_NEEDS_SIDE_CAR = (".nii.gz", ".png", ".edf", ".bdf")
_TEMPORARY = re.compile(r".*\.tmp$|^\..*\.[0-9a-f]{32}\.")
_SOURCE = re.compile(
    rf"(sub-{_LABEL}/(ses-{_LABEL}/)?((mod-[0-9a-z]+|reports|sidecars)/([A-Z2-7]{{12}}/)?{_LABEL}(\.[0-9a-z]+)+|images\.tsv)"
    rf"|tables/{_LABEL}\.(tsv|csv))"
)


@dataclass(frozen=True, slots=True)
class LayoutProblem:
    """Something that is not as the layout wants it.

    Args:
        severity: an error breaks the layout; a warning is something that a reader will miss.
        path: relative to the data set.
        message: what is wrong, and what would be right.
    """

    severity: Literal["error", "warning"]
    path: str
    message: str


def check_layout(folder: Path) -> list[LayoutProblem]:
    """Check a data set; an empty list says that nothing was found.

    Args:
        folder: of the data set.

    Source: BIDS 1.10 for names and tables; MIDS (arXiv:2010.00434) for the entities ``bp`` and ``vp`` and the folders
    ``mod-…``.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file() or path.is_symlink())
    names = [path.relative_to(folder).as_posix() for path in files]
    found = [LayoutProblem("error", name, "is missing") for name in _REQUIRED if not (folder / name).is_file()]
    for path, name in zip(files, names, strict=True):
        found += _check_name(path, name)
        if name.endswith(".json"):
            found += _check_json(path, name)
    there = set(names)
    images = [name for name in names if name.startswith("sub-") and name.endswith(_IMAGES)]
    found += _check_side_cars(images, there)
    found += _check_participants(folder, there)
    found += _check_scans(folder, images, there)
    found += _check_ignore(folder, names)
    return sorted(found, key=lambda problem: (problem.severity, problem.path, problem.message))


def _check_name(path: Path, name: str) -> Iterator[LayoutProblem]:
    if path.is_symlink():
        yield LayoutProblem("error", name, "is a symbolic link, which breaks when the data set is copied")
    if _TEMPORARY.match(path.name):
        yield LayoutProblem("error", name, "is a half-written file; remove it when nothing is writing")
        return
    top, _, rest = name.partition("/")
    if not rest:
        if not _TOP.fullmatch(name):
            yield LayoutProblem("error", name, "does not belong at the top of a data set")
    elif top == "sourcedata":
        if not _SOURCE.fullmatch(rest):
            yield LayoutProblem("error", name, "is not where a released object may lie")
    else:
        yield from _check_placed(name)


def _check_placed(name: str) -> Iterator[LayoutProblem]:
    folder, _, file = name.rpartition("/")
    where = _FOLDER.match(folder)
    if where is None:
        yield LayoutProblem("error", name, "does not lie in a folder sub-LABEL")
        return
    match = _NAME.fullmatch(file)
    if match is None:
        known = ", ".join(("sub", "ses", *_ENTITIES))
        yield LayoutProblem("error", name, f"is not called entities_word.suffix, entities being {known} in this order")
        return
    if (match[1], match[2]) != (where[1], where[2]) and not file.startswith(f"{where[1]}_sessions."):
        yield LayoutProblem("error", name, "is called after another subject or session than its folder")
    kind = folder[where.end() :].strip("/")
    if not kind:
        if match["word"] not in ("scans", "sessions"):
            yield LayoutProblem("error", name, "belongs into a folder of its modality")
    elif kind in _BIDS_FOLDERS:
        extra = [key for key in ("bp", "lat", "vp") if match[key]]
        if extra:
            yield LayoutProblem("error", name, f"has the MIDS entities {', '.join(extra)} in a BIDS folder")
    elif not _MIDS_FOLDER.fullmatch(kind):
        yield LayoutProblem("error", name, f"lies in '{kind}'; known are {', '.join(sorted(_BIDS_FOLDERS))} and mod-…")
    if match["run"] is not None and not re.fullmatch("[1-9][0-9]*", match["run"]):
        yield LayoutProblem("error", name, "has a run that is no number above 0")


def _check_json(path: Path, name: str) -> Iterator[LayoutProblem]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        yield LayoutProblem("error", name, "is not JSON")
        return
    if not isinstance(value, dict) and not name.startswith("sourcedata/"):
        yield LayoutProblem("error", name, "holds no JSON object")


def _check_side_cars(images: list[str], there: set[str]) -> Iterator[LayoutProblem]:
    for name in images:
        suffix = next(ending for ending in _IMAGES if name.endswith(ending))
        stem = name.removesuffix(suffix)
        if suffix in _NEEDS_SIDE_CAR and f"{stem}.json" not in there:
            yield LayoutProblem("warning", name, "has no JSON side-car")
        if "/dwi/" in name and "/mod-" not in name:
            for ending in (".bval", ".bvec"):
                if f"{stem}{ending}" not in there:
                    yield LayoutProblem("error", name, f"has no {ending} beside it")


def _check_participants(folder: Path, there: set[str]) -> Iterator[LayoutProblem]:
    name = "participants.tsv"
    rows = yield from _rows(folder, name, "participant_id")
    listed = [row["participant_id"] for row in rows]
    subjects = {part for path in there for part in path.split("/")[:2] if re.fullmatch(rf"sub-{_LABEL}", part)}
    for twice in sorted({one for one in listed if listed.count(one) > 1}):
        yield LayoutProblem("error", name, f"lists {twice} twice")
    for subject in sorted(subjects - set(listed)):
        yield LayoutProblem("error", name, f"does not list {subject}, which has a folder")
    for subject in sorted(set(listed) - subjects):
        yield LayoutProblem("error", name, f"lists {subject}, which has no folder")


def _check_scans(folder: Path, images: list[str], there: set[str]) -> Iterator[LayoutProblem]:
    listed: set[str] = set()
    for name in sorted(one for one in there if one.startswith("sub-") and one.endswith("_scans.tsv")):
        rows = yield from _rows(folder, name, "filename")
        visit = name.rpartition("/")[0]
        for row in rows:
            image = f"{visit}/{row['filename']}"
            listed.add(image)
            if image not in there:
                yield LayoutProblem("error", name, f"lists {row['filename']}, which is not there")
    for image in images:
        if image not in listed:
            yield LayoutProblem("error", image, "is in no scans.tsv")


def _rows(folder: Path, name: str, column: str) -> Generator[LayoutProblem, None, list[dict[str, str]]]:
    """Yield what is wrong with a table; return its rows."""
    if not (folder / name).is_file():
        return []
    try:
        columns, rows = read_tsv(folder / name)
    except (DataError, UnicodeDecodeError) as error:
        yield LayoutProblem("error", name, f"is no table: {error}")
        return []
    if columns[:1] != [column]:
        yield LayoutProblem("error", name, f"does not begin with the column {column}")
        return []
    return rows


def _check_ignore(folder: Path, names: list[str]) -> Iterator[LayoutProblem]:
    if not any("/mod-" in name and not name.startswith("sourcedata/") for name in names):
        return
    path = folder / ".bidsignore"
    lines = path.read_text(encoding="utf-8").split() if path.is_file() else []
    if BIDS_IGNORE[0] not in lines:
        yield LayoutProblem("error", ".bidsignore", f"does not hold {BIDS_IGNORE[0]}, so BIDS tools trip over MIDS")
