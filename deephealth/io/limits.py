"""How much a single file may ask for before it is refused."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DEFAULT_LIMITS", "Limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what one file may cost; larger files are refused before memory is allocated.

    Args:
        max_pixels: height times width of a raster. The default is Pillow's own bound (a square of 9,459 pixels), four
            times what dermatoscopes write today. Pillow itself refuses more than twice its bound, whatever is set here.
        max_bytes: bytes read from a file or from a member of an archive.

    Example:
        >>> Limits(max_pixels=1_000_000).max_bytes == Limits().max_bytes
        True
    """

    max_pixels: int = 89_478_485
    max_bytes: int = 256 * 1024**2


DEFAULT_LIMITS = Limits()
