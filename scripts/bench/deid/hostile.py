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
import io
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
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pydicom
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, JPEGBaseline8Bit, generate_uid

REPOSITORY = Path(__file__).resolve().parents[3]
TOKEN = "QVXZ"  # begins every invented name and number
CT, SC = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.7"
MEMORY = 6 << 30  # bytes that the largest process may take: the worker's limit and its imports
SECONDS = 2.0  # per file, on the average of a part

Draw: TypeAlias = random.Random
Mutation: TypeAlias = Callable[[bytes, Draw], bytes]


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
            if before.get(name) != after.get(name) and not name.startswith(("lake/", "vault/", "home/", "keys/")):
                self.problems.append(f"outside the lake: {name!r} was changed, made or removed")

    def _look(self) -> None:
        """Look at the finished lake."""
        with sqlite3.connect(self.lake / ".state" / "journal.sqlite") as database:
            waiting = database.execute("SELECT name, reason, what FROM quarantined").fetchall()
            published = dict(database.execute("SELECT dataset || '/' || path, source FROM objects"))
        database.close()
        self.problems += [f"{name} is in quarantine without a reason" for name, reason, what in waiting
                          if not (reason and what)]  # fmt: skip
        released = {path.relative_to(self.lake / "rawdata").as_posix() for path in (self.lake / "rawdata").rglob("*.dcm")}
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


# DICOM


def base_files() -> list[bytes]:
    """Small files that pydicom ships and can read with all elements."""
    found = []
    folder = Path(str(get_testdata_file("CT_small.dcm", download=False))).parent
    for path in sorted(folder.glob("*.dcm")):
        if path.stat().st_size > 150_000 or "DICOMDIR" in path.name:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                one = pydicom.dcmread(path)
                if "SOPClassUID" in one and "TransferSyntaxUID" in one.file_meta:
                    found.append(path.read_bytes())
            except Exception:  # noqa: S112 - pydicom ships broken files on purpose
                continue
    return found


