"""Pictures as arrays of channels x height x width with the values 0 to 255 and the file's own number of channels."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from deephealth.core.errors import LimitError, UnreadableFileError
from deephealth.core.files import atomic_write
from deephealth.eddl.strictness import is_strict
from deephealth.io.limits import DEFAULT_LIMITS, Limits

__all__ = ["READABLE", "WRITABLE", "read_picture", "write_picture", "writer"]

READABLE = ("png", "jpg", "jpeg", "bmp", "tga", "gif", "pgm", "ppm")
WRITABLE = {"png": "PNG", "jpg": "JPEG", "jpeg": "JPEG", "bmp": "BMP", "tga": "TGA"}
_FORMATS = ("PNG", "JPEG", "BMP", "TGA", "GIF", "PPM")
_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
_NO_ALPHA = {"LA": "L", "RGBA": "RGB"}  # JPEG and BMP have no transparency


def _channels(image: Image.Image) -> Image.Image:
    """Return 8-bit grey or RGB, with transparency where the file has it."""
    if image.mode in _MODES.values():
        return image
    if image.mode == "1":
        return image.convert("L")
    if image.mode.startswith("I"):
        values = np.asarray(image).astype(np.int64)
        return Image.fromarray((values.clip(0, 65535) >> 8).astype(np.uint8))
    return image.convert("RGBA" if "transparency" in image.info or image.mode in ("PA", "RGBa") else "RGB")


def read_picture(path: Path, limits: Limits = DEFAULT_LIMITS) -> np.ndarray:
    """Read a picture as it lies in the file (a camera's turn is not applied).

    Args:
        path: the file.
        limits: largest picture.

    Returns:
        channels x height x width, float32, 0 to 255; 1 channel for grey, 3 for colour, one more with transparency.

    Raises:
        UnreadableFileError: damaged, or no picture.
        LimitError: more pixels than allowed; refused before the pixels are allocated.
    """
    try:
        with Image.open(path, formats=_FORMATS) as image:
            if image.width * image.height > limits.max_pixels:
                what = f"{path} says it is {image.width:,} x {image.height:,} pixels"
                raise LimitError(what, allowed=f"at most {limits.max_pixels:,} pixels")
            pixels = np.asarray(_channels(image), dtype=np.float32)
    except LimitError:
        raise
    except Image.DecompressionBombError as error:
        raise LimitError(f"{path}: {error}", allowed=f"at most {limits.max_pixels:,} pixels") from error
    except UnidentifiedImageError as error:
        raise UnreadableFileError(f"{path} is not a picture that can be read", allowed=", ".join(_FORMATS)) from error
    except Exception as error:  # Pillow's readers raise nearly anything on damaged files
        raise UnreadableFileError(f"{path} is damaged: {error}") from error
    if pixels.ndim == 2:
        return pixels[None].copy()
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def _pixels(array: np.ndarray) -> np.ndarray:
    """Return height x width x channels as bytes, fractions cut off."""
    if array.ndim == 4 and array.shape[0] == 1:
        array = array[0]
    if array.ndim == 2:
        array = array[None]
    if array.ndim != 3 or not 1 <= array.shape[0] <= 4 or 0 in array.shape:
        msg = f"a picture is height x width, or 1 to 4 channels x height x width, not {list(array.shape)}"
        raise ValueError(msg)
    if not np.isfinite(array).all():
        msg = "a picture can't hold NaN or infinity"
        raise ValueError(msg)
    if is_strict():  # what is outside of 0 to 255 wraps around
        return (np.trunc(array).astype(np.int64) & 255).astype(np.uint8).transpose(1, 2, 0)
    return array.clip(0, 255).astype(np.uint8).transpose(1, 2, 0)


def write_picture(path: Path, array: np.ndarray, kind: str) -> None:
    """Write a picture, atomically; JPEG with quality 100.

    Args:
        path: the file.
        array: height x width, or 1 to 4 channels x height x width (or one such picture in a batch), 0 to 255. What lies
            outside is limited to that.
        kind: Pillow's name of the format.

    Raises:
        ValueError: another shape, or NaN.
        StorageError: it can't be written.
    """
    pixels = _pixels(array)
    mode = _MODES[pixels.shape[2]]
    image = Image.fromarray(np.ascontiguousarray(pixels[:, :, 0] if mode == "L" else pixels))
    if kind in ("JPEG", "BMP") and mode in _NO_ALPHA:
        image = image.convert(_NO_ALPHA[mode])
    stream = io.BytesIO()
    image.save(stream, kind, **({"quality": 100, "subsampling": 0} if kind == "JPEG" else {}))
    atomic_write(path, stream.getvalue())


def writer(name: str) -> Callable[[Path, np.ndarray], None]:
    """Return the function that writes files with the suffix ``name``."""
    return lambda path, array: write_picture(path, array, WRITABLE[name])
