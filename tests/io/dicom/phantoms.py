"""DICOM objects made for tests, with pydicom alone: nothing here uses the writers that are under test."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pydicom
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, MRImageStorage, RTStructureSetStorage, generate_uid

from deephealth.io.geometry import affine_from, lps_to_ras
from deephealth.io.volume import Volume

_WORLD = {"R": (0, 1), "L": (0, -1), "A": (1, 1), "P": (1, -1), "S": (2, 1), "I": (2, -1)}
ORIENTATIONS = ("RAS", "LPS", "LAS", "RPS", "ASL", "PIR", "SAR")
SPACING = (0.75, 0.5, 2.5)  # along i, j, k: all different, so that a swap shows


def rotation(degrees: Sequence[float]) -> np.ndarray:
    """Return the 3 x 3 rotation about x, then y, then z."""
    matrix = np.eye(3)
    for axis, angle in enumerate(degrees):
        cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        turn = np.eye(3)
        a, b = [(1, 2), (2, 0), (0, 1)][axis]
        turn[a, a] = turn[b, b] = cos
        turn[a, b], turn[b, a] = -sin, sin
        matrix = turn @ matrix
    return matrix


def affine_for(
    codes: str = "LPS",
    *,
    spacing: Sequence[float] = SPACING,
    origin: Sequence[float] = (-12.5, 31.25, -101.0),
    oblique: Sequence[float] = (0.0, 0.0, 0.0),
    tilt: float = 0.0,
) -> np.ndarray:
    """Return a RAS affine: axes along ``codes``, turned by ``oblique`` degrees, slices sheared by ``tilt`` along j."""
    direction = np.zeros((3, 3))
    for column, letter in enumerate(codes):
        axis, sign = _WORLD[letter]
        direction[axis, column] = sign
    direction = rotation(oblique) @ direction
    affine = affine_from(direction, spacing, origin)
    # a tilted gantry keeps the table's step: the slice axis leans towards the rows
    affine[:3, 2] += math.tan(math.radians(tilt)) * spacing[2] * direction[:, 1]
    return affine


def ramp(shape: tuple[int, int, int] = (6, 10, 8), seed: int = 0) -> np.ndarray:
    """Return int16 voxels of which no two slices, rows or columns look alike, in the range of CT."""
    depth, height, width = shape
    k, j, i = np.mgrid[:depth, :height, :width]
    noise = np.random.default_rng(seed).integers(0, 7, shape)
    return (k * 97 + j * 13 + i * 3 + noise - 500).astype(np.int16)


def phantom(codes: str = "LPS", *, shape: tuple[int, int, int] = (6, 10, 8), seed: int = 0, **place: object) -> Volume:
    """Return a volume with asymmetric content; ``place`` as in :func:`affine_for`."""
    return Volume(ramp(shape, seed), affine_for(codes, **place), unit="HU")


def slices_of(
    volume: Volume, *, modality: str = "CT", patient: str = "P1", edit: Callable[[Dataset, int], None] | None = None
) -> list[Dataset]:
    """Return the single-frame images of a volume, in the order of its slices.

    ``edit`` may change each image; it is given the number of the slice.
    """
    lps = lps_to_ras(volume.affine)
    study, series, frame = generate_uid(), generate_uid(), generate_uid()
    steps = np.linalg.norm(lps[:3, :3], axis=0)
    row, column = lps[:3, 0] / steps[0], lps[:3, 1] / steps[1]
    normal = np.cross(row, column)
    images = []
    for k, pixels in enumerate(volume.data):
        image = Dataset()
        image.SOPClassUID = CTImageStorage if modality == "CT" else MRImageStorage
        image.SOPInstanceUID = generate_uid()
        image.StudyInstanceUID, image.SeriesInstanceUID, image.FrameOfReferenceUID = study, series, frame
        image.PatientName, image.PatientID, image.PatientBirthDate, image.PatientSex = (
            f"Test^{patient}",
            patient,
            "",
            "O",
        )
        image.StudyDate, image.StudyTime, image.StudyID, image.AccessionNumber = "20260102", "030405", "7", "A7"
        image.SeriesDate, image.SeriesTime = "20260102", "030405"
        image.AcquisitionDate, image.AcquisitionTime = "20260102", "030405"
        image.ReferringPhysicianName = ""
        image.Modality, image.Manufacturer, image.SeriesNumber, image.InstanceNumber = modality, "Phantom", 3, k + 1
        image.SeriesDescription = "phantom"
        image.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL" if modality == "CT" else "OTHER"]
        image.PatientPosition = "HFS"
        image.PositionReferenceIndicator = ""
        image.ImagePositionPatient = [_ds(value) for value in lps[:3, 3] + k * lps[:3, 2]]
        image.ImageOrientationPatient = [_ds(value) for value in (*row, *column)]
        image.PixelSpacing = [_ds(steps[1]), _ds(steps[0])]
        image.SliceThickness = _ds(abs(lps[:3, 2] @ normal))
        image.SpacingBetweenSlices = image.SliceThickness
        image.SliceLocation = _ds((lps[:3, 3] + k * lps[:3, 2]) @ normal)
        image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
        image.Rows, image.Columns = pixels.shape
        image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 16, 16, 15, 0
        image.RescaleSlope, image.RescaleIntercept, image.RescaleType = 1, -1024, "HU"
        image.PixelData = (pixels.astype(np.int32) + 1024).astype("<u2").tobytes()
        if edit:
            edit(image, k)
        images.append(image)
    return images


def save(image: Dataset, path: Path) -> Path:
    """Write one image as explicit little endian."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = image.SOPClassUID, image.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.file_meta = meta
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save_as(path, enforce_file_format=True)
    return path