def sound(number: int, base: bytes | None = None, **values: Any) -> bytes:
    """A DICOM file of an invented patient of its own; ``values`` are attributes by keyword."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        one = pydicom.dcmread(io.BytesIO(base)) if base else _generated(number)
        one.PatientID, one.PatientName = f"{TOKEN}{number}", f"{TOKEN}{number}^HOSTILE"
        for at, keyword in enumerate(("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")):
            setattr(one, keyword, f"1.2.826.0.1.3680043.10.77.{number + 1}.{at + 1}")
        for keyword, value in values.items():
            setattr(one, keyword, value)
        one.file_meta.MediaStorageSOPInstanceUID = f"1.2.826.0.1.3680043.10.77.{number + 1}.3"
        stream = io.BytesIO()
        one.save_as(stream, enforce_file_format=bool(not base))
        return stream.getvalue()


def _generated(number: int) -> Dataset:
    one = Dataset()
    one.file_meta = FileMetaDataset()
    one.file_meta.TransferSyntaxUID, one.file_meta.MediaStorageSOPClassUID = ExplicitVRLittleEndian, CT
    one.SOPClassUID, one.Modality, one.StudyDate, one.PatientAge = CT, "CT", "20150311", "065Y"
    one.SamplesPerPixel, one.PhotometricInterpretation, one.PixelRepresentation = 1, "MONOCHROME2", 0
    one.Rows = one.Columns = 16
    one.BitsAllocated, one.BitsStored, one.HighBit = 16, 12, 11
    one.PixelData = bytes(512)
    return one


def mutant(number: int, draw: Draw, bases: list[bytes]) -> tuple[str, bytes]:
    """Return the name of a mutation and the mutated file."""
    name = list(MUTATIONS)[number % len(MUTATIONS)]
    try:
        file = sound(number, draw.choice(bases) if draw.random() < 0.7 else None)
    except Exception:  # a file that pydicom reads and can't write
        file = sound(number)
    try:
        return name, MUTATIONS[name](file, draw)
    except Exception:  # the same
        return name, MUTATIONS[name](sound(number), draw)


def bits(file: bytes, draw: Draw) -> bytes:
    """Some bits flipped anywhere behind the magic."""
    content = bytearray(file)
    for _ in range(draw.choice((1, 4, 16, 200))):
        content[draw.randrange(132, len(content))] ^= 1 << draw.randrange(8)
    return bytes(content)


def header_bits(file: bytes, draw: Draw) -> bytes:
    """Some bits flipped in the first elements."""
    content = bytearray(file)
    for _ in range(draw.randint(1, 8)):
        content[draw.randrange(132, min(len(content), 1200))] ^= 1 << draw.randrange(8)
    return bytes(content)


def truncated(file: bytes, draw: Draw) -> bytes:
    """Cut off anywhere."""
    return file[: draw.randrange(len(file))]


def cut_out(file: bytes, draw: Draw) -> bytes:
    """A piece from the middle is gone, or is there twice."""
    first = draw.randrange(132, len(file))
    piece = draw.randint(1, 400)
    return file[:first] + (file[first + piece :] if draw.random() < 0.5 else file[max(0, first - piece) :])


def swapped_lengths(file: bytes, draw: Draw) -> bytes:
    """Two-byte fields of the header exchanged."""
    content, end = bytearray(file), min(len(file) - 2, 3000)
    for _ in range(4):
        one, other = (draw.randrange(132, end) & ~1 for _ in range(2))
        content[one : one + 2], content[other : other + 2] = content[other : other + 2], content[one : one + 2]
    return bytes(content)


def odd_meta(file: bytes, draw: Draw) -> bytes:
    """The file meta group with a strange VR."""
    place = file.find(b"UI", 132, 600)
    vr = draw.choice((b"SQ", b"OB", b"UN", b"ZZ", b"\0\0", b"PN", b"US", b"UL"))
    return file[:place] + vr + file[place + 2 :] if place > 0 else file


def endless(file: bytes, draw: Draw) -> bytes:
    """A sequence or a value of undefined length without an end."""
    vr = draw.choice((b"SQ", b"UN", b"OB"))
    return file + struct.pack("<HH2sHI", 0x7FE1, 0x1010, vr, 0, 0xFFFFFFFF) + bytes(draw.randint(0, 64))


def nested(file: bytes, draw: Draw) -> bytes:
    """Sequences in sequences, ten thousand deep."""
    deep = draw.choice((100, 1000, 10_000))
    one = struct.pack("<HH2sHI", 0x0040, 0xA730, b"SQ", 0, 0xFFFFFFFF) + struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    ends = struct.pack("<HHI", 0xFFFE, 0xE00D, 0) + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    return file + one * deep + (ends * deep if draw.random() < 0.7 else b"")


def doubled(file: bytes, draw: Draw) -> bytes:
    """An element of the patient again, with another value."""
    text = f"{TOKEN}SECOND".encode()
    text += b" " * (len(text) % 2)
    tag = draw.choice(((0x0010, 0x0010), (0x0010, 0x0020), (0x0008, 0x0018), (0x0020, 0x000D)))
    return file + struct.pack("<HH2sH", *tag, b"LO", len(text)) + text


def wrong_syntax(file: bytes, draw: Draw) -> bytes:
    """Another transfer syntax of the same length of text as far as possible."""
    known = (b"1.2.840.10008.1.2\0", b"1.2.840.10008.1.2.1", b"1.2.840.10008.1.2.2", b"1.2.840.10008.1.2.1.99",
             b"1.2.840.10008.1.2.4.50", b"1.2.840.10008.1.2.4.90", b"1.2.840.10008.1.2.5", b"9.9.9")  # fmt: skip
    old = next((uid for uid in known if file.find(uid + b"\0", 132, 700) > 0), b"1.2.840.10008.1.2.1")
    return file[:700].replace(old, draw.choice(known)[: len(old)].ljust(len(old), b"\0"), 1) + file[700:]


def _with(keywords: dict[str, Any], file: bytes) -> bytes:
    """Set attributes of a file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        one = pydicom.dcmread(io.BytesIO(file))
        for keyword, value in keywords.items():
            if keyword.endswith("TableDescriptor"):
                one.add_new(keyword, "US", value)
            else:
                setattr(one, keyword, value)
        stream = io.BytesIO()
        one.save_as(stream)
        return stream.getvalue()


