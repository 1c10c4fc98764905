"""Parsing the header of an EDF or BDF file: every field that is a number must be one, every claim must fit the file."""

from __future__ import annotations

import datetime
import math
import re
from dataclasses import dataclass, field
from typing import BinaryIO

from deephealth.lake.formats.context import damaged, too_large
from deephealth.lake.identifiers import Identifiers

__all__ = ["MONTHS", "EdfHeader", "EdfSignal", "identity_fields", "is_edf", "parse_header", "start_date"]

_BDF = b"\xffBIOSEMI"
_FIXED = 256
_MOST_SIGNALS = 9_999  # what the four digits of the field hold
_MOST_RECORD_BYTES = 256 * 1024**2
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_NUMBER_OF = {name: number for number, name in enumerate(MONTHS, 1)}


@dataclass(frozen=True, slots=True)
class EdfSignal:
    """One signal's header.

    Args:
        label, transducer, dimension, prefilter: texts, without the blanks around them.
        numbers: physical minimum and maximum, digital minimum and maximum, as written.
        samples: per record.
    """

    label: str
    transducer: str
    dimension: str
    numbers: tuple[str, str, str, str]
    prefilter: str
    samples: int

    @property
    def annotations(self) -> bool:
        """Whether the signal holds text, not samples."""
        return self.label.casefold() in ("edf annotations", "bdf annotations")


@dataclass(frozen=True, slots=True)
class EdfHeader:
    """The header of a recording.

    Args:
        kind: ``edf`` or ``bdf``.
        version: first field, as it is to be written.
        patient, recording: the two fields that identify.
        date, time: as written; the time is ``00.00.00`` when it is none.
        flavour: ``EDF+C``, ``BDF+D``, ``24BIT`` or empty.
        bytes: of the header.
        records: of data.
        duration: seconds per record; ``duration_text`` is how it was written.
        signals: in the file's order.
    """

    kind: str
    version: str
    patient: str = field(repr=False)
    recording: str = field(repr=False)
    date: str = field(repr=False)
    time: str
    flavour: str
    bytes: int
    records: int
    duration: float
    duration_text: str
    signals: tuple[EdfSignal, ...]

    @property
    def plus(self) -> bool:
        """Whether it is EDF+ or BDF+, whose identifying fields have parts."""
        return "+" in self.flavour

    @property
    def sample_bytes(self) -> int:
        """2 in EDF, 3 in BDF."""
        return 3 if self.kind == "bdf" else 2

    @property
    def record_bytes(self) -> int:
        """Bytes of one data record."""
        return sum(signal.samples for signal in self.signals) * self.sample_bytes

    @property
    def end(self) -> int:
        """Where the last record ends."""
        return self.bytes + self.records * self.record_bytes

    def annotation_spans(self) -> list[tuple[int, int]]:
        """Return where in each record the annotations lie, bytes."""
        spans, at = [], 0
        for signal in self.signals:
            size = signal.samples * self.sample_bytes
            if signal.annotations and size:
                spans.append((at, at + size))
            at += size
        return spans


def is_edf(start: bytes) -> bool:
    """Return whether a file that begins with ``start`` (256 bytes) is EDF or BDF.

    Example:
        >>> is_edf(b"0       " + b" " * 176 + b"512     " + b" " * 64), is_edf(b"0,1,2")
        (True, False)
    """
    if len(start) < _FIXED or not (start.startswith(_BDF) or start[:8] == b"0       "):
        return False
    return start[184:192].strip(b" \0").isdigit()


def parse_header(stream: BinaryIO, size: int) -> EdfHeader:
    """Parse and check a header.

    Args:
        stream: at its start.
        size: bytes of the whole file.

    Raises:
        QuarantineError: not EDF, damaged, truncated, or claims that can't be.
    """
    fixed = stream.read(_FIXED)
    if not is_edf(fixed):
        raise damaged("the file is not EDF")
    bdf = fixed.startswith(_BDF)
    count = _whole(fixed[252:256], "number of signals", 0, _MOST_SIGNALS)
    stated = _whole(fixed[184:192], "length of the header", 0, 2**31)
    if stated != _FIXED * (1 + count) or stated > size:
        raise damaged("the length of the EDF header does not fit its number of signals")
    signals = _signals(stream.read(stated - _FIXED), count)
    per_record = sum(signal.samples for signal in signals) * (3 if bdf else 2)
    if per_record > _MOST_RECORD_BYTES:
        raise too_large("one record of the EDF file takes more memory than a record may")
    room = (size - stated) // per_record if per_record else 0
    records = _whole(fixed[236:244], "number of records", -1, 99_999_999)
    if records > room:
        raise damaged("the EDF file claims more records than it holds")
    duration = _number(fixed[244:252], "duration of a record")
    return EdfHeader(
        kind="bdf" if bdf else "edf",
        version=_BDF.decode("latin-1") if bdf else "0",
        patient=_text(fixed[8:88]),
        recording=_text(fixed[88:168]),
        date=_text(fixed[168:176]),
        time=_time(fixed[176:184]),
        flavour=_flavour(fixed[192:236]),
        bytes=stated,
        records=room if records < 0 else records,
        duration=float(duration),
        duration_text=duration,
        signals=signals,
    )


