"""NIfTI files into ECVL images and back: voxels in the order of the file, axes x, y, z, t, o, and c for colours."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from deephealth.core.errors import DataError, DeepHealthError
from deephealth.ecvl.casting import cast
from deephealth.ecvl.codecs.nifti_header import META_KEYS, header_of
from deephealth.ecvl.enums import ColorType, DataType
from deephealth.ecvl.errors import EcvlDataError, EcvlError
from deephealth.ecvl.image import Image
from deephealth.ecvl.strictness import is_strict
from deephealth.io.geometry import check_affine
from deephealth.io.limits import DEFAULT_LIMITS
from deephealth.io.nifti.files import NiftiFiles, open_nifti
from deephealth.io.nifti.output import FileKind, file_kind, write_record
from deephealth.io.nifti.scale import apply_scaling

__all__ = ["NiftiRead", "NiftiWrite"]

FileName = str | os.PathLike[str]
_NAMED = "xyzt"
_COLOURS = {"RGB": ColorType.RGB, "RGBA": ColorType.RGBA}
_ORIGINAL_TYPES = frozenset({2, 4, 8, 16, 64, 128, 256, 512, 1024, 2304})


def NiftiRead(filename: FileName, *, scaled: bool = True) -> Image:
    """Read a NIfTI-1 or NIfTI-2 file, compressed or not, or a pair of files.

    The voxels stay in the order of the file, x fastest; one last axis of size 1 is dropped, as in the original.

    Args:
        filename: the file, or either file of a pair.
        scaled: apply slope and intercept where they change a value; the result is then float. Integers whose slope
            changes nothing keep their type.

    Returns:
        An image ``"xy"``, ``"xyz"``, ``"xyzt"``, ``"xyzto"`` ... without colour type, or with a last axis c and RGB or
        RGBA. Spacings are the header's; the metadata are its fields, with ``srow_x``, ``srow_y`` and ``srow_z`` as four
        numbers each, and ``affine``: four rows, from (i, j, k) to RAS+ millimetres.

    Raises:
        EcvlDataError: no such file, damaged, too large, or complex numbers; a ``RuntimeError``. Strict mode refuses
            what the original can't read, and ignores slopes and byte order as it does.
    """
    path = Path(filename)
    try:
        files = open_nifti(path, DEFAULT_LIMITS)
        values = files.voxels(DEFAULT_LIMITS)
        if is_strict():
            values = _as_original(files, values)
        elif scaled and files.header.scaling:
            values = apply_scaling(values, *files.header.scaling)
        return _image(files, _held(values), keep_affine=not is_strict())
    except EcvlError as error:
        raise EcvlDataError(f"Can't read {path}: {error.what}", allowed=error.allowed, hint=error.hint) from error
    except DeepHealthError as error:
        raise EcvlDataError(f"Can't read {path}: {error.what}", allowed=error.allowed, hint=error.hint) from error
    except (OSError, ValueError) as error:  # a null character in the name, no permission
        raise EcvlDataError(f"Can't read {path}: {error}", hint="check the path and its permissions") from error


def NiftiWrite(filename: FileName, src: Image, *, level: int = 2) -> None:
    """Write an image as NIfTI: compressed if the name ends in ``.gz``, two files if it is ``.hdr`` or ``.img``.

    Where the image is: from its metadata, if it has the fields that :func:`NiftiRead` gives or an ``affine``; scaled
    with the spacings, where these have changed since. Otherwise from the spacings.

    Args:
        filename: the file.
        src: axes x, y, z, t, o in any order, and c; BGR is written as RGB, colours of other types than uint8 are
            clamped and cut (strict mode: wrapped).
        level: of compression: 1 to 3 are fast, 4 to 9 smaller and far slower.

    Raises:
        EcvlError: HSV or YCbCr, axes that NIfTI can't hold, an empty image, or the file can't be written; a
            ``RuntimeError``. Strict mode refuses BGR and axes without x, y, z in front, and never compresses.
    """
    path = Path(filename)
    try:
        values, channels, colour = _stored(src)
        axes = _axes(channels, colour)
        ordered, sizes = _ordered(values, channels, axes)
        fields = header_of(src, sizes, axes, ordered.dtype, colour)
        kind = FileKind() if is_strict() else file_kind(path) or FileKind(packed=path.name.lower().endswith(".gz"))
        if not path.parent.is_dir():
            raise EcvlError(f"there is no folder {path.parent}", hint="make the folder first")
        write_record(path, fields, ordered, kind=kind, level=level)
    except DeepHealthError as error:
        raise EcvlError(f"Can't write {path}: {error.what}", allowed=error.allowed, hint=error.hint) from error


def _as_original(files: NiftiFiles, values: np.ndarray) -> np.ndarray:
    """Return what the original makes of the file: bytes of a big-endian file are not swapped."""
    header = files.header
    if header.version != 1 or int(header.fields["datatype"]) not in _ORIGINAL_TYPES:
        raise EcvlError("strict mode reads what the original reads", allowed="NIfTI-1 of its ten element types")
    if not header.single and files.packed is not None:
        raise EcvlError("strict mode reads what the original reads", allowed="pairs that are not compressed")
    return values.byteswap() if header.swapped else values


def _held(values: np.ndarray) -> np.ndarray:
    """Return values in a type that images have; unsigned 64-bit numbers as signed ones, if they all fit."""
    if values.dtype == np.uint64:
        if values.size and int(values.max()) > np.iinfo(np.int64).max:
            raise EcvlError("it holds numbers above 2**63 - 1", allowed="numbers that int64 holds")
        return values.astype(np.int64)
    if values.dtype.kind == "c":
        raise EcvlError("it holds complex numbers", allowed="real ones", hint="read it with deephealth.io.nifti")
    return values.astype(np.float64) if values.dtype == np.longdouble and values.dtype.itemsize > 8 else values


def _image(files: NiftiFiles, values: np.ndarray, *, keep_affine: bool) -> Image:
    header = files.header
    rank = len(header.shape)
    channels = (_NAMED + "ooo")[:rank]
    spacings = [float(step) for step in header.fields["pixdim"][1 : rank + 1]]
    array = values.transpose(*reversed(range(rank)), *range(rank, values.ndim))  # x, y, z, ..., colour
    if rank > 1 and header.shape[-1] == 1:
        array = array.squeeze(rank - 1)
        channels, spacings = channels[:-1], spacings[:-1]
    colour = ColorType.none
    if header.colours:
        colour = _COLOURS[header.colours[1]]
        channels, spacings = f"{channels}c", [*spacings, 1.0]
    known = header.meta()
    meta: dict[str, Any] = {key: known[key] for key in META_KEYS}
    if keep_affine and (affine := _affine_of(files)) is not None:
        meta["affine"] = affine
    image = Image()
    image.rebind(array, channels=channels, colortype=colour, spacings=spacings, meta=meta)
    return image


def _affine_of(files: NiftiFiles) -> tuple[tuple[float, ...], ...] | None:
    try:
        return tuple(map(tuple, check_affine(files.header.affine).tolist()))
    except DataError:  # as an image without a place it is still of use
        return None


def _stored(src: Image) -> tuple[np.ndarray, str, str | None]:
    """Return the pixels as NIfTI holds them, their axes, and the colours' name; a c axis of size 1 is dropped."""
    pixels, channels, kind = src.pixels, src.channels_, src.colortype_
    at = channels.find("c")
    if kind in (ColorType.GRAY, ColorType.none):
        if at >= 0 and pixels.shape[at] == 1:
            pixels, channels = pixels.squeeze(at), channels.replace("c", "")
        return pixels, channels, None
    allowed = (ColorType.RGB, ColorType.RGBA) if is_strict() else (ColorType.RGB, ColorType.RGBA, ColorType.BGR)
    count = 4 if kind is ColorType.RGBA else 3
    if kind not in allowed or at < 0 or pixels.shape[at] != count:
        raise EcvlError(
            f"the image is {kind} with the axes '{src.channels_}' of sizes {src.dims_}",
            allowed="RGB, BGR or RGBA with that many colours, GRAY, none",
            hint="use ChangeColorSpace first",
        )
    if src.elemtype_ is not DataType.uint8:
        pixels = cast(pixels, np.dtype(np.uint8), saturate=not is_strict())
    if kind is ColorType.BGR:
        pixels = np.flip(pixels, at)
    return pixels, channels, "RGBA" if count == 4 else "RGB"


