"""Clinical texts without an identifier: the cleaner must return them as they are."""

from __future__ import annotations

import itertools

HEADERS = """CHEST PA|CHEST LAT|Thorax p.a. stehend|ABD KUB|T2 TSE fs tra|t1_mprage_sag_p2_iso|
ep2d_diff_b50_400_800_tra|ep2d_diff_b 50 400 800 1000_ADC|t2_tirm_cor_dark-fluid|AX T1 FSE C+ FS|
Ax T2 FLAIR Propeller|SAG STIR L-SPINE|3D TOF MRA COW|
Localizer|3-Plane Loc|SURVEY_32ch_HeadCoil|MIP_COR_0.6x0.6|THIN CT 1.25MM|Axial 5.0 I30f 3|Thorax 1.0 B70f|
CT ABD/PEL W CON|CTA HEAD NECK W&WO|CT CHEST W/O CONTRAST|HRCT Lung 1.0/10 U91|PE Protocol 1.0mm|Dose Report|
Patient Protocol|Topogram 0.6 T20s|
Liver 3 phase|LIVER ART 25s|VEN 70 s|delayed 180s|DE_Abdomen 1.5 D30f M_0.6|FDG PET/CT 18F 370 MBq|
99mTc-MDP bone scan 3h p.i.|WB STATIC 68Ga DOTATATE|MYOCARD REST/STRESS 201Tl|Mammo L-MLO|R CC TOMO|
Mammogram bilat screening BIRADS 2|Knee AP/LAT weight bearing|Hip R 2 views|
L4/5 disc|C5/6 - C6/7|s/p CABG x3|h/o TIA, r/o CVA|w/ and w/o Gd|Barium swallow|UGI w/ SBFT|MCU|IVP 15 min|ERCP|
Port. chest ICU bed 12|Supine AXR|Trauma Series|Skull Towne|Waters view|Stenvers re|Judet views|Swimmer's C7/T1|
Stryker notch|
DSA Carotis li 30° LAO|LCA RAO 30 CAUD 20|3 vessel cath|Echo TTE 4CH|AV Fistula duplex|Renal US|Thyroid US|
ob us 2nd trimester 20w3d|BPD 48 mm HC 175 mm|EF 55 %|LVEDD 4.8 cm|PSV 120 cm/s EDV 40|TI 0.4 MI 1.1|
2D 58% C 50 P Low HGen|FR 25Hz 14cm|
TR 500 TE 12|TE/TR 90/4000|FOV 256x256x192|1.0x1.0x1.0 mm|512 x 512|kV 120 mAs 210|SW VB17A|syngo MR E11|NUMARIS/4|
5.3.1.3|Version 2.1.0.4|SOMATOM Definition AS+|Ingenia 3.0T|Discovery MR750w|Optima CT660|Aquilion ONE|iMAR 5|
MAR 5 recon|SAFIRE 3|ASiR-V 40%|iDose 4|
QC phantom|Siemens VIBE Dixon Hounsfield|GE Lunar iDXA|Hologic Selenia|BrainLAB nav|CyberKnife plan|
Varian TrueBeam 6X|PTV 60 Gy/30 fx|GTV LUNG RUL|Bladder_O|Rectum|SpinalCord_PRV05|Femur_Head_L|Cochlea R|OAR|
Iso shift 0.3 cm|May-Thurner stent|Baker cyst|Colles fracture|
Bosniak IIF|Gleason 3+4=7|PIRADS 4|LI-RADS 5|TI-RADS 3|Lung-RADS 2|Child-Pugh B|Garden III|Weber B|Salter Harris II|
Kellgren Lawrence 3|Fazekas 1|ASPECTS 9|TNM pT2 pN0 M0|G2 ER+ PR- HER2 neg|Ki-67 15%|BRCA1 carrier|HbA1c 7.2|
GFR 45 ml/min|Krea 1,2 mg/dl|INR 2.3|BMI 31|80 kg 175 cm|45 y/o M|62-year-old|F 34|
G2P1""".replace("\n", "").split("|")

