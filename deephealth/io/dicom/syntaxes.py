"""Transfer syntaxes: what each means for the pixels, and which nobody can decode to frames here."""

from __future__ import annotations

from deephealth.core.errors import UnreadableFileError

__all__ = ["NATIVE", "SYNTAXES", "family_of", "is_big_endian", "is_native"]

NATIVE = "native"
_VIDEO = "video"

# UID -> (family of decoders, name as PS3.6 has it)
SYNTAXES: dict[str, tuple[str, str]] = {
    "1.2.840.10008.1.2": (NATIVE, "Implicit VR Little Endian"),
    "1.2.840.10008.1.2.1": (NATIVE, "Explicit VR Little Endian"),
    "1.2.840.10008.1.2.1.98": ("uncompressed", "Encapsulated Uncompressed Explicit VR Little Endian"),
    "1.2.840.10008.1.2.1.99": (NATIVE, "Deflated Explicit VR Little Endian"),
    "1.2.840.10008.1.2.2": (NATIVE, "Explicit VR Big Endian"),
    "1.2.840.10008.1.2.4.50": ("jpeg", "JPEG Baseline (Process 1)"),
    "1.2.840.10008.1.2.4.51": ("jpeg", "JPEG Extended (Process 2 and 4)"),
    "1.2.840.10008.1.2.4.57": ("jpeg-lossless", "JPEG Lossless (Process 14)"),
    "1.2.840.10008.1.2.4.70": ("jpeg-lossless", "JPEG Lossless (Process 14, Selection Value 1)"),
    "1.2.840.10008.1.2.4.80": ("jpeg-ls", "JPEG-LS Lossless"),
    "1.2.840.10008.1.2.4.81": ("jpeg-ls", "JPEG-LS Near-Lossless"),
    "1.2.840.10008.1.2.4.90": ("jpeg2000", "JPEG 2000 Lossless"),
    "1.2.840.10008.1.2.4.91": ("jpeg2000", "JPEG 2000"),
    "1.2.840.10008.1.2.4.92": ("jpeg2000", "JPEG 2000 Part 2 Multi-component Lossless"),
    "1.2.840.10008.1.2.4.93": ("jpeg2000", "JPEG 2000 Part 2 Multi-component"),
    "1.2.840.10008.1.2.4.201": ("htj2k-lossless", "High-Throughput JPEG 2000 Lossless"),
    "1.2.840.10008.1.2.4.202": ("htj2k-lossless", "High-Throughput JPEG 2000 RPCL Lossless"),
    "1.2.840.10008.1.2.4.203": ("htj2k", "High-Throughput JPEG 2000"),
    "1.2.840.10008.1.2.5": ("rle", "RLE Lossless"),
    "1.2.840.10008.1.2.8.1": ("deflated-frames", "Deflated Image Frame Compression"),
    "1.2.840.10008.1.2.4.100": (_VIDEO, "MPEG2 Main Profile / Main Level"),
    "1.2.840.10008.1.2.4.101": (_VIDEO, "MPEG2 Main Profile / High Level"),
    "1.2.840.10008.1.2.4.102": (_VIDEO, "MPEG-4 AVC/H.264 High Profile / Level 4.1"),
    "1.2.840.10008.1.2.4.103": (_VIDEO, "MPEG-4 AVC/H.264 BD-compatible High Profile / Level 4.1"),
    "1.2.840.10008.1.2.4.104": (_VIDEO, "MPEG-4 AVC/H.264 High Profile / Level 4.2 For 2D Video"),
    "1.2.840.10008.1.2.4.105": (_VIDEO, "MPEG-4 AVC/H.264 High Profile / Level 4.2 For 3D Video"),
    "1.2.840.10008.1.2.4.106": (_VIDEO, "MPEG-4 AVC/H.264 Stereo High Profile / Level 4.2"),
    "1.2.840.10008.1.2.4.107": (_VIDEO, "HEVC/H.265 Main Profile / Level 5.1"),
    "1.2.840.10008.1.2.4.108": (_VIDEO, "HEVC/H.265 Main 10 Profile / Level 5.1"),
    "1.2.840.10008.1.2.4.110": ("jpeg-xl", "JPEG XL Lossless"),
    "1.2.840.10008.1.2.4.111": ("jpeg-xl", "JPEG XL JPEG Recompression"),
    "1.2.840.10008.1.2.4.112": ("jpeg-xl", "JPEG XL"),
    "1.2.840.10008.1.2.4.94": ("jpip", "JPIP Referenced"),
    "1.2.840.10008.1.2.4.95": ("jpip", "JPIP Referenced Deflate"),
}


def family_of(syntax: str, name: str) -> str:
    """Return the family of decoders that a transfer syntax needs.

    Args:
        syntax: UID; empty means implicit little-endian, the default of the standard.
        name: what errors call the file.

    Raises:
        UnreadableFileError: video, pixels that are elsewhere (JPIP), or a UID that is not known.

    Example:
        >>> family_of("1.2.840.10008.1.2.4.80", "a.dcm")
        'jpeg-ls'
    """
    family, meaning = SYNTAXES.get(syntax or "1.2.840.10008.1.2", ("", ""))
    if family == _VIDEO:
        raise UnreadableFileError(
            f"the pixels of {name} are a video ({meaning}, {syntax})",
            allowed="images, or frames that are compressed one by one",
            hint="take the video out of PixelData and decode it with a video tool such as ffmpeg",
        )
    if family == "jpip":
        raise UnreadableFileError(
            f"the pixels of {name} are on a server ({meaning}, {syntax})", hint="fetch the image from the server"
        )
    if not family:
        raise UnreadableFileError(
            f"{name} has the transfer syntax '{syntax}', which no decoder here knows",
            allowed=", ".join(sorted({kind for kind, _ in SYNTAXES.values() if kind not in (_VIDEO, "jpip")})),
            hint="convert the file with a DICOM tool that knows the syntax",
        )
    return family


def is_native(syntax: str) -> bool:
    """Return whether the pixels are stored as they are, one frame after the other."""
    return SYNTAXES.get(syntax or "1.2.840.10008.1.2", ("", ""))[0] == NATIVE


def is_big_endian(syntax: str) -> bool:
    """Return whether numbers are stored most significant byte first."""
    return syntax == "1.2.840.10008.1.2.2"