def save_series(
    folder: Path, volume: Volume, *, skip: Sequence[int] = (), repeat: Sequence[int] = (), **how
) -> list[Path]:
    """Write a volume as a series under names that do not tell the order of its slices.

    Args:
        folder: where.
        volume: what.
        skip: slices left out.
        repeat: slices that a second image (with a UID of its own) shows again.
        how: as in :func:`slices_of`.
    """
    images = slices_of(volume, **how)
    for k in repeat:
        again = pydicom.Dataset(images[k])
        again.SOPInstanceUID = generate_uid()
        again.InstanceNumber = len(images) + 1
        images.append(again)
    kept = [image for k, image in enumerate(images) if k not in skip]
    return [save(image, folder / f"{(7 * n + 3) % 101:03d}.dcm") for n, image in enumerate(kept)]


def enhanced(volume: Volume, path: Path) -> Path:
    """Write a volume as one enhanced multi-frame CT, through highdicom's conversion of single frames."""
    from highdicom.legacy import LegacyConvertedEnhancedCTImage

    images = slices_of(volume)
    for image in images:
        image.file_meta = FileMetaDataset()
        image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    converted = LegacyConvertedEnhancedCTImage(
        images,
        series_instance_uid=generate_uid(),
        series_number=4,
        sop_instance_uid=generate_uid(),
        instance_number=1,
    )
    converted.save_as(path)
    return path


def circle(centre: Sequence[float], radius: float, count: int = 40) -> np.ndarray:
    """Return the corners of a regular polygon in voxel indices (i, j): N x 2."""
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.stack([centre[0] + radius * np.cos(angle), centre[1] + radius * np.sin(angle)], axis=1)


def rtstruct(
    path: Path,
    volume: Volume,
    rois: dict[str, list[tuple[float, np.ndarray]]],
    *,
    images: Sequence[Dataset] = (),
    edit: Callable[[Dataset], None] | None = None,
) -> Path:
    """Write a structure set.

    Args:
        path: the file.
        volume: its affine turns voxel indices into patient coordinates.
        rois: name -> contours, each the slice k (may be a fraction) and its corners (i, j).
        images: the series referred to.
        edit: may change the data set before it is written.
    """
    lps = lps_to_ras(volume.affine)
    plan = Dataset()
    plan.SOPClassUID, plan.SOPInstanceUID = RTStructureSetStorage, generate_uid()
    plan.StudyInstanceUID = images[0].StudyInstanceUID if images else generate_uid()
    plan.SeriesInstanceUID = generate_uid()
    frame = images[0].FrameOfReferenceUID if images else generate_uid()
    plan.PatientName, plan.PatientID, plan.PatientBirthDate, plan.PatientSex = "Test^P1", "P1", "", "O"
    plan.Modality, plan.StructureSetLabel, plan.Manufacturer = "RTSTRUCT", "phantom", "Phantom"
    plan.StructureSetROISequence, plan.ROIContourSequence = [], []
    for number, (name, contours) in enumerate(rois.items(), 1):
        roi = Dataset()
        roi.ROINumber, roi.ROIName, roi.ReferencedFrameOfReferenceUID = number, name, frame
        roi.ROIGenerationAlgorithm = "MANUAL"
        plan.StructureSetROISequence.append(roi)
        drawn = Dataset()
        drawn.ReferencedROINumber = number
        drawn.ROIDisplayColor = [255, 0, 0]
        if contours:
            drawn.ContourSequence = [_contour(lps, k, corners) for k, corners in contours]
        plan.ROIContourSequence.append(drawn)
    if edit:
        edit(plan)
    return save(plan, path)


def _contour(lps: np.ndarray, k: float, corners: np.ndarray) -> Dataset:
    contour = Dataset()
    contour.ContourGeometricType = "CLOSED_PLANAR"
    contour.NumberOfContourPoints = len(corners)
    voxels = np.concatenate([corners, np.full((len(corners), 1), k), np.ones((len(corners), 1))], axis=1)
    contour.ContourData = [_ds(value) for value in (voxels @ lps.T)[:, :3].ravel()]
    return contour


def _ds(value: float) -> str:
    return f"{value:.10g}"[:16]
