"""Affines: turning a volume moves no voxel in the patient, and nibabel agrees."""

from __future__ import annotations

import itertools

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deephealth.core.errors import DataError
from deephealth.io.geometry import (
    affine_from,
    axis_codes,
    check_affine,
    direction_of,
    lps_to_ras,
    reorient_axes,
    spacing_of,
)

CODES = [
    "".join(letters) for order in itertools.permutations(["RL", "AP", "SI"]) for letters in itertools.product(*order)
]


@st.composite
def affines(draw) -> np.ndarray:
    numbers = np.array(draw(st.lists(st.floats(-1, 1), min_size=9, max_size=9))).reshape(3, 3)
    left, _, right = np.linalg.svd(numbers + 1e-3 * np.eye(3))
    direction = left @ right
    direction[:, 2] += draw(st.floats(-0.4, 0.4)) * direction[:, draw(st.integers(0, 1))]  # a tilted gantry
    direction /= np.linalg.norm(direction, axis=0)
    return affine_from(
        direction, draw(st.tuples(*[st.floats(0.1, 9)] * 3)), draw(st.tuples(*[st.floats(-500, 500)] * 3))
    )


@given(affine=affines(), codes=st.sampled_from(CODES), channels=st.booleans())
def test_turning_moves_no_voxel(affine: np.ndarray, codes: str, channels: bool) -> None:
    data = np.arange(2 * 3 * 4).reshape(2, 3, 4)
    data = data[None] if channels else data
    turned, placed = reorient_axes(data, affine, codes)
    assert axis_codes(placed) == codes
    assert np.shares_memory(turned, data)
    where = {}
    for array, matrix in ((data, affine), (turned, placed)):
        for k, j, i in np.ndindex(array.shape[-3:]):
            value = int(array[..., k, j, i].item())
            point = (matrix @ [i, j, k, 1])[:3]
            np.testing.assert_allclose(where.setdefault(value, point), point, atol=1e-9)
    back, again = reorient_axes(turned, placed, axis_codes(affine))
    np.testing.assert_array_equal(back, data)
    np.testing.assert_allclose(again, affine, atol=1e-9)


@pytest.mark.parametrize("codes", CODES)
def test_codes_are_nibabels(codes: str) -> None:
    start = np.diag([2.0, 3, 4, 1])
    data, affine = reorient_axes(np.arange(24).reshape(2, 3, 4), start, codes)
    assert "".join(nib.aff2axcodes(affine)) == codes
    image = nib.Nifti1Image(np.arange(24, dtype=np.int16).reshape(2, 3, 4).T, start)
    turn = nib.orientations.ornt_transform(nib.io_orientation(start), nib.orientations.axcodes2ornt(codes))
    right = image.as_reoriented(turn)
    np.testing.assert_array_equal(data.T, np.asanyarray(right.dataobj))
    np.testing.assert_allclose(affine, right.affine)


@given(affine=affines())
def test_parts_make_the_whole(affine: np.ndarray) -> None:
    np.testing.assert_allclose(affine_from(direction_of(affine), spacing_of(affine), affine[:3, 3]), affine, atol=1e-9)
    np.testing.assert_array_equal(lps_to_ras(lps_to_ras(affine)), affine)
    assert spacing_of(lps_to_ras(affine)) == spacing_of(affine)
    assert check_affine(affine.tolist()).dtype == np.float64
    assert len(set("RLAPSI") & set(axis_codes(affine))) == 3


@given(affine=affines())
def test_codes_flip_with_the_world(affine: np.ndarray) -> None:
    swap = str.maketrans("RLAP", "LRPA")
    assert axis_codes(lps_to_ras(affine)) == axis_codes(affine).translate(swap)


def broken(**put: float) -> np.ndarray:
    affine = np.eye(4)
    for at, value in put.items():
        affine[int(at[1]), int(at[2])] = value
    return affine


@pytest.mark.parametrize(
    ("affine", "says"),
    [
        (np.eye(3), "shape"),
        (broken(a03=np.nan), "not finite"),
        (broken(a11=np.inf), "not finite"),
        (broken(a30=1), "last row"),
        (broken(a33=2), "last row"),
        (broken(a22=0), "spacing"),
        (broken(a22=1e300), "spacing"),
        (broken(a00=0, a01=1), "spacing"),
        (broken(a22=0, a12=1), "one plane"),
    ],
)
def test_affines_that_place_nothing(affine: np.ndarray, says: str) -> None:
    with pytest.raises(DataError, match=says):
        check_affine(affine, "it")


@pytest.mark.parametrize("codes", ["", "RA", "RAX", "RRS", "RAL", "RASL"])
def test_not_an_orientation(codes: str) -> None:
    with pytest.raises(DataError):
        reorient_axes(np.zeros((2, 3, 4)), np.eye(4), codes)
    assert reorient_axes(np.zeros((2, 3, 4)), np.eye(4), "ras")[0].shape == (2, 3, 4)
