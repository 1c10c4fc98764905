"""Analyze 7.5 headers, NIfTI's predecessor (pairs ``.hdr`` + ``.img``), told in NIfTI's terms.

The format says nothing of orientation. As nibabel does, x is taken to run from right to left, and the centre of the
volume to be the origin of the patient's coordinates, unless SPM has written an origin.
"""

from __future__ import annotations

import numpy as np

from deephealth.io.nifti.fields import empty_fields
from deephealth.io.nifti.layout import NIFTI1

__all__ = ["analyze_fields", "analyze_order"]

_SAME_PLACE = ("dim", "datatype", "bitpix", "pixdim", "vox_offset", "scl_slope", "scl_inter", "cal_max", "cal_min")
_ORIGIN = slice(253, 259)  # three 16-bit numbers, counted from 1: SPM's use of "originator"
_ALIGNED = 2


def analyze_order(start: bytes) -> str | None:
    """Return ``"little"`` or ``"big"``, or ``None`` if this is no Analyze header.

    Args:
        start: the first bytes of the file.
    """
    if len(start) < NIFTI1.itemsize:
        return None
    for order in ("little", "big"):
        if int.from_bytes(start[:4], order) == NIFTI1.itemsize:  # type: ignore[arg-type]
            return order
    return None


def analyze_fields(start: bytes, order: str) -> np.void:
    """Return a NIfTI-1 record, of a pair, that says what an Analyze header says.

    Args:
        start: the first bytes of the file.
        order: its byte order.
    """
    found = np.frombuffer(start, NIFTI1, 1)
    origin = np.frombuffer(start[_ORIGIN], "<i2" if order == "little" else ">i2").astype(np.float64)
    if order == "big":
        found = found.byteswap()
    fields = empty_fields((1,), np.uint8)
    for name in (*_SAME_PLACE, "descrip"):
        fields[name] = found[0][name]
    if not np.isfinite(fields["scl_inter"]):
        fields["scl_inter"] = 0
    fields["pixdim"][0] = 1
    fields["magic"] = b"ni1"
    sizes = np.array(fields["dim"][1:4], np.float64)
    if origin.any() and (origin > -sizes).all() and (origin < 2 * sizes).all():
        steps = np.abs(np.array(fields["pixdim"][1:4], np.float64)) * (-1, 1, 1)
        fields["sform_code"] = _ALIGNED
        for at, name in enumerate(("srow_x", "srow_y", "srow_z")):
            fields[name] = [*(np.eye(3)[at] * steps), -(origin[at] - 1) * steps[at]]
    return fields
