"""What a card says of a data set: what people wrote, and what the index counts."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from deephealth.core.errors import DataError
from deephealth.core.files import atomic_write_json
from deephealth.lake.catalogue.index import open_index
from deephealth.lake.catalogue.query import SMALL
from deephealth.lake.folder import LakeFolder

__all__ = ["CardFacts", "Counts", "card_folder", "count_dataset", "read_card_facts", "write_card_facts"]

_TITLES = {
    "CT": "computed tomography",
    "MR": "magnetic resonance imaging",
    "DX": "digital radiography",
    "CR": "computed radiography",
    "US": "ultrasound",
    "MG": "mammography",
    "SM": "slide microscopy",
    "XC": "external-camera photography",
    "PT": "positron emission tomography",
    "EEG": "electroencephalography",
}


@dataclass(frozen=True, slots=True)
class CardFacts:
    """What people say about a data set, for the catalogue.

    Args:
        title: of the data set.
        description: in a few sentences.
        publisher: organisation that answers for it.
        contact: e-mail address or web page of an office, never of a person.
        licence: address of the licence, or its SPDX name such as ``CC-BY-4.0``.
        creators: organisations or people who made it.
        identifier: persistent address of the data set; a local one is made when empty.
        landing_page: web page about it.
        keywords: free words.
        version: of the data set.
        issued: day of the first release, ``YYYY-MM-DD``.
        language: code such as ``en``.
        access: ``public``, ``restricted`` or ``non-public``, which patients' data is unless somebody decided.
        legal_basis: such as ``GDPR Article 9(2)(j)``.
        purpose: what it may be used for.
        health_category: category of electronic health data, EHDS Article 51, such as ``medical images``.
        health_theme: address of a concept, such as a disease in Wikidata.
        population: who the patients are.
        country: three letters (ISO 3166), where the data comes from.
        retention: until when it is kept, ``YYYY-MM-DD``.
        access_body: health data access body that decides on its use (address).
        cite_as: how to cite it.
    """

    title: str
    description: str
    publisher: str
    contact: str
    licence: str = ""
    creators: tuple[str, ...] = ()
    identifier: str = ""
    landing_page: str = ""
    keywords: tuple[str, ...] = ()
    version: str = "1.0.0"
    issued: str = ""
    language: str = "en"
    access: str = "non-public"
    legal_basis: str = ""
    purpose: str = "scientific research"
    health_category: str = "medical images"
    health_theme: str = ""
    population: str = ""
    country: str = ""
    retention: str = ""
    access_body: str = ""
    cite_as: str = ""


@dataclass(frozen=True, slots=True)
class Counts:
    """What the index counts of a data set; ``None`` for numbers of fewer subjects than may be told.

    Args:
        subjects, sessions, objects, bytes: how many.
        modalities, body_parts: found, sorted.
        age_min, age_max: years, of groups of subjects large enough to be told.
        first, last: earliest and latest shifted date of a study, ``YYYY-MM-DD``.
    """

    subjects: int | None
    sessions: int | None
    objects: int
    bytes: int
    modalities: tuple[str, ...]
    body_parts: tuple[str, ...]
    age_min: int | None
    age_max: int | None
    first: str
    last: str

    def words(self) -> tuple[str, ...]:
        """Return keywords: modalities with their names, and body parts."""
        named = (f"{name} ({_TITLES[name]})" if name in _TITLES else name for name in self.modalities)
        return (*named, *(part.capitalize() for part in self.body_parts))


def count_dataset(lake: LakeFolder, dataset: str, *, small: int = SMALL) -> Counts:
    """Count a data set.

    Args:
        lake: where things lie.
        dataset: name of the data set.
        small: below how many subjects a number, a modality or an age is left out.

    Raises:
        MissingDataError: the lake has no index.
        DataError: no such data set in it.
    """
    with open_index(lake) as index:
        query = (
            "SELECT count(DISTINCT nullif(subject, '')), count(DISTINCT nullif(session, '')), count(*), sum(bytes), "
            "min(nullif(study_date, '')), max(nullif(study_date, '')) FROM objects WHERE dataset = ?"
        )
        subjects, sessions, objects, size, first, last = index.ask(query, [dataset])[0]
        if not objects:
            raise DataError(f"the index has no data set '{dataset}'", allowed=", ".join(index.datasets()))
        common = "HAVING count(DISTINCT subject) >= ? ORDER BY 1"
        of = "FROM objects WHERE dataset = ? AND"
        modalities = index.ask(f"SELECT upper(modality) {of} modality <> '' GROUP BY 1 {common}", [dataset, small])
        parts = index.ask(f"SELECT upper(body_part) {of} body_part <> '' GROUP BY 1 {common}", [dataset, small])
        # the youngest and the oldest in bands of five years that hold enough subjects: an extreme age is somebody
        bands = index.ask(f"SELECT age // 5 * 5 {of} age IS NOT NULL GROUP BY 1 {common}", [dataset, small])
    told = subjects >= small
    ages = [band for (band,) in bands]
    return Counts(
        subjects if told else None,
        sessions if told else None,
        objects,
        int(size or 0),
        tuple(name for (name,) in modalities),
        tuple(name for (name,) in parts),
        min(ages, default=None),
        max(ages) + 4 if ages else None,
        _day(first) if told else "",
        _day(last) if told else "",
    )


def _day(date: str | None) -> str:
    return f"{date[:4]}-{date[4:6]}-{date[6:8]}" if date and len(date) == 8 and date.isdigit() else ""


def card_folder(lake: LakeFolder, dataset: str) -> Path:
    """Return where the cards of a data set lie."""
    return lake.catalogue / "cards" / dataset


def write_card_facts(lake: LakeFolder, dataset: str, facts: CardFacts) -> None:
    """Keep what people said, so that cards can be written anew when the numbers change."""
    atomic_write_json(card_folder(lake, dataset) / "facts.json", asdict(facts))


def read_card_facts(lake: LakeFolder, dataset: str) -> CardFacts | None:
    """Return what was kept, or ``None``.

    Raises:
        DataError: the file is damaged.
    """
    path = card_folder(lake, dataset) / "facts.json"
    if not path.is_file():
        return None
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return CardFacts(**{**values, "creators": tuple(values["creators"]), "keywords": tuple(values["keywords"])})
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path} is damaged", hint="remove it and write the card anew") from error
