"""Take 2,000 hostile files into a lake with the real command, and look what became of each and of what lies around it.

    python scripts/bench/deid/hostile.py --files 2000
    python scripts/bench/deid/hostile.py --files 150 --sparse 0.05

The files are mutated DICOM objects, bombs of other formats, strange names, links, pipes and a DICOMDIR that leads
outside; all are made from a seed. It passes when no command crashes, every file ends in exactly one state, each in
quarantine has a reason, nothing was written or changed outside the lake and the vault, no token of a patient is in what
was released, and memory and time stay below their bounds. Prints one JSON object; exit status 1 if it does not pass.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
import warnings
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hostile_dicom import TOKEN, base_files, mutant, sound
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

REPOSITORY = Path(__file__).resolve().parents[3]
IGNORED = ("lake/", "vault/", "home/", "keys/", "tmp/.ses")  # the last: a random number that onnxruntime leaves
MEMORY = 6 << 30  # bytes that the largest process may take: the worker's limit and its imports
SECONDS = 2.0  # per file, on the average of a part


def main() -> int:
    """Make the files, take them in part by part, and print what became of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=2000, help="mutated DICOM files")
    parser.add_argument("--part", type=int, default=250, help="files of one intake")
    parser.add_argument("--sparse", type=float, default=10.0, help="size of the sparse file in GB")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="a new folder to leave everything in")
    parser.add_argument("--no-arrange", action="store_true", help="make no images of what was released")
    arguments = parser.parse_args()
    folder = arguments.keep or Path(tempfile.mkdtemp())
    try:
        result = Trial(folder.resolve(), arguments).run()
    finally:
        if arguments.keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(result, indent=2))
    return 0 if result["passed"] else 1


