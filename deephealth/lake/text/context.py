"""Names that stand where names stand: after a title, a label, "seen by", or beside another name."""

from __future__ import annotations

import re
from collections.abc import Iterator

from deephealth.lake.text.eponyms import is_eponym
from deephealth.lake.text.lists import word_set
from deephealth.lake.text.names import PARTICLES
from deephealth.lake.text.spans import Kind, Removed
from deephealth.lake.text.vocabulary import Vocabulary
from deephealth.lake.text.words import Words

__all__ = ["CONTEXT_WORDS", "find_names"]

# Titles that are also abbreviations ("MR", "DR", "MS", "SR", "PR" are modalities) need a full stop or another case.
_TITLES = word_set("titles")
_AMBIGUOUS_TITLES = word_set("ambiguous_titles")
_BETWEEN = word_set("between")
_VERBS = word_set("verbs")
_ANY_VERB = "|".join(sorted(_VERBS, key=len, reverse=True))
_BY = re.compile(
    rf"\b(?:(?:{_ANY_VERB})\s+(?:and\s+\w+\s+)?by|(?:discussed|reviewed|consulted|spoke|"
    rf"spoken|communicated|conferred)\s+(?:with|to)|per|(?:called|paged|reported|communicated|faxed|"
    rf"sent)\s+to"
    r"|(?:untersucht|befundet|diktiert|gelesen|unterschrieben|freigegeben|angefordert|erstellt|"
    r"durchgefuhrt|validiert|uberwiesen|besprochen|vidiert|erhoben)\s+(?:von|durch|mit)|rucksprache\s+mit"
    r"|(?:realise|effectue|lu|dicte|signe|valide|interprete|demande|adresse|vu|relu|redige|"
    r"examine)e?s?\s+(?:par|avec)"
    r"|(?:realizad|informad|leid|dictad|firmad|validad|solicitad|remitid|vist|revisad|interpretad|explorad|"
    r"comentad)[oa]s?\s+(?:por|con)"
    r"|(?:eseguit|refertat|dettat|firmat|validat|richiest|inviat|vist|lett|redatt|visitat|"
    r"discuss)[oaie]\s+(?:da|dal|dalla|dalla?\s+dott\w*|con))\s*[:.]?\s*"
)
_INITIALS = re.compile(
    r"\b(?:tech(?:nologist|nician|n)?|rt|mtra?|mta-?r|rta|rad\s?tech|operator|op|init(?:ials)?|by|user|rad|"
    r"sonographer|trans(?:criptionist)?|dict|d/t|tsrm|ter|manip|iniziali|iniciales|kurzel|kz|"
    r"unters(?:ucher)?)\s?[:.#-]\s*([a-z]{2,4})\b(?!\s*[a-z])|//\s?([a-z]{2,4})\b"
)
_BY_INITIALS = re.compile(rf"\b(?:{_ANY_VERB})\s+by\s+([a-z]{{2,3}})\b")
_LABEL = re.compile(
    r"\b(?P<label>(?:patient(?:in|en|e)?|pat|pt|paciente|paziente)(?:'?s?[\s_-]?(?:name|nom|nombre|nome))?|"
    r"(?:full|first|last|given|family|middle|maiden|birth|sur|user)?\s?name|nachname|vorname|familienname|"
    r"geburtsname|nom|prenom|nombres?|apellidos?|cognome|nome"
    r"|tech(?:nologist|nician)?|radiologist|radiologe|radiologin|radiologue|radiologo|radiologa|"
    r"radiographer|sonographer|mtra?|mta-?r|operator|operateur|operador|operatore|operatrice|"
    r"referring(?:\s(?:physician|doctor|md|provider))?|referrer|referred|ref(?:\.?\s?(?:phys(?:ician)?|dr|"
    r"md|doc))?|(?:attending|ordering|requesting|reading|performing|primary\scare|"
    r"consulting)\s?(?:physician|doctor|md|provider|radiologist)?|physician"
    r"|surgeon|anesthesiologist|cardiologist|oncologist|neurologist|pcp|gp|uberweiser(?:in)?|"
    r"zuweiser(?:in)?|einweiser|hausarzt|untersucher(?:in)?|befunder(?:in)?|arzt|arztin|"
    r"medecin(?:\s(?:traitant|demandeur|prescripteur))?|prescripteur|medico(?:\s(?:solicitante|richiedente|"
    r"curante|peticionario|responsable|refertatore))?|signed|dictated|transcribed|signature|unterschrift|"
    r"firma|firmado|gezeichnet|gez|cc|attn|user(?:name)?|login|contact|kontakt|contacto|next\sof\skin|nok|"
    r"emergency\scontact|interpreted|author|autor|auteur|autore|requested|ordered|performed)"
    r"\.?\s*(?:[:=#^|]|\s-\s)\s*|\b(?P<greeting>dear|sehr\sgeehrter?|lieber?|liebe\sfrau|cher|chere|"
    r"estimad[oa]|querid[oa]|gentile|egregi[oa]|caro|cara)\s+"
)
_NOT_ONLY_PEOPLE = {"cc", "patient", "pat", "pt", "patientin", "patiente", "paciente", "paziente", "ref", "referred"}
_TWO_WORDS = re.compile(r"[^\W\d_]{3,}\s[^\W\d_]{3,}\s*(?:[,;(]|\Z)")
_ARTICLES = word_set("articles")
_CREDENTIALS = word_set("credentials")
_ROLES = word_set("roles")
CONTEXT_WORDS = _TITLES | _ROLES | _VERBS | word_set("context")


