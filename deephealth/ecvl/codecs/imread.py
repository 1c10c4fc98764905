"""Pictures into ECVL images and back, through OpenCV; NIfTI and DICOM files are known by their content."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np

from deephealth.core.errors import DeepHealthError, LimitError, OptionalDependencyError, UnreadableFileError
from deephealth.core.files import atomic_write
from deephealth.ecvl.codecs.sniffing import HEAD_BYTES, check_claim, is_dicom_head, is_nifti_head, is_raster_head
from deephealth.ecvl.enums import ColorType, DataType, ImReadMode
from deephealth.ecvl.errors import EcvlDataError, EcvlError
from deephealth.ecvl.image import Image
from deephealth.ecvl.planes import to_hwc
from deephealth.ecvl.strictness import is_strict
from deephealth.io.limits import DEFAULT_LIMITS
from deephealth.io.raster_decoders import list_pages
from deephealth.io.source import Source

__all__ = ["ImRead", "ImReadMulti", "ImWrite"]

FileName = str | os.PathLike[str]
_WITH_ALPHA = frozenset({".png", ".tif", ".tiff", ".webp", ".bmp"})
_TIFF = (b"II*\0", b"MM\0*")
_TIFF_NAMES = frozenset({".tif", ".tiff"})
_MOST_CHANNELS = 4
_FIRST_READ = 2**20  # most pictures whole; of a volume not too much
Result = TypeVar("Result")


def ImRead(
    filename: FileName | bytes | bytearray | memoryview | np.ndarray,
    flags: ImReadMode | int | None = None,
    *,
    rgba: bool = False,
) -> Image:
    """Read a picture, or a NIfTI or DICOM file.

    OpenCV decodes what it knows; then NIfTI is tried, then DICOM, by content, so the file's name doesn't matter.

    Args:
        filename: the file, or its content: bytes, or a row of uint8.
        flags: ``ANYCOLOR`` if not given: 8 bits, grey or BGR, alpha dropped, EXIF orientation applied. ``COLOR`` is
            always BGR, ``GRAYSCALE`` always grey; ``UNCHANGED`` keeps bits and alpha, and applies no orientation.
        rgba: make four channels (``UNCHANGED`` only) an ``"xyc"`` image of colour type RGBA. Otherwise they are, as in
            the original, an ``"xyo"`` image without colour type in the order B, G, R, A.

    Returns:
        An ``"xyc"`` image, W x H x 3 BGR or W x H x 1 GRAY; interleaved in memory until its buffer is asked for. NIfTI
        and DICOM: see :func:`~deephealth.ecvl.codecs.nifti.NiftiRead`, :func:`~deephealth.ecvl.codecs.dicom.DicomRead`.

    Raises:
        EcvlDataError: no such file, damaged, too large, or none of these formats; a ``RuntimeError``.

    Example:
        >>> data = cv2.imencode(".png", np.zeros((3, 5, 3), np.uint8))[1]
        >>> ImRead(data)
        <Image xyc 5 x 3 x 3 uint8 BGR>
    """
    mode = int(ImReadMode.ANYCOLOR if flags is None else flags)
    if not isinstance(filename, (str, os.PathLike)):
        data = bytes(filename) if not isinstance(filename, np.ndarray) else filename.tobytes()
        if not is_raster_head(data):
            raise EcvlDataError("Can't read the buffer: it is not a picture that OpenCV knows")
        return _from_matrix(_decode(data, "the buffer", mode), rgba)
    name = os.fspath(filename)
    data = _attempt(name, lambda: _content(name))
    if is_raster_head(data):
        try:
            return _from_matrix(_decode(data, name, mode), rgba)
        except EcvlDataError:
            if not is_dicom_head(data):
                raise
    return _medical(Path(name), data[:HEAD_BYTES])


def ImReadMulti(filename: FileName, flags: ImReadMode | int | None = None) -> Image:
    """Read all pages of a TIFF, or all frames of an animation, as one image.

    Args:
        filename: the file.
        flags: as for :func:`ImRead`.

    Returns:
        An ``"xyzc"`` image: W x H x pages x 3 BGR, or x 1 GRAY (without the c axis where it is deeper than 8 bits, as
        the original has it).

    Raises:
        EcvlDataError: no such file, damaged, too large, or pages of different sizes.
    """
    path = Path(filename)
    mode = int(ImReadMode.ANYCOLOR if flags is None else flags)
    pages = _attempt(str(path), lambda: _all_pages(path, mode))
    if not pages or any(page.shape != pages[0].shape or page.dtype != pages[0].dtype for page in pages):
        raise EcvlDataError(
            f"Can't read {path}: {len(pages)} pages of different sizes or types", hint="read them with ImRead"
        )
    volume = np.stack(pages)  # page, y, x(, c)
    image = Image()
    if volume.ndim == 4:
        channels, colour = ("xyzc", ColorType.BGR) if volume.shape[3] == 3 else ("xyzo", ColorType.none)
        if volume.dtype != np.uint8:
            channels, colour = "xyzo", ColorType.none
        image.rebind(volume.transpose(2, 1, 0, 3), channels=channels, colortype=colour)
    elif volume.dtype == np.uint8:
        image.rebind(volume.transpose(2, 1, 0)[..., None], channels="xyzc", colortype=ColorType.GRAY)
    else:
        image.rebind(volume.transpose(2, 1, 0), channels="xyz", colortype=ColorType.none)
    return image


def ImWrite(filename: FileName, src: Image) -> None:
    """Write a picture; the file name's suffix chooses the format.

    What the format can't hold is converted by OpenCV: numbers are rounded and cut to 0 to 255. TIFF holds float32
    colours, which strict mode stores coarsely, as the original does (LogLuv). A reader sees the old
    file or the new one, never a part.

    Args:
        filename: the file; its folder must exist.
        src: an image of three axes (x, y and one of c, z, o): BGR, RGB, GRAY or without colour type; RGBA where the
            format has alpha.

    Raises:
        EcvlError: it can't be written: an axis too many, int64, HSV or YCbCr, RGBA in strict mode, a suffix that OpenCV
            doesn't know, or no such folder; a ``RuntimeError``.

    Example:
        >>> ImWrite("picture.txt", Image([4, 3, 3], DataType.uint8, "xyc", ColorType.BGR))
        Traceback (most recent call last):
        ...
        deephealth.ecvl.errors.EcvlError: Can't write picture.txt: OpenCV writes no '.txt'
          allowed: .png, .jpg, .tif, .bmp, .webp, .jp2, .ppm, .pgm ...
    """
    path = Path(filename)
    matrix = _to_matrix(src, path)
    if not path.parent.is_dir():
        raise EcvlError(f"Can't write {path}: there is no folder {path.parent}", hint="make the folder first")
    try:
        if not cv2.haveImageWriter(str(path)):
            raise EcvlError(
                f"Can't write {path}: OpenCV writes no '{path.suffix}'",
                allowed=".png, .jpg, .tif, .bmp, .webp, .jp2, .ppm, .pgm ...",
            )
        done, data = cv2.imencode(path.suffix, matrix)
    except cv2.error as error:
        raise EcvlError(f"Can't write {path}: {error}") from error
    if not done:
        raise EcvlError(f"Can't write {path}: {src} is not a picture that {path.suffix} holds")
    try:
        atomic_write(path, data.tobytes())
    except DeepHealthError as error:
        raise EcvlError(f"Can't write {path}: {error}") from error


def _attempt(name: str, call: Callable[[], Result]) -> Result:
    """Run a step of reading a file: whatever is wrong with it becomes a RuntimeError that names it."""
    try:
        return call()
    except (EcvlError, OptionalDependencyError):
        raise
    except DeepHealthError as error:
        raise EcvlDataError(f"Can't read {name}: {error.what}", allowed=error.allowed, hint=error.hint) from error
    except (OSError, ValueError) as error:  # no such file, no permission, a null character in the name
        reason = getattr(error, "strerror", None) or error
        raise EcvlDataError(f"Can't read {name}: {reason}", hint="check the path and its permissions") from error


def _content(name: str) -> bytes:
    """Return a picture's content, and only the first bytes of anything else: a volume is read by its own reader.

    Plain system calls: this is the overhead that a loader of small pictures pays a million times.
    """
    size = _size_of(name)
    descriptor = os.open(name, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        head = os.read(descriptor, min(size, _FIRST_READ))
        if len(head) >= size or not is_raster_head(head):
            return head
        if size > DEFAULT_LIMITS.max_bytes:
            raise LimitError(f"{size:,} bytes", allowed=f"at most {DEFAULT_LIMITS.max_bytes:,} bytes")
        parts = [head]
        left = size - len(head)
        while left > 0 and parts[-1]:
            parts.append(os.read(descriptor, left))
            left -= len(parts[-1])
        return b"".join(parts)
    finally:
        os.close(descriptor)


def _size_of(name: str) -> int:
    facts = os.stat(name)
    if not stat.S_ISREG(facts.st_mode):  # opening a pipe would wait for ever
        raise UnreadableFileError("it is not a file", allowed="a regular file")
    return facts.st_size


def _decode(data: bytes, name: str, mode: int) -> np.ndarray:
    stream = np.frombuffer(data, np.uint8)
    _attempt(name, lambda: check_claim(data, "it"))
    try:
        matrix = cv2.imdecode(stream, mode)
    except cv2.error as error:
        raise EcvlDataError(f"Can't read {name}: {error}", hint="copy the file again: it may be damaged") from error
    if matrix is None and data.startswith(_TIFF) and mode != ImReadMode.UNCHANGED:
        matrix = _shown(cv2.imdecode(stream, cv2.IMREAD_UNCHANGED), mode)
    if matrix is None:
        raise EcvlDataError(f"Can't read {name}: it is damaged", hint="copy the file again")
    return matrix


def _shown(matrix: np.ndarray | None, mode: int) -> np.ndarray | None:
    """Return floating-point colours as bytes; OpenCV 5 no longer does."""
    if matrix is None or matrix.dtype != np.float32 or matrix.ndim != 3 or matrix.shape[2] != 3:
        return None
    from deephealth.ecvl.codecs.float_tiff import as_bytes

    found = as_bytes(matrix)
    return cv2.cvtColor(found, cv2.COLOR_BGR2GRAY) if mode == ImReadMode.GRAYSCALE else found


def _from_matrix(matrix: np.ndarray, rgba: bool) -> Image:
    """Return the image of an OpenCV matrix: one channel is taken for grey, three for BGR, others for no colour."""
    hwc = matrix if matrix.ndim == 3 else matrix[:, :, None]
    count = hwc.shape[2]
    channels, colour = ("xyc", ColorType.GRAY) if count == 1 else ("xyc", ColorType.BGR)
    if count == _MOST_CHANNELS and rgba:
        hwc, colour = cv2.cvtColor(hwc, cv2.COLOR_BGRA2RGBA), ColorType.RGBA
    elif count not in (1, 3):
        channels, colour = "xyo", ColorType.none
    image = Image()
    image.rebind(hwc.transpose(1, 0, 2), channels=channels, colortype=colour)
    return image


def _to_matrix(src: Image, path: Path) -> np.ndarray:
    what = f"Can't write {path}"
    colour = src.colortype_
    if src.elemtype_ is DataType.int64:
        raise EcvlError(f"{what}: the image is {src.elemtype_}", allowed="all other types", hint="use ConvertTo first")
    allowed = {ColorType.BGR, ColorType.GRAY, ColorType.none, ColorType.RGB}
    suffix = path.suffix.lower()
    if suffix in _WITH_ALPHA and not is_strict():
        allowed.add(ColorType.RGBA)
    if colour not in allowed:
        names = ", ".join(str(item) for item in sorted(allowed))
        raise EcvlError(f"{what}: the image is {colour}", allowed=names, hint="use ChangeColorSpace first")
    hwc = to_hwc(src, what)
    coded = suffix in _TIFF_NAMES and hwc.dtype == np.float32 and hwc.shape[2] == 3
    swap = {(ColorType.RGB, 3): [2, 1, 0], (ColorType.RGBA, 4): [2, 1, 0, 3]}.get((colour, hwc.shape[2]))
    matrix = hwc if swap is None else np.ascontiguousarray(hwc[..., swap])
    if is_strict() and coded:
        from deephealth.ecvl.codecs.float_tiff import as_stored

        return as_stored(matrix)
    return matrix


def _all_pages(path: Path, mode: int) -> list[np.ndarray]:
    data, name = Source(path).read_bytes(), str(path)
    found = list_pages(data, name, DEFAULT_LIMITS)
    DEFAULT_LIMITS.check_array((sum(page.nbytes for page in found),), 1, name)
    try:
        done, pages = cv2.imdecodemulti(np.frombuffer(data, np.uint8), mode)
    except cv2.error as error:
        raise EcvlDataError(f"Can't read {name}: {error}", hint="copy the file again: it may be damaged") from error
    if not done:
        raise EcvlDataError(f"Can't read {name}: it is damaged", hint="copy the file again")
    return list(pages)


def _medical(path: Path, head: bytes) -> Image:
    """Read a file that OpenCV doesn't know; the readers are imported only when one is needed."""
    readers: list[Callable[[Any], Image]] = []
    if is_nifti_head(head):
        from deephealth.ecvl.codecs.nifti import NiftiRead

        readers.append(NiftiRead)
    if is_dicom_head(head):
        from deephealth.ecvl.codecs.dicom import DicomRead

        readers.append(DicomRead)
    failures: list[EcvlError] = []
    for reader in readers:
        try:
            return _attempt(str(path), lambda read=reader: read(path))  # type: ignore[misc]
        except EcvlError as error:
            failures.append(error)
    if failures:
        raise failures[0]
    raise EcvlDataError(
        f"Can't read {path}: neither a picture nor NIfTI nor DICOM",
        allowed="JPEG, PNG, TIFF, BMP, WebP, JPEG 2000, GIF, PNM, NIfTI, DICOM",
        hint="copy the file again if it is one of them",
    )
