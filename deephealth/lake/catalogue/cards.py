"""Cards of a data set for other catalogues: DCAT-AP 3 with HealthDCAT-AP as JSON-LD, and Croissant."""

from __future__ import annotations

import hashlib
import re
import uuid
from pathlib import Path
from typing import Any

from deephealth.core.errors import DataError
from deephealth.core.files import atomic_write_json, sha256
from deephealth.lake.catalogue.card_facts import (
    CardFacts,
    Counts,
    card_folder,
    count_dataset,
    read_card_facts,
    write_card_facts,
)
from deephealth.lake.catalogue.index import open_index
from deephealth.lake.folder import LakeFolder
from deephealth.lake.layout.tsv import read_tsv

__all__ = ["croissant_card", "dcat_card", "refresh_cards", "write_cards"]

_EU = "http://publications.europa.eu/resource/authority"
_EHDS = "http://data.europa.eu/eli/reg/2025/327/oj"
_GDPR = "http://data.europa.eu/eli/reg/2016/679/oj"
_ACCESS = {"public": "PUBLIC", "restricted": "RESTRICTED", "non-public": "NON_PUBLIC"}
_LANGUAGES = {"en": "ENG", "de": "DEU", "fr": "FRA", "es": "SPA", "it": "ITA", "pt": "POR", "nl": "NLD", "ro": "RON"}

_DCAT_CONTEXT: dict[str, Any] = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dcatap": "http://data.europa.eu/r5r/",
    "dct": "http://purl.org/dc/terms/",
    "dpv": "https://w3id.org/dpv#",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "healthdcatap": "http://healthdataportal.eu/ns/health#",
    "owl": "http://www.w3.org/2002/07/owl#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}


def write_cards(lake: LakeFolder, dataset: str, facts: CardFacts) -> list[Path]:
    """Write ``dcat.jsonld`` and ``croissant.json`` of a data set, and keep the facts for the next time.

    Args:
        lake: where things lie.
        dataset: name of the data set.
        facts: what people say about it.

    Raises:
        DataError: the index has no such data set, or the access is none that there is.
        MissingDataError: the lake has no index.
        StorageError: a card can't be written.
    """
    counts = count_dataset(lake, dataset)
    folder = card_folder(lake, dataset)
    cards = {
        "dcat.jsonld": dcat_card(dataset, facts, counts),
        "croissant.json": croissant_card(lake, dataset, facts, counts),
    }
    for name, card in cards.items():
        atomic_write_json(folder / name, card)
    write_card_facts(lake, dataset, facts)
    return [folder / name for name in cards]


def refresh_cards(lake: LakeFolder, dataset: str) -> list[Path]:
    """Write the cards anew with today's numbers; a data set without cards gets none, an empty one loses its own.

    Raises:
        DataError: the kept facts are damaged.
        StorageError: a card can't be written.
    """
    facts = read_card_facts(lake, dataset)
    if facts is None:
        return []
    try:
        return write_cards(lake, dataset, facts)
    except DataError:
        if _is_empty(lake, dataset):
            for path in card_folder(lake, dataset).glob("*.json*"):
                path.unlink()
            return []
        raise


def _is_empty(lake: LakeFolder, dataset: str) -> bool:
    with open_index(lake) as index:
        return dataset not in index.datasets()


