"""A labelled corpus: texts made from templates, with what must go in ``{}`` and everything else to be kept.

Two halves that share neither templates nor names: the first was looked at while the cleaner was written, the second is
only measured.
"""

from __future__ import annotations

import datetime
import random
import re
from dataclasses import dataclass

from deephealth.lake.identifiers import Identifiers


@dataclass(frozen=True)
class Case:
    """A text, the strings that must not be left, and the words that must be."""

    text: str
    secrets: tuple[str, ...]
    kept: tuple[str, ...]
    identifiers: Identifiers


PATIENTS = {
    "first": [
        ("Kowalczyk", "Agnieszka"),
        ("O'Donnell", "Siobhan"),
        ("Müller", "Jürgen"),
        ("García López", "María José"),
        ("van der Linde", "Pieter"),
        ("Lefèvre", "Anaïs"),
        ("De Luca", "Giancarlo"),
        ("Johnson", "Tyrone"),
        ("Strauß", "Käthe"),
        ("Fernández-Ruiz", "Íñigo"),
        ("Smith", "Mary Ann"),
        ("Nguyen", "Thi Hoa"),
        ("D'Angelo", "Concetta"),
        ("von Hohenstein", "Friederike"),
        ("Young", "Emily"),
        ("Öztürk", "Mehmet"),
        ("Papadopoulos", "Eleni"),
        ("Björnsdóttir", "Guðrún"),
        ("Doe", "Jane"),
        ("Łukaszewicz", "Zbigniew"),
        ("Green", "Dylan"),
        ("St. John", "Olivia"),
        ("Abdelrahman", "Yusuf"),
        ("Mbeki", "Thandiwe"),
        ("Rossi", "Ludovica"),
    ],
    "second": [
        ("Wiśniewska", "Bożena"),
        ("MacGillivray", "Fergus"),
        ("Größl", "Waltraud"),
        ("Ibáñez Cano", "Rocío"),
        ("de Jong", "Sanne"),
        ("Béranger", "Loïc"),
        ("Dell'Acqua", "Ortensia"),
        ("Washington", "Latoya"),
        ("Köhler-Brandt", "Sönke"),
        ("Etxeberria", "Iker"),
        ("Miller", "John Paul"),
        ("Tran", "Minh Quan"),
        ("L'Hermitte", "Solène"),
        ("zu Salm", "Leopold"),
        ("White", "Brianna"),
        ("Yıldırım", "Ayşe"),
        ("Karagiannis", "Spyros"),
        ("Sigurðsson", "Þórður"),
        ("Roe", "Richard"),
        ("Dvořáčková", "Ludmila"),
        ("Long", "Gareth"),
        ("De la Cruz", "Esteban"),
        ("Haddad", "Nour"),
        ("Okonkwo", "Chidinma"),
        ("Esposito", "Ginevra"),
    ],
}
PATIENTS["third"] = [
    ("Szymańska", "Grażyna"),
    ("McAllister", "Rory"),
    ("Weißgerber", "Hannelore"),
    ("Muñoz Vidal", "Ángela"),
    ("ten Hoopen", "Maarten"),
    ("Saint-Étienne", "Clémence"),
    ("Della Corte", "Pasqualina"),
    ("Jackson", "Deshawn"),
    ("Brandstätter", "Jörg"),
    ("Zubizarreta", "Ainhoa"),
    ("Davis", "Peggy Sue"),
    ("Pham", "Quoc Bao"),
    ("O'Shaughnessy", "Ciarán"),
    ("Freiherr von Thurn", "Ottokar"),
    ("Black", "Tamika"),
    ("Çelik", "Gülsüm"),
    ("Anagnostopoulos", "Vasiliki"),
    ("Jónsson", "Ólafur"),
    ("Poe", "Edgar"),
    ("Horváth", "Zsófia"),
    ("Foot", "Barnaby"),
    ("El Khoury", "Rania"),
    ("Adeyemi", "Folasade"),
    ("Santos Silva", "Joaquim"),
    ("Costa", "Beniamino"),
]
# Texts with the patient's known identifiers. {L} {F} family and given name, {I} given initial, {N} number,
# {D:format} birth date.
OWN = {
    "first": """CHEST PA {L}^{F}|{L}, {F} CT ABDOMEN|MR BRAIN {F} {L}|knee {l} {f}|{LU} {FU} T2 TSE fs tra|
{L}_{F}_{D:%Y%m%d} HEAD|THORAX {D:%d.%m.%Y}|DOB {D:%m/%d/%Y} chest|
CT SKULL FOR {F} {L}|pat {N} knee MRI|MRN {N}: follow up|Mammo li {LU}|Rx torace di {F} {L}|
Radio du genou de {F} {L}|RM rodilla de {F} {L}|Schädel CT {L}, {F}, geb. {D:%d.%m.%Y}|{I}. {L} abdomen|
abdomen {L} {I}.|
{F} {L} presented with chest pain|Follow up of {F}'s knee|{L} was seen in clinic|pain in {L}'s left hip|
Patient {L} supine|{L} {N} lumbar spine|{N} {L} pelvis|foot {N}|{D:%Y-%m-%d} brain perfusion|
brain {D:%d-%b-%Y} perfusion|
{f}.{l} spine|sacrum {l}{f}|{il} knee exam|exam of {LU}{FU} head|né le {D:%d/%m/%Y} radio pulmonaire|
nacida el {D:%d/%m/%Y} ecografía|nata il {D:%d.%m.%Y} TC addome|T1 SE {N}|{FU} {LU} CERVICAL|{LU},{FU} LUMBAR|
lumbar - {L} - {F}""",
    "second": """{L}, {F} shoulder|SHOULDER {FU} {LU}|DWI {L}^{F}|{F} {L} (#{N}) angio|CTA aorta {N}|
hip ap {l}, {f}|Becken {F} {L} Beckenübersicht|{F} {L}, {D:%d.%m.%y}, Hüfte re|scanner thoracique {L} {F}|
IRM cérébrale M. {L} {F}|
TAC craneal {L} {F}|ecografia addome {LU} {FU}|colonna lombare {F} {L}|birth {D:%B %d, %Y} liver MRI|
liver {D:%d %B %Y}|liver {D:%Y%m%d}|liver {D:%m-%d-%Y} dyn|wrist {D:%d %b %Y}|{LU}_{FU}_WRIST|WRIST_{LU}_{FU}|
wrist_{N}|{N}_wrist|
ankle for {F} {L}; compare|the patient {F} {L} tolerated contrast well|{L} tolerated contrast well|
We thank you for referring {F} {L} with headache|{F} has headache|{I} {L} colon|colon {L}, {I}|{il}_colon|
{l}.{f} colon|{f}_{l} colon|{LU}{FU} colon|
file {L}{F}.dcm colon|{D:%Y/%m/%d} colon|acc {N} colon|Id {N} colon|{F} {L} {D:%d.%m.%Y} {N} colon|{N}-{L}-colon|
x-ray of {F} {L} {D:%b %d %Y}|Dr. {L} colon|re: {F} {L}""",
}
OWN["third"] = """{F} {L} - MR prostate|prostate {LU}, {FU} ax|PROSTATE [{L}^{F}]|{N} prostate dyn|dyn ({N}) {L}|
{L}/{F}/{D:%d.%m.%Y}/prostate|{F}.{L} {D:%d%m%Y} prostate|exam {D:%m/%d/%y} {F} {L}|{L}'s prostate|
Ms. {L} returns with cough|{F} reports cough since May|cough, {F} {L}, {N}|spine of {FU} {LU} DOB {D:%d-%b-%Y}|
geboren am {D:%d.%m.%Y}: {F} {L}, Husten|{L} {F} né(e) le {D:%d/%m/%Y} toux|{F} {L} (f. nac. {D:%d/%m/%Y}) tos|
{F} {L} nato il {D:%d/%m/%Y} tosse|
{LU}{FU}_{D:%Y%m%d}|img_{l}_{N}|{l}_{f}_{N} uterus|uterus {il}|uterus, {I}. {L}, ax|uterus {F} {L} {D:%Y.%m.%d}|
{D:%b. %d, %Y} uterus|phantom {N}|study for {L}, {I}.: uterus|{FU}^{LU} uterus|uterus={L}"""
# Texts with identifiers that nobody knows beforehand: {P} another person's whole name, {S} a surname.
OTHERS = {
    "first": """Seen by Dr. {{{S}}}|Dictated by {{{P}}}, MD|Dr. {{{P}}} informed at time of scan|
Discussed with Dr {{{S}}} over the phone|Referring physician: {{{P}}}|Mr. {{{S}}} was placed supine|
Mrs {{{P}}} has back pain|Tech: {{{P}}}|
tech: {{KJ}} scan delayed|Read by {{{S}}}|Herr {{{S}}} stellt sich vor|Frau {{{P}}} mit Knieschmerzen|
Überweiser: Dr. med. {{{P}}}|befundet von {{{P}}}|Mme {{{S}}} douleur thoracique|M. {{{P}}} consulte pour toux|
réalisé par {{{P}}}|Dr {{{P}}} prescripteur|
Sra. {{{P}}} dolor lumbar|informado por {{{P}}}|Dra. {{{S}}} solicita estudio|Sig.ra {{{P}}} dolore toracico|
refertato da {{{P}}}|Dott. {{{S}}} richiede TC|Prof. {{{P}}} wurde informiert|Name: {{{P}}} Thorax|
Nombre: {{{P}}} tórax|Nome: {{{P}}} torace|Nom: {{{P}}} thorax|
call {{555-0142}} with results|Tel {{0512/9042 311}} Station|Tél. {{01 42 68 53 00}} service|
tel. {{+34 913 305 000}} urgencias|Tel: {{06 4997 1234}} reparto|fax {{(617) 555-0199}} please|
pager {{4521}} if urgent|email {{j.mueller@klinikum-nord.de}} bei Fragen|
send to {{radiology@stmary.org}} now|see {{https://pacs.local/view?id=77}} images|from {{192.168.10.44}} archive|
path {{C:\\Users\\jmiller\\export}} used|stored {{/home/kschmidt/scans}} ok|MRN: {{00482913}} CT head|
MRN {{8842913}} CT head|Acc# {{A20193847}} chest|
Fallnummer: {{12345678}} Abdomen|Pat.-Nr. {{778812}} Knie|NHC {{554433}} rodilla|IPP: {{8001234567}} genou|
SSN {{123-45-6789}} billing|NHS {{943 476 5919}} referral|NIR {{1 85 05 78 006 084 36}} radio|
DNI {{12345678Z}} tobillo|CF {{RSSMRA85T10A562S}} torace|
scan of {{03/15/2019}} compared|compared to {{15.03.2019}} CT|vom {{3. März 2019}} unverändert|
du {{3 mars 2019}} stable|del {{3 de marzo de 2019}} sin cambios|del {{3 marzo 2019}} invariato|
exam on {{March 15, 2019}} normal|since {{Mar 3, 2019}} stable|{{2019-03-15 14:35}} scan|
prior {{12/2018}} mammogram|operiert am {{4.7.18}} Hüfte|opéré le {{04/07/2018}} hanche|
operada el {{4-7-2018}} cadera|lives at {{12 Oak Street}} alone|wohnt {{Bahnhofstraße 12}} allein|
habite {{12 rue de la Paix}} seule|vive en {{calle Mayor 12}} sola|abita in {{via Garibaldi 12}} sola|
{{93}} year old woman|{{Thompson}} knee follow up|seen with {{Giovanni Bellucci}} today""",
    "second": """Reviewed by {{{P}}}|per Dr. {{{P}}} stat read|requested by {{{P}}} for pain|
Ms {{{S}}} refused contrast|Mr {{{P}}} fell from ladder|attending: {{{P}}}|Signed: {{{P}}} MD|
radiologist {{{P}}} notified|Findings called to Dr. {{{S}}} in ER|technologist: {{{S}}} repeat view|
Untersucht von {{{P}}}|Hausarzt: {{{S}}} bittet um CT|Sehr geehrter Herr {{{S}}}, danke|Patientin: {{{P}}} Mamma|
diktiert von {{{P}}}|Rücksprache mit Dr. {{{S}}} erfolgt|Monsieur {{{P}}} fracture|vu par le Dr {{{S}}} hier|
adressé par {{{P}}}|Patient : {{{P}}} genou|
Sr. {{{P}}} caída|solicitado por {{{P}}}|Paciente: {{{P}}} abdomen|firmado: {{{P}}} radiólogo|Sig. {{{P}}} caduta|
eseguito da {{{P}}}|Paziente: {{{P}}} addome|Dott.ssa {{{P}}} refertante|Cognome: {{{S}}} addome|
phone {{617-555-0123}} home|cell {{(212) 555 0187}} wife|ext. {{4432}} stat|Telefon {{089 / 4400 1234}} Ambulanz|
Fax {{+49 30 1234-567}} Praxis|tél {{06.12.34.56.78}} domicile|tfno {{612 345 678}} hija|
cell {{+39 333 123 4567}} figlia|mail {{anna_k@web.de}} Tochter|
write {{dr.lopez@hospital.es}} asap|www link {{www.radiologie-xyz.de/befund}} online|host {{10.20.30.40}} dicom|
copy {{D:\\data\\patients\\Wei}} done|backup {{/mnt/pacs/studies/wei}} done|Patient ID: {{PX-20931}} MR|
Accession No. {{5501239}} MR|hospital number {{H552031}} MR|
Aufnahmenr. {{20231188}} Thorax|KVNR {{A123456780}} Thorax|historia clínica: {{998877}} tórax|
n° dossier {{445566}} thorax|tessera sanitaria: {{80380001234}} torace|cartella clinica n. {{33221}} torace|
order# {{778899}} MR|policy number {{XK99231}} MR|NIE {{X1234567L}} tórax|
dated {{1/5/20}} unchanged|on {{5 Jan 2020}} unchanged|{{January 5th, 2020}} unchanged|{{20200105}} unchanged|
am {{05.01.2020}} um Thorax|seit {{Januar 2020}} Husten|le {{1er février 2020}} toux|depuis {{février 2020}} toux|
el {{5/1/2020}} tos|desde {{enero de 2020}} tos|il {{5 gennaio 2020}} tosse|da {{gennaio 2020}} tosse|
{{05-JAN-2020}} CT|{{2020.01.05}} CT|{{Jan-5-20}} CT|address {{445 Maple Avenue}} lives|
Adresse: {{Lindenweg 7}} wohnhaft|domicile {{8 avenue Victor Hugo}} Paris|domicilio {{Avenida de América 45}} piso|
indirizzo {{piazza Verdi 3}} interno|{{97}}-year-old man|hip {{Jennifer Hawkins}} left|{{Alessandro}} has cough""",
}
OTHERS["third"] = """Interpreted by: {{{P}}}, MD uterus|uterus; ordering MD: {{{P}}}|attn Dr. {{{S}}} uterus|
uterus, Mrs. {{{S}}} anxious|cc: {{{P}}}|performed by {{{P}}} RT uterus|Nurse {{{P}}} injected contrast|
his wife {{{P}}} drove|dear Dr {{{S}}}, uterus|Miss {{{P}}} tolerated|
Frau Dr. {{{S}}} befundet Uterus|Uterus, Zuweiser {{{P}}}|OA Dr. {{{S}}} einverstanden|Prof. Dr. {{{P}}} Uterus|
Schwester {{{S}}} informiert|Dr {{{P}}} a relu|Monsieur {{{S}}} tousse|relu par {{{P}}}|Mlle {{{S}}} enceinte|
médecin traitant : {{{P}}}|
Dr. {{{P}}} informó|D.ª Dra. {{{S}}} pide|Médico solicitante: {{{P}}}|revisado por {{{P}}}|Don {{{P}}} refiere tos|
Prof.ssa {{{P}}} chiede|medico curante: {{{P}}}|visto da {{{P}}}|Signor {{{P}}} tosse|inviato dal dott. {{{S}}}|
mobile {{0176 5550 1234}} Sohn|{{(303) 555-0175}} mother|office {{303.555.0175}} nurse|ph# {{303-555-0175}} night|
Rufnummer {{0351-4555012}} tags|portable {{07 55 50 12 34}} mari|móvil: {{655 501 234}} esposo|
cell. {{347 5550123}} marito|mail: {{x.y-z@uni-kl.edu}} frei|
UNC {{\\\\nas01\\scans}} there|folder {{/Users/wlee/Desktop}} there|MRN#{{0091823}} hip|
Patient no. {{44-19-22}} hip|accession: {{CT-2023-00871}} hip|Fall-Nr {{9988776}} Hüfte|
Versichertennr. {{B987654321}} Hüfte|expediente {{2209981}} cadera|dossier n° {{20987}} hanche|
codice fiscale {{BNCLRA80A41F205Z}} anca|
AHV {{756.1234.5678.97}} Hüfte|IBAN {{DE89 3704 0044 0532 0130 00}} Rechnung|on {{Feb. 28th, 2021}} stable|
as of {{28 Feb 21}} stable|{{2021/02/28}} stable|{{28FEB2021}} stable|{{02.28.2021}} stable|am {{28.2.21}} stabil|
im {{Februar 2021}} stabil|{{28 février}} stable|en {{febrero de 2021}} estable|{{28/02/21}} estable|
nel {{febbraio 2021}} stabile|
resides {{77 Sunset Boulevard}} alone|{{Hauptstr. 5}} gemeldet|{{3 impasse des Lilas}} domicile|
{{Paseo del Prado 8}} domicilio|{{Viale Mazzini 44}} residenza|aged {{101}} years|{{Margaret}} has chills|
chills per {{Beatrice Lombardi}} today"""
PEOPLE = {
    "first": [
        "Jonathan Harker",
        "Petra Schönfeld",
        "Isabelle Moreau",
        "Álvaro Jiménez",
        "Francesca Ricci",
        "Priya Raghavan",
        "Ewan McTavish",
        "Dimitri Volkov",
        "Carlos Ortega",
        "Lin Zhang",
    ],
    "second": [
        "Rebecca Whitfield",
        "Torsten Kallweit",
        "Bérénice Chauvet",
        "Gonzalo Echevarría",
        "Matteo Ferrante",
        "Anjali Deshpande",
        "Rhys Llewellyn",
        "Oksana Melnyk",
        "Paulo Teixeira",
        "Kwame Boateng",
    ],
}