def _axes(channels: str, colour: str | None) -> str:
    """Return the axes as the header counts them: x, y, z, t, then others; ``-`` for one that the image has not."""
    spatial = channels.replace("c", "")
    if is_strict():
        wanted = (_NAMED + "ooo")[: len(spatial)]
        if sorted(spatial) != sorted(wanted):
            raise EcvlError(f"the image has the axes '{channels}'", allowed=f"'{wanted}' in any order, and c")
        return wanted
    others = "o" * spatial.count("o") + ("c" if "c" in channels and colour is None else "")
    named = [letter if letter in spatial else "-" for letter in _NAMED]
    for letter in others:
        free = [at for at in (2, 3) if named[at] == "-" and set(named[at:]) == {"-"}]
        if letter == "o" and free:  # the slices of a stack
            named[free[0]] = letter
        else:
            named.append(letter)
    axes = "".join(named).rstrip("-")
    if not axes or len(axes) > 7:
        raise EcvlError(f"the image has the axes '{channels}'", allowed="1 to 7 axes")
    return axes


def _ordered(values: np.ndarray, channels: str, axes: str) -> tuple[np.ndarray, tuple[int, ...]]:
    """Return the values slowest axis first, colours last, and the sizes of ``axes``."""
    found = list(channels)
    order = []
    for letter in axes.replace("-", ""):
        order.append(found.index(letter))
        found[order[-1]] = "*"
    colours = [at for at, letter in enumerate(found) if letter != "*"]
    turned = values.transpose(*reversed(order), *colours)
    sizes = iter([values.shape[at] for at in order])
    shape = tuple(1 if letter == "-" else next(sizes) for letter in axes)
    return np.ascontiguousarray(turned, dtype=turned.dtype.newbyteorder("<")), shape
