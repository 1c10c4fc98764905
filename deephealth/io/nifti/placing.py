"""Where a volume that is written says that it is: sform and qform as they were read, moved along with the voxels."""

from __future__ import annotations

import numpy as np

from deephealth.core.errors import DataError
from deephealth.io.geometry import check_affine
from deephealth.io.nifti.fields import restore_fields
from deephealth.io.nifti.header import NiftiHeader
from deephealth.io.nifti.place import Affine, qform_fields
from deephealth.io.volume import Volume

__all__ = ["place"]

# "The scanner's coordinates". Of the codes, the only one with which ITK believes the sform; with others it takes the
# qform, whose quaternion in single precision misplaces far voxels of nearly axial series by up to 0.05 mm.
_SCANNER = 1
_QUATERNION = ("quatern_b", "quatern_c", "quatern_d")
_OFFSET = ("qoffset_x", "qoffset_y", "qoffset_z")
_ROWS = ("srow_x", "srow_y", "srow_z")
_SAME = 1e-4  # millimetres


def place(fields: np.void, volume: Volume) -> None:
    """Set voxel sizes, sform and qform: those that were read, moved along with the voxels, or new ones.

    Args:
        fields: the record, changed in place.
        volume: what is written.

    Raises:
        DataError: numbers too large for the record.
    """
    sform, qform = volume.affine, volume.affine
    codes = {"sform_code": _SCANNER, "qform_code": _SCANNER}
    read = _as_read(volume)
    unplaced = read is not None and not read.placed and np.allclose(read.affine, volume.affine, rtol=0, atol=_SAME)
    if read is not None and read.placed:
        moved: Affine = np.linalg.inv(read.affine) @ volume.affine  # indices now -> indices as read
        if _keeps_axes(moved):
            codes = {name: int(read.fields[name]) for name in codes}
            sform = volume.affine if read.sform is None else read.sform @ moved
            qform = volume.affine if read.qform is None else read.qform @ moved
    sizes, qfac, quaternion, exact = qform_fields(qform)
    if not exact:
        codes["qform_code"] = 0  # a tilted gantry: a rotation can't say it
    for name, code in codes.items():
        fields[name] = code
    if unplaced:  # a viewer that centres such files does the same with this one
        fields["sform_code"] = fields["qform_code"] = 0
    elif not any(codes.values()):
        fields["sform_code"] = _SCANNER
    with np.errstate(over="ignore"):
        fields["pixdim"][:4] = (qfac, *sizes)
        for name, value in zip(_QUATERNION + _OFFSET, (*quaternion, *qform[:3, 3]), strict=True):
            fields[name] = value
        for name, row in zip(_ROWS, sform, strict=False):
            fields[name] = row
    if not all(np.isfinite(fields[name]).all() for name in (*_OFFSET, *_ROWS)):
        raise DataError("the volume's affine is beyond the numbers that this NIfTI version holds", allowed="1e38 mm")


def _as_read(volume: Volume) -> NiftiHeader | None:
    """Return the header that the volume was read with, if it tells one."""
    version = volume.meta.get("nifti_version")
    if version not in (1, 2):
        return None
    header = NiftiHeader(restore_fields(volume.meta, version), version, True, False, "the volume's meta")
    try:
        check_affine(header.affine)
    except DataError:  # somebody has changed the meta: the volume's own affine counts
        return None
    return header


def _keeps_axes(moved: Affine) -> bool:
    """Return whether the change since reading was turning, cutting or resampling along the axes."""
    matrix = np.abs(moved[:3, :3])
    matrix = matrix / matrix.max(axis=0)
    return bool(((matrix > _SAME).sum(axis=0) == 1).all() and ((matrix > _SAME).sum(axis=1) == 1).all())