class _Reader:
    """Reads names out of one text."""

    def __init__(self, words: Words, vocabulary: Vocabulary) -> None:
        self.words = words
        self.list = words.words
        self.vocabulary = vocabulary
        self.person = False  # whether what stands before can only be followed by a person
        self.starts = {word.start: index for index, word in enumerate(self.list)}

    def name_from(self, index: int, *, titled: bool, labelled: bool = False) -> Removed | None:
        """Return the name that begins with word ``index``, if one does."""
        while index + 1 < len(self.list) and self.words.near(index) and self._is_title(index):
            index += 1
        first = index
        end = -1
        while index < len(self.list) and index - first < 6:
            if index > first and not self._continues(index):
                break
            kind = self._part(index, first=end < 0, titled=titled, labelled=labelled)
            if kind == "no":
                break
            if kind == "name":
                end = index
            index += 1
        return None if end < 0 else self._span(first, end)

    def _is_title(self, index: int) -> bool:
        word = self.list[index].folded
        article = word in _ARTICLES and self.list[index + 1].folded in _TITLES
        return word in _TITLES or word in _BETWEEN or article

    def _span(self, first: int, last: int) -> Removed:
        return Removed(Kind.NAME, self.list[first].start, self.list[last].end)

    def _continues(self, index: int) -> bool:
        """Return whether a name can go on over the gap before word ``index``."""
        if not self.words.near(index - 1):
            return False
        gap, before, word = self.words.gap(index - 1), self.list[index - 1].folded, self.list[index].folded
        if "." in gap and gap != ".":
            return len(before) <= 2 or before in _TITLES or before in _BETWEEN
        if "," in gap:
            return word in self.vocabulary.given or len(word) == 1
        return True

    def _part(self, index: int, *, first: bool, titled: bool, labelled: bool) -> str:
        """Return ``name``, ``maybe`` (an initial or a particle) or ``no``."""
        word = self.list[index]
        if len(word.folded) == 1 or word.folded in PARTICLES:
            if len(word.folded) == 1 and self.words.cased and not word.capital and word.folded not in PARTICLES:
                return "no"
            return "maybe" if len(word.folded) > 1 or first or not self.words.namelike(index) else "name"
        if word.folded in _CREDENTIALS or word.folded in _BETWEEN:
            return "maybe"
        return "name" if self._is_name(index, first=first, titled=titled, labelled=labelled) else "no"

    def _is_name(self, index: int, *, first: bool, titled: bool, labelled: bool) -> bool:  # noqa: PLR0911
        word, vocabulary = self.list[index], self.vocabulary
        title_case = self.words.cased and word.capital and not word.upper
        if word.folded in vocabulary.clinical:
            if first and labelled and title_case and word.folded in vocabulary.eponyms:
                return not is_eponym(self.words, index, index, vocabulary)  # "tech: Foley"
            return first and title_case and (titled or (self.person and self._title_case_follows(index)))
        if word.folded in vocabulary.common:
            if first and labelled and word.upper and self._known_follows(index):
                return True
            return title_case or (not self.words.cased and (not first or titled or labelled))
        if word.folded in vocabulary.sure_names:
            return self.words.namelike(index) or (first and (titled or labelled))
        if self.words.cased:
            return word.capital
        return first and (titled or labelled)

    def _known_follows(self, index: int) -> bool:
        """Return whether a name that is no word stands next: ``Patient: MILLS THEODORE``."""
        return self.words.near(index) and self.list[index + 1].folded in self.vocabulary.sure_names

    def _title_case_follows(self, index: int) -> bool:
        """Return whether a capitalised word that is not clinical stands next: ``Sonographer: Hemi Tamihana``."""
        if not self.words.near(index) or self.words.gap(index) != " ":
            return False
        word = self.list[index + 1]
        return word.capital and not word.upper and word.folded not in self.vocabulary.clinical

    def monsieur(self) -> Iterator[Removed]:
        """Yield the name after a French ``M.``: not a muscle, nor a disease as in ``M. Crohn``."""
        for index, word in enumerate(self.list[:-1]):
            follows = self.list[index + 1]
            if word.folded == "m" and word.upper and self.words.gap(index) == ". " and self.words.cased:
                known = follows.folded in self.vocabulary.clinical or follows.folded in self.vocabulary.common
                muscle = follows.folded.endswith(("us", "ps", "or", "is", "um", "oris", "alis"))
                if follows.capital and not follows.upper and not known and not muscle:
                    yield self._span(index + 1, index + 1)

    def titles(self) -> Iterator[Removed]:
        for index, word in enumerate(self.list[:-1]):
            if word.folded not in _TITLES or not self.words.near(index):
                continue
            gap = self.words.gap(index)
            if "," in gap or ";" in gap or "-" in gap:
                continue
            sure = (
                "." in gap
                or word.folded not in _AMBIGUOUS_TITLES
                or (self.words.cased and word.capital and not word.upper)
            )
            follows = self.list[index + 1].folded
            if sure or follows in self.vocabulary.sure_names:
                found = self.name_from(index + 1, titled=sure)
                if found:
                    yield found

    def after(self, pattern: re.Pattern[str], *, labelled: bool) -> Iterator[Removed]:
        for match in pattern.finditer(self.words.folded):
            index = self.starts.get(match.end())
            if index is not None:
                broad = labelled and match.groupdict().get("label") in _NOT_ONLY_PEOPLE
                self.person = not broad or _TWO_WORDS.match(self.words.folded, match.end()) is not None
                found = self.name_from(index, titled=False, labelled=labelled)
                self.person = False
                if found:
                    yield found

    def roles(self) -> Iterator[Removed]:
        """Yield names after "radiologist", "patient" ... without a colon: two capitalised words, or one known name."""
        for index, word in enumerate(self.list[:-1]):
            if word.folded in _ROLES and self.words.gap(index) == " ":
                found = self.name_from(index + 1, titled=False)
                if found and (
                    self.list[index + 1].folded in self.vocabulary.sure_names
                    or " " in self.words.text[found.start : found.end]
                ):
                    yield found

    def initials(self) -> Iterator[Removed]:
        for pattern in (_INITIALS, _BY_INITIALS):
            for match in pattern.finditer(self.words.folded):
                group = match.lastindex or 1
                if match.group(group) not in self.vocabulary.clinical and match.group(group) not in _TITLES:
                    yield Removed(Kind.NAME, *match.span(group))

    def dictionary(self) -> Iterator[Removed]:
        """Yield names that the lists know, with what stands beside them."""
        sure = self.vocabulary.sure_names
        taken = -1
        for index in range(len(self.list)):
            if index <= taken or not self._starts_name(index, sure):
                continue
            first, last = self._grow(index)
            if first == last and self._is_short(index):
                continue
            if is_eponym(self.words, first, last, self.vocabulary):
                continue
            taken = last
            yield self._span(first, last)

    def _starts_name(self, index: int, sure: frozenset[str]) -> bool:
        word = self.list[index]
        if not self.words.namelike(index):
            return False
        if word.folded in sure:
            return word.folded not in _TITLES
        # Two ordinary words that are a given and a family name, each capitalised among words that are not.
        following = self.list[index + 1] if index + 1 < len(self.list) else None
        return (
            following is not None
            and self.words.cased
            and word.folded in self.vocabulary.word_given
            and following.folded in self.vocabulary.not_clinical
            and not word.upper
            and following.capital
            and not following.upper
            and self.words.gap(index) == " "
        )

    def _is_short(self, index: int) -> bool:
        """Return whether a lone word is more likely an abbreviation than a name."""
        word = self.list[index]
        length = len(word.folded)
        return length <= 3 if not self.words.cased else (length <= 5 and word.upper) or length <= 2

    def _grow(self, index: int) -> tuple[int, int]:
        first = last = index
        while (
            last + 1 < len(self.list)
            and last - first < 4
            and self._continues(last + 1)
            and self._beside(last + 1, last, alone=first == last)
        ):
            last += 1
        while first > 0 and last - first < 4 and self.words.near(first - 1) and self._before(first - 1):
            first -= 1
        while last > first and (self.list[last].folded in PARTICLES and len(self.list[last].folded) > 1):
            last -= 1
        return first, last

    def _beside(self, index: int, last: int, *, alone: bool) -> bool:
        word, vocabulary = self.list[index], self.vocabulary
        if word.folded in PARTICLES:
            return index + 1 < len(self.list) and self.words.near(index) and self._beside(index + 1, last, alone=alone)
        if word.folded in vocabulary.clinical or not self.words.namelike(index):
            return False
        if len(word.folded) == 1:
            return self.words.initial(index) and (self.words.cased or self.words.gap(index - 1).startswith((",", "^")))
        if word.folded in vocabulary.names:
            return True
        return (
            self.words.cased and not word.upper and self.list[last].folded in vocabulary.given and len(word.folded) > 2
        )

    def _before(self, index: int) -> bool:
        word, vocabulary = self.list[index], self.vocabulary
        gap = self.words.gap(index)
        if len(word.folded) == 1:
            return (
                self.words.initial(index)
                and self.words.namelike(index)
                and gap in (". ", ".")
                and (index == 0 or self.words.cased)
            )
        if word.folded in vocabulary.clinical or "." in gap or not self.words.namelike(index):
            return False
        if word.folded in _TITLES or word.folded in _BETWEEN:
            return False
        return word.folded in vocabulary.names and not (self.words.cased and word.upper)


def find_names(words: Words, vocabulary: Vocabulary) -> Iterator[Removed]:
    """Yield the names that context or the lists of names give away.

    Example:
        >>> from deephealth.lake.text.vocabulary import load_vocabulary
        >>> words = Words("Seen by Dr. Jane van der Berg, chest clear. Parkinson disease.")
        >>> sorted({words.text[s.start : s.end] for s in find_names(words, load_vocabulary())})
        ['Jane van der Berg']
    """
    reader = _Reader(words, vocabulary)
    yield from reader.titles()
    yield from reader.monsieur()
    yield from reader.after(_LABEL, labelled=True)
    yield from reader.after(_BY, labelled=False)
    yield from reader.roles()
    yield from reader.initials()
    yield from reader.dictionary()
