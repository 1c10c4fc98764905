"""Pillow, opened with care: few formats, bombs refused by their header, damage turned into typed errors, upright."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, cast

from PIL import Image, ImageChops, TiffImagePlugin, UnidentifiedImageError

from deephealth.core.errors import DataError, LimitError, UnreadableFileError
from deephealth.io.limits import Limits

__all__ = ["LAST_UPRIGHT", "check_pixels", "opened", "orientation", "upright"]

# Only these are tried: Pillow would otherwise start Ghostscript for an EPS that calls itself .jpg.
_FORMATS = ("JPEG", "PNG", "TIFF", "BMP", "WEBP", "GIF", "JPEG2000", "PPM")
_ORIENTATION, LAST_UPRIGHT = 0x0112, 4  # EXIF tag; its values above 4 swap height and width
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# pixels that a byte can stand for: a JPEG block takes a bit or two, DEFLATE and LZW repeat themselves
_MOST_PIXELS = {"JPEG": 1000, "PNG": 8 * 1032, "GIF": 3000, "PPM": 8}
_FREE_PIXELS = 1_000_000
_REPLACE = "copy the file again, or take it out of the data set"


class _Bounded:
    """A stream for readers that trust lengths: a read never takes more memory than the stream still holds."""

    def __init__(self, stream: IO[bytes], size: int) -> None:
        self._stream, self._size = stream, size

    def read(self, size: int = -1) -> bytes:
        left = max(0, self._size - self._stream.tell())
        return self._stream.read(left if size < 0 else min(size, left))

    def seek(self, at: int, whence: int = io.SEEK_SET) -> int:
        return self._stream.seek(at, whence)

    def tell(self) -> int:
        return self._stream.tell()


@contextmanager
def opened(stream: IO[bytes], name: str, limits: Limits) -> Iterator[Image.Image]:
    """Open a picture, refuse bombs by its header, and turn whatever Pillow raises meanwhile into typed errors."""
    try:
        size = stream.seek(0, io.SEEK_END)
        if not size:
            raise UnreadableFileError(f"{name} is empty (0 bytes)", hint=_REPLACE)
        bounded = stream if isinstance(stream, io.BytesIO) else cast("IO[bytes]", _Bounded(stream, size))
        bounded.seek(0)
        with Image.open(bounded, formats=_FORMATS) as image:
            check_pixels(image.size, name, limits)
            _check_held(image, size, name)
            yield image
    except DataError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise LimitError(f"{name}: {error}", allowed=f"at most {limits.max_pixels:,} pixels") from error
    except UnidentifiedImageError as error:
        raise UnreadableFileError(
            f"{name} is not a picture that can be read", allowed=", ".join(_FORMATS), hint=_REPLACE
        ) from error
    except Exception as error:  # Pillow's readers raise nearly anything on damaged files
        raise UnreadableFileError(f"{name} is damaged: {error}", hint=_REPLACE) from error


def _check_held(image: Image.Image, size: int, name: str) -> None:
    """Refuse a picture of more pixels than its file can hold; Pillow takes memory first, and leaves gaps black."""
    pixels = image.width * image.height
    wanted, held = pixels, size * _MOST_PIXELS.get(str(image.format), pixels) + _FREE_PIXELS
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        from deephealth.io.tiff_chunks import most_unpacked  # loads OpenCV

        tags = image.tag_v2
        bits = tags.get(258, (1,))
        wanted = pixels * len(bits) * bits[0] // 8
        held = most_unpacked(int(tags.get(259, 1)), size)
        strips = sum((part[1][2] - part[1][0]) * (part[1][3] - part[1][1]) for part in image.tile if part[1])
        wanted = wanted if strips >= pixels else held + 1
    if wanted > held:
        raise LimitError(
            f"{name} says it is {image.width:,} x {image.height:,} pixels, and its {size:,} bytes can't hold them",
            allowed="a complete file",
            hint=_REPLACE,
        )


def check_pixels(size: tuple[int, int], name: str, limits: Limits) -> None:
    """Refuse a picture, size (width, height), of more than ``limits.max_pixels``."""
    width, height = size
    if width * height > limits.max_pixels:
        raise LimitError(
            f"{name} says it is {width:,} x {height:,} pixels",
            allowed=f"at most {limits.max_pixels:,} pixels",
            hint="if the picture is genuine, make it smaller before using it",
        )


def orientation(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 (upright) where there is none."""
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # a camera's broken EXIF block does not make its pixels unreadable
        return 1


def upright(image: Image.Image) -> Image.Image:
    """Decode and turn a picture as its EXIF block says; inks of CMYK come out the right way round."""
    image.load()
    turn = _TURNS.get(orientation(image))
    # Pillow takes every CMYK JPEG for Adobe's inverted one, and only Adobe's marker makes it one.
    if image.mode == "CMYK" and image.format in ("JPEG", "MPO") and image.info.get("adobe") is None:
        image = ImageChops.invert(image)
    return image if turn is None else image.transpose(turn)
