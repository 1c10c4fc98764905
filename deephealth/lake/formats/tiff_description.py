"""The one text of a TIFF that readers need: what is left of ImageDescription after cleaning.

Sources: OME-TIFF specification and OME schema 2016-06; the descriptions that Aperio's scanners write; ImageJ's and
tifffile's ("shaped") descriptions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from xml.etree import ElementTree
from xml.sax.saxutils import quoteattr

__all__ = ["clean_description", "is_associated", "vendor_of"]

Sweep = Callable[[str], str]

_VENDORS = {
    "leica": re.compile(r"leica-microsystems\.com/scn"),
    "ventana": re.compile(r"iScan|^Label[ _]Image|^level=\d"),
    "aperio": re.compile(r"^Aperio"),
    "ome": re.compile(r"openmicroscopy\.org|<OME"),
    "imagej": re.compile(r"^ImageJ="),
    "shaped": re.compile(r'^\{"shape"'),
}
_NUMBER = r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"
_APERIO_KEYS = ("AppMag", "MPP", "OriginalWidth", "OriginalHeight", "StripeWidth", "Left", "Top", "Filtered")
_APERIO_GEOMETRY = re.compile(r"\d+x\d+|\[[\d, x]{1,60}\]|\(\d+x\d+\)|JPEG/RGB|JPEG/YCC|J2K/[A-Z0-9]{3,8}|Q=\d{1,3}|->")
_ASSOCIATED = re.compile(r"\b(label|macro|overview|thumbnail|probe|slide[ _-]?(image|label))(?:[ _-]?image)?\b", re.I)
_QPTIFF_TYPE = re.compile(r"<ImageType>\s*(\w+)\s*</ImageType>")
_IMAGEJ_KEYS = re.compile(
    rf"(ImageJ=[\w.]{{1,16}}|(images|channels|slices|frames|min|max|loop|spacing|finterval|fps|xorigin|yorigin|zorigin)"
    rf"={_NUMBER}|(hyperstack|loop)=(true|false)|mode=(composite|color|grayscale|gray)|unit=(micron|um|µm|\\u00B5m|mm|cm|"
    r"nm|pixel|inch))"
)
_MOST_XML = 16 * 1024**2
_OME = "http://www.openmicroscopy.org/Schemas/OME/"
_WHOLE, _REAL, _FLAG = re.compile(r"\d{1,9}"), re.compile(_NUMBER), re.compile(r"true|false|0|1")
_UNIT = re.compile(r"[a-zA-Zµμ]{1,3}|pixel|Å|reference frame")
_OME_KEPT: dict[str, dict[str, re.Pattern[str]]] = {
    "Image": {},
    "Pixels": {
        "DimensionOrder": re.compile(r"[XYZCT]{5}"),
        "Type": re.compile(r"u?int(8|16|32)|float|double|bit|(double-)?complex"),
        **{f"Size{axis}": _WHOLE for axis in "XYZCT"},
        **{f"PhysicalSize{axis}": _REAL for axis in "XYZ"},
        **{f"PhysicalSize{axis}Unit": _UNIT for axis in "XYZ"},
        "BigEndian": _FLAG, "Interleaved": _FLAG, "SignificantBits": _WHOLE,
        "TimeIncrement": _REAL, "TimeIncrementUnit": _UNIT,
    },
    "Channel": {
        "SamplesPerPixel": _WHOLE, "Color": re.compile(r"-?\d{1,11}"), "EmissionWavelength": _REAL,
        "EmissionWavelengthUnit": _UNIT, "ExcitationWavelength": _REAL, "ExcitationWavelengthUnit": _UNIT,
    },
    "TiffData": dict.fromkeys(("IFD", "FirstZ", "FirstC", "FirstT", "PlaneCount"), _WHOLE),
    "Plane": {"TheZ": _WHOLE, "TheC": _WHOLE, "TheT": _WHOLE, "DeltaT": _REAL, "ExposureTime": _REAL},
}  # fmt: skip


def vendor_of(description: str, software: str, tags: frozenset[int]) -> str:
    """Return who wrote the file: a scanner's maker, ``ome``, ``imagej``, ``shaped`` (tifffile), or an empty text.

    Example:
        >>> vendor_of("Aperio Image Library v11.2.1 ...", "", frozenset()), vendor_of("", "", frozenset({65420}))
        ('aperio', 'hamamatsu')
    """
    if 65420 in tags:
        return "hamamatsu"
    if software.startswith("Philips"):
        return "philips"
    return next((name for name, pattern in _VENDORS.items() if pattern.search(description[:4096])), "")


def is_associated(description: str, vendor: str) -> bool:
    r"""Return whether a page calls itself a label, macro, overview or thumbnail.

    Example:
        >>> is_associated("Aperio Image Library v11.2.1\nlabel 387x463", "aperio"), is_associated("stack", "")
        (True, False)
    """
    if vendor in ("imagej", "shaped", "ome"):
        return False
    kind = _QPTIFF_TYPE.search(description)
    if kind:
        return kind[1] not in ("FullResolution", "ReducedResolution")
    return bool(_ASSOCIATED.search(description[:4096].partition("|")[0]))


def clean_description(description: str, vendor: str, sweep: Sweep) -> str:
    r"""Return what may stay of a page's description; empty where nothing is needed.

    Args:
        description: as in the file.
        vendor: from :func:`vendor_of`.
        sweep: cleans a text.

    Example:
        >>> old = "Aperio Image Library v11.2.1\n9x9 (3x3) J2K|AppMag = 20|User = jdoe|MPP = 0.5"
        >>> clean_description(old, "aperio", str)
        'Aperio Image Library v11.2.1\n9x9 (3x3)|AppMag = 20|MPP = 0.5'
    """
    if vendor == "aperio":
        return _aperio(description)
    if vendor == "imagej":
        return "".join(f"{line}\n" for line in description.splitlines() if _IMAGEJ_KEYS.fullmatch(line))
    if vendor == "shaped":
        return _shaped(description)
    return _ome(description, sweep) if vendor == "ome" else ""


def _aperio(description: str) -> str:
    head, *pairs = description[:65_536].split("|")
    version = re.match(r"Aperio Image Library(?: v\d[\d.]{0,12})?|Aperio", head)
    geometry = " ".join(_APERIO_GEOMETRY.findall(head.partition("\n")[2])[:16])
    kept = [f"{version[0] if version else 'Aperio'}\n{geometry}"]
    for pair in pairs:
        key, _, value = (part.strip() for part in pair.partition("="))
        if key in _APERIO_KEYS and re.fullmatch(_NUMBER, value):
            kept.append(f"{key} = {value}")
    return "|".join(kept)


def _shaped(description: str) -> str:
    found = re.match(r'\{"shape": \[([\d, ]{1,200})\]', description)
    return json.dumps({"shape": [int(size) for size in found[1].split(",")]}) if found else ""


def _ome(description: str, sweep: Sweep) -> str:
    if len(description) > _MOST_XML or re.search(r"<!\s*(DOCTYPE|ENTITY)", description, re.IGNORECASE):
        return ""
    try:
        root = ElementTree.fromstring(description.encode())  # noqa: S314 - no declarations: nothing can be expanded
    except (ElementTree.ParseError, ValueError):
        return ""
    space = root.tag.partition("}")[0].lstrip("{")
    if not re.fullmatch(re.escape(_OME) + r"\d{4}-\d{2}", space):
        space = _OME + "2016-06"
    body = "".join(_element(child, f"{number}", sweep, 0) for number, child in enumerate(_named(root, "Image")))
    return f'<?xml version="1.0" encoding="UTF-8"?><OME xmlns="{space}">{body}</OME>' if body else ""


def _named(element: ElementTree.Element, *names: str) -> list[ElementTree.Element]:
    return [child for child in element if child.tag.rpartition("}")[2] in names]


def _element(element: ElementTree.Element, number: str, sweep: Sweep, depth: int) -> str:
    name = element.tag.rpartition("}")[2]
    kept = {key: v for key, v in element.attrib.items() if key in _OME_KEPT[name] and _OME_KEPT[name][key].fullmatch(v)}
    if name in ("Image", "Pixels", "Channel"):
        kept["ID"] = f"{name}:{number}"
    if name == "Channel" and element.get("Name"):
        kept["Name"] = sweep(element.get("Name", ""))
    below = _named(element, "Pixels", "Channel", "TiffData", "Plane") if depth < 3 else []
    counts: dict[str, int] = {}
    inside = ""
    for child in below:
        kind = child.tag.rpartition("}")[2]
        counts[kind] = counts.get(kind, -1) + 1
        inside += _element(child, number if kind == "Pixels" else f"{number}:{counts[kind]}", sweep, depth + 1)
    attributes = "".join(f" {key}={quoteattr(value)}" for key, value in kept.items())
    return f"<{name}{attributes}>{inside}</{name}>"
