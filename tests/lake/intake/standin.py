"""A stand-in for what an intake calls: files of one line of JSON, a cleaner that strips it, identities in memory.

Its own hostile files make it crash, hang, or ask for memory, as a broken decoder would.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deephealth.core.errors import QuarantineError, UnreadableFileError
from deephealth.lake.actions import Action, Tally
from deephealth.lake.facts import ObjectFacts
from deephealth.lake.folder import LakeFolder
from deephealth.lake.identifiers import Identifiers
from deephealth.lake.intake.task import Released, Scanned, Task
from deephealth.lake.intake.tools import IntakeTools
from deephealth.lake.pseudonyms import Pseudonyms
from deephealth.lake.reasons import Reason

KEY = bytes(range(32))


def write_file(path: Path, patient: str, *, study: str = "", series: str = "", item: str = "", **more: object) -> Path:
    """Write one file of the stand-in's format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    header = {"patient": patient, "study": study, "series": series, "object": item, **more}
    path.write_bytes(b"STANDIN" + json.dumps(header).encode() + b"\n" + b"pixels " * 20)
    return path


def make_folder(root: Path, *, patients: int = 4, series: int = 2, objects: int = 5) -> int:
    """Write a folder of sound files; return how many."""
    for patient in range(patients):
        for number in range(series):
            for item in range(objects):
                uid = f"1.2.{patient}.{number}.{item}"
                name = root / f"Doe^Jane{patient}" / f"series{number}" / f"{item}.dcm"
                write_file(name, f"MRN{patient}", study=f"9.{patient}", series=f"8.{patient}.{number}", item=uid)
    return patients * series * objects


def make_mixed_folder(root: Path, *, patients: int = 6, series: int = 3, objects: int = 12) -> int:
    """Write a folder with files of every fate, in an order that mixes them; return how many."""
    count = make_folder(root, patients=patients, series=series, objects=objects)
    for patient in range(patients):
        folder, who = root / f"Doe^Jane{patient}" / "zz", f"MRN{patient}"
        write_file(folder / "same.dcm", who, item=f"5.{patient}", name=f"Doe^Jane{patient}")
        write_file(folder / "same-again.dcm", who, item=f"5.{patient}", name=f"Doe^Jane{patient}")
        write_file(folder / "same-not.dcm", who, item=f"5.{patient}", note="another content")
        write_file(folder / "text.dcm", who, item=f"6.{patient}", on_clean="burned-in")
        write_file(folder / "label.dcm", who, item=f"7.{patient}", label=True)
        (folder / "odd.xyz").write_bytes(b"nobody knows " + who.encode())
        count += 6
    write_file(root / "hostile.dcm", "MRN0", item="4.1", on_clean="segfault")
    write_file(root / "stray.dcm", "MRN1", study="3.3", series="8.0.0", item="4.2")
    return count + 2


def _read(path: Path) -> dict:
    content = path.read_bytes()
    if not content.startswith(b"STANDIN"):
        raise QuarantineError(Reason.UNKNOWN_FORMAT, "no cleaner knows this format")
    try:
        return json.loads(content[7:].split(b"\n")[0])
    except ValueError as error:
        raise UnreadableFileError(f"{path} is broken") from error


def _misbehave(how: str) -> None:
    if how == "segfault":
        ctypes.string_at(0)
    elif how == "hang":
        signal.sigwait([signal.SIGUSR1])
    elif how == "spin":
        while True:
            pass
    elif how == "memory":
        bytearray(1 << 33)
    elif how == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    elif how == "exit":
        raise SystemExit(3)
    elif how == "bug":
        raise IndexError("Doe^Jane")
    elif how == "burned-in":
        raise QuarantineError(Reason.BURNED_IN_TEXT, "text that can't be read")


def scan(path: Path) -> Scanned:
    """Read a header."""
    header = _read(path)
    _misbehave(header.get("on_scan", ""))
    return Scanned(
        header["patient"],
        identifiers=Identifiers.of(numbers=[header["patient"]], names=[header.get("name", "")]),
        study_uid=header["study"],
        series_uid=header["series"],
        object_uid=header["object"],
        drop=header.get("drop", ""),
    )


