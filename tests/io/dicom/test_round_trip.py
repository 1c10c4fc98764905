"""Geometry, end to end: DICOM series -> volume -> NIfTI -> back, against SimpleITK and dcm2niix.

Neither of the two keeps the shear of a tilted gantry in its affine: both name the first slice, and a slice axis along
the normal. There, each slice is converted on its own, and the place of each is compared.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import nibabel
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deephealth.core.errors import DataError
from deephealth.io.dicom import read_series
from deephealth.io.dicom.rtstruct import read_rtstruct
from deephealth.io.dicom.segment import Segment
from deephealth.io.dicom.segmentation import read_segmentation, write_segmentation
from deephealth.io.dicom.writing import write_series
from deephealth.io.geometry import affine_from, lps_to_ras
from deephealth.io.nifti import read_nifti, write_nifti
from deephealth.io.volume import Volume
from tests.io.dicom.phantoms import affine_for, circle, enhanced, phantom, ramp, rtstruct, save_series, slices_of

NEAR = 1e-4  # millimetres
CODES = ("RAS", "LPS", "LAS", "ASL", "PIR")
PLACES = {"plain": {}, "oblique": {"oblique": (12.0, -7.0, 20.0)}}
TILTS = {"tilted": {"tilt": 15.0}, "tilted and oblique": {"tilt": -10.0, "oblique": (12.0, -7.0, 20.0)}}


def assert_same(found: Volume, expected: Volume) -> None:
    """Compare values and places, whichever way the axes of either point."""
    turned = found.reorient(expected.orientation)
    assert turned.shape == expected.shape
    assert np.array_equal(turned.data, expected.data)
    assert np.abs(turned.affine - expected.affine).max() < NEAR


def through_simpleitk(paths: list[Path]) -> Volume:
    """Read a series with SimpleITK, in the order that it finds; the test is skipped where it is not installed."""
    sitk = pytest.importorskip("SimpleITK")
    names = paths
    if len(paths) > 1:
        names = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(paths[0].parent))
    image = sitk.ReadImage([str(name) for name in names] if len(names) > 1 else str(names[0]))
    affine = affine_from(np.reshape(image.GetDirection(), (3, 3)), image.GetSpacing(), image.GetOrigin())
    return Volume(sitk.GetArrayFromImage(image), lps_to_ras(affine))


def through_dcm2niix(folder: Path, out: Path) -> Volume:
    """Convert a folder with dcm2niix, and read the result with nibabel; skipped where it is not installed."""
    program = pytest.importorskip("dcm2niix", reason="dcm2niix is not installed").bin
    out.mkdir()
    command = [program, "-f", "x", "-b", "n", "-z", "n", "-o", str(out), str(folder)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    image = nibabel.load(out / "x.nii")
    values = np.asarray(image.dataobj).T
    return Volume(values.reshape((1,) * (3 - values.ndim) + values.shape), image.affine)


@pytest.mark.parametrize("codes", CODES)
@pytest.mark.parametrize("place", PLACES)
class TestAgainstPeers:
    def test_the_series(self, tmp_path, codes: str, place: str) -> None:
        phantom_volume = phantom(codes, **PLACES[place])
        paths = save_series(tmp_path / "in", phantom_volume)
        ours = read_series(tmp_path / "in")
        assert_same(ours, phantom_volume)
        assert_same(ours, through_simpleitk(paths))
        assert_same(ours, through_dcm2niix(tmp_path / "in", tmp_path / "out"))

    def test_there_and_back(self, tmp_path, codes: str, place: str) -> None:
        volume = phantom(codes, **PLACES[place])
        save_series(tmp_path / "in", volume)
        write_nifti(tmp_path / "a.nii.gz", read_series(tmp_path / "in"))
        back = read_nifti(tmp_path / "a.nii.gz")
        assert_same(back, volume)
        written = write_series(tmp_path / "again", back, like=tmp_path / "in")
        assert_same(read_series(tmp_path / "again"), volume)
        assert_same(through_simpleitk(written), volume)
        assert_same(through_dcm2niix(tmp_path / "again", tmp_path / "out"), volume)


@pytest.mark.parametrize("codes", ["LPS", "RAS", "ASL"])
@pytest.mark.parametrize("place", TILTS)
class TestTilted:
    def test_there_and_back(self, tmp_path, codes: str, place: str) -> None:
        volume = phantom(codes, **TILTS[place])
        save_series(tmp_path / "in", volume)
        ours = read_series(tmp_path / "in")
        assert_same(ours, volume)
        write_nifti(tmp_path / "a.nii", ours)
        assert np.abs(nibabel.load(tmp_path / "a.nii").affine - ours.affine).max() < NEAR
        write_series(tmp_path / "again", read_nifti(tmp_path / "a.nii"), like=tmp_path / "in")
        assert_same(read_series(tmp_path / "again"), volume)

    def test_peers_agree_slice_by_slice(self, tmp_path, codes: str, place: str) -> None:
        volume = phantom(codes, shape=(4, 10, 8), **TILTS[place])
        paths = save_series(tmp_path / "in", volume, edit=_tilt_tag(TILTS[place]["tilt"]))
        ours = read_series(tmp_path / "in")
        assert_same(ours, volume)
        assert np.array_equal(through_simpleitk(paths).reorient(volume.orientation).data, volume.data)
        for n, path in enumerate(paths):
            alone = tmp_path / f"slice{n}" / path.name
            alone.parent.mkdir()
            alone.symlink_to(path)
            for peer in (through_simpleitk([alone]), through_dcm2niix(alone.parent, tmp_path / f"out{n}")):
                # a slice on its own has no slice axis: its plane is compared
                k = round(float((np.linalg.inv(ours.affine) @ _centre(peer))[2]))
                ours_alone = Volume(ours.data[k : k + 1], ours.affine @ _step(k))
                _assert_same_plane(peer, ours_alone)


class TestOtherObjects:
    def test_enhanced_multi_frame(self, tmp_path) -> None:
        pytest.importorskip("highdicom")
        volume = phantom("LPS", oblique=(12, -7, 20))
        enhanced(volume, tmp_path / "ct.dcm")
        assert_same(read_series(tmp_path / "ct.dcm"), volume)
        assert_same(through_simpleitk([tmp_path / "ct.dcm"]), volume)

    def test_a_missing_and_a_repeated_slice_are_said(self, tmp_path) -> None:
        save_series(tmp_path / "gap", phantom(shape=(9, 10, 8)), skip=[4])
        with pytest.raises(DataError, match="missing"):
            read_series(tmp_path / "gap")
        save_series(tmp_path / "twice", phantom(), repeat=[2])
        with pytest.raises(DataError, match="position"):
            read_series(tmp_path / "twice")
        found = read_series(tmp_path / "twice", on_missing="report")
        assert_same(found, phantom())
        assert found.meta["slices"]["duplicates"]

    def test_a_mask_predicted_on_nifti_overlays_the_series(self, tmp_path) -> None:
        pytest.importorskip("highdicom")
        volume = phantom("LPS", shape=(8, 12, 10), oblique=(12, -7, 20))
        save_series(tmp_path / "in", volume)
        write_nifti(tmp_path / "a.nii.gz", read_series(tmp_path / "in"))
        seen = read_nifti(tmp_path / "a.nii.gz", orientation="RAS")
        mask = seen.with_data((seen.data > 100).astype(np.uint8))
        write_segmentation(tmp_path / "seg.dcm", mask, tmp_path / "in", [Segment("bright")])
        found = read_segmentation(tmp_path / "seg.dcm", like=read_series(tmp_path / "in"))
        assert np.array_equal(found.volume.data, volume.data > 100)

    def test_contours_of_a_series_lie_on_what_was_read(self, tmp_path) -> None:
        volume = phantom("LPS", shape=(8, 32, 30), tilt=12)
        images = slices_of(volume)
        save_series(tmp_path / "in", volume)
        rtstruct(tmp_path / "rt.dcm", volume, {"ball": [(3, circle((14.2, 15.3), 9))]}, images=images)
        ours = read_series(tmp_path / "in")
        with pytest.raises(DataError, match="frame of reference"):
            read_rtstruct(tmp_path / "rt.dcm", ours)  # the structure set is about other images at the same place
        mask = read_rtstruct(tmp_path / "rt.dcm", Volume(ours.data, ours.affine))["ball"]
        assert mask[3].sum() == pytest.approx(np.pi * 81, rel=0.03)
        assert mask.sum() == mask[3].sum()


@settings(max_examples=25)
@given(
    angles=st.tuples(*[st.floats(-40, 40)] * 3),
    spacing=st.tuples(*[st.floats(0.1, 8)] * 3),
    origin=st.tuples(*[st.floats(-900, 900)] * 3),
    tilt=st.floats(-30, 30),
)
def test_any_affine_survives(tmp_path_factory, angles: tuple, spacing: tuple, origin: tuple, tilt: float) -> None:
    folder = tmp_path_factory.mktemp("any")
    affine = affine_for("LPS", spacing=spacing, origin=origin, oblique=angles, tilt=tilt)
    volume = Volume(ramp((3, 4, 5)), affine)
    write_series(folder / "a", volume)
    write_nifti(folder / "a.nii", read_series(folder / "a"))
    assert_same(read_nifti(folder / "a.nii"), volume)


def _tilt_tag(tilt: float):
    def edit(image, k: int) -> None:
        image.GantryDetectorTilt = str(tilt)

    return edit


def _step(k: int) -> np.ndarray:
    step = np.eye(4)
    step[2, 3] = k
    return step


def _centre(volume: Volume) -> np.ndarray:
    depth, height, width = volume.shape
    return volume.affine @ [(width - 1) / 2, (height - 1) / 2, (depth - 1) / 2, 1]


def _assert_same_plane(found: Volume, expected: Volume) -> None:
    """Compare two single slices: every voxel of one is at the place of a voxel of the same value of the other."""
    assert np.abs(_centre(found) - _centre(expected)).max() < NEAR
    to_ours = np.linalg.inv(expected.affine)
    _, height, width = found.shape
    j, i = np.mgrid[:height, :width]
    places = found.affine @ np.stack([i.ravel(), j.ravel(), 0 * i.ravel(), 0 * i.ravel() + 1])
    voxels = to_ours @ places
    assert np.abs(voxels - np.rint(voxels)).max() < 1e-3
    column, row, _, _ = np.rint(voxels).astype(int)
    assert np.array_equal(expected.data[0, row, column], found.data[0].ravel())