class Trial:
    """One run: sources, a lake, a canary beside it."""

    def __init__(self, folder: Path, arguments: argparse.Namespace) -> None:
        self.folder, self.arguments = folder, arguments
        self.lake, self.outside = folder / "lake", folder / "outside"
        self.problems: list[str] = []
        self.states: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.slowest = 0.0

    def run(self) -> dict[str, Any]:
        """Return what was found."""
        started = time.perf_counter()
        for name in ("outside", "tmp", "home", "in"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.outside / "canary.txt").write_text("untouched")
        (self.outside / "secret.dcm").write_bytes(sound(10**6))
        places = ("--vault", self.folder / "vault" / "h.vault", "--vault-key", self.folder / "keys" / "h.key")
        self._deephealth("init", self.lake, "--project", "hostile", *places)
        made = Counter[str]()
        for part in self._parts(made):
            before = listing(self.folder)
            self._intake(part)
            self._compare(before, listing(self.folder))
        self._look()
        memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
        if memory > MEMORY:
            self.problems.append(f"a process took {memory >> 20} MiB")
        return {
            "passed": not self.problems,
            "files": sum(made.values()),
            "made": dict(sorted(made.items())),
            "states": dict(self.states),
            "reasons": dict(self.reasons.most_common()),
            "largest_process_mib": memory >> 20,
            "slowest_part_seconds_per_file": round(self.slowest, 3),
            "seconds": round(time.perf_counter() - started, 1),
            "seed": self.arguments.seed,
            "problems": self.problems[:40],
        }

    def _parts(self, made: Counter[str]) -> Iterator[Path]:
        draw, bases = random.Random(self.arguments.seed), base_files()
        for first in range(0, self.arguments.files, self.arguments.part):
            part = self.folder / "in" / f"part{first}"
            part.mkdir()
            for number in range(first, min(first + self.arguments.part, self.arguments.files)):
                name, content = mutant(number, draw, bases)
                (part / f"{number:05}.dcm").write_bytes(content)
                made[name] += 1
            yield part
        for name, writer in (
            ("bombs", write_bombs), ("names", write_names), ("identities", write_identities), ("links", self._links),
        ):  # fmt: skip
            part = self.folder / "in" / name
            part.mkdir()
            writer(part)
            made[name] += sum(path.is_file() and not path.is_symlink() for path in part.rglob("*"))
            yield part
        yield self._dicomdir(made)

    def _links(self, part: Path) -> None:
        """Links, pipes, sockets, a sparse file."""
        (part / "link.dcm").symlink_to(self.outside / "secret.dcm")
        (part / "folder").symlink_to(self.outside)
        (part / "loop").symlink_to(part)
        (part / "broken").symlink_to(part / "nothing")
        os.link(self.outside / "secret.dcm", part / "hard.dcm")  # a second name of a file is a file of the source
        os.mkfifo(part / "pipe.dcm")
        with socket.socket(socket.AF_UNIX) as end:
            here = os.open(part, os.O_RDONLY)
            end.bind(f"/proc/self/fd/{here}/socket.dcm")  # a path that is short enough
            os.close(here)
        with (part / "sparse.dcm").open("wb") as stream:
            stream.write(sound(10**6 + 1))
            stream.truncate(int(self.arguments.sparse * 1e9) + (1 << 20))

    def _dicomdir(self, made: Counter[str]) -> Path:
        """A DICOMDIR that names one file below it and files outside."""
        part = self.folder / "in" / "cd"
        part.mkdir()
        (part / "INSIDE").write_bytes(sound(10**6 + 2))
        (part / "LINK").symlink_to(self.outside / "secret.dcm")
        one = Dataset()
        one.file_meta = FileMetaDataset()
        one.file_meta.MediaStorageSOPClassUID, one.file_meta.TransferSyntaxUID = (
            "1.2.840.10008.1.3.10", ExplicitVRLittleEndian,
        )  # fmt: skip
        one.file_meta.MediaStorageSOPInstanceUID = generate_uid("2.25.", ["dicomdir"])
        one.FileSetID, one.DirectoryRecordSequence = "HOSTILE", []
        entries = (["INSIDE"], ["..", "..", "outside", "secret.dcm"], ["LINK"], [str(self.outside / "secret.dcm")])
        for entry in entries:
            record = Dataset()
            record.DirectoryRecordType = "IMAGE"
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                record.ReferencedFileID = entry
            one.DirectoryRecordSequence.append(record)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            one.save_as(part / "DICOMDIR", enforce_file_format=True)
        made["dicomdir"] += len(entries)
        return part / "DICOMDIR"

    def _intake(self, source: Path) -> None:
        started = time.perf_counter()
        words = ["intake", source, "--lake", self.lake, "--workers", 2, "--json"]
        words += ["--no-arrange"] if self.arguments.no_arrange else []
        done = self._deephealth(*words)
        try:
            report = json.loads(done.stdout)
        except ValueError:
            return  # its status was noted
        ends = {name: report[name] for name in ("released", "duplicates")}
        ends |= {name: sum(report[name].values()) for name in ("quarantined", "dropped")}
        self.states.update(ends)
        self.states.update({f"skipped {kind}": count for kind, count in report["skipped"].items()})
        self.reasons.update(report["quarantined"])
        if sum(ends.values()) != report["found"]:
            self.problems.append(f"{source.name}: {report['found']} found, {sum(ends.values())} ended")
        if source.is_dir():
            regular = sum(path.is_file() and not path.is_symlink() for path in walk(source))
            if regular != report["found"]:
                self.problems.append(f"{source.name}: {regular} files, {report['found']} found")
        each = (time.perf_counter() - started) / max(1, report["found"])
        if report["found"] >= 50:
            self.slowest = max(self.slowest, each)
            if each > SECONDS:
                self.problems.append(f"{source.name}: {each:.1f} s a file")

    def _deephealth(self, *words: object) -> subprocess.CompletedProcess[str]:
        places = {"TMPDIR": str(self.folder / "tmp"), "HOME": str(self.folder / "home")}
        command = [sys.executable, "-m", "deephealth", "lake", *map(str, words)]
        paths = os.pathsep.join(filter(None, (str(REPOSITORY), os.environ.get("PYTHONPATH"))))
        environment = os.environ | places | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=self.outside, check=False)
        if done.returncode or "Traceback" in done.stderr:
            self.problems.append(f"{words[0]} of {Path(str(words[1])).name} ended with {done.returncode}: "
                                 f"{done.stderr[-600:]}")  # fmt: skip
        if TOKEN in done.stderr:
            self.problems.append(f"{words[0]} printed a patient's token")
        return done

    def _compare(self, before: dict[str, Any], after: dict[str, Any]) -> None:
        for name in sorted(before.keys() | after.keys()):
            if before.get(name) != after.get(name) and not name.startswith(IGNORED):
                self.problems.append(f"outside the lake: {name!r} was changed, made or removed")

    def _look(self) -> None:
        """Look at the finished lake."""
        with sqlite3.connect(self.lake / ".state" / "journal.sqlite") as database:
            waiting = database.execute("SELECT name, reason, what FROM quarantined").fetchall()
            published = dict(database.execute("SELECT dataset || '/' || path, source FROM objects"))
        database.close()
        self.problems += [f"{name} is in quarantine without a reason" for name, reason, what in waiting
                          if not (reason and what)]  # fmt: skip
        released = {
            path.relative_to(self.lake / "rawdata").as_posix() for path in (self.lake / "rawdata").rglob("*.dcm")
        }
        if released ^ published.keys():
            self.problems.append(f"{len(released ^ published.keys())} objects are not both in journal and data set")
        if any((self.lake / ".state" / "staging").rglob("*.dcm")):
            self.problems.append("something was left in staging")
        for path in self.lake.rglob("*"):
            if TOKEN in str(path):
                self.problems.append("a name in the lake holds a patient's token")
            if path.is_symlink() or not (path.is_file() or path.is_dir()):
                self.problems.append("the lake holds a link or a special file")
            elif path.is_file() and (path.stat().st_size < 1 << 28) and holds_token(path):
                self.problems.append(f"{path.relative_to(self.lake)} holds a patient's token")