def start_date(header: EdfHeader) -> datetime.date | None:
    """Return the first day of a recording, its year in four digits where EDF+ gives them; ``None``: unknown."""
    words = header.recording.split()
    if header.plus and len(words) > 1 and words[0].casefold() == "startdate":
        found = _long_date(words[1])
        if found:
            return found
    parts = re.fullmatch(r"(\d\d)[./-](\d\d)[./-](\d\d)", header.date)
    if not parts or header.date == "01.01.85":
        return None
    day, month, year = map(int, parts.groups())
    return _date(year + (1900 if year >= 85 else 2000), month, day)


def identity_fields(header: EdfHeader) -> tuple[str, Identifiers]:
    """Return the patient's number and what else in the header identifies."""
    words = header.patient.split()
    if not header.plus:
        return header.patient, Identifiers.of(numbers=[header.patient], names=words)
    words += ["X"] * (4 - len(words))
    number = "" if words[0] == "X" else words[0].replace("_", " ")
    born = _long_date(words[2])
    recording = header.recording.split() + ["X"] * 5
    given = [name.replace("_", " ") for name in (*words[3:], recording[3]) if name != "X"]
    codes = [code for code in (number, recording[2].replace("_", " ")) if code != "X"]
    dates = [day.strftime("%Y%m%d") for day in (born, start_date(header)) if day]
    return number, Identifiers.of(names=given, numbers=codes, dates=dates)


def _signals(data: bytes, count: int) -> tuple[EdfSignal, ...]:
    if len(data) != count * _FIXED:
        raise damaged("the EDF header is cut off")
    columns, at = [], 0
    for width in (16, 80, 8, 8, 8, 8, 8, 80, 8, 32):
        columns.append([data[at + n * width : at + (n + 1) * width] for n in range(count)])
        at += width * count
    return tuple(
        EdfSignal(
            _text(label),
            _text(transducer),
            _text(dimension),
            (
                _number(low, "physical minimum"),
                _number(high, "physical maximum"),
                _number(first, "digital minimum"),
                _number(last, "digital maximum"),
            ),
            _text(prefilter),
            _whole(samples, "number of samples", 0, 99_999_999),
        )
        for label, transducer, dimension, low, high, first, last, prefilter, samples, _ in zip(*columns, strict=True)
    )


def _text(data: bytes) -> str:
    """Return a field's text; what follows a null byte counts too, for it is still in the file."""
    return " ".join(data.replace(b"\0", b" ").decode("latin-1").split())


def _whole(data: bytes, what: str, least: int, most: int) -> int:
    text = _text(data)
    if not re.fullmatch(r"[+-]?\d{1,8}", text) or not least <= int(text) <= most:
        raise damaged(f"the EDF header's {what} is not a number that can be")
    return int(text)


def _number(data: bytes, what: str) -> str:
    text = _text(data).replace(",", ".")
    if not _NUMBER.fullmatch(text) or not math.isfinite(float(text)):
        raise damaged(f"the EDF header's {what} is not a number")
    return text


def _time(data: bytes) -> str:
    parts = re.fullmatch(r"(\d\d)[.:](\d\d)[.:](\d\d)", _text(data))
    return ".".join(parts.groups()) if parts else "00.00.00"


def _flavour(data: bytes) -> str:
    found = re.match(rb"(EDF\+[CD]|BDF\+[CD]|24BIT)", data)
    return found.group().decode() if found else ""


def _long_date(text: str) -> datetime.date | None:
    parts = re.fullmatch(r"(\d\d?)-([A-Za-z]{3})-(\d{4})", text)
    if not parts or parts[2].upper() not in _NUMBER_OF:
        return None
    return _date(int(parts[3]), _NUMBER_OF[parts[2].upper()], int(parts[1]))


def _date(year: int, month: int, day: int) -> datetime.date | None:
    try:
        return datetime.date(year, month, day)
    except ValueError:
        return None
