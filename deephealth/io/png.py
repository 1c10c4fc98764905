"""The chunks of a PNG, walked before a decoder sees them: OpenCV allocates what a chunk claims, not what is there."""

from __future__ import annotations

import struct

from deephealth.core.errors import LimitError, UnreadableFileError

__all__ = ["PNG_MAGIC", "check_png"]

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
_MOST_CHUNKS = 200_000
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_MOST_RATIO = 1040  # Deflate reaches 1032
_COPY_AGAIN = "copy the file again: it is truncated or damaged"


def check_png(data: bytes, name: str) -> tuple[int, int, int]:
    r"""Return (height, width, bits per channel), having found each chunk, to the last, inside the file.

    Args:
        data: content of the file.
        name: what errors call it.

    Raises:
        UnreadableFileError: no PNG, or cut off.
        LimitError: a chunk claims more bytes than the file holds.

    Source:
        ISO/IEC 15948 (PNG), 5.3.

    Example:
        >>> check_png(PNG_MAGIC + b"\xff\xff\xff\xffIHDR" + bytes(20), "a.png")
        Traceback (most recent call last):
        ...
        deephealth.core.errors.LimitError: a.png: a chunk claims 4,294,967,295 bytes
          allowed: at most the 36 that the file holds
          do next: copy the file again: it is truncated or damaged
    """
    end = len(data)
    if data[:8] != PNG_MAGIC or data[12:16] != b"IHDR":
        raise UnreadableFileError(f"{name} is not a PNG", hint=_COPY_AGAIN)
    at, packed = 8, 0
    for _ in range(_MOST_CHUNKS):
        if at + 12 > end:
            break
        length = int.from_bytes(data[at : at + 4], "big")
        if at + 12 + length > end:
            raise LimitError(
                f"{name}: a chunk claims {length:,} bytes",
                allowed=f"at most the {end:,} that the file holds",
                hint=_COPY_AGAIN,
            )
        kind = data[at + 4 : at + 8]
        packed += length if kind == b"IDAT" else 0
        if kind == b"IEND":
            return _size(data, packed, name)
        at += 12 + length
    raise UnreadableFileError(f"{name} has no end", hint=_COPY_AGAIN)


def _size(data: bytes, packed: int, name: str) -> tuple[int, int, int]:
    width, height, bits, colour = struct.unpack(">IIBB", data[16:26])
    row = width * bits * _CHANNELS.get(colour, 4) // 8 + 1
    if row * height > _MOST_RATIO * packed + 65536:
        raise LimitError(
            f"{name} claims {width:,} x {height:,} pixels and holds {packed:,} bytes of them",
            allowed="a complete file",
            hint=_COPY_AGAIN,
        )
    return height, width, bits
