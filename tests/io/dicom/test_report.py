"""Structured reports: what highdicom finds in what was written."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest

from deephealth.core.errors import DataError, UnknownNameError
from deephealth.io.dicom.report import Finding, Measurement, write_measurement_report
from deephealth.io.dicom.segment import Segment
from deephealth.io.dicom.segmentation import write_segmentation
from deephealth.io.dicom.writing import Code
from tests.io.dicom.phantoms import phantom, slices_of

highdicom = pytest.importorskip("highdicom")
SHAPE = (6, 10, 8)


@pytest.fixture
def study(tmp_path):
    """Images, a mask on them, and the file of its segmentation."""
    volume = phantom(shape=SHAPE)
    images = slices_of(volume)
    mask = np.zeros(SHAPE, np.uint8)
    mask[2:4, 3:6, 2:5] = 1
    write_segmentation(tmp_path / "seg.dcm", volume.with_data(mask), images, [Segment("lesion")])
    return volume, images, mask, tmp_path / "seg.dcm"


def test_measurements_of_a_segment(tmp_path, study) -> None:
    volume, images, mask, segmentation = study
    mean = Measurement("AttenuationCoefficient", float(volume.data[mask > 0].mean()), "HU", "Mean")
    size = Measurement.volume(mask, volume.affine)
    finding = Finding("lesion 1", [size, mean], segment=1, type="Neoplasm", site="Liver", uid="2.25.11")
    write_measurement_report(tmp_path / "sr.dcm", [finding], images, segmentation=segmentation, description="sizes")
    report = highdicom.sr.srread(tmp_path / "sr.dcm")
    assert (report.PatientID, report.StudyInstanceUID) == ("P1", images[0].StudyInstanceUID)
    assert (report.Modality, report.CompletionFlag, report.SeriesDescription) == ("SR", "COMPLETE", "sizes")
    (group,) = report.content.get_volumetric_roi_measurement_groups()
    assert (group.tracking_identifier, group.tracking_uid) == ("lesion 1", "2.25.11")
    assert (group.finding_type.value, group.finding_sites[0].value.value) == ("108369006", "10200004")
    reference = group.referenced_segment[0].ReferencedSOPSequence[0]
    assert reference.ReferencedSegmentNumber == 1
    assert reference.ReferencedSOPInstanceUID == pydicom.dcmread(segmentation).SOPInstanceUID
    found = [(item.name.value, item.value, item.unit.value) for item in group.get_measurements()]
    assert found == [
        ("118565006", pytest.approx(18 * 0.75 * 0.5 * 2.5), "mm3"),
        (mean.name[0], pytest.approx(mean.value), "[hnsf'U]"),
    ]
    assert group.get_measurements()[1].derivation.meaning == "Mean"
    evidence = {
        item.ReferencedSOPInstanceUID
        for study in report.CurrentRequestedProcedureEvidenceSequence
        for series in study.ReferencedSeriesSequence
        for item in series.ReferencedSOPSequence
    }
    assert {image.SOPInstanceUID for image in images} < evidence


def test_measurements_of_the_images(tmp_path, study) -> None:
    _, images, _, _ = study
    finding = Finding("heart", [Measurement(Code("1", "99TEST", "Index"), 0.5, "")])
    write_measurement_report(tmp_path / "sr.dcm", [finding], images)
    (group,) = highdicom.sr.srread(tmp_path / "sr.dcm").content.get_image_measurement_groups()
    (item,) = group.get_measurements()
    assert (item.name.meaning, item.value, item.unit.value) == ("Index", 0.5, "1")


def test_what_is_refused(tmp_path, study) -> None:
    _, images, _, segmentation = study
    size = Measurement("Volume", 1, "mm3")
    with pytest.raises(UnknownNameError, match="segment '2'"):
        write_measurement_report(
            tmp_path / "a.dcm", [Finding("a", [size], segment=2)], images, segmentation=segmentation
        )
    with pytest.raises(UnknownNameError, match="segment '1'"):
        write_measurement_report(tmp_path / "a.dcm", [Finding("a", [size], segment=1)], images)
    with pytest.raises(DataError, match="without findings"):
        write_measurement_report(tmp_path / "a.dcm", [], images)
    with pytest.raises(DataError, match="another study"):
        write_measurement_report(
            tmp_path / "a.dcm", [Finding("a", [size], segment=1)], slices_of(phantom()), segmentation=segmentation
        )
    with pytest.raises(DataError, match="nan"):
        Measurement("Volume", float("nan"), "mm3")
    assert not (tmp_path / "a.dcm").exists()


def test_volume_of_a_sheared_grid() -> None:
    volume = phantom(tilt=20, shape=(2, 3, 4))
    assert Measurement.volume(np.ones((2, 3, 4)), volume.affine).value == pytest.approx(24 * 0.75 * 0.5 * 2.5)