SENTENCES = """The lungs are clear without focal consolidation.|No acute cardiopulmonary abnormality.|
Heart size is at the upper limits of normal.|There is a 4 mm nodule in the right lower lobe, unchanged.|
Degenerative changes of the thoracic spine.|Status post cholecystectomy.|
Mild white matter hyperintensities, Fazekas 1.|Grade 2 anterolisthesis of L4 on L5.|
Findings may represent early pneumonia.|Long axis of the kidney measures 11.2 cm.|Young adult with headache.|
Bell's palsy on the right.|Suspected Parkinson disease.|Hodgkin lymphoma, follow up after 6 cycles.|
Wilson's disease; Crohn disease of the terminal ileum.|Smith fracture of the distal radius.|
Jones fracture of the fifth metatarsal.|Patient supine, arms above head.|Patient refused contrast.|
Scan limited by motion.|Read in comparison with the prior study.|Results discussed with the referring physician.|
Contrast injected by hand.|Follow up by ultrasound in 6 months.|Seen by the on-call team.|
Technologist notes: breath hold poor.|Clinical indication: shortness of breath, rule out PE.|
Fall from ladder, pain in left wrist.|Prior MRI not available.|
Swan-Ganz catheter tip in the right pulmonary artery.|
Unauffälliger Befund.|Kein Nachweis einer Lungenembolie.|Z.n. Hüft-TEP links, regelrechte Lage.|
Herz grenzwertig groß, keine Stauung.|Verdacht auf Meniskusriss medial.|Rundherd im rechten Oberlappen, 8 mm.|
Beidseits freie Randwinkel.|Streckdefizit nach Sturz auf das linke Knie.|
Bandscheibenvorfall LWK 4/5 rechts mit Wurzelkompression.|Morbus Crohn, Verlaufskontrolle.|
Mit KM, arterielle und portalvenöse Phase.|Baker-Zyste in der Kniekehle.|Colles-Fraktur rechts.|
Gonarthrose Grad III nach Kellgren.|Fragestellung: Frische Fraktur?|Die Patientin wurde aufgeklärt.|
Arzt informiert.|Aufnahme im Stehen.|Leber homogen, Gallenblase steinfrei.|Milz nicht vergrößert.|
Kein Hinweis auf freie Flüssigkeit.|Weichteile unauffällig.|
Pas d'anomalie pleuro-parenchymateuse.|Absence d'épanchement pleural.|Fracture du col du fémur droit.|
Contrôle après ablation du drain.|Examen réalisé sans injection.|
Examen réalisé avec injection de produit de contraste.|Douleur du genou gauche depuis trois mois.|
Maladie de Crohn connue.|
Silhouette cardiaque normale.|Suspicion d'embolie pulmonaire.|Hernie discale L5-S1 gauche.|Gonarthrose bilatérale.|
Patiente de 54 ans, toux persistante.|Comparaison avec le scanner antérieur.|Kyste de Baker.|
Fracture de Pouteau-Colles.|Le médecin a été prévenu.|Pas de fracture visible.|
Sin alteraciones significativas.|Derrame pleural derecho.|Se realiza TC de abdomen con contraste intravenoso.|
Fractura de la cabeza del radio.|Enfermedad de Crohn conocida.|Rodilla izquierda, dos proyecciones.|
Paciente de 60 años con dolor torácico.|Hernia discal L4-L5.|Nódulo pulmonar de 6 mm.|
Silueta cardíaca normal.|Masa en el lóbulo superior.|No se observan adenopatías.|Estudio realizado sin contraste.|
Comparado con estudio previo.|Litiasis renal derecha.|Quiste de Baker.|Sospecha de tromboembolismo pulmonar.|
Non alterazioni pleuroparenchimali.|Versamento pleurico destro.|Esame eseguito senza mezzo di contrasto.|
Esame eseguito con mdc.|Frattura del collo del femore.|Morbo di Crohn noto.|Ginocchio sinistro in due proiezioni.|
Paziente di 70 anni con dispnea.|Ernia discale L5-S1.|Nodulo polmonare di 5 mm.|
Cuore nei limiti.|Non linfoadenopatie.|Controllo dopo rimozione del drenaggio.|
Quadro invariato rispetto al precedente esame.|Calcolosi renale destra.|Cisti di Baker.|Sospetta embolia polmonare.|
Medico avvisato.""".replace("\n", "").split("|")