def holds_token(path: Path) -> bool:
    """Whether a file holds the token in one of the usual encodings."""
    content = path.read_bytes()
    return any(TOKEN.encode(code) in content for code in ("ascii", "utf-16-le", "utf-16-be"))


def listing(root: Path) -> dict[str, Any]:
    """Describe everything below a folder but what the lake holds: type, size, time of the last change."""
    found = {}
    for path in walk(root):
        status = path.lstat()
        is_folder = path.is_dir() and not path.is_symlink()
        found[str(path.relative_to(root))] = (status.st_mode, 0 if is_folder else status.st_size,
                                              0 if is_folder else status.st_mtime_ns)  # fmt: skip
    return {name: value for name, value in found.items() if not name.startswith(("lake/", "in/"))} | {
        name: value for name, value in found.items() if name.startswith("in/")
    }


def walk(root: Path) -> Iterator[Path]:
    """All entries below a folder, links not followed."""
    for folder, names, files in os.walk(root):
        yield from (Path(folder) / name for name in (*names, *files))


def write_identities(part: Path) -> None:
    """UIDs and numbers of patients that would be paths, queries or lines."""
    nasty = ("../../../x", "/etc/passwd", "..\\..\\x", "a\nb", "a\0b", "'; DROP TABLE objects; --", "%2e%2e%2f",
             "~", ".", "$(x)", "=1+1", "CON", "x" * 300, "\u202etxt", "\u5c71\u7530", "{0.__class__}")  # fmt: skip
    for at, text in enumerate(nasty):
        number = 2 * 10**6 + at
        uid = text.encode().decode("latin-1")
        values = ({"PatientID": text}, {"SOPInstanceUID": uid}, {"StudyInstanceUID": uid, "SeriesInstanceUID": uid},
                  {"Modality": uid[:16], "BodyPartExamined": uid[:16], "ViewPosition": uid[:16]})  # fmt: skip
        for kind, one in enumerate(values):
            content = sound(number * 10 + kind, SpecificCharacterSet="ISO_IR 192", **one)
            (part / f"{at:02}-{kind}.dcm").write_bytes(content)


