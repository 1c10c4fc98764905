"""How much a single file may ask for before it is refused."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from deephealth.core.errors import LimitError
from deephealth.core.units import format_bytes

__all__ = ["DEFAULT_LIMITS", "Limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what one file may cost; larger files are refused before memory is allocated.

    Args:
        max_pixels: height times width of a raster, or of a region read from a slide. The default is Pillow's own bound
            (a square of 9,459 pixels), four times what dermatoscopes write today. Pillow itself refuses more than twice
            its bound, whatever is set here.
        max_bytes: bytes read from a file or from a member of an archive.
        max_decoded_bytes: bytes that the decoded pixels of one volume, series or frame set may take in memory. 4 GiB
            hold 8,000 CT slices of 512 x 512.
        max_frames: frames of a multi-frame file, slices of a series, pages of a TIFF.

    Example:
        >>> Limits(max_pixels=1_000_000).max_bytes == Limits().max_bytes
        True
    """

    max_pixels: int = 89_478_485
    max_bytes: int = 256 * 1024**2
    max_decoded_bytes: int = 4 * 1024**3
    max_frames: int = 65_536

    def check_array(self, shape: Sequence[int], itemsize: int, name: str, *, on_disk: int | None = None) -> int:
        """Return the bytes that an array would take, or refuse it.

        Args:
            shape: sizes that a file's header claims.
            itemsize: bytes per element.
            name: what errors call the file.
            on_disk: bytes that the file really holds for it, where the content is not compressed: a header that claims
                more is refused before anything is allocated.

        Raises:
            LimitError: a negative size, more than ``max_decoded_bytes``, or more than the file holds.

        Example:
            >>> Limits().check_array((2, 3), 4, "a.nii")
            24
        """
        if any(size < 0 for size in shape):
            raise LimitError(f"{name} claims the shape {tuple(shape)}", allowed="sizes of 0 or more")
        wanted = math.prod(int(size) for size in shape) * itemsize
        if wanted > self.max_decoded_bytes:
            raise LimitError(
                f"{name} claims {' x '.join(map(str, shape))} elements, {format_bytes(wanted)}",
                allowed=f"at most {format_bytes(self.max_decoded_bytes)} in memory",
                hint="if the file is genuine, read it with Limits(max_decoded_bytes=...)",
            )
        if on_disk is not None and wanted > on_disk:
            raise LimitError(
                f"{name} claims {format_bytes(wanted)} of pixels and holds {format_bytes(on_disk)}",
                allowed="a complete file",
                hint="copy the file again: it is truncated or damaged",
            )
        return wanted


DEFAULT_LIMITS = Limits()
