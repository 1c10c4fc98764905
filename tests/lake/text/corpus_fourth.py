"""A held-out corpus written by somebody else than the first three: other people, other sentences, institutions.

``{}`` slots are those of ``corpus.py``; in ``INSTITUTIONS`` ``{H}`` is an invented hospital whose own words must go.
"""

from __future__ import annotations

import datetime
import random
import re
from typing import Any

from deephealth.lake.identifiers import Identifiers

PATIENTS = [
    ("Virtanen", "Aino"),
    ("Tamm", "Kadri"),
    ("Petrauskas", "Mindaugas"),
    ("Hovhannisyan", "Anahit"),
    ("Wickramasinghe", "Dilshan"),
    ("Te Rangi", "Aroha"),
    ("Faleolo", "Sione"),
    ("Quispe Mamani", "Wayra"),
    ("Krasniqi", "Besnik"),
    ("Camilleri", "Ġorġ"),
    ("Suryadi", "Wulan"),
    ("Dela Peña", "Jomar"),
    ("Tesfaye", "Bekele"),
    ("Wanjiru", "Njoki"),
    ("Hosseinzadeh", "Shirin"),
    ("Beridze", "Nino"),
    ("Nazarbekov", "Aibek"),
    ("Kealoha", "Keanu"),
    ("Burns", "Hazel"),
    ("Stone", "Marcia"),
    ("Hahn", "Gerlinde"),
    ("Leblanc", "Rosalie"),
    ("Prieto", "Amparo"),
    ("Conti", "Savino"),
    ("Kulkarni", "Ashwini"),
]
OWN = """{L} {F}: nuchal translucency|urogram {F} {L}|{LU}^{FU} UROGRAM|angiogram ({L}, {F})|{F} {L} declined sedation|
sedation given to {F} {L}, asleep|mother {L} waits outside|tell Mrs {L} the result|next of kin {F} {L} informed|
{N} / {L} / angiogram|angiogram #{N}|no. {N} angiogram|angiogram {N} {D:%d/%m/%Y}|dob {D:%d %b %Y} angiogram|
{D:%Y%m%d} {LU}|{LU} {FU} {D:%d%m%y}|{f}{l} angiogram|{f}-{l} angiogram|{l}, {f}: angiogram|angiogram_{l}^{f}|
angiogram;{L};{F}|angiogram ... {F} {L} ...|"{F} {L}" angiogram|angiogram [{N}]|{L}, {I}. angiogram|
Patientin {F} {L}, Koloskopie|Koloskopie bei {L}|Koloskopie, {L} {F}, {D:%d.%m.%Y}|Frau {L} klagt über Schwindel|
Befundkopie an {F} {L}|{F} {L} souffre de vertiges|vertiges chez {F} {L}|Mme {L} vertiges|vertiges, {L} ({D:%d/%m/%Y})|
{F} {L} refiere mareo|mareo de {F} {L}|paciente {L}, mareo|mareo {LU} {FU}|vertigini {F} {L}|
la paziente {L} riferisce vertigini|Sig.ra {L} vertigini|vertigini {L}-{F}|{FU} {LU}/{N}/urogram|
spleen {D:%d-%m-%Y}|spleen {D:%m.%d.%Y}|spleen {D:%B %d %Y}"""
PEOPLE = [
    "Tuula Hämäläinen",
    "Jurgita Vaitkutė",
    "Gevorg Petrosyan",
    "Nimal Jayawardena",
    "Hemi Tamihana",
    "Rodelio Macaraeg",
    "Abebe Girma",
    "Parisa Ghorbani",
    "Giorgi Maisuradze",
    "Shkodran Hoxha",
]
OTHERS = """Cardiologist Dr. {{{P}}} will follow|Dr {{{S}}} wants a lateral decubitus|notified Dr. {{{P}}}, MD|
spoke with Dr. {{{S}}} about result|signed by {{{P}}}|Ultrasound performed by {{{P}}}|transcribed by {{{P}}}|
Sonographer: {{{P}}}|Mrs. {{{S}}} vomited|Ms {{{P}}} is pregnant|Mr. {{{S}}} is allergic to iodine|
Ref. Dr.: {{{P}}}|ordering physician: {{{P}}}|Patient name: {{{P}}}|contact: {{{P}}}|surgeon: Dr. {{{S}}}|
Hausärztin Dr. {{{P}}} informiert|Befunder: {{{P}}}|Herr Dr. {{{S}}} übernimmt|Frau {{{S}}} schwanger|
angefordert von {{{P}}}|Patient: {{{P}}}, Koloskopie|Docteur {{{S}}} prévenu|Mme {{{P}}} enceinte|lu par {{{P}}}|
demandé par le Dr {{{P}}}|M. {{{S}}} allergique|Nom du patient : {{{P}}}|Dra. {{{P}}} avisada|
Sr. {{{S}}} alérgico|validado por {{{P}}}|Paciente: {{{P}}}|Dott. {{{P}}} avvisato|Sig. {{{S}}} allergico|
validato da {{{P}}}|Paziente: {{{P}}}|
phone {{(415) 555-0131}} after six|Mobil {{0151 23456789}} abends|tél. {{04 91 38 00 00}} soir|
tlf. {{955 012 345}} tarde|cell. {{338 1234567}} sera|mail to {{ward7@clinic-example.org}} please|
see {{http://10.1.2.3/viewer}} please|MRN {{00098172}} lungs|Acc: {{X2020991}} lungs|Patienten-ID {{4471829}} Lunge|
Fall-Nr. {{20190456}} Lunge|IPP {{700912345}} poumon|NHC: {{1203344}} pulmón|cartella {{2019/4471}} polmone|
SSN {{512-44-9821}} lungs|{{512449821}} lungs|done {{06/09/2021}} lungs|done {{June 9, 2021}} lungs|
done {{9 June 2021}} lungs|done {{9th of June 2021}} lungs|done {{2021-06-09}} lungs|done {{Jun 9 2021}} lungs|
vom {{9. Juni 2021}} Lunge|vom {{09.06.21}} Lunge|du {{9 juin 2021}} poumon|le {{09/06/2021}} poumon|
el {{9 de junio de 2021}} pulmón|del {{9 giugno 2021}} polmone|il {{09/06/2021}} polmone|
lives at {{88 Birchwood Lane}} upstairs|wohnt {{Ahornweg 3}} oben|habite {{5 rue des Acacias}} rez|
vive en {{calle del Sol 9}} abajo|abita in {{via Roma 21}} sopra|{{94}} yo fell|{{103}}-year-old fell"""
HOSPITALS = ["Bramvold", "Ostrenka", "Quilmarra", "Fendrisch", "Vellazona", "Saint-Orban"]
INSTITUTIONS = """Outside CT from {{{H}}} General Hospital reviewed|Compared with study at {{{H}}} Medical Center|
Sent by {{{H}}} Imaging Associates|{{{H}}} Regional Hospital MRI|Films of {{{H}}} Community Hospital uploaded|
Transferred from {{{H}}} this morning|Admitted via {{{H}}} Children's Hospital|{{{H}}} University Hospital stroke call|
University Hospital {{{H}}} stroke call|Hospital of {{{H}}} stroke call|Radiology: {{{H}}} Clinic|
Verlegt aus dem Klinikum {{{H}}} bei Sepsis|Voraufnahmen Krankenhaus {{{H}}} liegen vor|
CD vom Universitätsklinikum {{{H}}} importiert|Klinik {{{H}}}, Nachsorge|Spital {{{H}}} Nachsorge|
Kreiskrankenhaus {{{H}}} Nachsorge|Transfert de l'hôpital {{{H}}} pour sepsis|CHU de {{{H}}} pour avis|
Clinique {{{H}}}, sepsis|Centre Hospitalier de {{{H}}}, sepsis|Hôpital {{{H}}} sepsis|
Trasladado desde Hospital {{{H}}} por sepsis|Hospital Universitario {{{H}}} sepsis|Clínica {{{H}}} sepsis|
Hospital General de {{{H}}} sepsis|Centro Médico {{{H}}} sepsis|Trasferito da Ospedale {{{H}}} per sepsi|
Ospedale di {{{H}}} sepsi|Policlinico {{{H}}} sepsi|Clinica {{{H}}} sepsi|Casa di Cura {{{H}}} sepsi|
PRIOR CT {{{H}}} MEDICAL CENTER|CT KLINIKUM {{{H}}}|TC OSPEDALE {{{H}}}"""
SCRIPTS = [
    (
        "Li^Na=李^娜",
        "头颅 CT {李娜}|CT {李 娜} head|head CT, {娜 李}|{李^娜} chest|patient {李=娜}|for {李・娜} abdomen",
    ),
    ("歐陽^志明", "{歐陽志明} 腹部|{志明 歐陽} CT abdomen|CT {歐陽, 志明}|abdomen {歐陽^志明} CT"),
    (
        "Satou^Mei=佐藤^芽衣=さとう^めい",
        "胸部 {佐藤 芽衣}|chest {さとう めい}|{サトウ メイ} 腹部|CT {佐藤・芽衣}|{芽衣 佐藤}",
    ),
    ("박^지연", "{박 지연} 흉부|CT {지연 박}|{박지연} CT|chest {박, 지연}|{박^지연}"),
    ("สุขใจ^วิภา", "CT {วิภา สุขใจ}|{วิภาสุขใจ} chest|chest {สุขใจ^วิภา}"),
    ("Петренко^Олена", "КТ {Петренко Олена}|chest {Олена Петренко}|{О. Петренко} КТ|{ПЕТРЕНКО, ОЛЕНА} CT"),
    ("Οικονόμου^Ελένη", "CT {Ελένη Οικονόμου}|{ΟΙΚΟΝΟΜΟΥ ΕΛΕΝΗ} θώρακας"),
    ("حسيني^زهرا", "CT {زهرا حسيني}|{حسینی، زهرا} chest|chest {زهراحسيني}"),
    ("לוי^יעל", "CT {יעל לוי}|{לוי, יעל} chest|{יעל=לוי} MR"),
    ("सेनगुप्ता^मीना", "CT {मीना सेनगुप्ता}|{सेनगुप्ता, मीना} chest"),
    ("রহমান^সুমি", "CT {সুমি রহমান}|{রহমান^সুমি} chest"),
    ("ஆறுமுகம்^செல்வி", "CT {செல்வி ஆறுமுகம்}|chest {ஆறுமுகம், செல்வி}"),
    ("გელაშვილი^თამარ", "CT {თამარ გელაშვილი}|{გელაშვილი=თამარ} chest"),
    ("Սարգսյան^Արամ", "CT {Արամ Սարգսյան}|{ՍԱՐԳՍՅԱՆ ԱՐԱՄ} chest"),
]
WORDS_AS_NAMES = """Burns^Ruth|{Burns}, allergic|mother {Burns} has asthma;burns of the trunk;Burns to the left forearm
Foley^Ed|tech: {Foley}|repeat view by {Foley};Foley catheter balloon inflated;foley in place
Costa^Rui|{Costa}|patient {Costa} prone|Mr. {Costa} smokes;fracture of the third costa
Stone^Kim|Mrs {Stone} has colic|father {Stone} called;ureteric stone;Kidney stone protocol
Hand^Lois|Dr. {Hand} agrees|Ms. {Hand} fell;left hand, 3 views;L HAND PA
Graves^Otto|Mr {Graves} reviewed|contact {Graves} at home;Graves disease;Graves' ophthalmopathy
Head^Amy|Head, Amy|seen by {Head};CT HEAD W/O;head injury
Fuß^Karin|Frau {Fuß} gestürzt|{Fuß}, {Karin};Fuß links 2 Ebenen;Schmerzen im rechten Fuß
Bruch^Heinz|Herr {Bruch} wartet|{Bruch}^{Heinz};Bruch der Hüfte;Verdacht auf Bruch
Petit^Luc|M. {Petit} tousse|{PETIT} {LUC};petit épanchement;un petit kyste
Moreno^Paz|Sra. {Moreno} tose|{Moreno}, {Paz};nevus moreno;piel de color moreno
Rossi^Nina|Sig.ra {Rossi} tossisce|{ROSSI} {NINA};globuli rossi;conta dei globuli rossi
Baker^Sam|{Baker} was sedated|Mr. {Baker};ruptured Baker cyst;Baker's cyst
Long^Ivy|pt {Long} sedated|{LONG} {IVY};long axis;along the long bone
White^Al|for Mr {White}|{White} fell;white matter;White blood cells"""
KEPT = """Hospital acquired pneumonia|hospital day 4|Clinic follow-up|seen in clinic|Fracture clinic|Referred from ED|
Transferred from ICU|transfer from Emergency|Outside Hospital study|Prior study from outside hospital|
CT from March not available|Day Hospital|Orthopedic Clinic follow up|Pain Clinic|Admitted from nursing home|
Discharged from hospital|Radiology Department|Department of Radiology|Medical History|Health Care Worker|
Imaging of the chest|Imaging Findings|Group B strep|Cancer Center protocol|Breast Imaging|Heart Failure Clinic|
Im Krankenhaus erworbene Pneumonie|Krankenhauskeim|Klinik: Dyspnoe|Klinische Angaben: Fieber|
Aus der Klinik entlassen|Überwiesen von Station|Verlegt auf Intensivstation|Keine Klinik|Uniklinikum|
Infection nosocomiale à l'hôpital|Clinique : toux|Examen clinique normal|Hospitalisation en urgence|
Transféré de la réanimation|Adressé par les urgences|Hôpital de jour|Sospecha clínica de apendicitis|
Historia clínica: disnea|Clínica: fiebre|Derivado de Urgencias|Ingreso en hospital|Exploración clínica normal|
Sospetto clinico di appendicite|Clinica: febbre|Ricovero in ospedale|Inviato dal Pronto Soccorso|
Quesito clinico: febbre|Polmonite acquisita in ospedale|
AX T2 SPAIR LEGS|COR STIR PELVIS|SAG PD FS KNEE L|DWI b0 b1000|ADC map|MIP thin slab|T1 map pre|T2 star|
cine SAX|4CH SSFP|PSIR 10 min|LGE short axis|QFlow aorta|HASTE thick slab|Radial VIBE free breathing|
Abd Pel Portal Ven 5.0|Thin Lung Window|BONE PLUS 0.625|Calcium Score CT|CTA Runoff|Perfusion CBF|TTP map|
Mammo RMLO spot mag|Tomo LCC|Stereotactic biopsy L|US RUQ|US DVT left leg|Carotid duplex|TIPS check|PICC line|
Port-a-cath tip|NG tube placement|ETT 3 cm above carina|Chest tube R|IABP|LVAD|ECMO cannula|DEXA hip|PET FDG whole body|
Ga-68 PSMA|Y-90 mapping|I-131 scan|HIDA|MAG3|V/Q scan|MUGA|SPECT CT|Fluoro time 2.3 min|Esophagram|Defecography|
Kein Anhalt für Metastasen|Zustand nach Bypass-OP|Regelrechte Darstellung der Gefäße|Leichte Skoliose|
Deutliche Hüftarthrose rechts|Osteosynthese mit Platte|Beurteilung: altersentsprechend|Keine Raumforderung|
Rotatorenmanschettenruptur|Lungenembolie beidseits|Gallensteine|Nierenstein links 4 mm|Aszites|Leberzirrhose|
Épaississement pariétal|Lésion kystique du rein|Pas de lésion focale|Cardiomégalie modérée|Opacité basale droite|
Discopathie L4-L5|Prothèse en place|Absence de collection|Calculs vésiculaires|Ascite minime|Poumons clairs|
Engrosamiento mural|Quiste renal simple|Sin lesiones focales|Cardiomegalia leve|Opacidad basal derecha|
Discopatía L4-L5|Prótesis en posición|No se observan colecciones|Colelitiasis|Ascitis mínima|Pulmones limpios|
Ispessimento parietale|Cisti renale semplice|Non lesioni focali|Cardiomegalia lieve|Opacità basale destra|
Discopatia L4-L5|Protesi in sede|Non raccolte|Colelitiasi|Ascite minima|Polmoni liberi|
Mass in the tail of the pancreas|Sclerotic lesion of the iliac bone|Grade I spondylolisthesis|Air bronchograms|
Ground glass opacities|Tree in bud nodules|Small bowel obstruction|Free air under the diaphragm|Pleural plaques|
Enlarged lymph nodes|Fatty liver|Splenomegaly|Horseshoe kidney|Ovarian torsion|Ectopic pregnancy|Placenta previa|
Fetal heart rate 150 bpm|CRL 45 mm|Nuchal translucency 1.2 mm|Pacemaker leads intact|Sternotomy wires|
Bankart lesion|Hill-Sachs defect|Segond fracture|Lisfranc injury|Charcot foot|Paget disease|Schmorl node|
Chiari I malformation|Dandy-Walker variant|Virchow-Robin spaces|Budd-Chiari syndrome|Klatskin tumor|Meckel diverticulum|
Whipple procedure|Fontan circulation|Tetralogy of Fallot|Ebstein anomaly|Kawasaki disease|Takayasu arteritis|
Hashimoto thyroiditis|Sjögren syndrome|Kienböck disease|Köhler disease|Osgood-Schlatter|Legg-Calvé-Perthes|
Morbus Bechterew|Morbus Paget|Maladie de Paget|Enfermedad de Crohn|Malattia di Crohn|Signe de Murphy|Signo de Murphy|
Segno di Murphy|Weber-C-Fraktur|Colles fracture|Garden IV|Salter-Harris III|Mason type II|Neer 3-part""".replace(
    "\n", ""
)


