"""The pages of a TIFF as pictures, small ones whole and a sample of the tiles of large ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deephealth.core.errors import DataError, LimitError, UnreadableFileError
from deephealth.core.optional import require
from deephealth.io.limits import DEFAULT_LIMITS, Limits
from deephealth.io.raster_read import decode_raster

__all__ = ["TiffPicture", "pages_of"]

_SMALL = 4_000_000  # pixels of a page that the detector sees as a whole
_MOST_TILES = 48  # of a page that is not decoded as a whole
_THOROUGH = 3  # pages of many on which the detector looks in any case


@dataclass(frozen=True, slots=True)
class TiffPicture:
    """A page, or one of its tiles.

    Args:
        pixels: (H, W) or (H, W, channels).
        whole: whether the detector is to look at it even if the screen sees nothing.
    """

    pixels: np.ndarray
    whole: bool


def pages_of(path: Path, *, slide: bool = False, limits: Limits = DEFAULT_LIMITS) -> Iterator[TiffPicture]:
    """Yield what is to be looked at: every page, those below pages too.

    Args:
        path: a cleaned TIFF.
        slide: a whole-slide pyramid: pages too large to be seen as a whole are sampled tile by tile. Of other files
            such pages are sampled only where they are above ``limits`` and tiled.
        limits: largest page.

    Raises:
        UnreadableFileError: no decoder here knows how a page is packed, or it is damaged.
        LimitError: a page that is not tiled is above the limits.
    """
    tifffile = require("tifffile", purpose="looking at the pages of a TIFF")
    with tifffile.TiffFile(path) as file:
        pages = [page for top in file.pages for page in _below(top)]
        seen = {0, len(pages) // 2, len(pages) - 1}
        for number, page in enumerate(pages):
            pixels = page.imagewidth * page.imagelength
            if page.is_tiled and pixels > (_SMALL if slide else limits.max_pixels):
                yield from (TiffPicture(tile, False) for tile in _tiles(page))
                continue
            limits.check_array(page.shape, page.dtype.itemsize if page.dtype else 1, "the page")
            if pixels > limits.max_pixels:
                raise LimitError("a page claims too many pixels", allowed=f"at most {limits.max_pixels:,}")
            whole = len(pages) <= _THOROUGH or number in seen
            yield from (TiffPicture(one, whole) for one in _flat(_decoded(page, path, number, limits), page.axes))


def _below(page: Any) -> Iterator[Any]:
    """Yield a page, which may be known by its place only, and those below it."""
    page = page.aspage()
    yield page
    for child in page.pages or ():
        yield from _below(child)


def _decoded(page: Any, path: Path, number: int, limits: Limits) -> np.ndarray:
    try:
        found: np.ndarray = page.asarray(maxworkers=1)
    except Exception as error:  # tifffile and its codecs raise what they like
        if path.stat().st_size > limits.max_bytes:
            raise UnreadableFileError("the page can't be decoded") from error
        return decode_raster(path.read_bytes(), "the picture", alpha="keep", page=number, limits=limits)
    return found


def _tiles(page: Any) -> Iterator[np.ndarray]:
    held = np.flatnonzero(np.asarray(page.databytecounts) > 0)
    if not len(held):
        return
    for place in sorted(set(np.linspace(0, len(held) - 1, min(len(held), _MOST_TILES)).astype(int))):
        index = int(held[place])
        stream = page.parent.filehandle
        stream.seek(page.dataoffsets[index])
        data = stream.read(page.databytecounts[index])
        try:
            tile = page.decode(data, index, jpegtables=page.jpegtables)[0]
        except Exception as error:
            raise UnreadableFileError("a tile can't be decoded") from error
        if tile is None:
            continue
        yield from _flat(tile, "ZYXS")


def _flat(pixels: np.ndarray, axes: str) -> Iterator[np.ndarray]:
    """Yield planes (H, W) or (H, W, channels) of a page that may be planar or deep."""
    if "Y" not in axes or "X" not in axes or len(axes) != pixels.ndim:
        raise DataError("the page has axes that no picture has")
    order = [axes.index("Y"), axes.index("X")]
    channels = [axes.index("S")] if "S" in axes else []
    others = [axis for axis in range(pixels.ndim) if axis not in (*order, *channels)]
    moved = pixels.transpose(*others, *order, *channels)
    for plane in moved.reshape((-1, *moved.shape[len(others) :])):
        yield plane[..., 0] if plane.ndim == 3 and plane.shape[2] == 1 else plane
