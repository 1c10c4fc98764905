"""What a volume made of DICOM images says beside its voxels: unit, identifiers, irregular slices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from deephealth.core.errors import DataError
from deephealth.io.dicom.frame_geometry import SliceReport
from deephealth.io.dicom.header import Header
from deephealth.io.geometry import lps_to_ras

__all__ = ["KEPT", "is_irregular", "plain_affine", "refuse_irregular", "slice_facts", "unit_of"]

KEPT = (
    "Modality",
    "SeriesDescription",
    "SeriesInstanceUID",
    "StudyInstanceUID",
    "FrameOfReferenceUID",
    "PatientID",
    "SeriesNumber",
    "ImageType",
    "PhotometricInterpretation",
    "RescaleType",
    "SliceThickness",
)


def unit_of(header: Header) -> str:
    """Return the unit of rescaled values: HU for CT, otherwise what RescaleType says."""
    kind = header.text("RescaleType")
    if header.text("Modality") == "CT" and kind in ("", "HU", "US"):
        return "HU"
    return "" if kind == "US" else kind  # US means unspecified


def plain_affine(pixel_spacing: Sequence[float], depth: float) -> np.ndarray:
    """Return the affine of images whose place is not known: their pixel spacing, at the origin, axial."""
    between_rows, between_columns = pixel_spacing if len(pixel_spacing) == 2 and min(pixel_spacing) > 0 else (1.0, 1.0)
    return lps_to_ras(np.diag([between_columns, between_rows, depth if depth > 0 else 1.0, 1.0]))


def is_irregular(facts: SliceReport) -> bool:
    """Return whether slices are missing or unevenly spaced."""
    return bool(facts.missing) or facts.uneven


def refuse_irregular(
    facts: SliceReport,
    dropped: Sequence[str],
    places: Sequence[Sequence[float]],
    name: str,
    *,
    report: bool,
) -> None:
    """Raise for missing, duplicate or uneven slices, unless they are only to be reported.

    Raises:
        DataError: says which positions.
    """
    if report or not (is_irregular(facts) or dropped):
        return
    hint = "read it with on_missing='report' to get the volume all the same, with the faults in meta['slices']"
    if facts.missing:
        start = np.asarray(places[facts.order[0]])
        step = (np.asarray(places[facts.order[-1]]) - start) / max(facts.count - 1, 1)
        listed = ", ".join(f"{k} at {np.round(start + k * step, 3).tolist()}" for k in facts.missing[:10])
        raise DataError(
            f"{name} misses {len(facts.missing)} of {facts.count} slices: {listed}",
            allowed=f"a slice every {facts.spacing:.6g} mm",
            hint=hint,
        )
    if dropped:
        raise DataError(
            f"{name} holds {len(dropped)} duplicate slices: {', '.join(dropped[:10])}",
            allowed="one image per position, or equally many at each",
            hint=hint,
        )
    raise DataError(
        f"the slices of {name} are unevenly spaced: up to {facts.off_grid:.3g} mm off a step of {facts.spacing:.6g} mm",
        allowed="even spacing",
        hint=hint,
    )


def slice_facts(facts: SliceReport, dropped: Sequence[str]) -> dict[str, Any]:
    """Return what a volume's ``meta["slices"]`` says."""
    return {
        "spacing": facts.spacing,
        "tilt": facts.tilt,
        "missing": list(facts.missing),
        "duplicates": list(dropped),
        "off_grid": facts.off_grid,
        "uneven": facts.uneven,
    }
