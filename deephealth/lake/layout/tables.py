"""The tables and papers of a data set: participants, sessions, scans, description, licence."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from deephealth import __version__
from deephealth.core.files import atomic_write, atomic_write_json
from deephealth.lake.facts import ObjectFacts
from deephealth.lake.folder import LakeFolder
from deephealth.lake.layout.names import TABLES, series_label, subject_folder
from deephealth.lake.layout.published import Published
from deephealth.lake.layout.tsv import write_tsv
from deephealth.lake.layout.visit_table import VisitTable

__all__ = ["BIDS_IGNORE", "BIDS_VERSION", "DatasetPaper", "Tables", "age_text", "write_paper", "write_tables"]

BIDS_VERSION = "1.10.1"

# What MIDS adds and the BIDS validator does not know. ``sourcedata`` and ``derivatives`` it leaves alone by itself.
BIDS_IGNORE = ("**/mod-*", "**/mod-*/**", "generated.json")

_PARTICIPANTS = {
    "participant_id": {"Description": "pseudonym of the patient"},
    "age": {"Description": "age at the first visit; 89+ stands for 90 and above", "Units": "year"},
    "sex": {"Description": "sex as in the header", "Levels": {"M": "male", "F": "female", "O": "other"}},
    "modalities": {"Description": "modalities of the patient's objects (0008,0060), MIDS"},
    "body_parts": {"Description": "body parts examined (0018,0015), MIDS"},
}
_SESSIONS = {
    "session_id": {"Description": "pseudonym of the study"},
    "acq_time": {"Description": "date of the study, shifted by the patient's number of days; the time is not released"},
    "age": {"Description": "age at the study; 89+ stands for 90 and above", "Units": "year"},
    "modalities": {"Description": "modalities of the study"},
    "body_parts": {"Description": "body parts of the study"},
}
_SCANS = {
    "filename": {"Description": "image, relative to the session's folder"},
    "modality": {"Description": "modality (0008,0060)"},
    "body_part": {"Description": "body part examined (0018,0015)"},
    "series": {"Description": "folder of the objects in sourcedata that the image was made from"},
    "manufacturer": {"Description": "manufacturer of the device (0008,0070)"},
    "model": {"Description": "model of the device (0008,1090)"},
    "description": {"Description": "cleaned series description (0008,103E)"},
}
_NO_IMAGE = (".json", ".bval", ".bvec", ".tsv")


@dataclass(frozen=True, slots=True)
class DatasetPaper:
    """What people say about a data set; nothing of it can be read from the images.

    Args:
        name: title.
        description: what it is and where it comes from.
        licence: short name of the licence, such as ``CC-BY-4.0``, or ``""`` when nobody said.
        licence_text: content of ``LICENSE``.
        authors: who made it.
        acknowledgements, how_to_acknowledge, funding, ethics, references: as in ``dataset_description.json``.
        de_identification: what was executed, such as ``113100 Basic Application Confidentiality Profile``.
    """

    name: str
    description: str = ""
    licence: str = ""
    licence_text: str = ""
    authors: tuple[str, ...] = ()
    acknowledgements: str = ""
    how_to_acknowledge: str = ""
    funding: tuple[str, ...] = ()
    ethics: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    de_identification: tuple[str, ...] = ()


def write_paper(folder: Path, paper: DatasetPaper, *, change: str = "", on: date | None = None) -> None:
    """Write ``dataset_description.json``, ``README.md``, ``LICENSE``, ``CHANGES`` and ``.bidsignore``.

    Args:
        folder: of the data set.
        paper: what people say about it.
        change: a line for ``CHANGES``; the file is begun when it is missing.
        on: date of that change.

    Raises:
        StorageError: a file can't be written.

    Source: BIDS 1.10, "Modality agnostic files".
    """
    described: dict[str, Any] = {
        "Name": paper.name,
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "raw",
        "License": paper.licence or "not stated",
        "Authors": list(paper.authors) or ["not stated"],
        "Acknowledgements": paper.acknowledgements,
        "HowToAcknowledge": paper.how_to_acknowledge,
        "Funding": list(paper.funding),
        "EthicsApprovals": list(paper.ethics),
        "ReferencesAndLinks": list(paper.references),
        "GeneratedBy": [{"Name": "deephealth lake", "Version": __version__}],
    }
    required = ("Name", "BIDSVersion", "DatasetType", "License", "Authors", "GeneratedBy")
    atomic_write_json(folder / "dataset_description.json", {k: v for k, v in described.items() if v or k in required})
    atomic_write(folder / "README.md", _readme(paper))
    licence = paper.licence_text or f"{paper.licence or 'No licence was stated: ask the publisher before any use.'}\n"
    atomic_write(folder / "LICENSE", licence)
    atomic_write(folder / ".bidsignore", "\n".join(BIDS_IGNORE) + "\n")
    _log_change(folder / "CHANGES", change, on)


@dataclass(slots=True)
class Tables:
    """How many lines :func:`write_tables` wrote."""

    participants: int = 0
    sessions: int = 0
    scans: int = 0


@dataclass(slots=True)
class _Gathered:
    """Facts of one subject or one visit."""

    ages: set[int] = field(default_factory=set)
    dates: set[str] = field(default_factory=set)
    sexes: dict[str, int] = field(default_factory=dict)
    modalities: set[str] = field(default_factory=set)
    body_parts: set[str] = field(default_factory=set)
    series: dict[str, ObjectFacts] = field(default_factory=dict)

    def add(self, facts: ObjectFacts, label: str) -> None:
        if facts.age is not None:
            self.ages.add(facts.age)
        if facts.study_date:
            self.dates.add(facts.study_date)
        if facts.sex:
            self.sexes[facts.sex] = self.sexes.get(facts.sex, 0) + 1
        self.modalities.add(facts.modality.upper() or "OT")
        if facts.body_part:
            self.body_parts.add(facts.body_part.upper())
        self.series.setdefault(label, facts)

    def row(self) -> dict[str, str]:
        return {
            "age": age_text(min(self.ages, default=None)),
            "modalities": ",".join(sorted(self.modalities)),
            "body_parts": ",".join(sorted(self.body_parts)),
        }


def write_tables(lake: LakeFolder, dataset: str, objects: Iterable[Published]) -> Tables:
    """Write participants, sessions and scans of a data set anew, from the facts and from the images that are there.

    Args:
        lake: where things lie.
        dataset: name of the data set.
        objects: all published objects (of any data set).

    Raises:
        StorageError: a table can't be written.

    Source: BIDS 1.10, participants, sessions and scans files; the columns ``modalities`` and ``body_parts`` are MIDS'.
    """
    folder, tables = lake.dataset(dataset), Tables()
    subjects: dict[str, _Gathered] = defaultdict(_Gathered)
    visits: dict[str, dict[str, _Gathered]] = defaultdict(lambda: defaultdict(_Gathered))
    for one in objects:
        if one.dataset != dataset or one.facts.format in TABLES or not one.facts.subject:
            continue
        label = series_label(one.facts)
        subjects[one.facts.subject].add(one.facts, label)
        visit = visits[one.facts.subject][subject_folder(one.facts)]
        visit.add(one.facts, label)
        visit.series.setdefault(one.facts.key, one.facts)
    for subject, of_subject in sorted(visits.items()):
        _write_subject(folder, subject, of_subject, tables)
    rows = [_participant(subject, gathered) for subject, gathered in sorted(subjects.items())]
    write_tsv(folder / "participants.tsv", rows, tuple(_PARTICIPANTS))
    atomic_write_json(folder / "participants.json", _PARTICIPANTS)
    tables.participants = len(rows)
    return tables


def _participant(subject: str, gathered: _Gathered) -> dict[str, str]:
    sex = max(sorted(gathered.sexes), key=lambda name: gathered.sexes[name], default="")
    return {"participant_id": f"sub-{subject}", "sex": sex, **gathered.row()}


def _write_subject(folder: Path, subject: str, visits: dict[str, _Gathered], tables: Tables) -> None:
    sessions = []
    for visit, gathered in sorted(visits.items()):
        session = visit.partition("/ses-")[2]
        if session:
            row = {"session_id": f"ses-{session}", "acq_time": _acquired(min(gathered.dates, default=""))}
            sessions.append({**row, **gathered.row()})
        scans = _scans(folder, visit, gathered)
        stem = folder / visit / visit.replace("/", "_")
        if scans:
            write_tsv(stem.with_name(f"{stem.name}_scans.tsv"), scans, tuple(_SCANS))
            atomic_write_json(stem.with_name(f"{stem.name}_scans.json"), _SCANS)
        else:
            stem.with_name(f"{stem.name}_scans.tsv").unlink(missing_ok=True)
            stem.with_name(f"{stem.name}_scans.json").unlink(missing_ok=True)
        tables.scans += len(scans)
    if sessions:
        stem = folder / f"sub-{subject}" / f"sub-{subject}_sessions"
        write_tsv(stem.with_suffix(".tsv"), sessions, tuple(_SESSIONS))
        atomic_write_json(stem.with_suffix(".json"), _SESSIONS)
    tables.sessions += len(sessions)


def _scans(folder: Path, visit: str, gathered: _Gathered) -> list[dict[str, str]]:
    rows = []
    for label, row in sorted(VisitTable.load(folder / "sourcedata" / visit).rows.items()):
        facts = gathered.series.get(label)
        for name in row.files:
            if facts is None or name.endswith(_NO_IMAGE):
                continue
            rows.append(
                {
                    "filename": name.removeprefix(f"{visit}/"),
                    "modality": facts.modality,
                    "body_part": facts.body_part,
                    "series": label,
                    "manufacturer": facts.manufacturer,
                    "model": facts.model,
                    "description": facts.description,
                }
            )
    return sorted(rows, key=lambda row: row["filename"])


def age_text(age: int | None) -> str:
    """Return an age as BIDS writes it.

    Example:
        >>> age_text(34), age_text(90), age_text(None)
        ('34', '89+', '')
    """
    return "" if age is None else "89+" if age > 89 else str(age)


def _acquired(day: str) -> str:
    return f"{day[:4]}-{day[4:6]}-{day[6:8]}T00:00:00" if re.fullmatch(r"\d{8}", day) else ""


def _readme(paper: DatasetPaper) -> str:
    lines = [f"# {paper.name}", "", paper.description or "No description was given.", ""]
    lines += [
        "Brain images follow BIDS; everything else follows MIDS (arXiv:2010.00434), in folders that begin with `mod-`.",
        "`sourcedata` holds the de-identified objects that the images were made from.",
        "Names of subjects and sessions are pseudonyms; dates are shifted by a number of days that is the same for all",
        "data of one subject.",
    ]
    if paper.de_identification:
        lines += ["", "De-identified with:", "", *(f"- {line}" for line in paper.de_identification)]
    return "\n".join(lines) + "\n"


def _log_change(path: Path, change: str, on: date | None) -> None:
    """Newest first, as BIDS asks (CPAN changelog)."""
    old = path.read_text(encoding="utf-8") if path.is_file() else ""
    versions = [int(found) for found in re.findall(r"^1\.0\.(\d+) ", old, re.MULTILINE)]
    if old and not change:
        return
    number = max(versions, default=-1) + 1
    entry = f"1.0.{number} {(on or date.today()).isoformat()}\n  - {change or 'first release'}\n"
    atomic_write(path, f"{entry}\n{old}" if old else entry)
