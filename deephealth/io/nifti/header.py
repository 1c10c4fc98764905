"""Parsing a NIfTI header: which version, which byte order, what it claims; nothing it says is believed unchecked."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from deephealth.core.errors import DataError, LimitError, UnreadableFileError
from deephealth.io.nifti.analyze import analyze_fields, analyze_order
from deephealth.io.nifti.fields import field_names
from deephealth.io.nifti.layout import COLOURS, DTYPES, NIFTI1, NIFTI2, UNITS_TO_MM
from deephealth.io.nifti.place import Affine, best_affine, has_code, qform_affine, sform_affine

__all__ = ["HEADER_BYTES", "NiftiHeader", "is_nifti", "parse_header"]

HEADER_BYTES = NIFTI2.itemsize + 4  # enough for either version and the flag that says whether extensions follow
_MAGIC = {b"n+1": True, b"ni1": False, b"n+2": True, b"ni2": False}
_MAX_RANK = 7
_PAIR = (".hdr", ".img", ".hdr.gz", ".img.gz")


@dataclass(frozen=True)
class NiftiHeader:
    """What a NIfTI header says.

    Args:
        fields: the record, by the standard's own names, in this machine's byte order.
        version: 1 or 2.
        single: whether header and voxels are in one file.
        swapped: whether the file is big endian.
        name: what errors call the file.

    Example:
        >>> from deephealth.io.nifti.fields import empty_fields
        >>> header = parse_header(empty_fields((5, 4, 3), "int16").tobytes(), name="a.nii")
        >>> header.shape, header.dtype, header.version, header.offset
        ((5, 4, 3), dtype('int16'), 1, 352)
    """

    fields: np.void
    version: int
    single: bool
    swapped: bool
    name: str

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the axes x, y, z, t, ... as stored; colours are not an axis here."""
        rank = int(self.fields["dim"][0])
        return tuple(int(size) for size in self.fields["dim"][1 : rank + 1])

    @property
    def dtype(self) -> np.dtype:
        """Element type in this machine's byte order; ``uint8`` for colours."""
        return np.dtype(DTYPES[int(self.fields["datatype"])])

    @property
    def stored_dtype(self) -> np.dtype:
        """Element type in the file's byte order."""
        return self.dtype.newbyteorder(">" if self.swapped else "<")

    @property
    def colours(self) -> tuple[int, str] | None:
        """(3, "RGB"), (4, "RGBA"), or ``None``."""
        return COLOURS.get(int(self.fields["datatype"]))

    @cached_property
    def offset(self) -> int:
        """Where the voxels begin in their file."""
        offset = int(self.fields["vox_offset"])
        return self.fields.dtype.itemsize + 4 if self.single and offset == 0 else offset

    @cached_property
    def scaling(self) -> tuple[float, float] | None:
        """(slope, intercept), or ``None`` when stored values are the values.

        Raises:
            DataError: a slope with an intercept that is not finite.
        """
        slope, inter = float(self.fields["scl_slope"]), float(self.fields["scl_inter"])
        if slope == 0 or not np.isfinite(slope) or self.colours:
            return None
        if not np.isfinite(inter):
            raise DataError(f"{self.name} has the slope {slope} and the intercept {inter}", allowed="finite numbers")
        return None if (slope, inter) == (1.0, 0.0) else (slope, inter)

    @property
    def unit_mm(self) -> float:
        """Millimetres per unit of length of the file."""
        return UNITS_TO_MM.get(int(self.fields["xyzt_units"]) & 7, 1.0)

    @cached_property
    def affine(self) -> Affine:
        """4 x 4, (i, j, k) to RAS+ millimetres: sform, else qform, else voxel sizes."""
        return self._in_mm(best_affine(self.fields))

    @property
    def sform(self) -> Affine | None:
        """The sform in millimetres, if it has a code."""
        return self._in_mm(sform_affine(self.fields)) if has_code(self.fields, "sform_code") else None

    @property
    def qform(self) -> Affine | None:
        """The qform in millimetres, if it has a code."""
        return self._in_mm(qform_affine(self.fields)) if has_code(self.fields, "qform_code") else None

    @property
    def placed(self) -> bool:
        """Whether the file says where the patient is, by sform or qform; else the affine holds voxel sizes only."""
        return has_code(self.fields, "sform_code") or has_code(self.fields, "qform_code")

    def meta(self) -> dict[str, Any]:
        """Return all fields as plain Python values, by their names in the standard."""
        return {"nifti_version": self.version, **{name: _plain(self.fields[name]) for name in field_names(self.fields)}}

    def _in_mm(self, affine: Affine) -> Affine:
        scaled = affine.copy()
        scaled[:3] *= self.unit_mm
        return scaled


