"""What a slide claims, compared with what its file holds, before memory is taken or a library sees it."""

from __future__ import annotations

from pathlib import Path
from typing import IO

from deephealth.core.errors import DataError, LimitError, MissingDataError, UnreadableFileError
from deephealth.io.limits import Limits
from deephealth.io.tiff import TiffPage, parse_tiff
from deephealth.io.tiff_chunks import check_budget, most_unpacked

__all__ = ["TIFF_MAGIC", "check_grid", "check_tiff_claims", "check_tile"]

TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_CLASSIC_END = 2**32  # Hamamatsu's larger files are classic TIFF with offsets of 64 bits where no other reader looks
_SMALL_TILE = 16 * 1024**2  # bytes that a tile may take without holding any
_MOST_TILE = 128 * 1024**2  # at 4 bytes a pixel, as OpenSlide has them
_MOST_ABSENT = 256  # tiles claimed per tile stored
_FEW_TILES = 4096
_COPY_AGAIN = "copy the file again: it is truncated or damaged"


def check_tiff_claims(path: Path, limits: Limits) -> None:
    """Refuse a TIFF that claims more than it holds; other files pass.

    OpenSlide and libtiff take the memory that a header asks for, abort where there is none, and divide by what they
    find there.

    Raises:
        UnreadableFileError: its structure is damaged.
        LimitError: a tag, a tile or a page claims more than the file holds or ``limits`` allow.
        MissingDataError: no such file.
    """
    if path.is_dir():
        return
    try:
        with path.open("rb") as stream:
            size = stream.seek(0, 2)
            if _read(stream, 0, 4) not in TIFF_MAGIC:
                return
            if size >= _CLASSIC_END and _read(stream, 0, 4) in TIFF_MAGIC[:2]:
                return
            pages = parse_tiff(lambda at, count: _read(stream, at, count), size, str(path), limits=limits)
    except DataError:
        raise
    except FileNotFoundError as error:
        raise MissingDataError(f"no such file: {path}", hint="check the path") from error
    except OSError as error:
        raise UnreadableFileError(f"{path} can't be read: {error.strerror}", hint="check its permissions") from error
    for page in pages:
        _check_page(page, size, str(path), limits)


def _read(stream: IO[bytes], at: int, count: int) -> bytes:
    stream.seek(at)
    return stream.read(count)


def _check_page(page: TiffPage, size: int, name: str, limits: Limits) -> None:
    offsets, counts = page.offsets, page.counts
    common = min(len(offsets), len(counts))
    stored = counts[:common] != 0
    offsets, held = offsets[:common][stored], counts[:common][stored]
    # compared one by one: a sum of the two could overflow
    if len(held) and (min(held.min(), offsets.min()) < 0 or held.max() > size or (offsets > size - held).any()):
        raise LimitError(f"{name}: tiles or strips lie outside the file", allowed="a complete file", hint=_COPY_AGAIN)
    if page.tiled:
        check_tile(page, name, limits)
    else:
        limits.check_array((page.height, page.width), 4, name)
        check_budget(page, name)


def check_tile(page: TiffPage, name: str, limits: Limits) -> None:
    """Refuse a TIFF page whose tiles are larger than the largest of them can unpack to.

    Raises:
        LimitError: they are.
    """
    high, wide = page.chunk
    samples = 1 if page.planar == 2 else page.samples
    wanted = high * wide * samples * -(-page.bits // 8)
    held = int(page.counts.max()) if len(page.counts) else 0
    most = min(_MOST_TILE, max(_SMALL_TILE, most_unpacked(page.compression, held)))
    if wanted > most or high * wide > min(limits.max_pixels, _MOST_TILE // 4):
        raise LimitError(
            f"{name} has tiles of {wide:,} x {high:,} pixels, the largest of {held:,} bytes",
            allowed=f"tiles of at most {most:,} bytes in memory",
            hint=_COPY_AGAIN,
        )


def check_grid(grid: tuple[int, int], stored: int, name: str) -> None:
    """Refuse a slide that claims far more tiles than it stores.

    Args:
        grid: columns and rows, in any order.
        stored: tiles that the file really holds.
        name: what errors call it.

    Raises:
        LimitError: more than 4,096 tiles, and more than 256 times what is stored.

    Example:
        >>> check_grid((1000, 1000), 12, "a.dcm")
        Traceback (most recent call last):
        ...
        deephealth.core.errors.LimitError: a.dcm claims 1,000 x 1,000 tiles and stores 12
          allowed: at most 4,096, or 256 times what is stored
          do next: copy the file again: it is truncated or damaged
    """
    if grid[0] * grid[1] > max(_FEW_TILES, _MOST_ABSENT * stored):
        raise LimitError(
            f"{name} claims {grid[0]:,} x {grid[1]:,} tiles and stores {stored:,}",
            allowed=f"at most {_FEW_TILES:,}, or {_MOST_ABSENT} times what is stored",
            hint=_COPY_AGAIN,
        )
