"""Descriptors: clinical words to stay, identifiers to go, and glue that may do either.

A template's words outside braces and tildes must stay; what a brace is filled with must go; what stands between tildes
is glue ("for", "DOB:") that nobody asks about.
"""

from __future__ import annotations

import datetime
import random
import re
from dataclasses import dataclass
from pathlib import Path

from generate_people import Subject

__all__ = ["CLEAN", "MIXED", "SHORT_MIXED", "Text", "burned_lines", "mixed", "vocabulary"]

CLEAN = [
    "CT CHEST W/O CONTRAST",
    "MR BRAIN W/WO GADOLINIUM",
    "T2 TSE FS TRA",
    "AX T1 POST GAD",
    "CHEST PA AND LATERAL",
    "LOW DOSE LUNG SCREENING",
    "3D MPRAGE SAG 1.0 mm ISO",
    "HEAD W/O 5.0 mm",
    "ABDOMEN PELVIS PORTAL VENOUS",
    "KNEE LEFT 3 VIEWS",
    "DWI b=0, 500, 1000",
    "FLAIR cor 4 mm",
    "Barium swallow",
    "L-SPINE AP/LAT",
    "MLO RIGHT SCREENING",
    "Whole body FDG PET",
    "Angio runoff bilateral",
    "Thyroid ultrasound",
    "Echo apical four chamber",
    "Bone scan 3 h p.i.",
    "PELVIS TURNED PRONE",
    "s/p CABG x3, rule out effusion",
    "Known Parkinson disease, tremor",
    "Baker cyst of the left knee",
    "Hodgkin lymphoma staging",
    "Crohn disease, terminal ileum",
    "Follow-up nodule right upper lobe 8 mm",
    "Chronic cough, smoker 40 pack years",
    "Status post mastectomy",
    "Acute stroke, left hemiparesis",
    "Liver mass segment IVb",
    "Hip prosthesis loosening",
    "Fracture distal radius",
    "Pneumothorax after line placement",
    "Renal colic, stone protocol",
    "Schädel nativ axial",
    "Thorax p.a. im Stehen",
    "Abdomen mit Kontrastmittel",
    "IRM cérébrale sans injection",
    "Radiographie du thorax de face",
    "TC torace senza mezzo di contrasto",
    "RM de rodilla derecha",
    "TAC de abdomen con contraste",
    "Kontrolle nach Osteosynthese",
    "Douleur abdominale aiguë",
    "Dolore toracico",
    "Dolor lumbar crónico",
]

MIXED = [
    "CT chest with contrast ~for~ {name}",
    "MRI brain ~pt~ {name} ~DOB~ {dob}",
    "Known hepatic steatosis ~MRN~ {id}",
    "Nodule follow-up, ~seen by Dr.~ {physician} ~on~ {date}",
    "Left knee pain. ~Call~ {phone} ~with results~",
    "Chronic sinusitis ~patient~ {name} ~lives at~ {address}",
    "Breast screening ~requested by Dr~ {physician}",
    "Lung cancer staging ~, contact~ {email}",
    "Prior study ~from~ {hospital} shows stable adenopathy",
    "Post operative check ~acc#~ {acc}",
    "Hemoptysis and fever since {date}",
    "Right hip arthroplasty, ~surgeon Dr.~ {physician}",
    "~Mr.~ {last} has type 2 diabetes and hypertension",
    "~Mrs~ {last}: recurrent pulmonary embolism",
    "Stroke protocol ~ordered by~ {physician} ~for~ {name}",
    "Appendicitis suspected ~SSN~ {ssn}",
    "~Patient:~ {name}, ~ID:~ {id}, abdominal aortic aneurysm 4.8 cm",
    "Multiple sclerosis, ~mother~ {mother} affected too",
    "Transferred ~from~ {hospital}, trauma protocol",
    "Reconstruction kernel soft ~tech:~ {operator}",
    "Prostate biopsy {date}, Gleason 3+4",
    "Seizures. ~Next of kin phone~ {phone}",
    "Dialysis catheter check ~for~ {first} {last}",
    "~Verlaufskontrolle~ Thorax ~bei~ {name} ~geb.~ {dob}",
    "Schädel CT, ~zugewiesen von Dr.~ {physician}",
    "Suivi lésion hépatique ~de~ {name}, ~né le~ {dob}",
    "TC addome ~paziente~ {name}, dolore epigastrico",
    "Control de nódulo pulmonar ~paciente~ {name} ~NHC~ {id}",
]

SHORT_MIXED = [
    "CHEST {last}",
    "KNEE LEFT {id}",
    "BRAIN {name}",
    "ABD PELVIS ~DR~ {physician}",
    "HEAD {date}",
    "SPINE ~ACC~ {acc}",
    "THORAX {last}",
    "LIVER ~PT~ {last}",
    "ANGIO {hospital}",
    "MAMMO ~FOR~ {name}",
]