PEOPLE["third"] = [
    "Harriet Pemberton",
    "Ulrich Zwingenberger",
    "Maëlle Kervran",
    "Nuria Bustamante",
    "Fiorenza Tagliaferri",
    "Sunil Gopalakrishnan",
    "Ffion Prydderch",
    "Yaroslav Tkachenko",
    "Inês Carvalho",
    "Mei Huang",
]

_SLOT = re.compile(r"\{([A-Za-z]+)(?::([^}]*))?\}")
_SECRET = re.compile(r"\{\{(.*?)\}\}")
_WORD = re.compile(r"[^\W_]+")


def _own_case(template: str, family: str, given: str, number: str, born: datetime.date) -> Case:
    slots = {
        "L": family,
        "F": given,
        "l": family.lower(),
        "f": given.lower(),
        "LU": family.upper(),
        "FU": given.upper(),
        "I": given[0],
        "il": (given[0] + re.sub(r"\W", "", family)).lower(),
        "N": number,
    }
    secrets: list[str] = []

    def fill(match: re.Match[str]) -> str:
        value = born.strftime(match[2]) if match[1] == "D" else slots[match[1]]
        if match[1] != "I":
            secrets.extend([value] if match[1] in "DN" else _name_parts(value))
        return value

    kept = tuple(_WORD.findall(_SLOT.sub(" ", template)))
    text = _SLOT.sub(fill, template)
    known = Identifiers.of(names=[f"{family}^{given}"], numbers=[number], dates=[born.strftime("%Y%m%d")])
    return Case(text, tuple(secrets), kept, known)


