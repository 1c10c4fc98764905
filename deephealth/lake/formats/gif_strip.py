"""GIF files written anew from the blocks that showing the picture needs. Source: GIF89a specification (1990)."""

from __future__ import annotations

from deephealth.core.errors import QuarantineError
from deephealth.lake.formats.context import damaged, too_large
from deephealth.lake.reasons import Reason

__all__ = ["strip_gif"]

_MOST_BLOCKS = 100_000


def strip_gif(data: bytes, most_pixels: int) -> tuple[bytes, tuple[int, int], int, list[str]]:
    """Return a GIF with its picture and colours; comments, texts and other applications go.

    Args:
        data: the file.
        most_pixels: width times height that is allowed.

    Returns:
        The new file, (width, height), how many blocks were left out, and notes.

    Raises:
        QuarantineError: not GIF, damaged, too large, or animated.
    """
    if data[:6] not in (b"GIF87a", b"GIF89a") or len(data) < 13:
        raise damaged("the file is not GIF")
    width, height = int.from_bytes(data[6:8], "little"), int.from_bytes(data[8:10], "little")
    if width * height > most_pixels:
        raise too_large(f"the picture claims {width:,} x {height:,} pixels")
    at = 13 + _table(data[10])
    kept, removed, frames = [data[:at]], 0, 0
    for _ in range(_MOST_BLOCKS):
        kind = data[at : at + 1]
        if kind == b"\x3b":
            notes = [f"{len(data) - at - 1:,} bytes after the picture were left out"] if len(data) > at + 1 else []
            return b"".join(kept) + b"\x3b", (width, height), removed, notes
        end = _end(data, at)
        if kind == b"\x2c":
            frames += 1
            if frames > 1:
                raise QuarantineError(Reason.UNKNOWN_FORMAT, "the GIF is animated", allowed="one picture per GIF")
            kept.append(data[at:end])
        elif _shows(data[at:end]):
            kept.append(data[at:end])
        else:
            removed += 1
        at = end
    raise damaged("the GIF file has too many blocks")


def _shows(block: bytes) -> bool:
    """Return whether an extension is a graphic control (transparency) of the right length."""
    return block[:3] == b"\x21\xf9\x04" and len(block) == 8


def _table(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _end(data: bytes, at: int) -> int:
    """Return where a block ends."""
    kind = data[at : at + 1]
    if kind == b"\x21":
        at += 2
    elif kind == b"\x2c" and at + 10 <= len(data):
        at += 11 + _table(data[at + 9])
    else:
        raise damaged("the GIF file is cut off or damaged")
    while True:
        if at >= len(data):
            raise damaged("the GIF file is cut off")
        length = data[at]
        at += 1 + length
        if not length:
            return at
