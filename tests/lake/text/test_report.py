from __future__ import annotations

import pytest

from deephealth.lake.identifiers import Identifiers
from deephealth.lake.text.report import clean_report

WHO = Identifiers.of(names=["Grünwald^Adelheid"], numbers=["00718233"], dates=["19520817"])
ENGLISH = """General Hospital
12 Oak Street
Springfield, IL 62704

Patient: Adelheid Grünwald   DOB: 08/17/1952   MRN: 00718233

HISTORY: 66 y/o with cough, referred by Dr. Whitfield.
COMPARISON: CT from 03/15/2018.
FINDINGS: The lungs are clear. Ms. Grünwald has a 4 mm nodule in the right lower lobe.
IMPRESSION: No acute disease.

Electronically signed by
Rebecca Whitfield, MD
Department of Radiology
Tel. (555) 010-2233
"""
GERMAN = """Frau
Dr. Petra Kallweit
Lindenweg 7
21335 Lüneburg

Sehr geehrte Frau Kollegin Kallweit,

BEFUND: Unauffällige Lunge. Frau Grünwald, geb. am 17.08.1952, Rundherd 8 mm.
BEURTEILUNG: Kein Nachweis einer Pneumonie.

Mit freundlichen Grüßen
Torsten Schönfeld
Oberarzt
"""
SPANISH = (
    "Paciente: Adelheid Grünwald\nHALLAZGOS: Sin derrame pleural.\nIMPRESIÓN: Normal.\n\nFdo. Dr. Álvaro "
    "Jiménez\nColegiado 28/12345"
)
FRENCH = (
    "Patient : GRÜNWALD Adelheid\nTECHNIQUE : sans injection\nRÉSULTATS : Pas "
    "d'épanchement.\n\nCordialement\nDr Bérénice Chauvet"
)
ITALIAN = (
    "Paziente: Grünwald Adelheid\nREPERTI: Non versamento.\nCONCLUSIONI: nella norma.\n\nCordiali "
    "saluti\nDott. Matteo Ferrante"
)


@pytest.mark.parametrize(
    ("report", "gone", "kept"),
    [
        (
            ENGLISH,
            ["Adelheid", "Grünwald", "1952", "00718233", "Whitfield", "03/15", "Oak", "62704", "010-2233"],
            [
                "HISTORY: 66 y/o with cough",
                "FINDINGS: The lungs are clear.",
                "4 mm nodule",
                "IMPRESSION: No acute disease.",
            ],
        ),
        (
            GERMAN,
            ["Grünwald", "1952", "Kallweit", "Lindenweg", "Lüneburg", "Schönfeld"],
            ["BEFUND: Unauffällige Lunge.", "Rundherd 8 mm", "BEURTEILUNG: Kein Nachweis einer Pneumonie."],
        ),
        (SPANISH, ["Grünwald", "Jiménez", "12345"], ["HALLAZGOS: Sin derrame pleural.", "IMPRESIÓN: Normal."]),
        (FRENCH, ["GRÜNWALD", "Chauvet"], ["TECHNIQUE : sans injection", "RÉSULTATS : Pas d'épanchement."]),
        (ITALIAN, ["Grünwald", "Ferrante"], ["REPERTI: Non versamento.", "CONCLUSIONI: nella norma."]),
    ],
)
def test_reports(report: str, gone: list[str], kept: list[str]) -> None:
    clean = clean_report(report, WHO).text
    assert not [word for word in gone if word in clean], clean
    assert not [phrase for phrase in kept if phrase not in clean], clean


def test_a_report_without_identifiers_stays() -> None:
    text = "FINDINGS:\nLungs clear.\n\nIMPRESSION:\nNormal chest.\n"
    assert clean_report(text).text == text
