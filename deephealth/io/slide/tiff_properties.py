"""What a TIFF says about its slide, under OpenSlide's names, and whose format it is in."""

from __future__ import annotations

from collections.abc import Sequence

from deephealth.io.slide.reader import Level
from deephealth.io.tiff import TiffPage

__all__ = ["is_aperio", "is_other_vendor", "tiff_properties"]

_CENTIMETRE = 3
# what OpenSlide looks at to tell the vendors apart
_DESCRIPTIONS = ("www.leica-microsystems.com", "<DataObject", "Huron")
_SOFTWARE = ("Philips", "MedScan", "Hamamatsu")
_XMP = (b"<iScan", b"<EncodeInfo")


def is_aperio(page: TiffPage) -> bool:
    """Return whether the first page is an Aperio slide's.

    Example:
        >>> is_aperio(TiffPage({"description": "Aperio Image Library v11"}, "<"))
        True
    """
    return str(page.description).startswith("Aperio")


def is_other_vendor(page: TiffPage) -> bool:
    """Return whether the first page belongs to a format with rules of its own, which OpenSlide knows."""
    return (
        any(mark in page.description for mark in _DESCRIPTIONS)
        or str(page.software).startswith(_SOFTWARE)
        or any(mark in page.xmp for mark in _XMP)
    )


def tiff_properties(page: TiffPage, levels: Sequence[Level]) -> dict[str, str]:
    """Return the properties of a slide whose finest level is ``page``."""
    found = {"openslide.vendor": "aperio" if is_aperio(page) else "generic-tiff"}
    if page.description:
        found["openslide.comment"] = found["tiff.ImageDescription"] = page.description
    if page.software:
        found["tiff.Software"] = page.software
    found |= _resolution(page) | (_aperio(page.description) if is_aperio(page) else {})
    found["openslide.level-count"] = str(len(levels))
    for number, level in enumerate(levels):
        wide, high = level.tile or (0, 0)
        facts = {"downsample": f"{level.downsample:.15g}", "width": level.width, "height": level.height}
        facts |= {"tile-width": wide, "tile-height": high} if level.tile else {}
        found |= {f"openslide.level[{number}].{key}": str(value) for key, value in facts.items()}
    return found


def _resolution(page: TiffPage) -> dict[str, str]:
    unit = {1: "none", 2: "inch", _CENTIMETRE: "centimeter"}.get(page.resolution_unit, "")
    found = {"tiff.ResolutionUnit": unit} if unit else {}
    for axis, value in (("x", page.x_resolution), ("y", page.y_resolution)):
        if value > 0:
            found[f"tiff.{axis.upper()}Resolution"] = f"{value:.15g}"
            if page.resolution_unit == _CENTIMETRE and not is_aperio(page):
                found[f"openslide.mpp-{axis}"] = f"{10000 / value:.15g}"
    return found


def _aperio(description: str) -> dict[str, str]:
    found = {}
    for part in description.split("|")[1:]:
        key, equals, value = part.partition("=")
        if equals:
            found[f"aperio.{key.strip()}"] = value.strip()
    for ours, theirs in (("mpp-x", "MPP"), ("mpp-y", "MPP"), ("objective-power", "AppMag")):
        value = found.get(f"aperio.{theirs}", "")
        try:
            found[f"openslide.{ours}"] = f"{float(value):.15g}"
        except ValueError:  # absent, or not a number: then it is not known
            continue
    return found
