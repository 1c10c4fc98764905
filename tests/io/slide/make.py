"""Small slides, written byte by byte: no TIFF library is needed, and any tag can be made wrong."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

Tags = dict[int, tuple[int, list[int] | bytes]]


def jpeg_tile(tile: np.ndarray) -> bytes:
    """YCbCr 4:2:0 with a JFIF header."""
    return cv2.imencode(".jpg", cv2.cvtColor(tile, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()


def deflate_tile(tile: np.ndarray) -> bytes:
    """Horizontal differences, then Deflate."""
    differences = tile.copy()
    differences[:, 1:] -= tile[:, :-1]
    return zlib.compress(differences.tobytes())


# compression, photometric, predictor, what packs a tile
PACKINGS: dict[str, tuple[int, int, int, Callable[[np.ndarray], bytes]]] = {
    "jpeg": (7, 6, 1, jpeg_tile),
    "deflate": (8, 2, 2, deflate_tile),
    "stored": (1, 2, 1, lambda tile: tile.tobytes()),
}


def colours(height: int, width: int, seed: int = 0) -> np.ndarray:
    """A picture of tissue-like colours, smooth enough for JPEG."""
    rng = np.random.default_rng(seed)
    small = rng.integers(90, 256, (max(2, height // 16), max(2, width // 16), 3)).astype(np.float32)
    return np.clip(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), 0, 255).astype(np.uint8)


def pyramid(base: np.ndarray, levels: int) -> list[np.ndarray]:
    """The picture and its halves."""
    found = [base]
    for _ in range(levels - 1):
        height, width = found[-1].shape[:2]
        found.append(cv2.resize(found[-1], (width // 2, height // 2), interpolation=cv2.INTER_AREA))
    return found


def tiff_bytes(
    pages: list[np.ndarray],
    *,
    tile: int = 64,
    packing: str = "jpeg",
    description: bytes = b"",
    big: bool = False,
    order: str = "<",
    change: Callable[[int, Tags], None] | None = None,
) -> bytes:
    """Return a tiled TIFF whose second and later pages are reduced images.

    Args:
        pages: height x width x 3 each.
        tile: side of a tile.
        packing: a key of ``PACKINGS``.
        description: ImageDescription of the first page.
        big: BigTIFF.
        order: byte order.
        change: may change each page's tags: given its number and its tags.
    """
    compression, photometric, predictor, pack = PACKINGS[packing]
    word, head = ("Q", 16) if big else ("I", 8)
    body = bytearray(head)
    link = 8 if big else 4
    first = (b"II" if order == "<" else b"MM") + struct.pack(order + "H", 43 if big else 42)
    body[: head - link] = first + (struct.pack(order + "HH", 8, 0) if big else b"")
    link_at = head - link
    for number, page in enumerate(pages):
        offsets, counts = [], []
        height, width = page.shape[:2]
        for y in range(0, height, tile):
            for x in range(0, width, tile):
                part = page[y : y + tile, x : x + tile]
                down, across = tile - part.shape[0], tile - part.shape[1]
                data = pack(cv2.copyMakeBorder(part, 0, down, 0, across, cv2.BORDER_REPLICATE))
                offsets.append(len(body))
                counts.append(len(data))
                body += data + b"\0" * (len(data) % 2)
        tags: Tags = {
            254: (4, [1 if number else 0]),
            256: (4, [width]),
            257: (4, [height]),
            258: (3, [8, 8, 8]),
            259: (3, [compression]),
            262: (3, [photometric]),
            277: (3, [3]),
            284: (3, [1]),
            317: (3, [predictor]),
            322: (3, [tile]),
            323: (3, [tile]),
            324: (16 if big else 4, offsets),
            325: (4, counts),
        }
        if description and not number:
            tags[270] = (2, description + b"\0")
        if photometric == 6:
            tags[530] = (3, [2, 2])
        if change is not None:
            change(number, tags)
        at = _append_directory(body, tags, order, big)
        struct.pack_into(order + word, body, link_at, at)
        link_at = len(body) - link
    return bytes(body)


def _append_directory(body: bytearray, tags: Tags, order: str, big: bool) -> int:
    word, room = ("Q", 8) if big else ("I", 4)
    entries = b""
    for tag, (kind, values) in sorted(tags.items()):
        code = {2: "B", 3: "H", 4: "I", 7: "B", 16: "Q"}[kind]
        count = len(values)
        data = struct.pack(f"{order}{count}{code}", *values)
        if len(data) <= room:
            field = data.ljust(room, b"\0")
        else:
            body += b"\0" * (len(body) % 2)
            field = struct.pack(order + word, len(body))
            body += data
        entries += struct.pack(order + "HH" + word, tag, kind, count) + field
    body += b"\0" * (len(body) % 2)
    at = len(body)
    body += struct.pack(order + ("Q" if big else "H"), len(tags)) + entries + bytes(8 if big else 4)
    return at


def write_slide(
    path: Path, height: int = 300, width: int = 420, levels: int = 3, **options: object
) -> list[np.ndarray]:
    """Write a slide and return the pictures it was made from."""
    pages = pyramid(colours(height, width), levels)
    path.write_bytes(tiff_bytes(pages, **options))  # type: ignore[arg-type]
    return pages
