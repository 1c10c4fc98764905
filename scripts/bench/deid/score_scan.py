"""The byte scan: is an identifier of the set anywhere in an output's bytes or name, in any coding?"""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Iterable
from typing import Any

from score_match import Answers, Output

__all__ = ["Leak", "Scanner"]

Leak = tuple[str, str, str]  # file, identifier, coding

_CODECS = (
    "utf-8",
    "latin-1",
    "utf-16-le",
    "utf-16-be",
    "iso2022_jp",
    "iso2022_kr",
    "euc_kr",
    "gb18030",
    "shift_jis",
    "iso8859_2",
    "iso8859_5",
    "iso8859_7",
    "iso8859_8",
    "iso8859_9",
)
_SHORT = 6  # a pattern of fewer bytes may lie in pixels by chance
_DEFLATED = "1.2.840.10008.1.2.1.99"


def _patterns(canary: str) -> dict[bytes, str]:
    """Return lower-cased byte patterns of an identifier -> the coding."""
    found: dict[bytes, str] = {}
    for shape in {canary, canary.lower(), canary.upper()}:
        for codec in _CODECS:
            try:
                coded = shape.encode(codec)
            except (UnicodeEncodeError, LookupError):
                continue
            if codec.startswith("iso2022"):
                coded = re.sub(rb"^\x1b\$[()]?.|\x1b\(.$", b"", coded)
            if len(coded) >= 4:
                found.setdefault(coded.lower(), codec)
    return found


def _base64_cores(canary: str) -> set[bytes]:
    """Return what base64 of anything that holds the identifier must hold, at its three alignments."""
    cores = set()
    raw = canary.encode("utf-8")
    for lead in range(3):
        coded = base64.b64encode(b"\0" * lead + raw)
        core = coded[(lead * 8 + 5) // 6 :].rstrip(b"=")
        cores.add(core[: -1 if (lead + len(raw)) % 3 else None])
    return {core for core in cores if len(core) >= 8}


class Scanner:
    """Looks for the identifiers of a set in files.

    Each file is searched for all codings of its own subject's identifiers, and for the single words of everybody's.
    """

    def __init__(self, answers: Answers) -> None:
        self._own = {number: self._of(one["canaries"]) for number, one in answers.subjects.items()}
        self._words: dict[bytes, str] = {}
        for one in answers.subjects.values():
            for canary in one["canaries"]:
                if re.fullmatch(r"[A-Za-z0-9]{6,}", canary) and not re.fullmatch(r"\d{6,7}", canary):
                    self._words[canary.lower().encode()] = canary

    @staticmethod
    def _of(canaries: Iterable[str]) -> tuple[dict[bytes, tuple[str, str]], dict[bytes, str]]:
        plain = {pattern: (one, codec) for one in canaries for pattern, codec in _patterns(one).items()}
        coded = {core: one for one in canaries for core in _base64_cores(one)}
        return plain, coded

    def scan(self, output: Output, subject: int | None, uids: Iterable[str]) -> list[Leak]:
        """Return the identifiers found in one file and its name."""
        raw = output.path.read_bytes()
        whole = _plain_bytes(output.ds, raw)
        thin = _without_pixels(output.ds, whole).lower()
        low = whole.lower()
        name = output.relative.lower().encode("utf-8")
        leaks = {(output.relative, canary, where) for canary, where in self._words_in(thin, name)}
        if subject is not None:
            plain, coded = self._own[subject]
            for pattern, (canary, codec) in plain.items():
                if pattern in (low if len(pattern) >= _SHORT else thin) or pattern in name:
                    leaks.add((output.relative, canary, codec))
            leaks |= {(output.relative, canary, "base64") for core, canary in coded.items() if core in whole}
        leaks |= {(output.relative, uid, "uid") for uid in uids if uid.encode() in thin}
        return sorted(leaks)

    def _words_in(self, thin: bytes, name: bytes) -> list[tuple[str, str]]:
        found = []
        for text, where in ((thin, "word"), (name, "name"), (thin.replace(b"\0", b""), "utf-16 word")):
            for token in set(re.findall(rb"[a-z0-9]{6,}", text)):
                if token in self._words:
                    found.append((self._words[token], where))
        return found


def _plain_bytes(ds: Any, raw: bytes) -> bytes:
    """Return the bytes with a deflated dataset inflated: compressed bytes hold short words by chance."""
    meta = getattr(ds, "file_meta", None)
    if meta is None or str(meta.get("TransferSyntaxUID", "")) != _DEFLATED:
        return raw
    start = 132 + 12 + int(meta.get("FileMetaInformationGroupLength", 0))
    try:
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        return raw[:start] + b"\n" + inflater.decompress(raw[start:]) + inflater.unused_data
    except zlib.error:
        return raw


def _without_pixels(ds: Any, whole: bytes) -> bytes:
    for keyword in ("PixelData",):
        value = ds.get_item(keyword).value if ds is not None and keyword in ds else None
        if isinstance(value, bytes) and len(value) > 64:
            at = whole.find(value)
            whole = whole[:at] + whole[at + len(value) :] if at >= 0 else whole
    return whole