def _split(text: str) -> list[str]:
    return text.replace("\n", "").split("|")


def _marked(corpus: Any, text: str, names: list[str]) -> Any:
    """Return the case of a text whose secrets stand in single braces."""
    secrets = [part for found in re.findall(r"\{(.*?)\}", text) for part in re.split(r"[\s^=,،・.]+", found)]
    secrets = [part for part in secrets if len(part) > 1 or part > "\u2000"]
    kept = tuple(re.findall(r"[A-Za-z]+", re.sub(r"\{.*?\}", " ", text))) if "{" in text else ()
    return corpus.Case(text.replace("{", "").replace("}", ""), tuple(secrets), kept, Identifiers.of(names=names))


def cases(corpus: Any) -> list[Any]:
    """Return all the cases that hold identifiers; ``corpus`` is the module ``corpus.py``."""
    random_ = random.Random("fourth")
    found = []
    for template in _split(OWN):
        for family, given in PATIENTS:
            form = random_.choice(["{:07d}", "Q{:06d}", "{:05d}-X", "77-{:05d}"])
            number = form.format(random_.randrange(10**5, 10**6) % 99991 + 123)
            born = datetime.date(1934, 2, 3) + datetime.timedelta(random_.randrange(29000))
            found.append(corpus._own_case(template, family, given, number, born))
    for template in _split(OTHERS):
        people = PEOPLE if "{P}" in template or "{S}" in template else PEOPLE[:1]
        found.extend(corpus._others_case(template, person) for person in people)
    for template in _split(INSTITUTIONS):
        for hospital in HOSPITALS:
            secret = hospital.upper() if template.isupper() else hospital
            text = template.replace("{{{H}}}", secret)
            found.append(corpus.Case(text, (secret,), (), Identifiers()))
    for name, texts in SCRIPTS:
        found.extend(_marked(corpus, text, [name]) for text in texts.split("|"))
    for line in WORDS_AS_NAMES.split("\n"):
        name, *texts = line.split(";")[0].split("|")
        found.extend(_marked(corpus, text, [name]) for text in texts)
    return found


def kept_texts() -> list[tuple[Identifiers, str]]:
    """Return texts that must stay as they are, with the patient whose texts they are."""
    nobody = Identifiers.of(names=["Zyxwka^Qorbert"], numbers=["8827364"])
    texts = [*_split(KEPT), *(text.upper() for text in _split(KEPT)), *(text.lower() for text in _split(KEPT))]
    found = [(nobody, text) for text in texts]
    for line in WORDS_AS_NAMES.split("\n"):
        before, *keep = line.split(";")
        found.extend((Identifiers.of(names=[before.split("|")[0]]), text) for text in keep)
    return found
