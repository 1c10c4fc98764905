"""Every file of what was released, read as bytes; what is packed is unpacked first, within limits."""

from __future__ import annotations

import gzip
import os
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from deephealth.lake.check.needles import Hit, Needles

__all__ = ["Finding", "released_files", "scan_file"]

_PIECE = 64 * 1024**2
_OVERLAP = 4096  # no identifier is longer; what lies over the end of a piece is found in the next
_MOST_INFLATED = 4 * 1024**3
_SUBJECT = re.compile(r"sub-([0-9A-Za-z]+)")
_DEFLATED = b"1.2.840.10008.1.2.1.99"


@dataclass(frozen=True, slots=True)
class Finding:
    """An identifier in a released file.

    Args:
        path: relative to the lake.
        hit: what was found; of a picture the place stands for the encoding, and the frame for the byte.
        where: ``content``, ``name`` or ``picture``.
    """

    path: str
    hit: Hit
    where: str = "content"

    def __str__(self) -> str:
        unit = "frame" if self.where == "picture" else "byte"
        at = f"{self.hit.encoding}, {unit} {self.hit.offset}"
        return f"{self.path}: a {self.hit.kind} of {self.hit.owner} in its {self.where} ({at})"


def released_files(folders: Iterable[Path]) -> Iterator[Path]:
    """Yield all files below the folders, in a fixed order; links are not followed."""
    for folder in folders:
        for place, inner, names in os.walk(folder):
            inner.sort()
            yield from (Path(place) / name for name in sorted(names) if not (Path(place) / name).is_symlink())


def scan_file(path: Path, root: Path, needles: Needles) -> list[Finding]:
    """Look for every known identifier in the name and the bytes of one file.

    Args:
        path: the file.
        root: the lake; findings name the file relative to it.
        needles: what to look for.
    """
    name = path.relative_to(root).as_posix()
    match = _SUBJECT.search(name)
    subject = match[1] if match else ""
    findings = [Finding(name, hit, "name") for hit in needles.find(name.encode(), subject)]
    for base, piece in _pieces(path):
        for hit in needles.find(piece, subject):
            findings.append(Finding(name, Hit(hit.owner, hit.kind, hit.encoding, base + hit.offset)))
    return findings


def _pieces(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the file in overlapping pieces, then what it holds packed."""
    with path.open("rb") as stream:
        head = stream.read(4096)
        stream.seek(0)
        yield from _in_pieces(stream)
    if head[:2] == b"\x1f\x8b":
        with gzip.open(path, "rb") as unpacked:
            yield from _in_pieces(unpacked, _MOST_INFLATED)
    elif head[:8] == b"\x89PNG\r\n\x1a\n":
        yield from ((0, text) for text in _png_texts(path.read_bytes()))
    elif _DEFLATED in head:
        yield from _inflated(path.read_bytes())


def _in_pieces(stream: object, most: int | None = None) -> Iterator[tuple[int, bytes]]:
    base, tail = 0, b""
    while piece := stream.read(_PIECE):  # type: ignore[attr-defined]
        yield base - len(tail), tail + piece
        base, tail = base + len(piece), piece[-_OVERLAP:]
        if most is not None and base > most:
            return


def _png_texts(content: bytes) -> Iterator[bytes]:
    at = 8
    while at + 12 <= len(content):
        length, kind = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + 8]
        body = content[at + 8 : at + 8 + length]
        if kind in (b"zTXt", b"iTXt", b"iCCP"):
            packed = body[body.find(b"\0") + 2 :]
            yield from _loose(packed, zlib.MAX_WBITS)
        at += 12 + length


def _inflated(content: bytes) -> Iterator[tuple[int, bytes]]:
    at = 144 + int.from_bytes(content[140:144], "little")  # the meta group's length stands first, as an unsigned long
    yield from ((0, piece) for piece in _loose(content[at:], -zlib.MAX_WBITS))


def _loose(packed: bytes, bits: int) -> Iterator[bytes]:
    try:
        yield zlib.decompressobj(bits).decompress(packed, _PIECE * 4)
    except zlib.error:
        return
