"""The fields of an NRRD header, each matched with its grammar.

NrrdIO, the library behind ITK, writes what it can't parse into messages of a fixed size, and a long one ends the
process. So it only ever sees fields that it can parse.

Source: NRRD file format definition (teem.sourceforge.net/nrrd/format.html).
"""

from __future__ import annotations

import re

from deephealth.core.errors import LimitError, UnreadableFileError

__all__ = ["nrrd_fields"]

_LONGEST = 500  # three vectors of three numbers take 250; comments and key := value may be longer
_NUMBER = r"(?:[-+]?(?:\d{1,20}(?:\.\d{0,30})?|\.\d{1,30})(?:[eE][-+]?\d{1,4})?|nan|[-+]?inf)"
_WHOLE = r"-?\d{1,18}"
_VECTOR = rf"(?:\( *{_NUMBER}(?: *, *{_NUMBER}){{0,4}} *\)|none)"
_QUOTED = r'"(?:[^"\\]|\\.){0,80}"'
_TEXT = r".{0,255}"
_KINDS = """
    domain space time list point vector covariant-vector normal stub scalar complex 2-vector 3-color RGB-color
    HSV-color XYZ-color 4-color RGBA-color 3-vector 3-gradient 3-normal 4-vector quaternion 2D-symmetric-matrix
    2D-masked-symmetric-matrix 2D-matrix 2D-masked-matrix 3D-symmetric-matrix 3D-masked-symmetric-matrix 3D-matrix
    3D-masked-matrix ??? none
"""
_SPACES = """
    right-anterior-superior RAS left-anterior-superior LAS left-posterior-superior LPS scanner-xyz 3D-right-handed
    3D-left-handed right-anterior-superior-time RAST left-anterior-superior-time LAST left-posterior-superior-time
    LPST scanner-xyz-time 3D-right-handed-time 3D-left-handed-time
"""


def _list(item: str) -> str:
    return rf"{item}(?:[ \t]+{item}){{0,7}}"


def _one_of(words: str) -> str:
    return f"(?:{'|'.join(map(re.escape, words.split()))})"


_GRAMMAR = {
    "content": _TEXT, "number": _WHOLE, "type": _TEXT, "blocksize": _WHOLE, "dimension": _WHOLE,
    "space": _one_of(_SPACES), "spacedimension": _WHOLE, "sizes": _list(_WHOLE), "spacings": _list(_NUMBER),
    "thicknesses": _list(_NUMBER), "axismins": _list(_NUMBER), "axismaxs": _list(_NUMBER),
    "centers": _list(_one_of("cell node none ???")), "labels": _list(_QUOTED), "units": _list(_QUOTED),
    "kinds": _list(_one_of(_KINDS)), "min": _NUMBER, "max": _NUMBER, "oldmin": _NUMBER, "oldmax": _NUMBER,
    "datafile": _TEXT, "endian": _one_of("little big"), "encoding": _TEXT, "lineskip": _WHOLE, "byteskip": _WHOLE,
    "sampleunits": _TEXT, "spaceunits": _list(_QUOTED), "spaceorigin": _VECTOR, "spacedirections": _list(_VECTOR),
    "measurementframe": _list(_VECTOR),
}  # fmt: skip
_GRAMMAR["centerings"] = _GRAMMAR["centers"]
_PATTERNS = {name: re.compile(pattern, re.IGNORECASE) for name, pattern in _GRAMMAR.items()}
# the names that may be written with and without spaces: others stand as they are
_JOINED = {"block size", "axis mins", "axis maxs", "old min", "old max", "data file", "line skip", "byte skip",
           "sample units"}  # fmt: skip
_APART = {"space dimension", "space units", "space origin", "space directions", "measurement frame"}


def nrrd_fields(text: bytes, name: str) -> dict[str, str]:
    r"""Return the fields of a header by their names in lower case, without spaces; comments and keys are left out.

    Args:
        text: the header, from its first byte to the empty line.
        name: what errors call the file.

    Raises:
        UnreadableFileError: another version, an unknown field or one that comes twice, or a value that is not one.
        LimitError: a field of more than 500 characters.

    Example:
        >>> nrrd_fields(b"NRRD0004\n# made by hand\nsizes: 3 4\nbyte skip: 0\nwho:=me", "a.nrrd")
        {'sizes': '3 4', 'byteskip': '0'}
    """
    if re.search(rb"\r(?!\n|$)|\0", text):
        raise UnreadableFileError(f"{name} has control characters in its header", hint="copy the file again")
    first, *lines = text.decode("latin-1").replace("\r", "").split("\n")
    if not re.fullmatch(r"NRRD000[1-6]", first):
        raise UnreadableFileError(f"{name} begins with '{first[:20]}'", allowed="NRRD0001 to NRRD0006")
    found: dict[str, str] = {}
    for line in lines:
        key, colon, value = line.partition(":")
        if not line or line.startswith("#") or (colon and value.startswith("=")):
            continue
        joined = _joined(key, name)
        if joined in found:
            raise UnreadableFileError(f"{name} has the field '{key}' twice", allowed="each field once")
        found[joined] = _checked(joined, value, name)
    return found


def _joined(key: str, name: str) -> str:
    lower = key.strip().lower()
    joined = lower.replace(" ", "") if lower in _JOINED | _APART else lower
    if joined not in _PATTERNS or (joined == lower and joined in {apart.replace(" ", "") for apart in _APART}):
        raise UnreadableFileError(
            f"{name} has the line '{key[:80]}' in its header", allowed="the fields of NRRD 1 to 6, and keys with :="
        )
    return joined


def _checked(joined: str, value: str, name: str) -> str:
    value = value.strip()
    if len(value) > _LONGEST:
        raise LimitError(f"{name}: its field {joined} has {len(value):,} characters", allowed=f"at most {_LONGEST:,}")
    if not _PATTERNS[joined].fullmatch(value):
        raise UnreadableFileError(
            f"{name} has {joined} '{value[:80]}'",
            allowed="what the NRRD format says",
            hint="the header is damaged: copy the file again",
        )
    return value
