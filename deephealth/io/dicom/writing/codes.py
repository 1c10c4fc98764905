"""Coded concepts: what a segment or a measurement is, in words of a coding scheme."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from deephealth.core.errors import DataError, UnknownNameError

if TYPE_CHECKING:
    from pydicom import Dataset

__all__ = ["Code"]

_SCHEMES = ("SCT", "DCM", "UCUM")
_MAX_VALUE, _MAX_SCHEME, _MAX_MEANING = 16, 16, 64  # SH, SH, LO


class Code(NamedTuple):
    """One concept of a coding scheme (DICOM PS3.3 section 8).

    Args:
        value: the code, at most 16 characters.
        scheme: ``"SCT"`` (SNOMED CT), ``"UCUM"`` (units), ``"DCM"``, ``"RADLEX"``, or ``"99..."`` for a private one.
        meaning: the words for it, at most 64 characters.

    Example:
        >>> Code.named("Liver")
        Code(value='10200004', scheme='SCT', meaning='Liver')
    """

    value: str
    scheme: str
    meaning: str

    @classmethod
    def named(cls, keyword: str, scheme: str | None = None) -> Code:
        """Return the concept that pydicom's dictionary of DICOM PS3.16 holds under a keyword, such as ``"Liver"``.

        Args:
            keyword: the meaning in one word, each of its words with a capital.
            scheme: ``"SCT"``, ``"DCM"`` or ``"UCUM"``; by default the first two are looked through.

        Raises:
            UnknownNameError: there is none; the nearest are named.
        """
        from pydicom.sr.codedict import codes

        if scheme is not None and scheme not in _SCHEMES:
            raise UnknownNameError("coding scheme", scheme, _SCHEMES)
        for name in _SCHEMES[:2] if scheme is None else (scheme,):
            try:
                concept = getattr(getattr(codes, name), keyword)
            except (AttributeError, RuntimeError):
                continue
            return cls(concept.value, concept.scheme_designator, concept.meaning)
        raise UnknownNameError("concept", keyword, [*codes.SCT.dir(), *codes.DCM.dir()])

    @classmethod
    def of(cls, code: Code | str) -> Code:
        """Return ``code``, looked up if it is a keyword, and checked.

        Raises:
            UnknownNameError: a keyword that is not in the dictionary.
            DataError: a part of the code is empty or too long.
        """
        code = cls.named(code) if isinstance(code, str) else cls(*code)
        for part, size in zip(code, (_MAX_VALUE, _MAX_SCHEME, _MAX_MEANING), strict=True):
            if not 0 < len(part) <= size or "\\" in part or not part.isprintable():
                raise DataError(f"'{part}' can't be part of a code", allowed=f"1 to {size} printable characters, no \\")
        return code

    @classmethod
    def private(cls, meaning: str) -> Code:
        """Return a private code (scheme ``99DEEPHEALTH``) for what no public scheme names.

        Example:
            >>> Code.private("Ground glass opacity").value
            'GROUNDGLASSOPACI'
        """
        value = re.sub(r"[^A-Z0-9]", "", meaning.upper())[:_MAX_VALUE] or "UNNAMED"
        return cls(value, "99DEEPHEALTH", meaning)

    @classmethod
    def from_item(cls, item: Dataset) -> Code:
        """Return the concept that an item of a code sequence holds; what is missing is empty."""
        value = item.get("CodeValue") or item.get("LongCodeValue") or item.get("URNCodeValue") or ""
        return cls(str(value), str(item.get("CodingSchemeDesignator") or ""), str(item.get("CodeMeaning") or ""))
