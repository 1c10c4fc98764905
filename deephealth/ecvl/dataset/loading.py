"""From the path of a sample's file to an image of the colour asked for, by the shortest way."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

import cv2
import numpy as np

from deephealth.ecvl.enums import ColorType
from deephealth.ecvl.errors import EcvlDataError
from deephealth.ecvl.image import Image
from deephealth.ecvl.strictness import is_strict

__all__ = ["is_address", "read_as", "read_stack"]

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
# Pictures whose decoder hands out the colour order asked for at no cost; the pixels are those of the general way.
_DIRECT = {ColorType.RGB: cv2.IMREAD_COLOR_RGB, ColorType.BGR: cv2.IMREAD_COLOR}
_DIRECT_SUFFIXES = (".jpg", ".jpeg", ".png")


def is_address(location: str) -> bool:
    """Return whether a location is a web address and no path.

    Example:
        >>> is_address("https://host/a.png"), is_address("a.png")
        (True, False)
    """
    return bool(_ADDRESS.match(location))


def read_as(location: str, ctype: ColorType) -> Image:
    """Return the image in a file, in the colour space asked for.

    Args:
        location: path of a picture, DICOM or NIfTI file.
        ctype: colour space; ``none``, and images without colours, are left as they are (strict mode raises).

    Raises:
        EcvlDataError: no such file, one that can't be read or converted, or an address.
    """
    try:
        direct = _DIRECT.get(ctype) if location.lower().endswith(_DIRECT_SUFFIXES) else None
        image = None if direct is None else _read_direct(location, ctype, direct)
        if image is None:
            _check(location)
            image = _read(location)
        return _in_colour(image, ctype)
    except EcvlDataError:
        raise
    except Exception as error:
        raise EcvlDataError(f"the image '{location}' can't be read: {error}") from error


def read_stack(locations: Sequence[str], ctype: ColorType) -> Image:
    """Return the images of several files as one with a third axis ``o``.

    Raises:
        EcvlDataError: no locations, or as :func:`read_as`; images of different sizes.
    """
    from deephealth.ecvl.imgproc.joining import Stack

    if not locations:
        raise EcvlDataError("a sample has no location", hint="set its location_ to a list of paths")
    found = Image.empty()
    images = [read_as(location, ColorType.none) for location in locations]
    try:
        Stack(images, found)
        return _in_colour(found, ctype)
    except Exception as error:
        listed = ", ".join(f"'{location}'" for location in locations)
        raise EcvlDataError(f"the images {listed} can't be stacked: {error}") from error


def _check(location: str) -> None:
    if is_address(location):
        raise EcvlDataError(
            f"the location '{location}' is an address",
            allowed="paths of files: nothing is downloaded while a data set is loaded",
            hint="read the data set with Dataset(..., download=FOLDER), which fetches such files into FOLDER first",
        )
    if not os.path.exists(location):
        raise EcvlDataError(f"the image '{location}' does not exist", hint="correct location_, or mount the data")


def _read(location: str) -> Image:
    from deephealth.ecvl.codecs.imread import ImRead

    image: Image = ImRead(location)
    return image


def _read_direct(location: str, ctype: ColorType, flags: int) -> Image | None:
    """Decode a photograph straight into RGB or BGR; ``None`` where OpenCV can't, and the general way says why."""
    if is_address(location):  # OpenCV would open a connection where it is built with that
        return None
    pixels = cv2.imread(location, flags)
    if pixels is None or pixels.dtype != np.uint8:
        return None
    image = Image()
    image.rebind(pixels.transpose(1, 0, 2), channels="xyc", colortype=ctype)
    return image


def _in_colour(image: Image, ctype: ColorType) -> Image:
    from deephealth.ecvl.imgproc.colour import ChangeColorSpace

    if image.colortype_ is ctype:
        return image
    if not is_strict() and ColorType.none in (ctype, image.colortype_):
        return image
    ChangeColorSpace(image, image, ctype)
    return image
