"""Structured reports (SR), out: measurements of regions, each tied to its segment and its images.

Source: DICOM PS3.16 TID 1500 (Measurement Report), TID 1411 (Volumetric ROI Measurements). Needs highdicom.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from pydicom import Dataset

from deephealth.core.errors import DataError, DeepHealthError, UnknownNameError
from deephealth.core.files import atomic_write
from deephealth.core.optional import require
from deephealth.io.dicom.object_file import items, open_object
from deephealth.io.dicom.writing.codes import Code
from deephealth.io.dicom.writing.identity import complete_header, new_uid, software_version
from deephealth.io.dicom.writing.source_images import Sources, read_source_images
from deephealth.io.limits import DEFAULT_LIMITS

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["Finding", "Measurement", "write_measurement_report"]

_UNITS = {
    "mm3": "cubic millimeter",
    "mm2": "square millimeter",
    "mm": "millimeter",
    "cm3": "cubic centimeter",
    "cm": "centimeter",
    "mL": "milliliter",
    "[hnsf'U]": "Hounsfield unit",
    "%": "percent",
    "1": "no units",
    "s": "second",
    "ms": "millisecond",
    "{SUVbw}g/ml": "Standardized Uptake Value body weight",
}
_ALIASES = {"HU": "[hnsf'U]", "ml": "mL", "mm^3": "mm3", "mm^2": "mm2", "": "1"}
_IDENTITY = "SegmentIdentificationSequence"
_PROCEDURE = Code("363679005", "SCT", "Imaging procedure")


@dataclass(frozen=True, slots=True)
class Measurement:
    """One number.

    Args:
        name: what was measured, such as ``"Volume"``, ``"Length"`` or ``"AttenuationCoefficient"``: a :class:`Code`, or
            its keyword.
        value: the number, finite.
        unit: in UCUM, such as ``"mm3"``, ``"mm"``, ``"%"``; ``"HU"`` is understood too.
        derivation: how it was made of many values, such as ``"Mean"``: a :class:`Code`, or its keyword.

    Raises:
        DataError: a value that is not finite, or a unit of another length than 1 to 16.
        UnknownNameError: a keyword that is no concept.

    Example:
        >>> Measurement("Volume", 12.5, "mm3").name
        Code(value='118565006', scheme='SCT', meaning='Volume')
    """

    name: Code | str
    value: float
    unit: str
    derivation: Code | str | None = None

    def __post_init__(self) -> None:
        if not math.isfinite(self.value):
            raise DataError(f"the measurement '{self.name}' is {self.value}", allowed="a finite number")
        unit = _ALIASES.get(self.unit, self.unit)
        object.__setattr__(self, "unit", Code.of(Code(unit, "UCUM", _UNITS.get(unit, unit))).value)
        object.__setattr__(self, "name", Code.of(self.name))
        if self.derivation is not None:
            object.__setattr__(self, "derivation", Code.of(self.derivation))

    @classmethod
    def volume(cls, mask: np.ndarray, affine: npt.ArrayLike) -> Measurement:
        """Return the volume of a mask in cubic millimetres: voxels times the size of one.

        Args:
            mask: (D, H, W), not 0 inside.
            affine: 4 x 4, of its grid, in millimetres.

        Example:
            >>> Measurement.volume(np.ones((2, 2, 2), bool), np.diag([0.5, 0.5, 3, 1])).value
            6.0
        """
        i, j, k = np.asarray(affine, dtype=np.float64)[:3, :3].T
        voxel = abs(float(np.cross(i, j) @ k))
        return cls("Volume", int(np.count_nonzero(mask)) * voxel, "mm3")


@dataclass(frozen=True, slots=True)
class Finding:
    """What was measured about one region.

    Args:
        label: what the finding is called, across studies.
        measurements: the numbers.
        segment: number of the segment that shows it; ``None`` if the numbers are about the images as a whole.
        type: what it is, such as ``"Neoplasm"``: a :class:`Code`, or its keyword.
        site: where it is, such as ``"Liver"``: a :class:`Code`, or its keyword.
        uid: UID of the finding; a fresh one by default.
    """

    label: str
    measurements: Sequence[Measurement]
    segment: int | None = None
    type: Code | str | None = None
    site: Code | str | None = None
    uid: str | None = None


def write_measurement_report(
    path: Path | str,
    findings: Sequence[Finding],
    source: Sources,
    *,
    segmentation: Path | str | None = None,
    procedure: Code | str = _PROCEDURE,
    observer: str = "deephealth",
    description: str = "",
    number: int = 4001,
) -> None:
    """Write measurements as a DICOM structured report (TID 1500), atomically.

    Args:
        path: the file.
        findings: what was measured, at least one finding.
        source: the images that were measured (files, their folder, headers, or the volume read from them): patient and
            study are theirs.
        segmentation: the SEG file whose segments the findings name.
        procedure: how the images were made, such as ``"ComputedTomographyOfAbdomen"``: a :class:`Code`, or its keyword
            in the dictionary.
        observer: the name of the software that measured.
        description: series description.
        number: series number.

    Raises:
        DataError: no finding, or a segment that the segmentation does not have.
        OptionalDependencyError: highdicom is not installed.
        StorageError: it can't be written.
    """
    highdicom = require("highdicom", purpose="writing DICOM structured reports")
    if not findings:
        raise DataError("a report without findings", allowed="at least one finding")
    images = [complete_header(image) for image in read_source_images(source)]
    shown = None if segmentation is None else _open_segmentation(Path(segmentation))
    if shown is not None and shown.get("StudyInstanceUID") != images[0].StudyInstanceUID:
        raise DataError(f"{segmentation} is of another study than the images", allowed="a segmentation of the images")
    try:
        content = highdicom.sr.MeasurementReport(
            observation_context=_observer(highdicom, observer),
            procedure_reported=_concept(highdicom, procedure),
            imaging_measurements=[_group(highdicom, finding, images, shown) for finding in findings],
        )
        report = highdicom.sr.Comprehensive3DSR(
            evidence=images if shown is None else [*images, shown],
            content=content[0],
            series_instance_uid=new_uid(),
            series_number=number,
            sop_instance_uid=new_uid(),
            instance_number=1,
            manufacturer="deephealth",
            manufacturer_model_name="deephealth",
            software_versions=software_version(),
            series_description=description[:64] or None,
            specific_character_set="ISO_IR 192",
            is_complete=True,
        )
        stream = io.BytesIO()
        report.save_as(stream)
    except DeepHealthError:
        raise
    except Exception as error:  # highdicom checks with the built-in errors
        raise DataError(f"the report can't be made: {error}", hint="check the source images' headers") from error
    atomic_write(path, stream.getvalue())


def _open_segmentation(path: Path) -> Dataset:
    """Return a segmentation whose every frame names its segment: highdicom writes what all frames share only once."""
    dataset = open_object(path, "SEG", "segmentation", DEFAULT_LIMITS)
    for shared in items(dataset, "SharedFunctionalGroupsSequence"):
        if _IDENTITY in shared:
            for frame in items(dataset, "PerFrameFunctionalGroupsSequence"):
                frame[_IDENTITY] = shared[_IDENTITY]
    return dataset


def _concept(highdicom: ModuleType, code: Code | str) -> Any:
    return highdicom.sr.CodedConcept(*Code.of(code))


def _observer(highdicom: ModuleType, name: str) -> Any:
    sr = highdicom.sr
    device = sr.DeviceObserverIdentifyingAttributes(
        uid=new_uid(), name=name[:64], manufacturer_name="deephealth", model_name=f"deephealth {software_version()}"
    )
    kind = sr.CodedConcept("121007", "DCM", "Device")
    return sr.ObservationContext(
        observer_device_context=sr.ObserverContext(observer_type=kind, observer_identifying_attributes=device)
    )


def _group(highdicom: ModuleType, finding: Finding, images: Sequence[Dataset], shown: Dataset | None) -> Any:
    """Return the measurements of one finding: of its segment, or of the images."""
    sr = highdicom.sr
    common = {
        "tracking_identifier": sr.TrackingIdentifier(uid=finding.uid or new_uid(), identifier=finding.label),
        "finding_type": None if finding.type is None else _concept(highdicom, finding.type),
        "finding_sites": None if finding.site is None else [sr.FindingSite(_concept(highdicom, finding.site))],
        "measurements": [_measurement(highdicom, item) for item in finding.measurements],
    }
    if finding.segment is None:
        sources = [sr.SourceImageForMeasurementGroup.from_source_image(image) for image in images]
        return sr.MeasurementsAndQualitativeEvaluations(source_images=sources, **common)
    numbers = [int(item.SegmentNumber) for item in items(shown, "SegmentSequence")] if shown is not None else []
    if finding.segment not in numbers:
        raise UnknownNameError("segment", str(finding.segment), map(str, numbers))
    return sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
        referenced_segment=sr.ReferencedSegment.from_segmentation(shown, finding.segment), **common
    )


def _measurement(highdicom: ModuleType, item: Measurement) -> Any:
    return highdicom.sr.Measurement(
        name=_concept(highdicom, item.name),
        value=float(item.value),
        unit=highdicom.sr.CodedConcept(item.unit, "UCUM", _UNITS.get(item.unit, item.unit)),
        derivation=None if item.derivation is None else _concept(highdicom, item.derivation),
    )
