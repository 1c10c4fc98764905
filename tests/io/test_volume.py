"""Volumes: voxels and their place stay together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deephealth.core.errors import DataError
from deephealth.io.geometry import affine_from
from deephealth.io.volume import Volume

AFFINE = affine_from([[0.0, 0, 1], [-1, 0, 0], [0, 1, 0]], (1, 2, 3), (10, 20, 30))


def test_what_it_says_of_itself() -> None:
    volume = Volume(np.zeros((2, 3, 4), np.int16), AFFINE.tolist(), {"a": 1}, "HU")
    assert volume.spacing == (1, 2, 3)
    assert volume.origin == (10, 20, 30)
    assert volume.orientation == "PSR"
    assert volume.shape == (2, 3, 4)
    np.testing.assert_allclose(volume.direction, [[0, 0, 1], [-1, 0, 0], [0, 1, 0]])


@pytest.mark.parametrize("shape", [(), (3,), (3, 4), (1, 2, 3, 4, 5)])
def test_ranks_that_are_none(shape: tuple[int, ...]) -> None:
    with pytest.raises(DataError, match="D, H, W"):
        Volume(np.zeros(shape), np.eye(4))


def test_a_place_is_needed() -> None:
    with pytest.raises(DataError, match="spacing"):
        Volume(np.zeros((2, 3, 4)), np.diag([1.0, 0, 1, 1]))


@given(st.sampled_from(["RAS", "LPS", "SAR", "IPL"]), st.booleans())
def test_turning_keeps_all_else(codes: str, channels: bool) -> None:
    shape = (2, 3, 4, 5) if channels else (3, 4, 5)
    volume = Volume(np.arange(np.prod(shape)).reshape(shape), AFFINE, {"a": 1}, "HU")
    turned = volume.reorient(codes)
    assert turned.orientation == codes
    assert (turned.meta, turned.unit) == ({"a": 1}, "HU")
    back = turned.reorient(volume.orientation)
    np.testing.assert_array_equal(back.data, volume.data)
    np.testing.assert_allclose(back.affine, volume.affine)


def test_other_values_at_the_same_places() -> None:
    volume = Volume(np.zeros((3, 4, 5), np.int16), AFFINE, {"a": 1}, "HU")
    mask = volume.with_data(np.ones((2, 3, 4, 5), bool), unit="")
    assert (mask.unit, mask.meta, mask.shape) == ("", {"a": 1}, (2, 3, 4, 5))
    assert volume.with_data(volume.data).unit == "HU"
    np.testing.assert_array_equal(mask.affine, volume.affine)
    with pytest.raises(DataError, match="same D, H, W"):
        volume.with_data(np.zeros((3, 4, 6)))


@pytest.mark.parametrize("shape", [(3, 4, 5), (2, 3, 4, 5)])
def test_monai_and_back(shape: tuple[int, ...]) -> None:
    pytest.importorskip("monai")
    volume = Volume(np.arange(np.prod(shape), dtype=np.float32).reshape(shape), AFFINE)
    tensor = volume.to_monai()
    assert tuple(tensor.shape) == ((2, 5, 4, 3) if len(shape) == 4 else (1, 5, 4, 3))
    assert tensor[0, 4, 3, 2] == volume.data.reshape(-1, 3, 4, 5)[0, 2, 3, 4]
    again = Volume.from_monai(tensor, meta={"b": 2})
    np.testing.assert_array_equal(again.data.reshape(shape), volume.data)
    np.testing.assert_allclose(again.affine, volume.affine)
    assert again.meta == {"b": 2}


@pytest.mark.parametrize("codes", ["LPS", "SAR"])
def test_turned_volumes_go_to_monai(codes: str) -> None:
    pytest.importorskip("monai")
    volume = Volume(np.arange(60, dtype=np.float32).reshape(3, 4, 5), AFFINE).reorient(codes)
    np.testing.assert_array_equal(volume.to_monai()[0].numpy().T, volume.data)
