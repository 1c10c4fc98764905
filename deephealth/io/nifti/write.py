"""Volumes -> NIfTI files that overlay, in any viewer, the image that was read."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from deephealth.core.errors import DataError
from deephealth.io.nifti.fields import empty_fields, restore_fields
from deephealth.io.nifti.layout import COLOURS, datatype_code
from deephealth.io.nifti.output import file_kind, write_record
from deephealth.io.nifti.placing import place
from deephealth.io.volume import Volume

__all__ = ["write_nifti"]

_NIFTI1_MAX = 32767
_MILLIMETRES = 2
_OF_THE_FILE = ("dim", "datatype", "bitpix", "vox_offset", "scl_slope", "scl_inter")
_OF_THE_VALUES = ("cal_max", "cal_min", "intent_p1", "intent_p2", "intent_p3", "intent_code", "intent_name")


def write_nifti(
    path: Path | str,
    volume: Volume,
    *,
    version: int | None = None,
    level: int = 2,
    threads: int | None = None,
    meta: bool = True,
) -> None:
    """Write a volume as ``.nii``, ``.nii.gz``, or a pair ``.hdr`` + ``.img`` (``.hdr.gz``, ``.img.gz``), atomically.

    The element type is kept, with booleans as ``uint8`` and half floats as ``float32``. A volume that was read from
    NIfTI keeps its sform, qform and their codes, also after it was turned or cut; any other gets both, with code 1.

    Args:
        path: the file; its suffix decides.
        volume: (D, H, W), or (C, D, H, W): channels become the fourth axis (time), except where ``meta["colour"]`` is
            ``"RGB"`` or ``"RGBA"`` and there are that many channels of ``uint8``.
        version: NIfTI version; that of the file that was read, otherwise 1, and 2 for an axis longer than 32,767.
        level: of compression: 1 to 3 are fast, 4 to 9 smaller and far slower.
        threads: cores to compress on; all by default. The bytes don't depend on it.
        meta: whether to write back the header fields and extensions that ``volume.meta`` has from a NIfTI file.

    Raises:
        DataError: an element type or a size that NIfTI can't hold, or another suffix.
        StorageError: it can't be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "mask.nii.gz"
        ...     write_nifti(path, Volume(np.ones((2, 3, 4), bool), np.eye(4)))
        ...     path.read_bytes()[:2].hex()
        '1f8b'
    """
    path = Path(path)
    kind = file_kind(path)
    if kind is None:
        raise DataError(f"'{path.name}' is not the name of a NIfTI file", allowed=".nii, .nii.gz, .hdr, .img")
    values, colour = _stored(volume)
    told = meta and "nifti_version" in volume.meta  # another format's keys may have other meanings
    fields = _fields(volume if told else Volume(volume.data, volume.affine), values, colour, version)
    extensions = volume.meta.get("extensions", ()) if told else ()
    write_record(path, fields, values, kind=kind, extensions=extensions, level=level, threads=threads)


def _stored(volume: Volume) -> tuple[np.ndarray, str | None]:
    """Return the values as they go to disk, contiguous, little endian: ([t,] z, y, x[, colour])."""
    data = volume.data
    colour = volume.meta.get("colour")
    channels = {name: count for count, name in COLOURS.values()}
    if colour not in channels or data.ndim != 4 or data.dtype != np.uint8 or len(data) != channels[colour]:
        colour = None
    else:
        data = np.moveaxis(data, 0, -1)
    if data.dtype == np.bool_:
        data = np.ascontiguousarray(data).view(np.uint8)
    elif data.dtype == np.float16:
        data = data.astype(np.float32)
    if datatype_code(data.dtype, colour) is None:
        raise DataError(
            f"NIfTI has no type for {data.dtype}", allowed="integers and floats of 8 to 64 bits, complex numbers"
        )
    return np.ascontiguousarray(data, dtype=data.dtype.newbyteorder("<")), colour


def _fields(volume: Volume, values: np.ndarray, colour: str | None, version: int | None) -> np.void:
    shape = values.shape[:-1] if colour else values.shape
    shape = _axes(volume, shape[::-1])
    if version not in (None, 1, 2):
        raise DataError(f"NIfTI version {version}", allowed="1 or 2")
    if version is None:
        version = 2 if max(shape) > _NIFTI1_MAX or volume.meta.get("nifti_version") == 2 else 1
    if version == 1 and max(shape) > _NIFTI1_MAX:
        raise DataError(f"sizes of {shape} in NIfTI-1", allowed=f"up to {_NIFTI1_MAX}", hint="write version 2")
    if min(shape) < 1:
        raise DataError(f"a volume of shape {volume.shape}", allowed="at least one voxel along each axis")
    code = datatype_code(values.dtype, colour)
    fresh = empty_fields(shape, values.dtype, version=version, code=code)
    fields = restore_fields({key: value for key, value in volume.meta.items() if key not in _OF_THE_FILE}, version)
    for name in _OF_THE_FILE:
        fields[name] = fresh[name]
    if volume.meta.get("datatype") != code and not volume.meta.get("scaled"):  # other values, such as a mask
        for name in _OF_THE_VALUES:
            fields[name] = fresh[name]
    fields["xyzt_units"] = (int(fields["xyzt_units"]) & ~7) | _MILLIMETRES
    place(fields, volume)
    return fields


def _axes(volume: Volume, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return x, y, z, t, ...: channels split again as the file that was read had them."""
    told = tuple(volume.meta.get("dim", ()))
    if len(told) != 8 or not 1 <= told[0] <= 7:
        return shape
    read = tuple(told[1 : told[0] + 1])
    if shape[2:] == (1,) and len(read) == 2:
        return shape[:2]
    further = read[3:]
    if len(shape) > 3 and int(np.prod(further)) == shape[3]:
        return shape[:3] + further
    if len(shape) == 3 and further and set(further) == {1}:
        return shape + further
    return shape
