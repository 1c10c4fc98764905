"""Pillow, opened with care: few formats, bombs refused by their header, damage turned into typed errors, upright."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from PIL import Image, ImageChops, UnidentifiedImageError

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
_REPLACE = "copy the file again, or take it out of the data set"


@contextmanager
def opened(stream: IO[bytes], name: str, limits: Limits) -> Iterator[Image.Image]:
    """Open a picture, refuse bombs by its header, and turn whatever Pillow raises meanwhile into typed errors."""
    try:
        if not stream.seek(0, io.SEEK_END):
            raise UnreadableFileError(f"{name} is empty (0 bytes)", hint=_REPLACE)
        stream.seek(0)
        with Image.open(stream, formats=_FORMATS) as image:
            check_pixels(image.size, name, limits)
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
