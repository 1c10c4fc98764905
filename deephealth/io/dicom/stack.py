"""A series of single-frame files as one volume: checks, order, affine, and its pixels through the fastest way."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from deephealth.core.errors import DataError
from deephealth.io.dicom.arrange import Arrangement, arrange
from deephealth.io.dicom.frame_geometry import affine_of_slices
from deephealth.io.dicom.header import Header
from deephealth.io.dicom.layout import layout_of_header
from deephealth.io.dicom.slab import read_slab
from deephealth.io.dicom.volume_facts import KEPT, plain_affine, refuse_irregular, slice_facts, unit_of
from deephealth.io.limits import Limits
from deephealth.io.volume import Volume

__all__ = ["read_stack"]

_ALIKE = (
    "Rows",
    "Columns",
    "SamplesPerPixel",
    "BitsAllocated",
    "BitsStored",
    "PixelRepresentation",
    "PhotometricInterpretation",
)
_SAME_DIRECTION = 1e-3


def read_stack(
    headers: Sequence[Header], *, rescale: bool, report: bool, threads: int | None, limits: Limits
) -> Volume:
    """Read single-frame files of one series as a volume; see :func:`deephealth.io.dicom.series.read_series`."""
    first = headers[0]
    name = f"the series {first.text('SeriesInstanceUID') or first.path}"
    _one_patient(headers, name)
    _alike(headers, name)
    layout = layout_of_header(first)
    limits.check_array((len(headers), *layout.frame_shape), layout.dtype.itemsize, name)
    order, affine, facts = _placed(headers, report, name)
    slots = [header for channel in order.channels for header in channel]
    data = read_slab(slots, layout, rescale=rescale, threads=threads, limits=limits, name=name)
    data = data.reshape(len(order.channels), len(order.channels[0]), *data.shape[1:])
    if layout.samples > 1:
        if len(order.channels) > 1:
            raise DataError(f"{name} has several colour images at one position", allowed="one")
        data = np.moveaxis(data[0], -1, 0)
    elif len(order.channels) == 1:
        data = data[0]
    meta: dict[str, Any] = {key: first.text(key) for key in KEPT if key in first}
    meta["files"] = [header.path if header is not None else None for header in order.channels[0]]
    meta["slices"] = facts
    if len(order.channels) > 1:
        meta["channels"] = {"by": order.by, "values": list(order.values)}
        meta["channel_files"] = [[header.path if header else None for header in channel] for channel in order.channels]
    return Volume(data, affine, meta, unit_of(first) if rescale else "")


def _one_patient(headers: Sequence[Header], name: str) -> None:
    if len({header.values.get("PatientID", b"") for header in headers}) == 1:
        return
    patients = Counter(header.text("PatientID") for header in headers)
    if len(patients) > 1:
        listed = ", ".join(
            f"{count} files of patient #{hashlib.sha256(patient.encode()).hexdigest()[:8]}"
            for patient, count in patients.most_common(5)
        )
        raise DataError(
            f"{name} holds slices of {len(patients)} patients: {listed}",
            allowed="one patient (named here by a hash of the PatientID)",
            hint="sort the files by PatientID and read each patient on its own",
        )


def _alike(headers: Sequence[Header], name: str) -> None:
    """Refuse a series whose images differ in size or element type."""
    kinds = Counter(tuple(header.values.get(key, b"").strip(b" \0") for key in _ALIKE) for header in headers)
    if len(kinds) == 1:
        return
    for at, key in enumerate(_ALIKE):
        values = {kind[at] for kind in kinds}
        if len(values) > 1:
            which = Counter(_shown(header, key) for header in headers)
            listed = ", ".join(f"{value} in {count} files" for value, count in which.most_common(5))
            raise DataError(
                f"the images of {name} differ in {key}: {listed}",
                allowed="images of one size and kind",
                hint="a localizer may be among them: pass the files of the stack alone",
            )


def _shown(header: Header, key: str) -> str:
    return header.text(key) if key == "PhotometricInterpretation" else str(header.integer(key, 0))


def _placed(headers: Sequence[Header], report: bool, name: str) -> tuple[Arrangement, np.ndarray, dict[str, Any]]:
    """Return the files per channel and slice, the affine, and what is to be told about the slices."""
    places = [header.floats("ImagePositionPatient", 3) for header in headers]
    without = sum(not place for place in places)
    if without == len(headers):
        ordered = sorted(headers, key=lambda header: header.integer("InstanceNumber", 0))
        first = headers[0]
        depth = first.number("SpacingBetweenSlices", 0) or first.number("SliceThickness", 0)
        affine = plain_affine(first.floats("PixelSpacing", 2), depth)
        return Arrangement(channels=[list(ordered)]), affine, {"positions": "none: ordered by InstanceNumber"}
    if without:
        raise DataError(f"{without} of {len(headers)} images of {name} have no position", allowed="all or none")
    _one_direction(headers, name)
    first = headers[0]
    thickness = first.number("SpacingBetweenSlices", 0) or first.number("SliceThickness", 0)
    affine, facts = affine_of_slices(
        places,
        first.floats("ImageOrientationPatient", 6),
        first.floats("PixelSpacing", 2),
        thickness=thickness,
        name=name,
    )
    order = arrange(headers, facts, name, report=report)
    refuse_irregular(facts, order.dropped, places, name, report=report)
    return order, affine, slice_facts(facts, order.dropped)


def _one_direction(headers: Sequence[Header], name: str) -> None:
    for key, most in (("ImageOrientationPatient", _SAME_DIRECTION), ("PixelSpacing", 1e-4)):
        kinds = Counter(header.values.get(key, b"") for header in headers)
        if len(kinds) == 1:
            continue
        count = 6 if key.startswith("Image") else 2
        found = [header.floats(key, count) for header in headers]
        values = np.array([numbers if len(numbers) == count else (np.nan,) * count for numbers in found])
        if not (np.abs(values - values[0]) <= most).all():
            listed = ", ".join(f"{kind.decode('latin-1')} in {files}" for kind, files in kinds.most_common(5))
            raise DataError(
                f"the images of {name} differ in {key}: {listed}",
                allowed="one stack of parallel slices",
                hint="pass the files of one stack",
            )
