"""Telephone numbers, addresses, record numbers, links and other things that identify by their form alone."""

from __future__ import annotations

import re
from collections.abc import Iterator

from deephealth.lake.text.lists import word_set
from deephealth.lake.text.spans import Kind, Removed

__all__ = ["find_numbers", "may_hold_numbers"]

_DIGIT = re.compile(r"\d")
_L = r"[^\W\d_]"
_STREET = (
    rf"(?:\d{{1,5}}[a-z]?,?\s+(?:[nsew]\.?\s+)?(?:{_L}+\.?\s+){{1,3}}(?:street|st\.|avenue|ave|road|rd|"
    rf"lane|ln|drive|dr\.|boulevard|blvd|court|place|terrace|crescent|highway|hwy|way|square|parkway|"
    rf"pkwy)\b\.?"
    rf"|(?:(?:am|an\s+de[rm]|alte|neue|grosse|kleine|obere|untere|lange|"
    rf"{_L}+er)\s+)?(?:{_L}+-)*{_L}*(?:strasse|str\.|weg|gasse|allee|platz|ufer|damm|"
    rf"chaussee)\s*\d{{1,4}}\s?[a-z]?\b"
    rf"|\d{{1,4}}\s?(?:bis|ter)?,?\s+(?:rue|avenue|av\.|boulevard|bd|place|chemin|allee|impasse|quai|"
    rf"route)\s+(?:(?:de|du|des|la|le|les|l')\s*)*{_L}+(?:[\s-]{_L}+)?"
    rf"|(?:calle|c/|avda\.?|avenida|plaza|paseo|pza\.?|ctra\.?)\s*(?:(?:de|del|la|las|los|"
    rf"el)\s+)*{_L}+(?:\s+{_L}+){{0,3}},?\s*(?:n[o.]*\s*)?\d{{1,4}}\b"
    rf"|(?:via|viale|piazza|corso|largo|vicolo)\s+(?:(?:di|del|della|dei|delle|san|"
    rf"santa)\s+)*{_L}{{3,}}(?:\s+{_L}+){{0,2}},?\s*(?:n\.?\s*)?\d{{1,4}}\b(?!\s?(?:mm|cm|ml|mg|x|g|fr|"
    rf"h)\b)"
    r"|p\.?\s?o\.?\s?box\s+\d+|postfach\s+[\d ]+|apartado(?:\s+de\s+correos)?\s+\d+|"
    r"casella\s+postale\s+\d+|bp\s+\d{3,})"
)
_LABEL = (
    r"(?:mrn|m\.r\.n\.|med\.?\s?rec(?:ord)?(?:\s?(?:no|num|number))?|medical\s+record(?:\s+(?:no|number))?|"
    r"record\s+(?:no|number)|patient\s?(?:id|no|nr|number|identifier)|pat\.?[\s_-]?(?:id|no|nr|num)|pid|"
    r"pt\.?\s?id"
    r"|hosp(?:ital)?\s?(?:no|id|number)|chart(?:\s?(?:no|number))?|acc(?:ession)?(?:\s?(?:no|nr|num|number|"
    r"id))?|acsn|ssn|social\s+security(?:\s+(?:no|number))?|nhs(?:\s?(?:no|number))?|chi\s?(?:no|number)|"
    r"ins(?:urance)?\s?(?:no|id|number)|policy(?:\s?(?:no|number))?"
    r"|account(?:\s?(?:no|number))?|acct|case\s?(?:no|nr|id|number)|visit\s?(?:no|id|number)|"
    r"encounter(?:\s?(?:no|id|number))?|csn|fin|order\s?(?:no|nr|id|number)|req(?:uest)?\s?(?:no|id|"
    r"number)|exam\s?(?:no|id|number)|study\s?(?:id|no)|specimen\s?(?:no|id)|serial\s?(?:no|number)|s/n|"
    r"device\s?id|ref(?:erence)?\s?(?:no|nr|number)|licen[cs]e\s?(?:no|number)?|passport(?:\s?(?:no|"
    r"number))?|barcode"
    r"|patienten?-?\s?(?:nr|nummer|id)|pat-?nr|fall-?\s?(?:nr|nummer|id)|aufnahme-?\s?(?:nr|nummer)|"
    r"auftrags?-?\s?(?:nr|nummer)|kvnr|versicherten-?\s?(?:nr|nummer)|vers\.?-?nr|sv-?nr|geraete-?nr|"
    r"gerate-?nr|unters(?:uchungs)?\.?-?nr|befund-?nr|nr\.?"
    r"|n[o°.]*\s?(?:de\s+)?(?:dossier|patient|historia(?:\s+clinica)?|expediente|identification|"
    r"secu(?:rite\s+sociale)?|afiliacion|examen|demande|acces|cartella|tessera)|dossier|ipp|iep|nip|nir|"
    r"nhc|nuhsa|cip|nss|num(?:ero)?\s+(?:de\s+)?(?:dossier|historia|patient|paciente|paziente|cartella)|"
    r"historia(?:\s+clinica)?|hc|h\.c\.|hist\.?|expediente|dni|nie|nif"
    r"|cartella(?:\s+clinica)?|cod(?:ice)?\.?\s?(?:fisc(?:ale)?\.?|paz(?:iente)?\.?|sanitario)|c\.?f\.?|"
    r"matricola|nosologico|id\s?(?:paz(?:iente)?|pac(?:iente)?|pat(?:ient)?)|tessera\s+sanitaria|id)"
)
_VALUE = r"(?=[a-z./_-]{0,6}\d)[a-z0-9](?:[a-z0-9]|[-/_.](?=[a-z0-9]))*"
_CALL = (
    r"(?:tel(?:efono|efon|ephone|ef)?|tlf|tfno|telf|fon|phone|ph|fax|mobile?|mob|handy|cell(?:ulare|"
    r"phone)?|movil|portable|pager|beeper|bleep|page|call(?:ed|back)?|ext(?:ension)?|durchwahl|dw|poste|"
    r"rufnummer|ruf)"
)

