"""The one thing of EXIF that a picture needs: which way up it is. Source: CIPA DC-008 (EXIF 3.0), TIFF 6.0."""

from __future__ import annotations

import struct

__all__ = ["orientation_block", "orientation_of"]

_ORIENTATION = 274


def orientation_of(block: bytes) -> int:
    r"""Return the orientation (1 to 8) that an EXIF block states; 1 when it states none.

    Args:
        block: the block, beginning with its byte order mark; ``Exif\0\0`` before it is passed over.

    Example:
        >>> orientation_of(orientation_block(6)), orientation_of(b"nonsense")
        (6, 1)
    """
    block = block.removeprefix(b"Exif\0\0")
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(block[:4])
    try:
        if order is None:
            return 1
        start = struct.unpack_from(order + "I", block, 4)[0]
        for n in range(min(512, struct.unpack_from(order + "H", block, start)[0])):
            tag, kind, count, value = struct.unpack_from(order + "HHIH", block, start + 2 + 12 * n)
            if tag == _ORIENTATION:
                return value if kind == 3 and count == 1 and 1 <= value <= 8 else 1
    except struct.error:
        pass
    return 1


def orientation_block(orientation: int) -> bytes:
    """Return an EXIF block that says the orientation and nothing else; empty for 1, which needs none."""
    if orientation == 1:
        return b""
    return b"II*\0" + struct.pack("<IHHHIHHI", 8, 1, _ORIENTATION, 3, 1, orientation, 0, 0)
