"""JSON side-cars: keys of BIDS stay, DICOM keywords follow the profile table, whatever else there is goes.

Sources: BIDS specification 1.10 (metadata fields), DICOM PS3.15 Table E.1-1, PS3.18 annex F (the DICOM JSON model).
"""

from __future__ import annotations

import json
import math
import re
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from deephealth.core.errors import QuarantineError
from deephealth.lake.actions import Action, Tally
from deephealth.lake.formats.context import FieldSweep, FileContext, FileOutcome, damaged, writing
from deephealth.lake.formats.reading import decode_text, read_bounded
from deephealth.lake.formats.report import visible
from deephealth.lake.formats.side_car_dicom import clean_keyword, clean_model, is_keyword, is_model
from deephealth.lake.identifiers import Identifiers
from deephealth.lake.reasons import Reason

__all__ = ["clean", "identity", "read_json"]

_MOST_BYTES = 16 * 1024**2
_MOST_DEPTH = 32
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_TIME = re.compile(r"\d{1,2}:?\d{2}(:?\d{2}(\.\d+)?)?")
_DICTIONARY = frozenset({"Description", "LongName", "Levels", "Units", "Delimiter", "Maximum", "Minimum"})


def clean(source: Path, target: Path, who: FileContext) -> FileOutcome:
    """Write a side-car without identifiers.

    Three shapes are known: keys of BIDS and DICOM keywords, the dictionary of a table's columns
    (``participants.json``), and the DICOM JSON model.

    Args:
        source: the file.
        target: where the cleaned file is to be.
        who: whose it is.

    Raises:
        QuarantineError: not JSON, nested too deep, another shape, or no patient.
        StorageError: the target can't be written.
    """
    value = read_json(source)
    tally = Tally()
    if isinstance(value, list) and value and all(is_model(item) for item in value):
        fresh: Any = [clean_model(item, who, tally) for item in value]
    elif not isinstance(value, dict):
        what = "a JSON file that is no side-car"
        raise QuarantineError(Reason.UNKNOWN_FORMAT, what, allowed="an object with keys of BIDS or DICOM")
    elif is_model(value):
        fresh = clean_model(value, who, tally)
    else:
        fresh = _Walk(who, tally).side_car(value)
    try:
        text = json.dumps(fresh, indent=2, ensure_ascii=False, allow_nan=False)
    except ValueError as error:
        raise damaged("the JSON file holds numbers that JSON does not have") from error
    with writing(target):
        target.write_bytes(text.encode("utf-8", "replace") + b"\n")
    modality = fresh.get("Modality", "OT") if isinstance(fresh, dict) else "OT"
    return FileOutcome("json", modality if isinstance(modality, str) else "OT", tally, {"keys": len(fresh)})


def identity(source: Path) -> tuple[str, Identifiers]:
    """Return the patient's number (may be empty) and the identifiers that a side-car's DICOM keywords hold.

    Raises:
        QuarantineError: not JSON.
    """
    value = read_json(source)
    if not isinstance(value, dict):
        return "", Identifiers()
    texts = {key: str(text) for key, text in value.items() if isinstance(text, str | int) and str(text).strip()}
    names = [
        text for key, text in texts.items() if key.endswith(("Name", "Names")) and ("Patient" in key or "Phys" in key)
    ]
    names += [texts.get("OperatorsName", ""), texts.get("ReviewerName", "")]
    numbers = [texts.get(key, "") for key in ("PatientID", "AccessionNumber", "StudyID", "OtherPatientIDs")]
    places = [texts.get(key, "") for key in ("InstitutionName", "InstitutionAddress", "StationName", "PatientAddress")]
    dates = [
        re.sub(r"\D", "", texts.get(key, ""))[:8] for key in ("PatientBirthDate", "StudyDate", "AcquisitionDateTime")
    ]
    uids = [text for key, text in texts.items() if key.endswith("UID")]
    found = Identifiers.of(
        names=names, numbers=numbers, places=places, dates=[d for d in dates if len(d) == 8], uids=uids
    )
    return texts.get("PatientID", "").strip(), found


def read_json(source: Path) -> Any:
    """Read a JSON file that nobody vouches for.

    Raises:
        QuarantineError: too large, nested too deep, or not JSON.
    """
    data = read_bounded(source, _MOST_BYTES)
    depth = 0
    for bracket in re.finditer(rb"[\[\]{}]", _STRING.sub(b"", data)):
        depth += 1 if bracket[0] in b"[{" else -1
        if depth > _MOST_DEPTH:
            raise QuarantineError(Reason.HOSTILE, f"the JSON file is nested more than {_MOST_DEPTH} deep")
    try:
        return json.loads(decode_text(data))
    except (ValueError, RecursionError) as error:
        raise damaged("the file is not JSON") from error


@cache
def _keys() -> dict[str, str]:
    lines = resources.files(__package__).joinpath("side_car_keys.tsv").read_text("utf-8").splitlines()
    rows = [line.split("\t") for line in lines if line and not line.startswith("#")]
    return {key: kind for kind, keys in rows for key in keys.split()}


class _Walk:
    """Cleans the values of one side-car."""

    def __init__(self, who: FileContext, tally: Tally) -> None:
        self.who, self.tally = who, tally
        self.sweep = FieldSweep(who, tally)

    def side_car(self, value: dict[str, Any]) -> dict[str, Any]:
        fresh: dict[str, Any] = {}
        for key, inside in value.items():
            kind = _keys().get(key)
            found = self._known(kind, inside) if kind else self._other(key, inside)
            if found is None:
                self.tally[Action.REMOVED] += 1
            else:
                fresh[key] = found
        return fresh

    def _known(self, kind: str, value: Any) -> Any:
        if isinstance(value, list):
            items = [self._known(kind, item) for item in value[:100_000]]
            return items if all(item is not None for item in items) else None
        if isinstance(value, bool | int | float):
            self.tally[Action.KEPT] += 1
            return value if math.isfinite(value) else None
        if not isinstance(value, str) or kind == "number":
            return None
        if kind == "time":
            self.tally[Action.KEPT] += 1
            return value if _TIME.fullmatch(value.strip()) else None
        return self.text(value)

    def _other(self, key: str, value: Any) -> Any:
        if is_keyword(key):
            return clean_keyword(key, value, self.who, self.text, self.tally)
        column = isinstance(value, dict) and value and bool(_DICTIONARY & value.keys())
        return self._column(value) if column and self.text(key) == key else None

    def _column(self, value: dict[str, Any]) -> dict[str, Any]:
        """Clean the description of a table's column."""
        fresh: dict[str, Any] = {}
        for key in _DICTIONARY & value.keys():
            inside = value[key]
            if key == "Levels" and isinstance(inside, dict):
                fresh[key] = {k: self.text(v) for k, v in inside.items() if isinstance(v, str) and self.text(k) == k}
            elif isinstance(inside, str):
                fresh[key] = self.text(inside)
            elif isinstance(inside, int | float) and math.isfinite(inside):
                fresh[key] = inside
        return dict(sorted(fresh.items()))

    def text(self, value: str) -> str:
        """Return a text without identifiers."""
        return self.sweep(visible(value))