_PATTERNS: tuple[tuple[Kind, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        (Kind.EMAIL, r"[\w.+%-]+\s?(?:@|\(at\)|\[at\])\s?[\w-]+(?:\.[\w-]+)*\.?[a-z]{2,}"),
        (Kind.URL, r"(?:https?|ftps?|sftp|file|dicom)://[^\s,;]+|\bwww\.[\w.-]+[^\s,;]*"),
        (
            Kind.URL,
            r"\b[\w-]+(?:\.[\w-]+)*\.(?:com|org|net|edu|gov|local|lan|intranet|hospital|clinic|"
            r"health)\b(?:/\S*)?",
        ),
        (
            Kind.PATH,
            r"\b[a-z]:[\\/](?:[^,;:*?\"<>|\n\\/]*[\\/])*[^\s,;:*?\"<>|\\/]*|\\\\[\w.$-]+\\[^\s,;]+|"
            r"(?<![\w/.)])~?/(?:[\w.@+-]{2,}/)+[\w.@+-]*(?:\s[\w.@+-]*/[\w.@+/-]*)*",
        ),
        (Kind.IP, r"(?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\d.])(?::\d+)?"),
        (Kind.IP, r"\b(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}\b"),
        (
            Kind.UID,
            r"(?<![\d.])(?!1\.2\.840\.10008\.)[0-2](?:\.(?:0|[1-9]\d*)){4,}(?=[\d.]*\d{3})(?:\.(?:0|"
            r"[1-9]\d*))*(?!\d)",
        ),
        (Kind.UID, r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b|\b(?=[a-f]*\d)[0-9a-f]{32,}\b"),
        (Kind.PLACE, rf"(?<![^\W_])(?:{_STREET})(?:,?\s*(?:d-|f-|e-|i-|a-|ch-)?\d{{4,5}}\s+{_L}+)?"),
        (Kind.PLACE, r"(?<![^\W_])[a-z]{1,2}\d[a-z\d]?\s\d[abd-hjlnp-uw-z]{2}(?![^\W_])"),  # British postcodes
        (
            Kind.PHONE,
            rf"(?<![^\W_]){_CALL}\.?\s*(?:no\.?|nr\.?|"
            rf"#)?\s*[:.=]?\s*(?P<value>\+?[\d(](?:[\d()\s./-]{{2,}})\d(?:\s?(?:x|ext\.?)\s?\d+)?)",
        ),
        (Kind.PHONE, r"(?<![\w.])(?:\+|00)\d{1,3}[\s./-]?(?:\(0\)\s?)?\(?\d{1,5}\)?(?:[\s./-]?\d{1,5}){1,5}(?![\d])"),
        (Kind.PHONE, r"(?<![\w.])\(0?\d{2,5}\)\s?\d{2,4}(?:[\s./-]?\d{2,5}){1,4}(?!\d)"),
        (
            Kind.PHONE,
            r"(?<![\w.])(?:1[-.\s])?[2-9]\d\d(?P<ps>[-.])[2-9]\d\d(?P=ps)\d{4}(?!\d)(?:\s?(?:x|ext\.?)\s?\d+)?",
        ),
        (Kind.PHONE, r"(?<![\w.])[2-9]\d\d\s[2-9]\d\d[\s-]\d{4}(?!\d)|(?<![\w.,-])555-\d{4}(?!\d)"),
        (
            Kind.PHONE,
            r"(?<![\w.,-])0\d{1,5}\s?[/-]\s?\d{3,}(?:[\s-]?\d{2,})*(?!\d)|"
            r"(?<![\w.,-])0\d(?:[\s.-]\d\d){4}(?!\d)|(?<![\w.,-])0\d{2,4}\s\d{3,4}[\s-]?\d{3,4}(?!\d)",
        ),
        (
            Kind.PHONE,
            r"(?<![\w.,-])[679]\d\d(?:[\s.-]\d\d){3}(?!\d)|(?<![\w.,-])[679]\d(?:\d[\s.-]\d{3}[\s.-]\d{3}|"
            r"[\s.-]\d{3}[\s.-]\d\d[\s.-]\d\d)(?!\d)",
        ),
        (Kind.ID, r"(?<![\d-])\d{3}-\d{2}-\d{4}(?![\d-])|(?<![\d.])\d{3}[\s-]\d{3}[\s-]\d{4}(?!\d)"),
        (
            Kind.ID,
            r"(?<!\d)[12][\s.]?\d\d[\s.]?(?:0[1-9]|1[0-2])[\s.]?(?:\d\d|"
            r"2[ab])[\s.]?\d{3}[\s.]?\d{3}(?:[\s.]?\d\d)?(?!\d)",
        ),
        (
            Kind.ID,
            r"(?<![^\W_])[a-z]{6}\d\d[a-ehlmprst]\d\d[a-z]\d{3}[a-z](?![^\W_])|"
            r"(?<!\d)756\.\d{4}\.\d{4}\.\d\d(?!\d)",
        ),
        (Kind.ID, r"(?<![^\W_])(?:[xyz][-\s]?\d{7}|\d{2}\.?\d{3}\.?\d{3})[-\s]?[a-hj-np-tv-z](?![^\W_])"),
        (Kind.ID, r"(?<![^\W_])[a-z]{2}\d{2}(?:\s?[a-z0-9]{4}){3,7}(?:\s?[a-z0-9]{1,3})?(?![^\W_])(?<=\d)"),  # IBAN
        (Kind.ID, r"(?<!\d)\d\d\s?(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])\d\d\s?[a-z]\s?\d{3}(?!\d)"),
        (
            Kind.ID,
            rf"(?<![^\W_]){_LABEL}\s?(?:[:#=]|n[or°]?[.:]|n[or]\b|n°|num\b\.?|"
            rf"\#)(?:\s*[:#.=])*\s*(?P<value>{_VALUE})(?![,.]?\d)",
        ),
        (Kind.ID, rf"(?<![^\W_]){_LABEL}[\s._-]{{0,2}}(?P<value>(?=(?:[a-z/_-]*\d){{4}}){_VALUE})(?![,.]?\d)"),
        (Kind.ID, r"#\s?(?P<value>(?=(?:[a-z/_-]*\d){3})[a-z0-9]+(?:[-/][a-z0-9]+)*)"),
        (Kind.ID, r"(?<![\d.,])(?<!\d[-/])\d{7,}(?!\d|[.,]\d|\s?(?:mm|ml|mg|hz|bq|mbq|kbq)\b)"),
        (
            Kind.ID,
            r"(?<![^\W_])(?:[a-z]{1,4}[-_/]?\d{6,}|[a-z]{2,4}\d{5,}|[a-z]{2,5}-\d{5,}|"
            r"\d{6,}[a-z]{1,3})(?![^\W_]|[.,]\d)",
        ),
        (Kind.ID, r"(?<![^\W_])(?:[a-z]{1,4}-)?\d{2,4}-\d{4,}(?:-\d+)*(?![\d-])|(?<![^\W_])\d{2,}[/-]\d{5,}(?!\d)"),
        (
            Kind.AGE,
            r"(?<![\d.,/-])(?:9\d|1[0-2]\d)(?=[\s-]?(?:y/?o\b|y\.o\.|yrs?\b|years?\b|jahr|jahrig|j\.|ans\b|"
            r"anos\b|anni\b|year-old))",
        ),
        (Kind.AGE, r"(?<![\d.,])0(?:9\d|1[0-2]\d)y\b"),
    )
)
_ZIP = re.compile(
    r"(?<![^\W_])(?:[A-Z]{2}\s\d{5}(?:-\d{4})?|(?:[DFIEA]-|"
    r"CH-)?\d{5}\s+[A-ZÄÖÜÉÈ][a-zäöüßéèñ]{3,}(?:[-\s](?:am|an|der|sur|de|la|di|del|"
    r"[A-Z][a-z]+))*)(?![^\W_])"
)
# Nothing of the above, and no date, can be in a text in which neither this pattern nor these words are.
TRIGGER = re.compile(
    r"(?=[\d@:/\\\[(+.#=a-z])(?:\d(?:\d{4}|\.\d+\.\d|\d?[-./_]\s?\d\d?[-./_]|\d\d[\s.-]\d|"
    r"\d[\s.-]\d\d[\s.-]\d\d|\s*/\s*\d{4}|\d?\.\s\d\d?\.)|(?:19|20)\d\d|(?:9\d|1[0-2]\d)[\s-]?[yja]"
    r"|@|://|\\\w|/[\w.@+-]{2,}/|[(\[]at[)\]]|[+(]\d|[#:=]\s*[a-z]{0,6}[-_/.]?\d|[a-z]\d[a-z\d]?\s\d[a-z][a-z]"
    r"|\.(?:com|org|net|edu|gov|local|lan|intranet|hospital|clinic|health)\b|[a-z]{6}\d\d|[xyz][\s-]?\d{7}|"
    r"[0-9a-f]{2}[:-][0-9a-f]{2}[:-]|www\.)"
)
TRIGGER_WORDS = word_set("trigger")
_STREET_ENDS = ("strasse", "str", "weg", "gasse", "allee", "platz", "ufer", "damm")


def may_hold_numbers(folded: str, words: set[str]) -> bool:
    """Return whether :func:`find_numbers` or the dates' finder may find something; nearly every text says no here."""
    if TRIGGER.search(folded) is not None:
        return True
    if _DIGIT.search(folded) is None:
        return False
    return not TRIGGER_WORDS.isdisjoint(words) or any(word.endswith(_STREET_ENDS) for word in words)


def find_numbers(text: str, folded: str) -> Iterator[Removed]:
    """Yield what identifies by its form; ``text`` and ``folded`` have the same length.

    Example:
        >>> text = "MRN 0471182 from 10.20.30.40"
        >>> sorted({(s.kind.value, text[s.start : s.end]) for s in find_numbers(text, text.lower())})
        [('id', '0471182'), ('ip', '10.20.30.40')]
    """
    for kind, pattern in _PATTERNS:
        for match in pattern.finditer(folded):
            if not _is_technical(kind, match.group()):
                group = match.lastgroup if match.lastgroup == "value" else 0  # the label stays
                yield Removed(kind, *match.span(group or 0))
    for match in _ZIP.finditer(text):
        yield Removed(Kind.PLACE, match.start(), match.end())


def _is_technical(kind: Kind, found: str) -> bool:
    """Return whether a find is a software version or a row of b-values rather than an address or a telephone."""
    if kind is Kind.IP and ":" not in found and "-" not in found:
        return sum(len(group) > 1 for group in found.split(".")) < 2
    return (
        kind in (Kind.PHONE, Kind.ID)
        and " " in found
        and all(group.endswith("0") and len(group) > 1 for group in found.split())
    )
