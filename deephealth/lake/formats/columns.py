"""What a table's column holds: decided by the steward, by its name in six languages, or by what is in it."""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum

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

_PERSON = (
    r"(patient(in)?s?|pat|pt|subject|participant|person|proband(in)?|paciente|paziente|sujet|sujeto|soggetto|sub|kind)"
)
_KEY = r"(id|ids|nr|no|num|number|nummer|numero|code|codigo|codice|kennung|identifier|identifiant|key|label)"
# the first that matches the normalised name decides
_NAMES: tuple[tuple[Role, str], ...] = (
    (Role.FILE, r"(file|image|img|dicom|nifti|scan|slide|mask)_?(name|path|file|s)?$|path$|filepath|^(datei|fichier|archivo|"
                r"nome_file|dateiname)"),
    (Role.BIRTH, r"(^|_)(dob|birth|born|geburts?\w*|geb_?dat\w*|gebdat|nacimiento|naissance|nascita|nascimento)|birthd"),
    (Role.PATIENT, rf"(^|_){_PERSON}_?{_KEY}$|^{_KEY}_?(du_|del_|de_|di_|der_|des_)?{_PERSON}$|^{_PERSON}$|(^|_)mrn$|"
                   r"^(medical_)?record_(id|number|no)$|^hospital_(number|no|id|nr)$|^(pid|nhc|ipp|sap_id|empi)$|"
                   r"historia_clinica|cartella_clinica|kranken(akte|blatt)n|^patientid$"),
    (Role.UID, r"(^|_)uid$|instance_uid"),
    (Role.ACCESSION, r"accession|(^|_)acc_?(no|nr|num|number)$|anforderungsn|auftragsn"),
    (Role.DIRECT, r"e_?mail|phone|(^|_)(tel|telefon\w*|telefono|mobil\w*|handy|fax|cell|url|ip|ssn|nif|dni|nie|nir|nhs|cpf|bsn|"
                  r"avs|ahv|iban|login|user|username|plate|vin)(_|$)|address|adress|street|strasse|calle|rue|direccion|indirizzo|"
                  r"anschrift|domicil|social_security|(insurance|passport|licen[cs]e|versicherten?|versicherungs?|seguridad_social|"
                  r"securite_sociale|codice_fiscale|tessera|reisepass|ausweis)_?(n|id|no|nr|num\w*)?$"),
    (Role.NAME, r"(^|_)(first|last|given|family|full|middle|maiden|patient|pat|participant|mother|father|nick|subject)_?s?_?names?$|"
                r"^(sur|fore)?names?$|vorname|nachname|familienname|(^|_)(nombre|apellidos?|prenom|nom|nome|cognome|sobrenome|"
                r"initials|initialen|doctor|physician|radiologist|pathologist|surgeon|arzt|aerztin|medico|medecin|operator|operateur|"
                r"technician|technologist|nurse|author|reader|rater|annotator|observer|referring|kin|contact|"
                r"angehoerige|befunder|untersucher)(_|$)"),
    (Role.POSTCODE, r"(^|_)(zip|zip_?code|post_?code|postal_?code|plz|postleitzahl|codigo_postal|code_postal|cod_postal)(_|$)"),
    (Role.PLACE, r"(^|_)(city|town|village|county|district|municipality|hospital|institution|institute|clinic|klinik|krankenhaus|"
                 r"clinica|ospedale|hopital|ward|department|abteilung|wohnort|stadt|ville|ciudad|citta|comune|birthplace|employer|"
                 r"arbeitgeber|station_name|device_serial)(_|$|name)"),
    (Role.AGE, r"(^|_)(age|alter|edad|eta|idade|leeftijd)(_|$)|^age"),
    (Role.SEX, r"(^|_)(sex|gender|geschlecht|sexo|sexe|sesso|genere|geslacht)(_|$)"),
    (Role.QUASI, r"(^|_)(ethnic\w*|race|nationalit\w*|citizenship|country|land|pais|pays|paese|religion|konfession|marital\w*|"
                 r"familienstand|occupation|profession|beruf|job|education|schooling|bildung|language|sprache|income|einkommen|"
                 r"employment)(_|$)"),
    (Role.SENSITIVE, r"(^|_)(diagnos\w*|dx|disease|patholog\w*|outcome|label|target|class|hiv|icd\w*|malignan\w*|krankheit|"
                     r"erkrankung|enfermedad|maladie|malattia|death|dead|deceased|status)(_|$)"),
    (Role.DATE, r"(^|_)(date|datum|fecha|datetime|timestamp|acquired|day|giorno|jour)(_|$)|date$|datum$|^data_"),
    (Role.YEAR, r"(^|_)(year|jahr|ano|annee|anno)(_|$)"),
    (Role.TIME, r"(^|_)(time|uhrzeit|hora|heure|ora)(_|$)"),
    (Role.TEXT, r"(^|_)(notes?|comments?|remarks?|report|findings?|impression|history|anamnes\w*|befund|bemerkung\w*|kommentar|"
                r"observacion\w*|comentario\w*|remarque\w*|compte_rendu|referto|osservazion\w*|description|text|free_?text)(_|$)"),
    (Role.IDENTIFIER, rf"(^|_){_KEY[:-1]}|barcode|serial|uuid|guid)$|fallnummer|episode|encounter"),
)  # fmt: skip
_PATTERNS = tuple((role, re.compile(pattern)) for role, pattern in _NAMES)
# years of follow-up, slice numbers, codes of classes: they end like identifiers and are none
_HARMLESS = re.compile(
    r"(^|_)(class|label|category|icd\w*|snomed|loinc|atc|slice|series|frame|channel|fold|split|follow_up|lesion_count|grade|"
    r"stage|score|visit|session|run|scanner|survival|event|echo|repetition|reaction|onset|duration)(_|$)"
)
_HARMLESS_FOR = frozenset({Role.IDENTIFIER, Role.YEAR, Role.TIME, Role.FILE})


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
