"""What a table's column holds: decided by the steward, by its name in six languages, or by what is in it."""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from importlib import resources

__all__ = ["GENERALISED", "REMOVED", "Role", "normalised", "role_by_name"]


class Role(StrEnum):
    """What a column is to the person it is about."""

    PATIENT = "patient"  # the number by which rows belong to patients
    NAME = "name"
    DIRECT = "direct"  # address, telephone, e-mail, insurance and passport numbers
    PLACE = "place"  # town, hospital, ward
    BIRTH = "birth"
    IDENTIFIER = "identifier"  # any other number of a person, visit, sample or report
    ACCESSION = "accession"
    UID = "uid"
    FILE = "file"
    DATE = "date"
    YEAR = "year"
    TIME = "time"
    AGE = "age"
    SEX = "sex"
    POSTCODE = "postcode"
    QUASI = "quasi"  # ethnicity, occupation ...: no identifier, but together they are
    SENSITIVE = "sensitive"  # what must not be learnt about a person: the diagnosis
    NUMBER = "number"
    TEXT = "text"
    CATEGORY = "category"


REMOVED = frozenset({Role.NAME, Role.DIRECT, Role.PLACE, Role.BIRTH})
GENERALISED = frozenset({Role.AGE, Role.SEX, Role.POSTCODE, Role.QUASI})

_LEXICON = "column_names.tsv"


def _lexicon() -> tuple[tuple[Role, re.Pattern[str]], ...]:
    """Return the patterns of names, in the order in which they decide."""
    lines = resources.files(__package__).joinpath(_LEXICON).read_text("utf-8").splitlines()
    rows = [line.split("\t") for line in lines if line and not line.startswith("#")]
    shared = {name[1:]: pattern for name, pattern in rows if name.startswith("$")}
    return tuple((Role(name), re.compile(pattern.format_map(shared))) for name, pattern in rows if name[0] != "$")


_PATTERNS = _lexicon()
# years of follow-up, slice numbers, codes of classes: they end like identifiers and are none
_HARMLESS = re.compile(
    r"(^|_)(class|label|category|icd\w*|snomed|loinc|atc|slice|series|frame|channel|fold|split|follow_up|lesion_count|grade|"
    r"stage|score|visit|session|run|scanner|survival|event|echo|repetition|reaction|onset|duration)(_|$)"
)
_HARMLESS_FOR = frozenset({Role.IDENTIFIER, Role.YEAR, Role.TIME})


def normalised(name: str) -> str:
    """Return a column name in small letters without accents, its words joined by underscores.

    Example:
        >>> normalised("PatientID"), normalised("Código postal"), normalised("Geburts-Datum")
        ('patient_id', 'codigo_postal', 'geburts_datum')
    """
    folded = unicodedata.normalize("NFKD", name.replace("ß", "ss")).encode("ascii", "ignore").decode()
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", folded)
    return re.sub(r"[^a-z0-9]+", "_", spaced.lower()).strip("_")


def role_by_name(name: str) -> Role | None:
    """Return what a column's name says about it, or ``None`` when it says nothing.

    Example:
        >>> [str(role_by_name(name)) for name in ("Geburtsdatum", "Apellidos", "N° patient", "dx", "tumour size")]
        ['birth', 'name', 'patient', 'sensitive', 'None']
    """
    plain = normalised(name)
    for role, pattern in _PATTERNS:
        if pattern.search(plain) and not (role in _HARMLESS_FOR and _HARMLESS.search(plain)):
            return role
    return None
