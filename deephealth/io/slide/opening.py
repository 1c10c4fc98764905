"""Opening a slide with the first back-end that can."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from deephealth.core.errors import DataError, MissingDataError, UnknownNameError, UnreadableFileError
from deephealth.io.backend import Backend, BackendTable
from deephealth.io.limits import DEFAULT_LIMITS, Limits
from deephealth.io.raster import RASTER_SUFFIXES
from deephealth.io.slide.dicom_header import is_dicom
from deephealth.io.slide.dicom_wsi import DicomSlide, can_read_dicom_slide
from deephealth.io.slide.openslide_reader import OpenSlideReader, can_read_openslide
from deephealth.io.slide.plain import PlainSlide
from deephealth.io.slide.slide import WHITE, Slide
from deephealth.io.slide.tiled_tiff import TiledTiff, can_read_tiled_tiff
from deephealth.io.slide.wsidicom_reader import WsidicomReader

__all__ = ["SLIDE_BACKENDS", "open_slide", "reopen_slide"]


def _may_be_dicom(path: Path) -> bool:
    return path.is_dir() or is_dicom(path)


SLIDE_BACKENDS = BackendTable(
    "open a whole slide",
    [
        # DICOM before TIFF: one file may be both at once
        Backend(
            "dicom", DicomSlide, (), can_read_dicom_slide, "JPEG, stored and JPEG 2000 frames; takes faulty headers"
        ),
        Backend(
            "tiled-tiff", TiledTiff, (), can_read_tiled_tiff, "Aperio, generic pyramids; OpenSlide's pixels, faster"
        ),
        # before OpenSlide, which a DICOM file with a wrong offset table makes crash (4.0.1)
        Backend(
            "wsidicom", WsidicomReader, ("wsidicom",), _may_be_dicom, "DICOM packed otherwise; one reading at a time"
        ),
        Backend("openslide", OpenSlideReader, ("openslide",), can_read_openslide, "every vendor OpenSlide knows"),
        Backend("plain", PlainSlide, (), lambda path: path.suffix.lower() in RASTER_SUFFIXES, "any picture, one level"),
    ],
)


def open_slide(
    path: Path | str,
    *,
    backend: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
    background: int = WHITE,
    cache_bytes: int = 64 * 1024**2,
) -> Slide:
    """Open a whole slide.

    Args:
        path: the file; for DICOM also the folder.
        backend: name of a row of :data:`SLIDE_BACKENDS`; the first that can by default.
        limits: largest region and tile. ``max_bytes`` doesn't apply: a slide is read in pieces.
        background: grey value of what the slide doesn't hold: 255 white, 0 black.
        cache_bytes: decoded tiles kept for neighbouring regions.

    Raises:
        MissingDataError: no such file.
        UnknownNameError: no such back-end.
        UnreadableFileError: no back-end knows it, or it is damaged.
        LimitError: it claims more than ``limits`` allow.

    Example:
        >>> with open_slide("scan.svs") as slide:  # doctest: +SKIP
        ...     for tile in slide.tiles(512, mask=slide.tissue_mask()):
        ...         print(tile.x, tile.y, tile.pixels.shape)
    """
    path = Path(path)
    if not path.exists():
        raise MissingDataError(f"no such file: {path}", hint="check the path")
    options: Mapping[str, Any] = {"limits": limits, "cache_bytes": cache_bytes}
    reopen = {"path": path, "backend": backend, "background": background, **options}
    for row in _rows(path, backend):
        reader = row.run(path, **options)
        return Slide(reader, str(path), limits=limits, background=background, reopen=(reopen_slide, (reopen,)))
    raise UnreadableFileError(
        f"{path} is not a slide that can be read",
        allowed="what OpenSlide reads (SVS, NDPI, SCN, MRXS, BIF, DICOM ...), tiled TIFF, or a picture",
        hint="copy the file again if it is one: it may be damaged",
    )


def reopen_slide(options: Mapping[str, Any]) -> Slide:
    """Open a slide again in another process; for pickling."""
    return open_slide(**options)


def _rows(path: Path, backend: str | None) -> list[Backend]:
    if backend is None:
        return list(islice(SLIDE_BACKENDS.usable(path), 1))
    rows = {row.name: row for row in SLIDE_BACKENDS.rows}
    if backend not in rows:
        raise UnknownNameError("slide back-end", backend, rows)
    missing = rows[backend].missing()
    if missing:
        raise DataError(f"the back-end {backend} needs {', '.join(missing)}", hint="pip install 'deephealth[wsi]'")
    return [rows[backend]]