def _name_parts(name: str) -> list[str]:
    return [part for part in re.split(r"[\s'’.-]+", name) if len(part) > 2]


def _others_case(template: str, person: str) -> Case:
    filled = template.replace("{P}", person).replace("{S}", person.split()[-1])
    secrets = [
        part
        for secret in _SECRET.findall(filled)
        for part in (_name_parts(secret) if " " in secret and secret in person else [secret])
    ]
    kept = tuple(_WORD.findall(_SECRET.sub(" ", filled)))
    return Case(_SECRET.sub(r"\1", filled), tuple(secrets), kept, Identifiers())


def cases(half: str) -> list[Case]:
    """Return all the cases of ``first`` or ``second`` that hold identifiers."""
    random_ = random.Random(half)
    found = []
    for template in OWN[half].replace("\n", "").split("|"):
        for family, given in PATIENTS[half]:
            number = random_.choice(["{:06d}", "{:08d}", "P{:06d}", "20-{:05d}", "H{:04d}K"]).format(
                random_.randrange(10**4, 10**5) * 7 % 10**4 + 1234
            )
            born = datetime.date(1931, 1, 13) + datetime.timedelta(random_.randrange(30000))
            found.append(_own_case(template, family, given, number, born))
    for template in OTHERS[half].replace("\n", "").split("|"):
        people = PEOPLE[half] if "{P}" in template or "{S}" in template else PEOPLE[half][:1]
        found.extend(_others_case(template, person) for person in people)
    return found