_BODY = {
    "en": [
        "chest",
        "abdomen",
        "pelvis",
        "left knee",
        "right hip",
        "lumbar spine",
        "cervical spine",
        "brain",
        "sinuses",
        "shoulder",
        "foot",
        "hand",
        "liver",
        "kidneys",
        "thyroid",
        "breast",
    ],
    "de": [
        "Thorax",
        "Abdomen",
        "Becken",
        "linkes Knie",
        "rechte Hüfte",
        "LWS",
        "HWS",
        "Schädel",
        "Nasennebenhöhlen",
        "Schulter",
        "Fuß",
        "Hand",
        "Leber",
        "Nieren",
        "Schilddrüse",
        "Mamma",
    ],
    "fr": [
        "thorax",
        "abdomen",
        "bassin",
        "genou gauche",
        "hanche droite",
        "rachis lombaire",
        "rachis cervical",
        "cerveau",
        "sinus",
        "épaule",
        "pied",
        "main",
        "foie",
        "reins",
        "thyroïde",
        "sein",
    ],
    "es": [
        "tórax",
        "abdomen",
        "pelvis",
        "rodilla izquierda",
        "cadera derecha",
        "columna lumbar",
        "columna cervical",
        "cerebro",
        "senos",
        "hombro",
        "pie",
        "mano",
        "hígado",
        "riñones",
        "tiroides",
        "mama",
    ],
    "it": [
        "torace",
        "addome",
        "bacino",
        "ginocchio sinistro",
        "anca destra",
        "rachide lombare",
        "rachide cervicale",
        "encefalo",
        "seni",
        "spalla",
        "piede",
        "mano",
        "fegato",
        "reni",
        "tiroide",
        "mammella",
    ],
}
_FRAMES = {
    "en": [
        "{} MRI w/o contrast",
        "XR {} 2 views",
        "{} pain for 3 weeks",
        "CT {} 1.25 mm axial",
        "follow up {} after surgery",
        "{}: no fracture",
    ],
    "de": [
        "MRT {} nativ",
        "Röntgen {} in 2 Ebenen",
        "{} Schmerzen seit 3 Wochen",
        "CT {} 1,25 mm axial",
        "Verlaufskontrolle {} nach OP",
        "{}: keine Fraktur",
    ],
    "fr": [
        "IRM {} sans injection",
        "Radio {} face et profil",
        "douleur {} depuis 3 semaines",
        "TDM {} 1,25 mm axial",
        "contrôle {} après chirurgie",
        "{} : pas de fracture",
    ],
    "es": [
        "RM {} sin contraste",
        "Rx {} dos proyecciones",
        "dolor {} desde hace 3 semanas",
        "TC {} 1,25 mm axial",
        "control {} tras cirugía",
        "{}: sin fractura",
    ],
    "it": [
        "RM {} senza mdc",
        "RX {} due proiezioni",
        "dolore {} da 3 settimane",
        "TC {} 1,25 mm assiale",
        "controllo {} dopo intervento",
        "{}: non fratture",
    ],
}


def kept_texts() -> list[str]:
    """Return all texts, the generated ones as written and in capitals."""
    made = [
        frame.format(body)
        for language in _BODY
        for frame, body in itertools.product(_FRAMES[language], _BODY[language])
    ]
    return [*HEADERS, *SENTENCES, *(s.upper() for s in SENTENCES), *made, *(text.upper() for text in made)]
