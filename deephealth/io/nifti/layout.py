"""The two NIfTI headers as NumPy record types (NIfTI-1: 348 bytes, NIfTI-2: 540 bytes; nifti.nimh.nih.gov)."""

from __future__ import annotations

import numpy as np

__all__ = ["COLOURS", "DTYPES", "NIFTI1", "NIFTI2", "UNITS_TO_MM", "datatype_code"]

_COMMON_PLACE = [
    ("quatern_b", "f"),
    ("quatern_c", "f"),
    ("quatern_d", "f"),
    ("qoffset_x", "f"),
    ("qoffset_y", "f"),
    ("qoffset_z", "f"),
    ("srow_x", "f", 4),
    ("srow_y", "f", 4),
    ("srow_z", "f", 4),
]


def _record(fields: list[tuple], real: str, itemsize: int) -> np.dtype:
    kinds = {"f": f"<{real}", "i": "<i4", "h": "<i2", "q": "<i8", "b": "u1"}
    record = np.dtype([(name, kinds.get(kind, kind), *shape) for name, kind, *shape in fields])
    assert record.itemsize == itemsize  # noqa: S101 - a slip in the table above, found on import
    return record


NIFTI1 = _record(
    [
        ("sizeof_hdr", "i"),
        ("data_type", "S10"),
        ("db_name", "S18"),
        ("extents", "i"),
        ("session_error", "h"),
        ("regular", "S1"),
        ("dim_info", "b"),
        ("dim", "h", 8),
        ("intent_p1", "f"),
        ("intent_p2", "f"),
        ("intent_p3", "f"),
        ("intent_code", "h"),
        ("datatype", "h"),
        ("bitpix", "h"),
        ("slice_start", "h"),
        ("pixdim", "f", 8),
        ("vox_offset", "f"),
        ("scl_slope", "f"),
        ("scl_inter", "f"),
        ("slice_end", "h"),
        ("slice_code", "b"),
        ("xyzt_units", "b"),
        ("cal_max", "f"),
        ("cal_min", "f"),
        ("slice_duration", "f"),
        ("toffset", "f"),
        ("glmax", "i"),
        ("glmin", "i"),
        ("descrip", "S80"),
        ("aux_file", "S24"),
        ("qform_code", "h"),
        ("sform_code", "h"),
        *_COMMON_PLACE,
        ("intent_name", "S16"),
        ("magic", "S4"),
    ],
    "f4",
    348,
)

NIFTI2 = _record(
    [
        ("sizeof_hdr", "i"),
        ("magic", "S8"),
        ("datatype", "h"),
        ("bitpix", "h"),
        ("dim", "q", 8),
        ("intent_p1", "f"),
        ("intent_p2", "f"),
        ("intent_p3", "f"),
        ("pixdim", "f", 8),
        ("vox_offset", "q"),
        ("scl_slope", "f"),
        ("scl_inter", "f"),
        ("cal_max", "f"),
        ("cal_min", "f"),
        ("slice_duration", "f"),
        ("toffset", "f"),
        ("slice_start", "q"),
        ("slice_end", "q"),
        ("descrip", "S80"),
        ("aux_file", "S24"),
        ("qform_code", "i"),
        ("sform_code", "i"),
        *_COMMON_PLACE,
        ("slice_code", "i"),
        ("xyzt_units", "i"),
        ("intent_code", "i"),
        ("intent_name", "S16"),
        ("dim_info", "b"),
        ("unused_str", "S15"),
    ],
    "f8",
    540,
)

# code in the header -> element type; colours come as a last axis of bytes
DTYPES: dict[int, str] = {
    2: "u1",
    4: "i2",
    8: "i4",
    16: "f4",
    32: "c8",
    64: "f8",
    128: "u1",
    256: "i1",
    512: "u2",
    768: "u4",
    1024: "i8",
    1280: "u8",
    1792: "c16",
    2304: "u1",
}
if np.dtype(np.longdouble).itemsize == 16:  # x86-64: the 80-bit numbers that other programs write there too
    DTYPES |= {1536: "f16", 2048: "c32"}

COLOURS: dict[int, tuple[int, str]] = {128: (3, "RGB"), 2304: (4, "RGBA")}

UNITS_TO_MM = {1: 1000.0, 3: 0.001}  # metres, micrometres; 2 is millimetres, and 0 (not said) is taken for them


def datatype_code(dtype: np.dtype, colour: str | None = None) -> int | None:
    """Return the header's code for an element type, or ``None`` if NIfTI has none.

    Example:
        >>> datatype_code(np.dtype("int16")), datatype_code(np.dtype("uint8"), "RGB"), datatype_code(np.dtype("f2"))
        (4, 128, None)
    """
    for code, (_, name) in COLOURS.items():
        if name == colour:
            return code
    text = dtype.newbyteorder("=").str[1:]
    return next((code for code, known in DTYPES.items() if known == text and code not in COLOURS), None)