def giant(file: bytes, draw: Draw) -> bytes:
    """65,535 rows and columns, a thousand frames."""
    return _with({"Rows": 65535, "Columns": 65535, "NumberOfFrames": draw.choice((1, 1000, 2**31 - 1, -1))}, file)


def long_rows(file: bytes, draw: Draw) -> bytes:
    """Rows as UL, FD or text."""
    place = file.find(struct.pack("<HH2s", 0x0028, 0x0010, b"US"))
    vr, value = draw.choice(((b"UL", struct.pack("<I", 2**31)), (b"FD", struct.pack("<d", 1e300)), (b"IS", b"-999")))
    new = struct.pack("<HH2sH", 0x0028, 0x0010, vr, len(value)) + value
    return file[:place] + new + file[place + 10 :] if place > 0 else file


def deflated(file: bytes, draw: Draw) -> bytes:
    """A deflated data set that unpacks to hundreds of megabytes."""
    one = FileMetaDataset()
    one.MediaStorageSOPClassUID, one.MediaStorageSOPInstanceUID = CT, "1.2.3"
    one.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    head = io.BytesIO()
    pydicom.filewriter.write_file_meta_info(head, one)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    size = draw.choice((1 << 20, 300 << 20))
    body = packer.compress(struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OB", 0, size))
    body += b"".join(packer.compress(bytes(1 << 20)) for _ in range(size >> 20)) + packer.flush()
    return bytes(128) + b"DICM" + head.getvalue() + body


def absurd_jpeg(file: bytes, draw: Draw) -> bytes:
    """A JPEG stream that claims to be enormous, or is damaged."""
    side = draw.choice((0, 1, 65535))
    frame = struct.pack(">HHBHHB", 0xFFC0, 11, 8, side, side, 1) + b"\1\x11\0"
    stream = b"\xff\xd8" + frame + draw.randbytes(draw.randint(0, 200)) + b"\xff\xd9"
    one = pydicom.dcmread(io.BytesIO(sound(draw.randrange(10**7, 10**8))))
    one.Rows = one.Columns = side or 16
    one.BitsAllocated, one.BitsStored, one.HighBit = 8, 8, 7
    one.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    one.PixelData = pydicom.encaps.encapsulate([stream + b"\0" * (len(stream) % 2)])
    one["PixelData"].is_undefined_length = True
    out = io.BytesIO()
    one.save_as(out)
    return out.getvalue()


def palette(file: bytes, draw: Draw) -> bytes:
    """Look-up tables whose descriptors do not fit."""
    descriptor = draw.choice(([0, 0, 16], [65535, 65535, 16], [256, 0, 0], [256, 0, 200], [1], []))
    colors = ("Red", "Green", "Blue")
    lut: dict[str, Any] = {f"{color}PaletteColorLookupTableDescriptor": descriptor for color in colors}
    lut |= {f"{color}PaletteColorLookupTableData": draw.randbytes(2 * draw.randint(0, 300)) for color in colors}
    return _with({"PhotometricInterpretation": "PALETTE COLOR", "SamplesPerPixel": 1, **lut}, file)


def negative(file: bytes, draw: Draw) -> bytes:
    """Lengths such as -1, -2 and the largest."""
    length = draw.choice((0xFFFFFFFE, 0x80000000, 0x7FFFFFFF, 0xFFFFFFFF))
    tag = draw.choice(((0x0009, 0x1001), (0x0040, 0xA730), (0x7FE1, 0x1001)))
    return file + struct.pack("<HH2sHI", *tag, draw.choice((b"OB", b"UT", b"SQ", b"UN")), 0, length) + bytes(16)


def private(file: bytes, draw: Draw) -> bytes:
    """Private sequences that hold a patient, with and without a creator."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        one = pydicom.dcmread(io.BytesIO(file))
        inner = Dataset()
        inner.PatientName = str(one.get("PatientName", TOKEN))
        if draw.random() < 0.5:
            one.add_new(0x00990010, "LO", draw.choice(("HOSTILE", "", "SIEMENS CSA HEADER", "A\\B", "\u5c71")))
        one.add_new(0x00991001, "SQ", [inner] * draw.randint(0, 50))
        stream = io.BytesIO()
        one.save_as(stream)
        return stream.getvalue()


def many(file: bytes, draw: Draw) -> bytes:
    """A hundred thousand elements."""
    count = draw.choice((1000, 100_000))
    groups = ((0x1001 + 2 * (at // 0xE000), 0x1000 + at % 0xE000) for at in range(count))
    return file + b"".join(struct.pack("<HH2sH", group, number, b"LO", 2) + b"x " for group, number in groups)


def not_dicom(file: bytes, draw: Draw) -> bytes:
    """The magic and noise, or only noise, or nothing."""
    return draw.choice((b"", bytes(128) + b"DICM", bytes(128) + b"DICM" + draw.randbytes(500), draw.randbytes(4000),
                        b"\x08\0" + draw.randbytes(300), bytes(5000)))  # fmt: skip


MUTATIONS: dict[str, Mutation] = {
    one.__name__: one
    for one in (
        bits, header_bits, truncated, cut_out, swapped_lengths, odd_meta, endless, nested, doubled, wrong_syntax, giant,
        long_rows, deflated, absurd_jpeg, palette, negative, private, many, not_dicom,
    )
}  # fmt: skip


# the rest


def write_identities(part: Path) -> None:
    """UIDs and numbers of patients that would be paths, queries or lines."""
    nasty = ("../../../x", "/etc/passwd", "..\\..\\x", "a\nb", "a\0b", "'; DROP TABLE objects; --", "%2e%2e%2f", "~", ".",
             "CON", "x" * 300, "\u202etxt", "\u5c71\u7530", "{0.__class__}", "$(touch canary)", "=1+1")  # fmt: skip
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
    names = ("..\\x.dcm", "a\nb.dcm", "-rf", "--lake", "%00.dcm", "x" * 251 + ".dcm", "\u202egpj.dcm", "\u00e9.dcm",
             "e\u0301.dcm", " .dcm", "...", "~", "$(touch canary).dcm", "'\";.dcm", "\x01\x7f.dcm", "CON", "{x}.dcm")
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
    tiff = b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *one) for one in entries)
    (part / "bomb.tif").write_bytes(tiff + struct.pack("<I", 8))  # and the next directory is this one
    edf = f"{'0':8}{TOKEN + '3 F X X':80}{'Startdate 01-JAN-2015 X X X':80}01.01.1512.00.00{'99999999':8}{'EDF+C':44}"
    edf += f"{'99999999':8}{'1':8}9999"
    (part / "bomb.edf").write_text(edf.ljust(256) + " " * 1000)
    (part / f"sub-{TOKEN}4_bold.json").write_text("[" * 200_000 + "]" * 200_000)
    (part / f"sub-{TOKEN}5_bold.json").write_text('{"RepetitionTime": 1e999999, "a": ' + "9" * 100_000 + "}")
    (part / "bomb.csv").write_text("patient_id," * 20_000 + "\n" + ('"' + "x" * 1000 + "\n") * 1000)
    (part / "report.txt").write_text("Mr. " * 500_000)
    (part / "bomb.jpg").write_bytes(b"\xff\xd8\xff\xe1\xff\xff" + bytes(100) + b"\xff\xc0\0\x0b\x08\xff\xff\xff\xff\1\1\x11\0")
    (part / "bomb.webp").write_bytes(b"RIFF\xff\xff\xff\xffWEBPVP8X\x0a\0\0\0" + b"\xff" * 10)
    (part / "bomb.bmp").write_bytes(b"BM" + struct.pack("<IIIIiiHH", 54, 0, 54, 40, 2**31 - 1, -(2**31), 1, 32) + bytes(24))
    (part / "bomb.gif").write_bytes(b"GIF89a\xff\xff\xff\xff\xf7\0\0" + bytes(768) + b",\0\0\0\0\xff\xff\xff\xff\0\x0c\xff")


if __name__ == "__main__":
    sys.exit(main())