def is_nifti(start: bytes) -> bool:
    """Return whether a file that begins with ``start`` (:data:`HEADER_BYTES`, inflated) is NIfTI.

    Example:
        >>> from deephealth.io.nifti.fields import empty_fields
        >>> is_nifti(empty_fields((2, 2), "uint8").tobytes()), is_nifti(b"DICM")
        (True, False)
    """
    return _kind(start) is not None


def parse_header(start: bytes, *, name: str) -> NiftiHeader:
    """Parse and check a header; one of Analyze 7.5 becomes that of a NIfTI-1 pair.

    Args:
        start: the first :data:`HEADER_BYTES` of the file, inflated; fewer if the file is shorter.
        name: what errors call the file.

    Raises:
        UnreadableFileError: not NIfTI, truncated, or an element type that can't be read.
        LimitError: sizes or an offset that no file can have.
    """
    kind = _kind(start)
    order = analyze_order(start) if kind is None and name.lower().endswith(_PAIR) else None
    if order is not None:
        header = NiftiHeader(analyze_fields(start, order), 1, False, order == "big", name)
        _check(header)
        return header
    if kind is None:
        raise UnreadableFileError(
            f"{name} is not a NIfTI file",
            allowed="a NIfTI-1 or NIfTI-2 header (.nii, .nii.gz, .hdr with .img), or a pair of Analyze 7.5",
        )
    record, swapped = kind
    fields = np.frombuffer(start, record, 1)
    if swapped:
        fields = fields.byteswap()  # the record type stays little endian, so that values come out right
    header = NiftiHeader(fields[0], 1 if record is NIFTI1 else 2, _MAGIC[bytes(fields[0]["magic"])[:3]], swapped, name)
    _check(header)
    return header


def _kind(start: bytes) -> tuple[np.dtype, bool] | None:
    """Return the record type and whether it is big endian."""
    for record, at, length in ((NIFTI1, 344, 4), (NIFTI2, 4, 8)):
        magic = start[at : at + length]
        if len(start) < record.itemsize or magic[:3] not in _MAGIC or (record is NIFTI1) != (magic[2:3] == b"1"):
            continue
        for swapped, order in ((False, "little"), (True, "big")):
            if int.from_bytes(start[:4], order) == record.itemsize:  # type: ignore[arg-type]
                return record, swapped
        rank_at = NIFTI1.fields["dim"][1] if record is NIFTI1 else NIFTI2.fields["dim"][1]  # type: ignore[index]
        width = 2 if record is NIFTI1 else 8
        little = int.from_bytes(start[rank_at : rank_at + width], "little")
        return record, not 0 < little <= _MAX_RANK
    return None


def _check(header: NiftiHeader) -> None:
    rank = int(header.fields["dim"][0])
    if not 1 <= rank <= _MAX_RANK:
        raise UnreadableFileError(f"{header.name} claims {rank} axes", allowed="1 to 7", hint="the header is damaged")
    if min(header.shape) < 1:
        raise LimitError(f"{header.name} claims the shape {header.shape}", allowed="sizes of 1 or more")
    code = int(header.fields["datatype"])
    if code not in DTYPES:
        raise UnreadableFileError(
            f"{header.name} has elements of the type {code}",
            allowed="the NIfTI types " + ", ".join(map(str, DTYPES)),
            hint="single bits and 128-bit floats can be converted by the program that wrote them",
        )
    offset = float(header.fields["vox_offset"])
    least = header.fields.dtype.itemsize + 4 if header.single else 0
    if not np.isfinite(offset) or offset != int(offset) or offset > 2**62 or (offset < least and offset != 0):
        raise UnreadableFileError(
            f"{header.name} says that its voxels begin at byte {offset:g}", allowed=f"a whole number from {least}"
        )


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.split(b"\0")[0].decode("latin-1")
    return tuple(value.tolist()) if isinstance(value, np.ndarray) else value.item()
