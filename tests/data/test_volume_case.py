from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from deephealth.core.errors import DataError, MissingDataError
from deephealth.data.volume_case import CaseArrays, VolumeCase, check_arrays, read_case
from deephealth.io.volume import Volume
from deephealth.io.volumes import write_volume
from tests.data.volumes import AFFINE, write_case

SHAPE = (5, 6, 7)


def write(path: Path, data: np.ndarray, affine: np.ndarray = AFFINE) -> Path:
    write_volume(path, Volume(data, affine))
    return path


def test_several_files_become_channels(tmp_path: Path) -> None:
    one = write(tmp_path / "t1.nii", np.full(SHAPE, 1, np.int16))
    two = write(tmp_path / "t2.nii", np.full((2, *SHAPE), 2, np.int16))
    weight = write(tmp_path / "w.nii", np.full(SHAPE, 0.5, np.float32))
    arrays = read_case(VolumeCase("a", [one, two], extras={"weight": weight}))
    assert arrays.image.shape == (3, *SHAPE)
    assert arrays.image[:, 0, 0, 0].tolist() == [1, 2, 2]
    assert arrays.label is None
    assert arrays.extras["weight"].shape == (1, *SHAPE)
    np.testing.assert_allclose(arrays.affine, AFFINE)


def test_parts_are_turned_before_they_are_compared(tmp_path: Path) -> None:
    volume = Volume(np.arange(210, dtype=np.int16).reshape(SHAPE), AFFINE)
    write_volume(tmp_path / "a.nii", volume)
    write_volume(tmp_path / "s.nii", volume.reorient("LPS"))
    arrays = read_case(VolumeCase("a", tmp_path / "a.nii", tmp_path / "s.nii"))
    assert arrays.label is not None
    np.testing.assert_array_equal(arrays.image, arrays.label)


def test_another_shape_names_both_files(tmp_path: Path) -> None:
    image, label = write(tmp_path / "a.nii", np.zeros(SHAPE, np.int16)), np.zeros((5, 6, 8), np.uint8)
    with pytest.raises(DataError, match=r"a\.nii has 5×6×7 voxels and .*s\.nii has 5×6×8"):
        read_case(VolumeCase("a", image, write(tmp_path / "s.nii", label)))


@pytest.mark.parametrize(("shift", "good"), [(5e-4, True), (3e-3, False)])
def test_another_place_names_both_files(tmp_path: Path, shift: float, good: bool) -> None:
    moved = AFFINE.copy()
    moved[1, 3] += shift
    image = write(tmp_path / "a.nii", np.zeros(SHAPE, np.int16))
    case = VolumeCase("a", image, write(tmp_path / "s.nii", np.zeros(SHAPE, np.uint8), moved))
    if good:
        assert read_case(case).label is not None
        return
    with pytest.raises(DataError, match=r"a\.nii and .*s\.nii .* 0\.003 mm apart"):
        read_case(case)


def test_not_finite(tmp_path: Path) -> None:
    data = np.ones(SHAPE, np.float32)
    data[1, 2, 3], data[4, 5, 6] = np.nan, np.inf
    case = VolumeCase("a", write(tmp_path / "a.nii", data))
    with pytest.raises(DataError, match=r"2 voxels of .*a\.nii are NaN or infinite, .* \(0, 1, 2, 3\)"):
        read_case(case)
    assert read_case(case, fill_nan=-7).image[0, 1, 2, 3] == -7


def test_labels_that_are_none(tmp_path: Path) -> None:
    image = write(tmp_path / "a.nii", np.zeros(SHAPE, np.int16))
    broken = np.zeros(SHAPE, np.float32)
    broken[0, 0, :2] = 0.5
    with pytest.raises(DataError, match="2 values of the label"):
        read_case(VolumeCase("a", image, write(tmp_path / "s.nii", broken)))
    with pytest.raises(DataError, match="one channel"):
        read_case(VolumeCase("a", image, write(tmp_path / "t.nii", np.zeros((2, *SHAPE), np.uint8))))
    whole = read_case(VolumeCase("a", image, write(tmp_path / "u.nii", np.full(SHAPE, 300.0, np.float32))))
    assert whole.label is not None
    assert whole.label.dtype == np.int16


def test_no_image_or_no_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no image"):
        VolumeCase("a", [])
    with pytest.raises(MissingDataError):
        read_case(VolumeCase("a", tmp_path / "none.nii"))


def test_the_files_of_a_case(tmp_path: Path) -> None:
    case = write_case(tmp_path, "a")
    (tmp_path / "series" / "deep").mkdir(parents=True)
    for name in ("deep/2.dcm", "1.dcm"):
        (tmp_path / "series" / name).write_bytes(b"")
    write_volume(tmp_path / "pair[1].hdr", Volume(np.zeros(SHAPE, np.int16), AFFINE))
    more = VolumeCase("b", [tmp_path / "series", tmp_path / "pair[1].hdr"], case.label, {"w": tmp_path / "a.nii.gz"})
    names = {part: [path.name for path in paths] for part, paths in more.files().items()}
    assert names == {
        "image 0": ["1.dcm", "2.dcm"],
        "image 1": ["pair[1].hdr", "pair[1].img"],
        "label": ["a_seg.nii.gz"],
        "extra w": ["a.nii.gz"],
    }


def test_what_a_preparation_may_not_give() -> None:
    image = np.zeros((1, 2, 3, 4), np.float64)
    good = check_arrays(CaseArrays(image, np.eye(4), np.zeros((1, 2, 3, 4))), "a")
    assert good.label is not None
    assert (good.image.dtype, good.label.dtype) == (np.float32, np.uint8)
    with pytest.raises(DataError, match="label of 'a'"):
        check_arrays(CaseArrays(image, np.eye(4), np.zeros((1, 2, 3, 5))), "a")
    with pytest.raises(DataError, match="image of 'a'"):
        check_arrays(CaseArrays(image[0], np.eye(4)), "a")
    with pytest.raises(DataError, match="not finite"):
        check_arrays(CaseArrays(image + np.nan, np.eye(4)), "a")