def write_names(part: Path) -> None:
    """Sound files under names that a careless program would trip over."""
    names = (
        "..\\x.dcm",
        "a\nb.dcm",
        "-rf",
        "--lake",
        "%00.dcm",
        "x" * 251 + ".dcm",
        "\u202egpj.dcm",
        "\u00e9.dcm",
        "e\u0301.dcm",
        " .dcm",
        "...",
        "~",
        "$(touch canary).dcm",
        "'\";.dcm",
        "\x01\x7f.dcm",
        "CON",
        "{x}.dcm",
    )
    for at, name in enumerate(names):
        (part / name).write_bytes(sound(3 * 10**6 + at))
    (part / os.fsdecode(b"\xff\xfe.dcm")).write_bytes(sound(3 * 10**6 + 500))
    deep = part
    for _ in range(12):
        deep = deep / ("d" * 200)
        deep.mkdir()
    (deep / "deep.dcm").write_bytes(sound(3 * 10**6 + 501))


def write_bombs(part: Path) -> None:
    """Small files that unpack to something large, or claim to."""
    nifti = bytearray(352)
    struct.pack_into("<i8h", nifti, 0, 348, *[0] * 8)
    struct.pack_into("<8h", nifti, 40, 3, 32767, 32767, 32767, 1, 1, 1, 1)
    struct.pack_into("<hh", nifti, 70, 4, 16)
    nifti[344:348] = b"n+1\0"
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = packer.compress(bytes(nifti)) + b"".join(packer.compress(bytes(1 << 20)) for _ in range(1024))
    (part / f"sub-{TOKEN}1.nii.gz").write_bytes(packed + packer.flush())
    (part / f"sub-{TOKEN}2.nii").write_bytes(bytes(nifti))
    with zipfile.ZipFile(part / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../outside/planted.txt", bytes(100 << 20))
    ihdr = b"IHDR" + struct.pack(">IIBBBBB", 2**31 - 1, 2**31 - 1, 8, 6, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + ihdr + struct.pack(">I", zlib.crc32(ihdr))
    text = b"zTXt" + b"a\0\0" + zlib.compress(bytes(200 << 20), 9)
    png += struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text))
    (part / "bomb.png").write_bytes(png + b"\0\0\0\0IEND\xaeB`\x82")
    entries = ((256, 4, 1, 2**32 - 1), (257, 4, 1, 2**32 - 1), (258, 3, 1, 8), (273, 4, 2**31, 8), (279, 4, 2**31, 8))
    tiff = (
        b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *one) for one in entries)
    )
    (part / "bomb.tif").write_bytes(tiff + struct.pack("<I", 8))  # and the next directory is this one
    edf = f"{'0':8}{TOKEN + '3 F X X':80}{'Startdate 01-JAN-2015 X X X':80}01.01.1512.00.00{'99999999':8}{'EDF+C':44}"
    edf += f"{'99999999':8}{'1':8}9999"
    (part / "bomb.edf").write_text(edf.ljust(256) + " " * 1000)
    (part / f"sub-{TOKEN}4_bold.json").write_text("[" * 200_000 + "]" * 200_000)
    (part / f"sub-{TOKEN}5_bold.json").write_text('{"RepetitionTime": 1e999999, "a": ' + "9" * 100_000 + "}")
    (part / "bomb.csv").write_text("patient_id," * 20_000 + "\n" + ('"' + "x" * 1000 + "\n") * 1000)
    (part / "report.txt").write_text("Mr. " * 500_000)
    (part / "bomb.jpg").write_bytes(
        b"\xff\xd8\xff\xe1\xff\xff" + bytes(100) + b"\xff\xc0\0\x0b\x08\xff\xff\xff\xff\1\1\x11\0"
    )
    (part / "bomb.webp").write_bytes(b"RIFF\xff\xff\xff\xffWEBPVP8X\x0a\0\0\0" + b"\xff" * 10)
    (part / "bomb.bmp").write_bytes(
        b"BM" + struct.pack("<IIIIiiHH", 54, 0, 54, 40, 2**31 - 1, -(2**31), 1, 32) + bytes(24)
    )
    (part / "bomb.gif").write_bytes(
        b"GIF89a\xff\xff\xff\xff\xf7\0\0" + bytes(768) + b",\0\0\0\0\xff\xff\xff\xff\0\x0c\xff"
    )


if __name__ == "__main__":
    sys.exit(main())