@dataclass
class StandInCleaner:
    """Writes the pseudonym, what is known of the patient (hashed), and the rest of the file."""

    pseudonyms: Pseudonyms = field(default_factory=lambda: Pseudonyms(KEY))
    delay: float = 0.0

    def clean(self, task: Task, target: Path) -> Released:
        """Clean one file."""
        header = _read(task.path)
        _misbehave(header.get("on_clean", ""))
        if self.delay:
            time.sleep(self.delay)
        if header.get("label"):
            return Released(None, status="dropped", reason="slide label")
        subject = self.pseudonyms.subject(task.patient, task.issuer)
        known = hashlib.sha256(repr(sorted(task.identifiers.names)).encode()).hexdigest()
        content = json.dumps([subject, known]).encode() + task.path.read_bytes().split(b"\n", 1)[1]
        target.write_bytes(content)
        facts = ObjectFacts(
            subject=subject,
            session=self.pseudonyms.session(header["study"]),
            key=self.pseudonyms.code("object", header["object"] or task.source, 16),
            format="dicom",
            modality="CT",
            sha256=hashlib.sha256(content).hexdigest(),
            bytes=len(content) + header.get("lie", 0),
            source=task.source,
        )
        boxes = ({"frame": 0, "x0": 1, "y0": 2, "x1": 3, "y1": 4, "why": "text", "score": 0.5},)
        return Released(facts, Tally({Action.REMOVED: 3}), boxes, ("113100",))


@dataclass
class Forgiving(StandInCleaner):
    """A cleaner that has learnt to read the text."""

    def clean(self, task: Task, target: Path) -> Released:
        """Clean one file as if it had never been difficult."""
        content = task.path.read_bytes().replace(b"burned-in", b"")
        easy = target.with_suffix(".easy")
        easy.write_bytes(content)
        try:
            return super().clean(Task(easy, task.source, task.patient, task.issuer, task.identifiers), target)
        finally:
            easy.unlink()


def place(facts: ObjectFacts) -> str:
    """Place an object."""
    return f"sourcedata/sub-{facts.subject}/ses-{facts.session}/{facts.key}.dcm"


def _broken_import() -> None:
    raise ImportError("a package is missing")


class refuses_to_load:
    """A tool that can't be unpickled."""

    def __reduce__(self) -> tuple:
        return _broken_import, ()


class Memory:
    """A vault in memory; also writes down in which order it was called."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], Identifiers] = {}
        self.calls: list[int] = []

    def remember(self, batch: Sequence[tuple[str, str, Identifiers]]) -> None:
        """Keep identifiers."""
        self.calls.append(len(batch))
        for patient, issuer, identifiers in batch:
            key = (patient, issuer)
            self.known[key] = self.known.get(key, Identifiers()) | identifiers

    def recall(self, patient: str, issuer: str) -> Identifiers:
        """Give them back."""
        return self.known[patient, issuer]


class FileMemory(Memory):
    """A vault in a file: what it remembered survives a kill."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        for line in path.read_text().splitlines() if path.exists() else []:
            patient, issuer, names, numbers = json.loads(line)
            super().remember([(patient, issuer, Identifiers.of(names=names, numbers=numbers))])

    def remember(self, batch: Sequence[tuple[str, str, Identifiers]]) -> None:
        """Keep identifiers; they are on disk at the end."""
        super().remember(batch)
        with self.path.open("a") as stream:
            for patient, issuer, known in batch:
                stream.write(json.dumps([patient, issuer, sorted(known.names), sorted(known.numbers)]) + "\n")
            stream.flush()
            os.fsync(stream.fileno())


def tools(memory: Memory, cleaner: StandInCleaner | None = None, **more: object) -> IntakeTools:
    """The stand-in's tools."""
    pseudonyms = Pseudonyms(KEY)
    parts = {"scan": scan, "cleaner": cleaner or StandInCleaner(), "place": place}
    parts |= {"remember": memory.remember, "recall": memory.recall}
    return IntakeTools(pseudonyms, KEY, **(parts | more))


def tree(root: Path) -> dict[str, bytes]:
    """All files below a folder, by their path."""
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def lake_in(folder: Path) -> LakeFolder:
    """An empty lake."""
    return LakeFolder(folder / "lake")
