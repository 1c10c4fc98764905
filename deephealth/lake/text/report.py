"""Whole reports: the findings stay, with placeholders for who and when; letterhead, addressee and signature go."""

from __future__ import annotations

import re
from collections.abc import Iterator

from deephealth.lake.identifiers import Identifiers
from deephealth.lake.text.cleaner import TextCleaner
from deephealth.lake.text.cutting import CleanedText, cut
from deephealth.lake.text.folding import fold
from deephealth.lake.text.spans import Kind, Removed, merged

__all__ = ["clean_report"]

_HEADING = re.compile(
    r"\s*(?:findings?|impressions?|conclusions?|history|clinical (?:history|information|indication)|"
    r"indication|technique|comparison|recommendations?|procedure|examination|exam|addendum|report|"
    r"assessment|plan"
    r"|befund|beurteilung|anamnese|(?:klinische )?(?:angaben|fragestellung|indikation)|rechtfertigende "
    r"indikation|technik|vergleich|untersuchung|diagnosen?|therapie|verlauf|epikrise|zusammenfassung|"
    r"nachtrag"
    r"|resultats?|indications?|technique|conclusion|renseignements cliniques|compte[- ]rendu|motif|histoire|synthese"
    r"|hallazgos|impresion|conclusion(?:es)?|tecnica|indicacion|antecedentes|comparacion|motivo|juicio "
    r"(?:clinico|diagnostico)|informe|datos clinicos|diagnostico"
    r"|reperti|referto|conclusioni|tecnica|quesito(?: (?:clinico|diagnostico))?|anamnesi|confronto|"
    r"indicazione|diagnosi|esame)\b[^.]{0,40}(?::|\Z)"
)
_CLOSING = re.compile(
    r"\s*(?:(?:electronically |digitally )?(?:signed|verified|authenticated|approved|dictated|transcribed|"
    r"finali[sz]ed|interpreted|read)(?: and \w+)?(?: by\b|:| electronically\b| on\b|\s*\Z)|(?:yours "
    r")?(?:sincerely|faithfully|truly)\b|(?:with )?(?:kind |best |warm )?regards\b|signature\b|cc:"
    r"|mit (?:freundlichen|besten|kollegialen|herzlichen|freundlichen,? kollegialen)\b.*gru(?:ss|e)|"
    r"hochachtungsvoll|mfg\b|(?:elektronisch |digital )?(?:signiert|unterschrieben|freigegeben|vidiert|"
    r"gezeichnet)(?:\s|:|\Z)|gez\.|unterschrift"
    r"|(?:bien )?(?:cordialement|confraternellement|respectueusement)|(?:signe|valide|dicte)e?s? "
    r"(?:electroniquement )?(?:par|le)\b|veuillez agreer|salutations"
    r"|(?:firmado|validado|dictado|fdo|informado por)\b|(?:muy )?atentamente|un (?:cordial )?saludo|"
    r"(?:atentos|cordiales) saludos"
    r"|(?:firmato|refertato|validato)\b|(?:cordiali|distinti) saluti|in fede|il medico (?:radiologo|refertatore))"
)
_GREETING = re.compile(
    r"\s*(?:dear|to whom|sehr geehrte|liebe|werte|cher|chere|madame|monsieur|estimad|distinguid|gentile|egregi|spett)"
)
_LONGEST_LINE, _SENTENCE = 80, 9


def clean_report(text: str, identifiers: Identifiers = Identifiers()) -> CleanedText:  # noqa: B008
    r"""Return a report with placeholders where identifiers stood; headings, lines and findings are as they were.

    Args:
        text: the report, in English, German, French, Spanish or Italian.
        identifiers: what is known about the patient.

    Raises:
        OptionalDependencyError: Faker, which brings the lists of names, is not installed.

    Example:
        >>> report = "Patient: Jane Doe\nFINDINGS: Clear lungs.\nSigned by\nDr. A. Smith\nHead of Radiology"
        >>> print(clean_report(report, Identifiers.of(names=["DOE^JANE"])).text)
        Patient: [NAME]
        FINDINGS: Clear lungs.
        [SIGNATURE]
    """
    spans, doubtful = TextCleaner(identifiers).find(text)
    lines = _lines(text)
    blocks = [*_signatures(text, lines), *_addressees(text, lines, spans)]
    inside = [s for s in spans if not any(b.start <= s.start and s.end <= b.end for b in blocks)]
    return cut(text, merged([*inside, *blocks]), doubtful=doubtful, placeholders=True)


def _lines(text: str) -> list[tuple[int, int]]:
    """Return where each line starts and ends, its line break left out."""
    return [match.span() for match in re.finditer(r"[^\r\n]*", text) if match.group() or match.start() == 0]


def _signatures(text: str, lines: list[tuple[int, int]]) -> Iterator[Removed]:
    """Yield closing formulas with the short lines below them, up to the next heading or sentence."""
    index = 0
    while index < len(lines):
        if not _CLOSING.match(_line(text, lines[index])):
            index += 1
            continue
        first = index
        index += 1
        while index < len(lines) and index - first < 9 and _belongs(_line(text, lines[index])):
            index += 1
        start, end = lines[first][0], lines[index - 1][1]
        yield Removed(Kind.SIGNATURE, start, end)


def _line(text: str, span: tuple[int, int]) -> str:
    return fold(text[span[0] : span[1]])


def _belongs(line: str) -> bool:
    """Return whether a line may be part of a signature: not a heading, not a sentence."""
    return not _HEADING.match(line) and len(line.split()) < _SENTENCE and not line.rstrip().endswith((":",))


def _addressees(text: str, lines: list[tuple[int, int]], spans: list[Removed]) -> Iterator[Removed]:
    """Yield the paragraphs above the first heading that hold an address: letterhead and addressee."""
    block: list[tuple[int, int]] = []
    for span in [*lines, (len(text), len(text))]:
        line = _line(text, span)
        joined = bool(block) and text[block[-1][1] : span[0]].count("\n") <= 1
        ends = not line.strip() or _HEADING.match(line) or _GREETING.match(line) or ":" in line
        if block and (ends or not joined):
            start, end = block[0][0], block[-1][1]
            if any(s.kind is Kind.PLACE and start <= s.start < end for s in spans):
                yield Removed(Kind.ADDRESSEE, start, end)
            block = []
        if _HEADING.match(line) or _GREETING.match(line):
            return
        if line.strip() and not ends and len(line) < _LONGEST_LINE:
            block.append(span)
