"""What the NIfTI header of an ECVL image says: sizes, spacings, and the place that its metadata tell."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from deephealth.core.errors import DataError
from deephealth.ecvl.errors import EcvlError
from deephealth.ecvl.image import Image
from deephealth.ecvl.strictness import is_strict
from deephealth.io.geometry import check_affine
from deephealth.io.nifti.fields import empty_fields, restore_fields
from deephealth.io.nifti.layout import UNITS_TO_MM, datatype_code
from deephealth.io.nifti.place import qform_affine, qform_fields, sform_affine

__all__ = ["META_KEYS", "header_of"]

META_KEYS = (
    "xyzt_units",
    "dim_info",
    "slice_duration",
    "toffset",
    "qform_code",
    "sform_code",
    "quatern_b",
    "quatern_c",
    "quatern_d",
    "qoffset_x",
    "qoffset_y",
    "qoffset_z",
    "srow_x",
    "srow_y",
    "srow_z",
)
_PLACE = META_KEYS[4:]
_MILLIMETRES = 2
_SCANNER = 1  # the code with which all programs believe the sform
_NIFTI1_MAX = 32767
Affine = npt.NDArray[np.float64]


def header_of(src: Image, sizes: tuple[int, ...], axes: str, dtype: np.dtype[Any], colour: str | None) -> np.void:
    """Return the header record of an image.

    Args:
        src: the image.
        sizes: of the axes that the header counts.
        axes: their letters; ``-`` for one that the image has not.
        dtype: element type.
        colour: ``"RGB"``, ``"RGBA"`` or ``None``.

    Raises:
        EcvlError: an axis without elements.
    """
    if not sizes or min(sizes) < 1:
        raise EcvlError(f"the image has the sizes {list(sizes)}", allowed="1 or more along each axis")
    version = 1 if max(sizes) <= _NIFTI1_MAX else 2
    code = datatype_code(dtype, colour)
    fields = empty_fields(sizes, dtype, version=version, code=code)
    told = {key: value.Get() for key, value in src.meta_.items() if key in META_KEYS}
    steps = _steps(src, axes)
    complete = len(told) == len(META_KEYS)
    if not complete:
        told = {
            key: value for key, value in told.items() if key not in _PLACE and (not is_strict() or key == "dim_info")
        }
    restored = restore_fields(told, version)
    for key in told:
        fields[key] = restored[key]
    fields["pixdim"][1 : len(steps) + 1] = [step or 1.0 for step in steps]
    if is_strict():
        fields["pixdim"][0], fields["scl_slope"] = len(sizes), 0
        return fields
    _place(fields, src, complete)
    return fields


def _steps(src: Image, axes: str) -> list[float]:
    """Return the spacing of each axis, 1 where the image has none."""
    given = src.spacings_
    if len(given) != len(src.dims_):
        return [1.0] * len(axes)
    left = list(zip(src.channels_, given, strict=False))
    steps = []
    for letter in axes:
        at = next((at for at, (name, _) in enumerate(left) if name == letter), None)
        steps.append(1.0 if at is None else abs(left.pop(at)[1]))
    return steps


def _place(fields: np.void, src: Image, complete: bool) -> None:
    """Set sform and qform: as the metadata tell, with voxels of the size that the spacings say."""
    steps = np.array(fields["pixdim"][1:4], np.float64)
    known: dict[str, Affine | None] = _known(fields, src) if complete else {}
    if not complete:
        affine = _own_affine(src)
        if affine is None:
            affine, fields["xyzt_units"] = np.diag([*steps, 1.0]), int(fields["xyzt_units"]) or _MILLIMETRES
        else:
            affine[:3] /= UNITS_TO_MM.get(int(fields["xyzt_units"]) & 7, 1.0)
        known = {"sform": affine, "qform": affine}
        fields["sform_code"] = fields["qform_code"] = _SCANNER
    if (sform := known.get("sform")) is not None:
        for name, row in zip(("srow_x", "srow_y", "srow_z"), _resized(sform, steps), strict=False):
            fields[name] = row
    if (qform := known.get("qform")) is None:
        return
    resized = _resized(qform, steps)
    _, qfac, quaternion, exact = qform_fields(resized)
    if not exact:
        fields["qform_code"] = 0
    fields["pixdim"][0] = qfac
    for name, value in zip(("quatern_b", "quatern_c", "quatern_d"), quaternion, strict=True):
        fields[name] = value
    for name, value in zip(("qoffset_x", "qoffset_y", "qoffset_z"), resized[:3, 3], strict=True):
        fields[name] = value


def _known(fields: np.void, src: Image) -> dict[str, Affine | None]:
    """Return the transforms of the file that the image was read from, in that file's unit."""
    found: dict[str, Affine | None] = {}
    if int(fields["sform_code"]):
        found["sform"] = _usable(sform_affine(fields))
    if int(fields["qform_code"]):
        # the voxels' size and handedness then are not among the original's metadata; the affine tells them
        own, then = _own_affine(src), fields.copy()
        if own is not None:
            unit = UNITS_TO_MM.get(int(fields["xyzt_units"]) & 7, 1.0)
            then["pixdim"][1:4] = np.linalg.norm(own[:3, :3], axis=0) / unit
        try:
            rotation = qform_affine(then)
        except DataError:
            return found
        if own is not None and np.linalg.det(own[:3, :3]) < 0:
            rotation[:3, 2] *= -1
        found["qform"] = _usable(rotation)
    return found


def _own_affine(src: Image) -> Affine | None:
    """Return the metadata's affine, in millimetres."""
    meta = src.meta_
    if "affine" not in meta:
        return None
    try:
        return check_affine(meta["affine"].Get(), "the metadata's affine").copy()
    except (ValueError, TypeError) as error:
        raise EcvlError(f"the metadata's affine is {meta['affine'].Get()!r}", allowed="4 x 4 numbers") from error


def _usable(affine: Affine) -> Affine | None:
    try:
        return check_affine(affine)
    except DataError:
        return None


def _resized(affine: Affine, steps: Affine) -> Affine:
    """Return an affine for voxels of other sizes that fill the same space."""
    scale = steps / np.linalg.norm(affine[:3, :3], axis=0)
    if np.allclose(scale, 1, rtol=1e-4):
        return affine
    found = affine.copy()
    found[:3, :3] *= scale
    found[:3, 3] += affine[:3, :3] @ ((scale - 1) / 2)
    return found