# What a de-identifier writes itself (CID 7050 and the like).
_STAMPS = """Basic Application Confidentiality Profile Clean Pixel Data Option Clean Recognizable Visual Features
Clean Graphics Structured Content Descriptors Retain Longitudinal Temporal Information Modified Dates Patient
Characteristics Device Identity UIDs Safe Private Institution anonymous anonymized removed patient subject hospital"""
_LIMITS = {"LO": 64, "SH": 16, "ST": 1024, "LT": 10240, "UT": 10240, "CS": 16, "UC": 1024}


@dataclass(frozen=True)
class Text:
    """A text with what must go from it and what must stay in it."""

    value: str
    go: tuple[str, ...]
    stay: tuple[str, ...]


def vocabulary() -> str:
    """Return all words that must stay or are glue, and all words of these makers: no name of the set may be in them."""
    sources = " ".join(one.read_text(encoding="utf-8") for one in sorted(Path(__file__).parent.glob("generate*.py")))
    return re.sub(r"\{\w+\}|~", " ", " ".join([*CLEAN, *MIXED, *SHORT_MIXED, sources, _STAMPS]))


def _date_forms(day: datetime.date, rng: random.Random) -> str:
    return day.strftime(rng.choice(("%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%d %B %Y", "%d-%b-%Y", "%Y%m%d", "%B %d, %Y")))


def _fill(slot: str, subject: Subject, when: datetime.date, rng: random.Random) -> tuple[str, tuple[str, ...]]:
    """Return the words for a slot and the strings that must not be found afterwards."""
    family, given = subject.family, subject.given
    if slot == "name":
        form = rng.choice(("{f}, {g}", "{g} {f}", "{f}^{g}", "{F} {G}", "{F}, {G}", "{g} {f}"))
        shown = form.format(f=family, g=given, F=family.upper(), G=given.upper())
        return shown, (family, given)
    if slot in ("dob", "date"):
        shown = _date_forms(subject.birth if slot == "dob" else when, rng)
        return shown, (shown,)
    plain = {
        "first": given,
        "last": family,
        "id": subject.patient_id,
        "phone": subject.phone,
        "email": subject.email,
        "physician": subject.referring.family,
        "operator": subject.operator.family,
        "address": subject.address,
        "hospital": subject.place.name,
        "acc": subject.accessions[-1],
        "ssn": subject.national_id,
        "mother": subject.mother,
    }[slot]
    if slot == "physician" and rng.random() < 0.4:
        return f"{subject.referring.given} {plain}", (subject.referring.given, plain)
    if slot == "hospital":
        return plain, (max(re.findall(r"\w+", plain), key=lambda w: (w not in _HOSPITAL_WORDS, len(w))),)
    return plain, (plain,)


_HOSPITAL_WORDS = {"Memorial", "Hospital", "Medical", "Center", "Klinikum", "Ospedale", "Clinica", "St", "Hôpital"}


def mixed(subject: Subject, when: datetime.date, rng: random.Random, vr: str, *, native: bool = False) -> Text:
    """Return a text of clinical words and identifiers that fits the VR's length."""
    latin1 = subject.charset in ("ISO_IR 100", "ISO_IR 192", "GB18030")
    for attempt in range(40):
        template = rng.choice(SHORT_MIXED if attempt > 20 or vr in ("SH", "CS") else MIXED)
        if not template.isascii() and not latin1:
            continue
        text = _compose(template, subject, when, rng)
        if native and not subject.native.isascii() and vr != "SH":
            text = Text(f"{text.value} {subject.native}", (*text.go, *subject.native.split()), text.stay)
        if len(text.value) <= _LIMITS[vr]:
            return text
    return Text("CHEST " + subject.family[:10], (subject.family[:10],), ("CHEST",))


def _compose(template: str, subject: Subject, when: datetime.date, rng: random.Random) -> Text:
    value, go, stay = "", [], []
    for piece in re.findall(r"\{\w+\}|~[^~]*~|[^{~]+", template):
        if piece[0] == "{":
            shown, gone = _fill(piece[1:-1], subject, when, rng)
            value += shown
            go += gone
        elif piece[0] == "~":
            value += piece[1:-1]
        else:
            value += piece
            stay += [word.strip(".,:;()") for word in piece.split() if len(word.strip(".,:;()")) > 2]
    kept = tuple(
        w for w in stay if w.lower() not in {"and", "with", "for", "from", "since", "has", "too", "shows", "the"}
    )
    return Text(value.replace("  ", " "), tuple(dict.fromkeys(go)), kept)


def burned_lines(subject: Subject, when: datetime.date, rng: random.Random) -> list[str]:
    """Return one to four lines a modality would burn in."""
    pool = [
        f"{subject.family.upper()}, {subject.given.upper()}",
        f"ID: {subject.patient_id}",
        f"DOB: {subject.birth:%d.%m.%Y} {subject.sex}",
        f"{subject.place.name}",
        f"{when:%d-%b-%Y} 10:{rng.randint(10, 59)}:07",
        f"Acc {subject.accessions[-1]}",
        f"Dr. {subject.referring.family}",
    ]
    first = rng.choice(pool[:3])
    rest = rng.sample([line for line in pool if line != first], rng.randint(0, 3))
    return [line if line.isascii() else line.encode("ascii", "ignore").decode() for line in [first, *rest]]
