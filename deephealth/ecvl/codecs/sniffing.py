"""Which kind of file some bytes begin, and how large a picture its header claims, before a decoder allocates it."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable

from deephealth.core.errors import UnreadableFileError
from deephealth.io.jpeg import check_jpeg
from deephealth.io.limits import DEFAULT_LIMITS, Limits
from deephealth.io.png import PNG_MAGIC, check_png
from deephealth.io.raster_decoders import list_pages
from deephealth.io.raster_pillow import check_pixels

__all__ = ["HEAD_BYTES", "check_claim", "is_dicom_head", "is_nifti_head", "is_raster_head"]

HEAD_BYTES = 560  # reaches over the NIfTI-2 header's magic and DICOM's mark
_RASTER = (
    b"\xff\xd8\xff",  # JPEG
    PNG_MAGIC,
    b"II*\0",
    b"MM\0*",
    b"II+\0",
    b"MM\0+",
    b"BM",
    b"GIF8",
    b"\0\0\0\x0cjP  ",
    b"\xff\x4f\xff\x51",
    b"#?RADIANCE",
    b"#?RGBE",
    b"\x59\xa6\x6a\x95",  # Sun raster
)
_NETPBM = re.compile(rb"P[1-7fF]\s")
_PAM_SIZE = re.compile(rb"\b(WIDTH|HEIGHT)\s+(\d{1,12})")
_PFM_SIZE = re.compile(rb"P[fF]\s+(\d{1,12})\s+(\d{1,12})\s")
_HDR_SIZE = re.compile(rb"[-+]Y\s+(\d{1,12})\s+[-+]X\s+(\d{1,12})")


def is_raster_head(head: bytes) -> bool:
    """Return whether a file that begins like this is for OpenCV.

    Example:
        >>> is_raster_head(b"GIF89a"), is_raster_head(b"hello")
        (True, False)
    """
    return head.startswith(_RASTER) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP") or bool(_NETPBM.match(head))


def is_nifti_head(head: bytes) -> bool:
    """Return whether a file that begins like this may be NIfTI (or any gzip stream, which only NIfTI is read from)."""
    sizes = {struct.pack(order + "i", size) for order in "<>" for size in (348, 540)}
    return head[:2] == b"\x1f\x8b" or head[:4] in sizes


def is_dicom_head(head: bytes) -> bool:
    """Return whether a file that begins like this may be DICOM, with its preamble or without."""
    return head[128:132] == b"DICM" or head[:4] in (b"\x02\0\0\0", b"\x02\0\x01\0", b"\x08\0\0\0", b"\x08\0\x05\0")


def check_claim(data: bytes, name: str, limits: Limits = DEFAULT_LIMITS) -> None:
    """Refuse a picture whose header claims more pixels than ``limits`` allow.

    Args:
        data: content of the file; begins as :func:`is_raster_head` wants it.
        name: what errors call it.
        limits: largest picture.

    Raises:
        LimitError: it claims more.
        UnreadableFileError: its header can't be read.
    """
    if data[:3] == b"\xff\xd8\xff":
        height, width, _ = check_jpeg(data, name)
        check_pixels((width, height), name, limits)
    elif data[:8] == PNG_MAGIC:
        check_pixels(struct.unpack(">II", data[16:24]) if len(data) >= 24 else (0, 0), name, limits)
        check_png(data, name)
    else:
        size = _SIZES.get(data[:2], _unknown)(data)
        if size is None:
            list_pages(data, name, limits)
        else:
            check_pixels(size, name, limits)


def _unknown(data: bytes) -> tuple[int, int] | None:
    del data
    return None


def _pam(data: bytes) -> tuple[int, int]:
    found = {key: int(value) for key, value in _PAM_SIZE.findall(data[:1024])}
    return _both(found.get(b"WIDTH"), found.get(b"HEIGHT"))


def _pfm(data: bytes) -> tuple[int, int]:
    match = _PFM_SIZE.match(data)
    return _both(*map(int, match.groups())) if match else _both(None, None)


def _hdr(data: bytes) -> tuple[int, int]:
    match = _HDR_SIZE.search(data[:4096])
    return _both(int(match[2]), int(match[1])) if match else _both(None, None)


def _sun(data: bytes) -> tuple[int, int]:
    return struct.unpack(">II", data[4:12]) if len(data) >= 12 else _both(None, None)  # type: ignore[return-value]


def _both(width: int | None, height: int | None) -> tuple[int, int]:
    if width is None or height is None:
        raise UnreadableFileError("the header does not say how large the picture is", hint="copy the file again")
    return width, height


_SIZES: dict[bytes, Callable[[bytes], tuple[int, int] | None]] = {
    b"P7": _pam,
    b"Pf": _pfm,
    b"PF": _pfm,
    b"#?": _hdr,
    b"\x59\xa6": _sun,
}
