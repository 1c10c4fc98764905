from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import scipy.ndimage
from hypothesis import given
from hypothesis import strategies as st

from deephealth.core.errors import ConfigError, DataError
from deephealth.data.prepare_volume import PrepareVolume, resample
from deephealth.data.volume_case import CaseArrays, VolumeCase
from deephealth.io.geometry import spacing_of
from deephealth.io.volume import Volume
from deephealth.io.volumes import write_volume
from tests.data.volumes import AFFINE, write_case

steps = st.floats(0.4, 3.0)


@given(st.tuples(steps, steps, steps), st.tuples(*[st.integers(1, 7)] * 3))
def test_resampling_is_scipys(spacing: tuple[float, float, float], shape: tuple[int, int, int]) -> None:
    generator = np.random.default_rng(0)
    image = generator.normal(size=(2, *shape)).astype(np.float32)
    label = generator.integers(0, 5, (1, *shape)).astype(np.uint8)
    found = resample(CaseArrays(image, AFFINE, label), spacing)
    np.testing.assert_allclose(spacing_of(found.affine)[::-1], spacing, rtol=1e-6)
    np.testing.assert_allclose(found.affine[:3, 3], AFFINE[:3, 3])
    grid = np.linalg.inv(AFFINE) @ found.affine  # new index -> old index, in i, j, k
    order = [2, 1, 0]
    matrix, offset = grid[:3, :3][np.ix_(order, order)], grid[:3, 3][order]
    for channel, ours in zip(image, found.image, strict=True):
        theirs = scipy.ndimage.affine_transform(
            channel, matrix, offset, output_shape=found.image.shape[1:], order=1, mode="nearest"
        )
        np.testing.assert_allclose(ours, theirs, atol=2e-5)
    assert found.label is not None
    assert found.label.shape[1:] == found.image.shape[1:]
    assert set(np.unique(found.label)) <= set(np.unique(label))


def test_the_same_spacing_changes_nothing() -> None:
    image = np.arange(24, dtype=np.int16).reshape(1, 2, 3, 4)
    found = resample(CaseArrays(image, AFFINE), (2.5, 1.0, 1.5))
    assert found.image is image


def test_settings_are_json_and_checked() -> None:
    config = PrepareVolume(spacing=(1, 1, 2), crop_above=0).config
    assert json.loads(json.dumps(config)) == config
    with pytest.raises(ConfigError, match="spacing"):
        PrepareVolume(spacing=(1, 0, 1))
    with pytest.raises(ConfigError, match="quintic"):
        PrepareVolume(mode="quintic")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="float17"):
        PrepareVolume(dtype="float17")  # type: ignore[arg-type]


def test_dtypes(tmp_path: Path) -> None:
    case = write_case(tmp_path, "a")
    assert PrepareVolume()(case).image.dtype == np.int16
    assert PrepareVolume(spacing=(1, 1, 1))(case).image.dtype == np.int16
    assert PrepareVolume(spacing=(1, 1, 1), dtype="float32")(case).image.dtype == np.float32
    edges = np.zeros((8, 8, 8), np.uint8)
    edges[:, :, 4:] = 255
    write_volume(tmp_path / "e.nii", Volume(edges, np.eye(4)))
    sharp = PrepareVolume(spacing=(0.7, 0.7, 0.7), mode="cubic")(VolumeCase("e", tmp_path / "e.nii")).image
    assert (sharp.dtype, sharp.min(), sharp.max()) == (np.uint8, 0, 255)
    half = PrepareVolume(dtype="float16")(case).image
    assert half.dtype == np.float16
    with pytest.raises(DataError, match=r"'a' holds values .* uint8 can't hold"):
        PrepareVolume(dtype="uint8")(case)
    write_volume(tmp_path / "f.nii", Volume(np.full((2, 2, 2), 7e4), np.eye(4)))
    assert PrepareVolume()(VolumeCase("f", tmp_path / "f.nii")).image.dtype == np.float32
    with pytest.raises(DataError, match="float16 can't hold"):
        PrepareVolume(dtype="float16")(VolumeCase("f", tmp_path / "f.nii"))
    write_volume(tmp_path / "g.nii", Volume(np.full((2, 2, 2), 254.6), np.eye(4)))
    assert PrepareVolume(dtype="uint8")(VolumeCase("g", tmp_path / "g.nii")).image.max() == 255


def test_crop(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    data = np.zeros((6, 7, 8), np.int16)
    data[1:3, 2:6, 4:7] = 9
    write_volume(tmp_path / "a.nii", Volume(data, AFFINE))
    write_volume(tmp_path / "s.nii", Volume((data > 0).astype(np.uint8), AFFINE))
    arrays = PrepareVolume(crop_above=0)(VolumeCase("a", tmp_path / "a.nii", tmp_path / "s.nii"))
    assert arrays.image.shape == (1, 2, 4, 3)
    assert arrays.label is not None
    assert arrays.label.all()
    np.testing.assert_allclose(arrays.affine[:3, 3], (AFFINE @ [4, 2, 1, 1])[:3])
    whole = PrepareVolume(crop_above=100)(VolumeCase("a", tmp_path / "a.nii"))
    assert whole.image.shape == (1, 6, 7, 8)
    assert "not cropped" in caplog.text