def dcat_card(dataset: str, facts: CardFacts, counts: Counts) -> dict[str, Any]:
    """Return a card in DCAT-AP 3 with the properties of HealthDCAT-AP, as JSON-LD.

    Numbers of few subjects are left out, and so are ages and modalities that few subjects share. HealthDCAT-AP demands
    a health data access body; it stands in the card only when somebody named one, and without it the card is DCAT-AP.

    Args:
        dataset: name of the data set.
        facts: what people say about it.
        counts: what the index counts.

    Source: DCAT-AP 3.0.1; HealthDCAT-AP releases 5 to 7 (Regulation (EU) 2025/327, Article 77).
    """
    if facts.access not in _ACCESS:
        raise DataError(f"the access '{facts.access}' is not known", allowed=", ".join(_ACCESS))
    identifier = facts.identifier or f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{facts.publisher}/{dataset}')}"
    publisher = _agent(facts.publisher, facts.contact)
    laws = [{"@id": _EHDS}, {"@id": _GDPR}]
    card: dict[str, Any] = {
        "@context": _DCAT_CONTEXT,
        "@id": identifier,
        "@type": "dcat:Dataset",
        "dct:title": _text(facts.title, facts.language),
        "dct:description": _text(facts.description, facts.language),
        "dct:identifier": identifier,
        "dct:publisher": publisher,
        "dct:creator": [_named(name) for name in facts.creators],
        "dcat:contactPoint": _contact(facts.contact, facts.publisher),
        "dcat:theme": {"@id": f"{_EU}/data-theme/HEAL"},
        "dcat:keyword": [_text(word, facts.language) for word in dict.fromkeys((*facts.keywords, *counts.words()))],
        "dct:type": {"@id": f"{_EU}/dataset-type/PERSONAL_DATA"},
        "dct:accessRights": {"@id": f"{_EU}/access-right/{_ACCESS[facts.access]}"},
        "dct:license": _licence(facts.licence),
        "dct:language": _language(facts.language),
        "dct:issued": _date(facts.issued),
        "dcat:version": facts.version,
        "dcat:landingPage": {"@id": facts.landing_page} if facts.landing_page else None,
        "dct:spatial": {"@id": f"{_EU}/country/{facts.country}"} if len(facts.country) == 3 else None,
        "dct:provenance": {
            "@type": "dct:ProvenanceStatement",
            "rdfs:label": _text(
                "Clinical records of a hospital, de-identified after DICOM PS3.15 Annex E and pseudonymised; "
                "all dates are shifted.",
                "en",
            ),
        },
        "dcatap:applicableLegislation": laws,
        **_health(facts, counts),
        "dcat:distribution": [_distribution(identifier, facts, laws)],
    }
    return {key: value for key, value in card.items() if value not in (None, [], "")}


def _health(facts: CardFacts, counts: Counts) -> dict[str, Any]:
    return {
        "healthdcatap:healthCategory": {"@id": _slug("health-category", facts.health_category)},
        "healthdcatap:healthTheme": {"@id": facts.health_theme} if facts.health_theme else None,
        "healthdcatap:hdab": _agent(facts.access_body, facts.access_body) if facts.access_body else None,
        "healthdcatap:numberOfRecords": _number(counts.objects),
        "healthdcatap:numberOfUniqueIndividuals": _number(counts.subjects),
        "healthdcatap:minTypicalAge": _number(counts.age_min),
        "healthdcatap:maxTypicalAge": _number(counts.age_max),
        "healthdcatap:populationCoverage": _text(facts.population, facts.language) if facts.population else None,
        "healthdcatap:retentionPeriod": {"@type": "dct:PeriodOfTime", "dcat:endDate": _date(facts.retention)}
        if facts.retention
        else None,
        "healthdcatap:hasStructuredData": {"@value": "false", "@type": "xsd:boolean"},
        "dpv:hasPersonalData": None
        if facts.access == "public"
        else {"@id": "https://w3id.org/dpv/pd#MedicalHealth", "@type": "dpv:PersonalData"},
        "dpv:hasPurpose": _described("dpv:Purpose", facts.purpose, facts.language),
        "dpv:hasLegalBasis": _described("dpv:LegalBasis", facts.legal_basis, facts.language),
    }


def _distribution(identifier: str, facts: CardFacts, laws: list[dict[str, str]]) -> dict[str, Any]:
    licence = _licence(facts.licence)
    rights = {"@type": "dct:RightsStatement", "rdfs:label": "no licence was stated"}
    return {
        "@type": "dcat:Distribution",
        "@id": f"{identifier}#files",
        "dct:title": _text("De-identified objects and images in a BIDS/MIDS folder", "en"),
        "dcat:accessURL": {"@id": facts.landing_page or identifier},
        "dcatap:applicableLegislation": laws,
        **({"dct:rights": rights} if licence is None else {"dct:license": licence}),
    }


def _agent(name: str, contact: str) -> dict[str, Any]:
    return {**_named(name), "dcat:contactPoint": _contact(contact, name)}


def _named(name: str) -> dict[str, Any]:
    return {"@type": "foaf:Agent", "foaf:name": name}


def _contact(contact: str, name: str) -> dict[str, Any]:
    mail = re.fullmatch(r"[^@\s]+@[^@\s]+", contact)
    address = {"vcard:hasEmail": {"@id": f"mailto:{contact}"}} if mail else {"vcard:hasURL": {"@id": contact}}
    return {"@type": ["vcard:Kind", "vcard:Organization"], "vcard:fn": name, **address}


def _licence(licence: str) -> dict[str, str] | None:
    if not licence:
        return None
    return {"@id": licence if "://" in licence else f"https://spdx.org/licenses/{licence}"}


