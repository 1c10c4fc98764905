"""Cards: read by mlcroissant and rdflib, held against shapes, and silent about few subjects."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from deephealth.core.errors import DataError
from deephealth.lake.catalogue.card_facts import CardFacts, count_dataset, read_card_facts
from deephealth.lake.catalogue.cards import refresh_cards, write_cards
from deephealth.lake.catalogue.index import write_index
from tests.lake.lake_maker import LakeMaker

FACTS = CardFacts(
    title="Dermoscopy of a lake",
    description="Photographs of skin.",
    publisher="A hospital",
    contact="office@example.org",
    licence="CC-BY-4.0",
    keywords=("skin",),
    issued="2026-11-23",
    population="adults",
    legal_basis="GDPR Article 9(2)(j)",
    retention="2040-01-01",
    access_body="https://hdab.example.org",
    landing_page="https://example.org/lake",
    country="ITA",
    cite_as="A hospital, 2026",
)

# What DCAT-AP 3 and HealthDCAT-AP (release 7, non-public data) demand, in our own words.
SHAPES = """
@prefix sh: <http://www.w3.org/ns/shacl#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
@prefix dcat: <http://www.w3.org/ns/dcat#> .
@prefix dcatap: <http://data.europa.eu/r5r/> .
@prefix dct: <http://purl.org/dc/terms/> .
@prefix dpv: <https://w3id.org/dpv#> .
@prefix foaf: <http://xmlns.com/foaf/0.1/> .
@prefix health: <http://healthdataportal.eu/ns/health#> .
@prefix vcard: <http://www.w3.org/2006/vcard/ns#> .
<urn:dataset> a sh:NodeShape ; sh:targetClass dcat:Dataset ;
  sh:property [ sh:path dct:title ; sh:minCount 1 ; sh:nodeKind sh:Literal ] ,
    [ sh:path dct:description ; sh:minCount 1 ; sh:nodeKind sh:Literal ] ,
    [ sh:path dct:identifier ; sh:minCount 1 ; sh:nodeKind sh:Literal ] ,
    [ sh:path dct:publisher ; sh:minCount 1 ; sh:maxCount 1 ; sh:class foaf:Agent ; sh:node <urn:agent> ] ,
    [ sh:path dct:accessRights ; sh:minCount 1 ; sh:maxCount 1 ; sh:nodeKind sh:IRI ] ,
    [ sh:path dct:issued ; sh:maxCount 1 ; sh:datatype xsd:date ] ,
    [ sh:path dct:provenance ; sh:minCount 1 ; sh:class dct:ProvenanceStatement ] ,
    [ sh:path dct:type ; sh:minCount 1 ] ,
    [ sh:path dcat:contactPoint ; sh:minCount 1 ; sh:class vcard:Kind ] ,
    [ sh:path dcat:theme ; sh:hasValue <http://publications.europa.eu/resource/authority/data-theme/HEAL> ] ,
    [ sh:path dcat:keyword ; sh:minCount 1 ; sh:nodeKind sh:Literal ] ,
    [ sh:path dcat:distribution ; sh:minCount 1 ; sh:class dcat:Distribution ] ,
    [ sh:path dcatap:applicableLegislation ; sh:hasValue <http://data.europa.eu/eli/reg/2025/327/oj> ] ,
    [ sh:path health:hdab ; sh:minCount 1 ; sh:maxCount 1 ; sh:class foaf:Agent ; sh:node <urn:agent> ] ,
    [ sh:path health:healthCategory ; sh:minCount 1 ; sh:nodeKind sh:BlankNodeOrIRI ] ,
    [ sh:path health:hasStructuredData ; sh:minCount 1 ; sh:maxCount 1 ; sh:datatype xsd:boolean ] ,
    [ sh:path health:numberOfRecords ; sh:maxCount 1 ; sh:datatype xsd:nonNegativeInteger ] ,
    [ sh:path health:numberOfUniqueIndividuals ; sh:maxCount 1 ; sh:datatype xsd:nonNegativeInteger ] ,
    [ sh:path health:minTypicalAge ; sh:maxCount 1 ; sh:datatype xsd:nonNegativeInteger ] ,
    [ sh:path health:populationCoverage ; sh:nodeKind sh:Literal ] ,
    [ sh:path health:retentionPeriod ; sh:maxCount 1 ; sh:class dct:PeriodOfTime ] ,
    [ sh:path dpv:hasPersonalData ; sh:class dpv:PersonalData ; sh:nodeKind sh:IRI ] ,
    [ sh:path dpv:hasPurpose ; sh:class dpv:Purpose ] ,
    [ sh:path dpv:hasLegalBasis ; sh:class dpv:LegalBasis ] .
<urn:agent> a sh:NodeShape ; sh:property [ sh:path foaf:name ; sh:minCount 1 ] ,
    [ sh:path dcat:contactPoint ; sh:minCount 1 ; sh:class vcard:Kind ] .
<urn:distribution> a sh:NodeShape ; sh:targetClass dcat:Distribution ;
  sh:property [ sh:path dcat:accessURL ; sh:minCount 1 ; sh:nodeKind sh:IRI ] ,
    [ sh:path dcatap:applicableLegislation ; sh:minCount 1 ] .
"""


def test_mlcroissant_reads_the_card_and_the_participants(maker: LakeMaker) -> None:
    mlc = pytest.importorskip("mlcroissant")
    _, card = write_cards(maker.lake, "demo", FACTS)
    beside = maker.lake.dataset("demo") / "croissant.json"
    shutil.copy(card, beside)
    dataset = mlc.Dataset(jsonld=beside)
    assert dataset.metadata.ctx.issues.errors == set()
    assert dataset.metadata.ctx.issues.warnings == set()
    assert dataset.metadata.ctx.conforms_to.value.endswith("/1.1")
    records = list(dataset.records("participants"))
    subjects = {record["participants/participant_id"].decode() for record in records}
    assert subjects == {f"sub-{one.facts.subject}" for one in maker.entries}


def test_the_dcat_card_fits_the_shapes(maker: LakeMaker) -> None:
    rdflib, pyshacl = pytest.importorskip("rdflib"), pytest.importorskip("pyshacl")
    shapes = rdflib.Graph().parse(data=SHAPES, format="turtle")
    path = write_cards(maker.lake, "demo", FACTS)[0]
    fits, _, report = pyshacl.validate(rdflib.Graph().parse(path, format="json-ld"), shacl_graph=shapes)
    assert fits, report
    path = write_cards(maker.lake, "demo", replace(FACTS, access_body=""))[0]
    fits, _, report = pyshacl.validate(rdflib.Graph().parse(path, format="json-ld"), shacl_graph=shapes)
    assert not fits  # the shapes do find what is missing
    assert report.count("Constraint Violation") == 1
    assert "hdab" in report


def test_numbers_are_those_of_the_index_and_few_subjects_are_not_told(maker: LakeMaker) -> None:
    counts = count_dataset(maker.lake, "demo")
    assert (counts.subjects, counts.objects) == (28, 48)
    assert counts.modalities == ("XC",)  # three subjects have a CT
    assert counts.body_parts == ("SKIN",)
    assert (counts.age_min, counts.age_max) == (30, 54)  # the band of 55 to 59 has three subjects
    card = json.loads(write_cards(maker.lake, "demo", FACTS)[0].read_text())
    assert card["healthdcatap:numberOfUniqueIndividuals"]["@value"] == "28"
    few = sorted({one.facts.subject for one in maker.entries})[:4]
    write_index(maker.lake, [one for one in maker.entries if one.facts.subject in few])
    card = json.loads(refresh_cards(maker.lake, "demo")[0].read_text())
    assert not {"healthdcatap:numberOfUniqueIndividuals", "healthdcatap:minTypicalAge"} & set(card)


def test_no_card_holds_a_pseudonym(maker: LakeMaker) -> None:
    text = "".join(path.read_text() for path in write_cards(maker.lake, "demo", FACTS))
    for one in maker.entries:
        assert not any(
            name in text for name in (one.facts.subject, one.facts.session, one.facts.key, one.facts.object_uid)
        )


def test_facts_are_kept_for_the_next_time(maker: LakeMaker) -> None:
    assert refresh_cards(maker.lake, "demo") == []
    write_cards(maker.lake, "demo", FACTS)
    assert read_card_facts(maker.lake, "demo") == FACTS
    write_index(maker.lake, [])
    assert refresh_cards(maker.lake, "demo") == []
    assert not list(Path(maker.lake.catalogue / "cards" / "demo").iterdir())


def test_what_is_wrong_is_said(maker: LakeMaker) -> None:
    with pytest.raises(DataError, match="no data set 'dermo'"):
        write_cards(maker.lake, "dermo", FACTS)
    with pytest.raises(DataError, match="access"):
        write_cards(maker.lake, "demo", replace(FACTS, access="open"))
