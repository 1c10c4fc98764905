"""EDF, EDF+, BDF and BDF+: the header and the annotations are written anew, the signals stay as they are.

Sources: Kemp et al., "A simple format for exchange of digitized polygraphic recordings", Electroenceph. clin.
Neurophysiol. 82 (1992); Kemp & Olivan, "European data format 'plus'", Clin. Neurophysiol. 114 (2003); BioSemi's
description of BDF (24 bits).
"""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import BinaryIO

from deephealth.lake.actions import Action, Tally
from deephealth.lake.formats.context import FieldSweep, FileContext, FileOutcome, damaged, writing
from deephealth.lake.formats.edf_annotations import clean_annotations
from deephealth.lake.formats.edf_header import MONTHS, EdfHeader, identity_fields, parse_header, start_date
from deephealth.lake.formats.edf_labels import is_dimension, is_label, is_prefilter, modality_of
from deephealth.lake.identifiers import Identifiers

__all__ = ["clean", "identity"]

_CHUNK = 4 * 1024**2
_NO_DATE = "01.01.85"  # what EDF+ says for a date outside 1985 to 2084, and what anonymous files carry


def identity(source: Path) -> tuple[str, Identifiers]:
    """Return the patient's number and the identifiers that the header holds.

    The number is the first word of EDF+'s patient field; plain EDF has one field for everything, which is then the
    number.

    Raises:
        QuarantineError: not EDF.
    """
    with source.open("rb") as stream:
        header = parse_header(stream, source.stat().st_size)
    return identity_fields(header)


def clean(source: Path, target: Path, who: FileContext) -> FileOutcome:
    """Write a recording without identifiers.

    The patient field becomes ``PSEUDONYM SEX X X``, the recording field keeps its shifted date (and the device if
    that option is on), labels, transducers, filters and annotations are cleaned as text, reserved areas are blank,
    and bytes after the last record are left out. Digital samples are equal bit by bit.

    Args:
        source: the file.
        target: where the cleaned file is to be.
        who: whose it is.

    Raises:
        QuarantineError: damaged, truncated, or no patient.
        StorageError: the target can't be written.
    """
    size = source.stat().st_size
    tally = Tally()
    sweep = FieldSweep(who, tally)
    notes: list[str] = []
    with source.open("rb") as stream:
        header = parse_header(stream, size)
        date = start_date(header)
        shifted = who.shift(date) if date else None
        fresh = _fresh_header(header, who, sweep, shifted, tally)
        if size > header.end:
            notes.append(f"{size - header.end:,} bytes after the last record were left out")
        with writing(target), target.open("wb") as out:
            out.write(fresh)
            dropped = _copy_records(stream, out, header, sweep)
    if dropped:
        notes.append(f"{dropped:,} annotations could not be read and were left out")
        tally[Action.REMOVED] += dropped
    facts = {
        "study_date": shifted.strftime("%Y%m%d") if shifted else "",
        "sex": _sex(header, who),
        "frames": header.records,
        "channels": len(header.signals),
        "seconds": header.records * header.duration,
    }
    return FileOutcome(header.kind, modality_of([s.label for s in header.signals]), tally, facts, tuple(notes))


def _sex(header: EdfHeader, who: FileContext) -> str:
    words = header.patient.split()
    return words[1] if header.plus and len(words) > 1 and words[1] in ("M", "F") and who.characteristics else ""


def _fresh_header(
    header: EdfHeader, who: FileContext, sweep: FieldSweep, date: datetime.date | None, tally: Tally
) -> bytes:
    patient = f"{who.subject} {_sex(header, who) or 'X'} X X"
    tally[Action.PSEUDONYM] += 1
    if header.patient.split()[2:]:
        tally[Action.REMOVED] += len(header.patient.split()[2:])
    tally[Action.SHIFTED if date else Action.EMPTIED] += 1
    fits = date is not None and 1985 <= date.year <= 2084
    signals = [
        (
            _kept(s.label, is_label(s.label), sweep, f"Channel {number}"),
            _kept(s.transducer, False, sweep),
            _kept(s.dimension, is_dimension(s.dimension), sweep),
            *s.numbers,
            _kept(s.prefilter, is_prefilter(s.prefilter), sweep),
            str(s.samples),
            "",
        )
        for number, s in enumerate(header.signals, 1)
    ]
    fixed = [
        (header.version, 8),
        (patient, 80),
        (_recording(header, who, sweep, date, tally), 80),
        (date.strftime("%d.%m.%y") if fits and date else _NO_DATE, 8),
        (header.time, 8),
        (str(header.bytes), 8),
        (header.flavour, 44),
        (str(header.records), 8),
        (header.duration_text, 8),
        (str(len(header.signals)), 4),
    ]
    widths = (16, 80, 8, 8, 8, 8, 8, 80, 8, 32)
    columns = [(signal[at], width) for at, width in enumerate(widths) for signal in signals]
    return b"".join(_field(text, width) for text, width in fixed + columns)


def _recording(header: EdfHeader, who: FileContext, sweep: FieldSweep, date: datetime.date | None, tally: Tally) -> str:
    """Return the recording field: EDF+ keeps its date and, on request, its device; plain EDF's is free text."""
    words = header.recording.split()
    if words:
        tally[Action.REMOVED] += 1
    if not header.plus:
        return ""
    day = f"{date.day:02}-{MONTHS[date.month - 1]}-{date.year:04}" if date else "X"
    device = sweep(" ".join(words[4:]).replace("_", " ")).replace(" ", "_") if who.device else ""
    return f"Startdate {day} X X {device or 'X'}"


def _kept(text: str, standard: bool, sweep: FieldSweep, otherwise: str = "") -> str:
    """Return a standard term as it is, and any other text cleaned."""
    if not text:
        return text
    return text if standard else sweep(text) or otherwise


def _field(text: str, width: int) -> bytes:
    # EDF allows printable US-ASCII; BDF's own version begins with one byte 255
    return text.encode("latin-1" if text.startswith("\xff") else "ascii", "replace")[:width].ljust(width)


def _copy_records(stream: BinaryIO, out: BinaryIO, header: EdfHeader, sweep: FieldSweep) -> int:
    """Copy the records, annotations cleaned; return how many annotations were left out."""
    stream.seek(header.bytes)
    spans = header.annotation_spans()
    at_once = max(1, _CHUNK // header.record_bytes) if header.record_bytes else 1
    left, dropped = header.records, 0
    while left:
        count = min(left, at_once)
        block = bytearray(stream.read(count * header.record_bytes))
        if len(block) != count * header.record_bytes:
            raise damaged("the recording ends before its last record")
        for start in range(0, len(block) if spans else 0, header.record_bytes):
            for begin, end in spans:
                fresh, lost = clean_annotations(bytes(block[start + begin : start + end]), sweep)
                block[start + begin : start + end] = fresh
                dropped += lost
        out.write(block)
        left -= count
    return dropped
