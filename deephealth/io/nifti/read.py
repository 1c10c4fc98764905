"""NIfTI-1 and NIfTI-2 files -> volumes."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from deephealth.core.errors import DataError
from deephealth.io.geometry import check_affine
from deephealth.io.limits import DEFAULT_LIMITS, Limits
from deephealth.io.nifti.files import open_nifti
from deephealth.io.nifti.header import NiftiHeader
from deephealth.io.nifti.scale import apply_scaling, scaled_dtype
from deephealth.io.volume import Volume

__all__ = ["read_nifti", "read_nifti_header"]

_SPACE = 3


def read_nifti(
    path: Path | str,
    *,
    limits: Limits = DEFAULT_LIMITS,
    scaled: bool = True,
    orientation: str | None = None,
    threads: int | None = None,
    mmap: bool = False,
    unknown_spacing: float | None = None,
) -> Volume:
    """Read a NIfTI image: ``.nii``, ``.nii.gz``, or a pair ``.hdr`` + ``.img`` by either name.

    Args:
        path: the file. Whether it is compressed is seen from its content.
        limits: what it may claim.
        scaled: apply slope and intercept, where the file has any that change a value: integers of 8 and 16 bits become
            ``float32``, wider ones ``float64``. Otherwise the stored type is kept.
        orientation: turn the axes so that i, j, k point there, such as ``"RAS"``; as stored by default.
        threads: cores for files in independent blocks, which :func:`write_nifti` makes; all by default.
        mmap: map an uncompressed file into memory (copy on write) rather than read it.
        unknown_spacing: millimetres to take for voxel sizes that the file gives as 0, along axes of more than one
            voxel; such a file is refused by default, since nothing can be measured in it.

    Returns:
        (D, H, W), or (C, D, H, W) when there are colours, time points or vectors; further axes are flattened into C,
        the earlier ones fastest, and ``meta["dim"]`` tells them apart. ``affine`` is sform, else qform, else what voxel
        sizes say, in millimetres. ``meta`` holds the header by its own names.

    Raises:
        MissingDataError: no such file, or half of a pair.
        UnreadableFileError: damaged, or not NIfTI.
        LimitError: it claims more than ``limits`` or than it holds.
        DataError: its affine places nothing: zero spacing, numbers that are not finite, axes in one plane.

    Example:
        >>> import tempfile
        >>> from deephealth.io.nifti import write_nifti
        >>> volume = Volume(np.zeros((4, 5, 6), np.int16), np.diag([1.0, 1.0, 2.5, 1.0]))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_nifti(f"{folder}/a.nii.gz", volume)
        ...     read_nifti(f"{folder}/a.nii.gz").spacing
        (1.0, 1.0, 2.5)
    """
    files = open_nifti(path, limits)
    header = _with_spacing(files.header, unknown_spacing)
    affine = check_affine(header.affine, f"the affine of {path}")
    scaling = header.scaling if scaled else None
    if scaling:
        limits.check_array(header.shape, scaled_dtype(header.dtype).itemsize, header.name)
    values = files.voxels(limits, threads=threads, mmap=mmap)
    meta = {**_meta(header), "scaled": scaling is not None, "extensions": files.extensions}
    del files  # the compressed content
    if scaling:
        values = apply_scaling(values, *scaling)
    volume = Volume(_channels_first(values, header), affine, meta)
    if orientation is not None:
        volume = volume.reorient(orientation)
        volume = volume.with_data(np.ascontiguousarray(volume.data))
    return volume


def read_nifti_header(path: Path | str, *, limits: Limits = DEFAULT_LIMITS) -> NiftiHeader:
    """Read and check the header alone.

    Raises:
        MissingDataError, UnreadableFileError, LimitError: as :func:`read_nifti`.
    """
    return open_nifti(path, limits).header


def _with_spacing(header: NiftiHeader, unknown: float | None) -> NiftiHeader:
    """Return the header with ``unknown`` in place of voxel sizes of 0, where these would go into the affine."""
    missing = [at for at, size in enumerate(header.shape[:_SPACE], 1) if size > 1 and header.fields["pixdim"][at] == 0]
    if header.sform is not None or not missing:
        return header
    if unknown is None:
        raise DataError(
            f"{header.name} says that its voxels measure {header.fields['pixdim'][1:4].tolist()} mm",
            allowed="sizes above 0 along each axis of more than one voxel",
            hint="if you know them to be cubes of 1 mm, read it with unknown_spacing=1",
        )
    fields = header.fields.copy()
    fields["pixdim"][missing] = unknown / header.unit_mm
    return replace(header, fields=fields)


def _meta(header: NiftiHeader) -> dict[str, Any]:
    meta = header.meta()
    if header.colours:
        meta["colour"] = header.colours[1]
    return meta


def _channels_first(values: np.ndarray, header: NiftiHeader) -> np.ndarray:
    """Return ([C,] D, H, W) of (..., t, z, y, x[, colour])."""
    if header.colours:
        values = np.ascontiguousarray(np.moveaxis(values, -1, 0))
    sizes = header.shape[::-1]
    space = (1,) * (_SPACE - len(sizes)) + sizes[-_SPACE:]
    further = sizes[: max(0, len(sizes) - _SPACE)]
    channels = math.prod(further) * (header.colours[0] if header.colours else 1)
    return values.reshape(space if channels == 1 else (channels, *space))
