"""Character sets: bytes of an element to text and back, without losing a byte of what was not changed."""

from __future__ import annotations

import re
import unicodedata
import warnings
from functools import lru_cache

from pydicom.charset import convert_encodings, decode_bytes, encode_string
from pydicom.dataset import Dataset
from pydicom.tag import Tag

__all__ = ["DELIMITED", "TEXT_VRS", "Codec", "codec_for", "codec_of"]

DELIMITED = frozenset({"AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "PN", "SH", "TM", "UC", "UI"})
"""Representations whose values are separated by a backslash."""

TEXT_VRS = DELIMITED | {"LT", "ST", "UR", "UT"}
"""Representations that hold text."""

_CHARACTER_SET = Tag(0x00080005)
_ESCAPE = b"\x1b"
# Two bytes of these may be valid UTF-8 of another meaning, so what was declared is believed.
_MULTI_BYTE = {"gb18030", "gbk", "gb2312", "euc_kr", "shift_jis", "euc_jp", "iso_ir_58", "iso2022_jp_2"}
_DELIMITERS = {0x0D, 0x0A, 0x09, 0x0C, 0x5C}
_NAME_DELIMITERS = {0x3D, 0x5E}
_SIGNS = "ªºµ"  # letters to Unicode
_WORD = re.compile(r"[^\W\d_]+")
_NEXT_COMPONENT = re.compile(rb"[\^=]\x1b")


class Codec:
    r"""Decodes and encodes the texts of one dataset.

    Args:
        encodings: Python's names for the values of Specific Character Set.

    Source: DICOM PS3.5 section 6.1 and PS3.3 section C.12.1.1.2; ISO/IEC 2022.

    Example:
        >>> codec = codec_of(("ISO_IR 100",))
        >>> codec.decode("Müller".encode("latin-1"))
        ('Müller', 'latin_1')
        >>> codec.encode("Müller", "latin_1")
        b'M\xfcller'
    """

    __slots__ = ("encodings",)

    def __init__(self, encodings: tuple[str, ...]) -> None:
        self.encodings = encodings

    def decode(self, value: bytes) -> tuple[str, str]:
        """Return the text and the name under which :meth:`encode` gives the same bytes again.

        Many devices write UTF-8 and say Latin-1 or nothing: what is valid UTF-8 is read as such. What can't be decoded
        is read byte by byte, so that it is still searched.
        """
        return self.readings(value)[0]

    def readings(self, value: bytes) -> tuple[tuple[str, str], ...]:
        r"""Return what :meth:`decode` does, and a second reading if nobody can tell which one was meant.

        Example:
            >>> polish = codec_of(("ISO_IR 101",))
            >>> [text for text, _ in polish.readings("RÓŻA".encode("iso8859-2"))]  # valid UTF-8, too: "RӯA"
            ['RÓŻA']
            >>> [text for text, _ in polish.readings("Żaneta".encode())]
            ['Żaneta', 'Ĺťaneta']
        """
        if _ESCAPE not in value:
            if value.isascii():
                return ((value.decode("ascii"), "ascii"),)
            if len(self.encodings) == 1 and self.encodings[0].lower() not in _MULTI_BYTE:
                try:
                    return self._of_two(value, value.decode("utf-8"))
                except UnicodeDecodeError:
                    pass
        elif all(encoding.startswith(("iso8859", "iso_ir_6", "utf")) for encoding in self.encodings):
            return ((value.decode("latin-1"), "latin-1"),)
        return (self._decode_declared(value),)

    def _of_two(self, value: bytes, text: str) -> tuple[tuple[str, str], ...]:
        """Of a value that is valid UTF-8, return that reading, the declared one if it is the better one, or both."""
        name = self.encodings[0]
        try:
            declared = value.decode(name)
        except (UnicodeError, LookupError):
            declared = ""
        if declared in ("", text) or not all(c.isascii() or (c.isalpha() and c not in _SIGNS) for c in declared):
            return ((text, "utf-8"),)
        if not _is_ordinary(text):
            return ((declared, name),)
        return (text, "utf-8"), (declared, name)

    def _decode_declared(self, value: bytes) -> tuple[str, str]:
        try:
            if len(self.encodings) == 1 and _ESCAPE not in value:
                return value.decode(self.encodings[0]), self.encodings[0]
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                # "^" and "=" end an escape sequence in names only, where the next component has its own.
                delimiters = _DELIMITERS | _NAME_DELIMITERS if _NEXT_COMPONENT.search(value) else _DELIMITERS
                return decode_bytes(value, list(self.encodings), delimiters), "declared"
        except (UnicodeError, LookupError, UserWarning):
            return value.decode("latin-1"), "latin-1"

    def encode(self, text: str, name: str) -> bytes | None:
        """Return the bytes of a text in the encoding that :meth:`decode` named; None when it can't hold the text."""
        if text.isascii():
            return text.encode("ascii")
        try:
            if name != "declared":
                return text.encode(name)
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                return bytes(encode_string(text, list(self.encodings)))
        except (UnicodeError, LookupError, UserWarning):
            return None


def _is_ordinary(text: str) -> bool:
    """Whether each word keeps to one script and, in Latin, to letters that names are written with."""
    for word in _WORD.findall(text):
        scripts = {unicodedata.name(letter, "?").partition(" ")[0] for letter in word}
        if len(scripts) > 1:
            return False
        if scripts == {"LATIN"} and not all(ord(c) < 0x180 or 0x1E00 <= ord(c) <= 0x1EFF for c in word):
            return False
    return True


@lru_cache(maxsize=256)
def codec_of(character_sets: tuple[str, ...]) -> Codec:
    """Return the codec for the values of Specific Character Set; unknown ones count as the default repertoire."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            encodings = convert_encodings(list(character_sets) or [""])
    except (LookupError, ValueError):
        encodings = ["iso8859"]
    return Codec(tuple(encodings))


def codec_for(dataset: Dataset, around: Codec | None = None) -> Codec:
    """Return the codec of a dataset; an item without a character set of its own has that of what is around it."""
    element = dataset._dict.get(_CHARACTER_SET)
    if element is None:
        return around or codec_of(())
    value = element.value
    if isinstance(value, bytes):
        value = value.decode("latin-1").split("\\")
    names = [value] if isinstance(value, str) else list(value or [])
    return codec_of(tuple(str(name).strip(" \0") for name in names))
