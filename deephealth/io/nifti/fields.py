"""Header records made here: an empty one, and one filled from what a volume remembers of its file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from deephealth.core.errors import DataError
from deephealth.io.nifti.layout import COLOURS, NIFTI1, NIFTI2, datatype_code

__all__ = ["empty_fields", "field_names", "restore_fields"]

_NIFTI2_TAIL = b"\r\n\x1a\n"


def empty_fields(shape: tuple[int, ...], dtype: Any, *, version: int = 1, code: int | None = None) -> np.void:
    """Return the record of a single file with voxels of 1 mm and no place.

    Args:
        shape: sizes of x, y, z, ...
        dtype: element type.
        version: 1 or 2.
        code: code of the element type, where ``dtype`` does not say it (colours).
    """
    record = NIFTI1 if version == 1 else NIFTI2
    fields = np.zeros(1, record)[0]
    fields["sizeof_hdr"] = record.itemsize
    fields["dim"] = 1
    fields["dim"][0] = len(shape)
    fields["dim"][1 : len(shape) + 1] = shape
    fields["pixdim"] = 1
    fields["datatype"] = code if code is not None else datatype_code(np.dtype(dtype))
    colours = COLOURS.get(int(fields["datatype"]))
    fields["bitpix"] = 8 * np.dtype(dtype).itemsize * (colours[0] if colours else 1)
    fields["vox_offset"] = record.itemsize + 4
    fields["scl_slope"] = 1
    fields["magic"] = b"n+1" if version == 1 else b"n+2\x00" + _NIFTI2_TAIL
    if version == 1:
        fields["regular"] = b"r"
    return fields


def restore_fields(meta: Mapping[str, Any], version: int) -> np.void:
    """Return the record that :meth:`NiftiHeader.meta` told, as far as it goes; unknown keys are ignored."""
    fields = empty_fields((1,), "uint8", version=version)
    for name in field_names(fields):
        if name in meta:
            try:
                value = meta[name]
                fields[name] = value.encode("latin-1") if isinstance(value, str) else value
            except (ValueError, TypeError, OverflowError) as error:
                raise DataError(f"the header field {name} can't be {meta[name]!r}: {error}") from error
    return fields


def field_names(fields: np.void) -> tuple[str, ...]:
    """Return the fields that say something about the image."""
    skipped = ("sizeof_hdr", "magic", "unused_str", "data_type", "db_name", "extents", "session_error", "regular")
    return tuple(name for name in fields.dtype.names or () if name not in skipped)
