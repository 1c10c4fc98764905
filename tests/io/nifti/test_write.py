"""Writing NIfTI: what is written overlays what was read."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deephealth.core.errors import DataError
from deephealth.io.geometry import affine_from
from deephealth.io.nifti import read_nifti, write_nifti
from deephealth.io.nifti.place import qform_fields, rotation_from
from deephealth.io.volume import Volume

SUFFIXES = [".nii", ".nii.gz", ".hdr", ".hdr.gz", ".img"]


@st.composite
def affines(draw, shear: bool = False) -> np.ndarray:
    vector = np.array(draw(st.tuples(*[st.floats(-1, 1)] * 3)))
    rotation = rotation_from(vector / max(1.0, float(np.linalg.norm(vector))))
    rotation[:, draw(st.integers(0, 2))] *= draw(st.sampled_from([1, -1]))
    if shear:
        rotation[:, 2] += draw(st.floats(0.05, 0.5)) * rotation[:, 1]
    return affine_from(
        rotation, draw(st.tuples(*[st.floats(0.2, 8)] * 3)), draw(st.tuples(*[st.floats(-400, 400)] * 3))
    )


@given(affine=affines(), suffix=st.sampled_from(SUFFIXES), version=st.sampled_from([None, 1, 2]))
def test_round_trip(tmp_path_factory, affine, suffix, version) -> None:
    path = tmp_path_factory.mktemp("n") / f"a{suffix}"
    data = np.random.default_rng(0).integers(-9, 9, (4, 5, 6)).astype(np.int16)
    write_nifti(path, Volume(data, affine), version=version)
    again = read_nifti(path)
    np.testing.assert_array_equal(again.data, data)
    np.testing.assert_allclose(again.affine, affine, atol=1e-4)
    image = nib.load(path)
    np.testing.assert_array_equal(np.asanyarray(image.dataobj), data.T)
    np.testing.assert_allclose(image.affine, affine, atol=1e-4)
    np.testing.assert_allclose(image.header.get_qform(), affine, atol=1e-3)
    assert image.header.get_xyzt_units()[0] == "mm"


@given(affine=affines(shear=True))
def test_a_tilted_volume_has_no_qform(tmp_path_factory, affine) -> None:
    path = tmp_path_factory.mktemp("n") / "a.nii"
    write_nifti(path, Volume(np.zeros((2, 3, 4), np.uint8), affine))
    header = nib.load(path).header
    assert (int(header["sform_code"]), int(header["qform_code"])) == (1, 0)
    np.testing.assert_allclose(read_nifti(path).affine, affine, atol=1e-4)


@pytest.mark.parametrize("degrees", [0.01, 0.1, 0.5, 3.0])
def test_itk_places_nearly_axial_volumes_exactly(tmp_path: Path, degrees: float) -> None:
    itk = pytest.importorskip("SimpleITK")
    small = np.radians(degrees) * np.array([0.5, 0.25, 0.17])
    turn = rotation_from(small) @ np.diag([-1.0, -1.0, 1.0])  # as scanners write; the quaternion is ill-conditioned
    volume = Volume(np.zeros((40, 64, 64), np.uint8), affine_from(turn, (4, 4, 8), (200.125, 150.5, -300.25)))
    write_nifti(tmp_path / "a.nii", volume)
    found = itk.ReadImage(str(tmp_path / "a.nii")).TransformIndexToPhysicalPoint((63, 63, 39))
    right = np.diag([-1, -1, 1]) @ (volume.affine @ [63, 63, 39, 1])[:3]
    np.testing.assert_allclose(found, right, atol=1e-4)


@given(affine=affines())
def test_quaternions_say_rotations(affine) -> None:
    sizes, qfac, vector, exact = qform_fields(affine)
    matrix = rotation_from(vector) * sizes
    matrix[:, 2] *= qfac
    assert exact
    np.testing.assert_allclose(matrix, affine[:3, :3], atol=1e-6)


@pytest.mark.parametrize(("sform", "qform"), [(1, 0), (0, 1), (4, 1), (2, 2), (3, 3)])
@pytest.mark.parametrize("turned", [None, "LPS", "SAR"])
def test_both_transforms_are_kept(tmp_path: Path, sform: int, qform: int, turned: str | None) -> None:
    data = np.random.default_rng(0).integers(0, 9, (6, 5, 4)).astype(np.int16)
    image = nib.Nifti1Image(data, None)
    image.set_sform(np.array([[2.0, 0.1, 0, 5], [0.1, 3, 0, 6], [0, 0, 4, 7], [0, 0, 0, 1]]), sform)
    image.set_qform(np.array([[0, 0, 4.0, 50], [-2.0, 0, 0, 60], [0, -3, 0, 70], [0, 0, 0, 1]]), qform)
    nib.save(image, tmp_path / "a.nii")
    volume = read_nifti(tmp_path / "a.nii", orientation=turned)
    write_nifti(tmp_path / "b.nii.gz", volume)
    again = nib.load(tmp_path / "b.nii.gz")
    assert (int(again.header["sform_code"]), int(again.header["qform_code"])) == (sform, qform)
    moved = np.linalg.inv(nib.load(tmp_path / "a.nii").affine) @ again.affine  # new indices -> old indices
    for name in ("get_sform", "get_qform"):
        old, code = getattr(image.header, name)(coded=True)
        new, _ = getattr(again.header, name)(coded=True)
        if code:
            np.testing.assert_allclose(new, old @ moved, atol=1e-4)
    index = np.rint(moved @ [1, 2, 3, 1]).astype(int)[:3]
    assert np.asanyarray(again.dataobj)[1, 2, 3] == data[tuple(index)]


def test_an_image_without_a_place_stays_so(tmp_path: Path) -> None:
    image = nib.Nifti1Image(np.zeros((6, 5, 4), np.int16), None)
    image.header.set_zooms((2, 3, 4))
    nib.save(image, tmp_path / "a.nii")
    volume = read_nifti(tmp_path / "a.nii")
    write_nifti(tmp_path / "b.nii", volume)
    again = nib.load(tmp_path / "b.nii")
    assert (int(again.header["sform_code"]), int(again.header["qform_code"])) == (0, 0)
    np.testing.assert_allclose(again.affine, nib.load(tmp_path / "a.nii").affine)
    write_nifti(tmp_path / "c.nii", volume.reorient("LPS"))
    np.testing.assert_allclose(nib.load(tmp_path / "c.nii").affine, volume.reorient("LPS").affine)


def test_a_new_place_counts_more_than_the_old_header(tmp_path: Path) -> None:
    write_nifti(tmp_path / "a.nii", Volume(np.zeros((4, 5, 6), np.int16), np.eye(4)))
    read = read_nifti(tmp_path / "a.nii")
    angle = 0.3
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    moved = Volume(read.data, affine_from(turn, (1, 2, 3), (4, 5, 6)), read.meta)
    write_nifti(tmp_path / "b.nii", moved)
    np.testing.assert_allclose(read_nifti(tmp_path / "b.nii").affine, moved.affine, atol=1e-5)
    np.testing.assert_allclose(nib.load(tmp_path / "b.nii").header.get_qform(), moved.affine, atol=1e-5)


def test_the_header_comes_back(tmp_path: Path) -> None:
    image = nib.Nifti1Image(np.zeros((6, 5, 4, 2), np.float32), np.eye(4))
    image.header["descrip"] = b"made for a test"
    image.header["intent_name"] = b"z score"
    image.header["cal_max"] = 7
    image.header["pixdim"][4] = 2.5
    image.header.set_xyzt_units("micron", "msec")
    image.header.extensions.append(nib.nifti1.Nifti1Extension(6, b"a comment"))
    nib.save(image, tmp_path / "a.nii")
    volume = read_nifti(tmp_path / "a.nii")
    write_nifti(tmp_path / "b.nii.gz", volume)
    header = nib.load(tmp_path / "b.nii.gz").header
    assert header["descrip"].item() == b"made for a test"
    assert header["intent_name"].item() == b"z score"
    assert header["cal_max"] == 7
    assert header["pixdim"][4] == 2.5
    assert header.get_xyzt_units() == ("mm", "msec")
    np.testing.assert_allclose(header.get_best_affine(), np.diag([0.001, 0.001, 0.001, 1]), atol=1e-9)
    assert header.extensions[0].get_content().rstrip(b"\0") == b"a comment"
    assert read_nifti(tmp_path / "b.nii.gz").meta["extensions"] == volume.meta["extensions"]
    write_nifti(tmp_path / "c.nii", volume, meta=False)
    assert not nib.load(tmp_path / "c.nii").header.extensions


@pytest.mark.parametrize(
    ("stored", "written"), [("?", "u1"), ("f2", "f4"), (">i2", "i2"), ("u8", "u8"), ("c16", "c16"), ("i1", "i1")]
)
def test_element_types(tmp_path: Path, stored: str, written: str) -> None:
    data = np.arange(24).reshape(2, 3, 4).astype(stored)
    write_nifti(tmp_path / "a.nii", Volume(data, np.eye(4)))
    again = read_nifti(tmp_path / "a.nii").data
    assert again.dtype == np.dtype(written)
    np.testing.assert_array_equal(again, data.astype(written))


@pytest.mark.parametrize("shape", [(6, 5), (6, 5, 4), (6, 5, 4, 1), (6, 5, 4, 3), (6, 5, 4, 2, 3), (6, 5, 4, 1, 3)])
def test_axes_come_back(tmp_path: Path, shape: tuple[int, ...]) -> None:
    data = np.arange(np.prod(shape), dtype=np.int16).reshape(shape)
    nib.save(nib.Nifti1Image(data, np.eye(4)), tmp_path / "a.nii")
    write_nifti(tmp_path / "b.nii", read_nifti(tmp_path / "a.nii"))
    np.testing.assert_array_equal(np.asanyarray(nib.load(tmp_path / "b.nii").dataobj), data)


@pytest.mark.parametrize(("colour", "count"), [("RGB", 3), ("RGBA", 4)])
def test_colours_come_back(tmp_path: Path, colour: str, count: int) -> None:
    data = np.random.default_rng(0).integers(0, 255, (count, 3, 4, 5), dtype=np.uint8)
    write_nifti(tmp_path / "a.nii.gz", Volume(data, np.eye(4), {"colour": colour}))
    again = read_nifti(tmp_path / "a.nii.gz")
    np.testing.assert_array_equal(again.data, data)
    assert again.meta["colour"] == colour
    write_nifti(tmp_path / "b.nii.gz", again.with_data(again.data.astype(np.float32)))  # no longer colours
    assert read_nifti(tmp_path / "b.nii.gz").data.shape == (count, 3, 4, 5)


def test_bytes_repeat_whatever_the_threads(tmp_path: Path) -> None:
    volume = Volume(np.random.default_rng(0).integers(0, 999, (40, 128, 128)).astype(np.int16), np.eye(4))
    found = set()
    for threads in (1, 2, None):
        write_nifti(tmp_path / "a.nii.gz", volume, threads=threads)
        found.add((tmp_path / "a.nii.gz").read_bytes())
    assert len(found) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.nii.gz"]  # no temporary files
    for threads in (1, 2):
        np.testing.assert_array_equal(read_nifti(tmp_path / "a.nii.gz", threads=threads).data, volume.data)


def test_long_axes_need_version_2(tmp_path: Path) -> None:
    volume = Volume(np.zeros((1, 1, 40_000), np.uint8), np.eye(4))
    write_nifti(tmp_path / "a.nii.gz", volume)
    assert read_nifti(tmp_path / "a.nii.gz").meta["nifti_version"] == 2
    with pytest.raises(DataError, match="NIfTI-1"):
        write_nifti(tmp_path / "a.nii.gz", volume, version=1)


def test_what_cannot_be_written(tmp_path: Path) -> None:
    volume = Volume(np.zeros((2, 3, 4), np.int16), np.eye(4))
    with pytest.raises(DataError, match="name of a NIfTI file"):
        write_nifti(tmp_path / "a.png", volume)
    with pytest.raises(DataError, match="no type"):
        write_nifti(tmp_path / "a.nii", Volume(np.zeros((2, 3, 4), "M8[s]"), np.eye(4)))
    with pytest.raises(DataError, match="version 3"):
        write_nifti(tmp_path / "a.nii", volume, version=3)
    with pytest.raises(DataError, match="at least one voxel"):
        write_nifti(tmp_path / "a.nii", Volume(np.zeros((0, 3, 4), np.int16), np.eye(4)))
    with pytest.raises(DataError, match="cal_max"):
        write_nifti(tmp_path / "a.nii", Volume(volume.data, np.eye(4), {"nifti_version": 1, "cal_max": "high"}))
    assert not list(tmp_path.iterdir())