def _slug(kind: str, text: str) -> str:
    """An address given as such, else a name of our own for a category that has no agreed address yet."""
    return text if "://" in text else f"urn:deephealth:{kind}:{re.sub(r'[^a-z0-9]+', '-', text.lower()).strip('-')}"


def _text(value: str, language: str) -> dict[str, str]:
    return {"@value": value, "@language": language}


def _described(kind: str, text: str, language: str) -> dict[str, Any] | None:
    return {"@type": kind, "dct:description": _text(text, language)} if text else None


def _language(code: str) -> dict[str, str] | None:
    return {"@id": f"{_EU}/language/{_LANGUAGES[code]}"} if code in _LANGUAGES else None


def _date(day: str) -> dict[str, str] | None:
    return {"@value": day, "@type": "xsd:date"} if day else None


def _number(value: int | None) -> dict[str, str] | None:
    return None if value is None else {"@value": str(value), "@type": "xsd:nonNegativeInteger"}


_CROISSANT_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
_SETS = (
    ("dicom", "application/dicom", "sourcedata/**/*.dcm", "de-identified DICOM objects"),
    ("nifti", "application/gzip", "sub-*/**/*.nii.gz", "volumes made from the objects"),
    ("png", "image/png", "sub-*/**/*.png", "pictures made from the objects"),
    ("edf", "application/octet-stream", "sub-*/**/*.edf", "recordings"),
)


def croissant_card(lake: LakeFolder, dataset: str, facts: CardFacts, counts: Counts) -> dict[str, Any]:
    """Return a card in Croissant 1.1: the files, and the table of participants as records.

    Paths are relative to the data set's folder; a copy of the card may lie there.

    Args:
        lake: where things lie.
        dataset: name of the data set.
        facts: what people say about it.
        counts: what the index counts.

    Source: Croissant Format Specification 1.1 (MLCommons, 2026).
    """
    folder = lake.dataset(dataset)
    files: list[dict[str, Any]] = [_folder_object(facts)]
    records = []
    table = folder / "participants.tsv"
    if table.is_file():
        files.append(
            {
                "@type": "cr:FileObject",
                "@id": "participants.tsv",
                "name": "participants.tsv",
                "description": "one line per participant",
                "contentUrl": "participants.tsv",
                "encodingFormat": "text/tab-separated-values",
                "sha256": sha256(table),
            }
        )
        records.append(_participants(table))
    for name, encoding, pattern, description in _SETS:
        if next(folder.glob(pattern), None) is not None:
            files.append(_file_set(name, encoding, pattern, description))
    card: dict[str, Any] = {
        "@context": _CROISSANT_CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "name": dataset,
        "alternateName": facts.title,
        "description": facts.description,
        "license": (_licence(facts.licence) or {"@id": ""})["@id"],
        "url": facts.landing_page or f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{facts.publisher}/{dataset}')}",
        "creator": [{"@type": "sc:Organization", "name": name} for name in facts.creators or (facts.publisher,)],
        "publisher": {"@type": "sc:Organization", "name": facts.publisher},
        "keywords": list(dict.fromkeys((*facts.keywords, *counts.words()))),
        "version": facts.version,
        "datePublished": facts.issued,
        "inLanguage": facts.language,
        "citeAs": facts.cite_as,
        "isLiveDataset": True,
        "distribution": files,
        "recordSet": records,
    }
    return {key: value for key, value in card.items() if value not in (None, [], "")}


def _folder_object(facts: CardFacts) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": "dataset",
        "name": "dataset",
        "description": "the data set's folder; access is decided by its publisher",
        "contentUrl": facts.landing_page or ".",
        "encodingFormat": "local-directory",
        "sha256": hashlib.sha256(b"").hexdigest(),
    }


def _file_set(name: str, encoding: str, pattern: str, description: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileSet",
        "@id": f"{name}-files",
        "name": f"{name}-files",
        "description": description,
        "containedIn": {"@id": "dataset"},
        "encodingFormat": encoding,
        "includes": pattern,
    }


def _participants(table: Path) -> dict[str, Any]:
    columns, _ = read_tsv(table)
    fields = [
        {
            "@type": "cr:Field",
            "@id": f"participants/{name}",
            "name": name,
            "description": f"column {name}",
            "dataType": "sc:Text",
            "source": {"fileObject": {"@id": "participants.tsv"}, "extract": {"column": name}},
        }
        for name in columns
    ]
    return {
        "@type": "cr:RecordSet",
        "@id": "participants",
        "name": "participants",
        "description": "who is in the data set, by pseudonym",
        "key": {"@id": "participants/participant_id"},
        "field": fields,
    }
