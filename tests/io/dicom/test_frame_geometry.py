"""Slices to affines and back."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deephealth.core.errors import DataError
from deephealth.io.dicom.frame_geometry import (
    affine_of_slices,
    orientation_of,
    pixel_spacing_of,
    positions_of,
)

AXIAL = [1, 0, 0, 0, 1, 0]
angles = st.floats(-math.pi, math.pi)
steps = st.floats(0.1, 8)


def turn(a: float, b: float, c: float) -> np.ndarray:
    x, y, z = np.eye(3), np.eye(3), np.eye(3)
    x[1:, 1:] = [[math.cos(a), -math.sin(a)], [math.sin(a), math.cos(a)]]
    y[::2, ::2] = [[math.cos(b), -math.sin(b)], [math.sin(b), math.cos(b)]]
    z[:2, :2] = [[math.cos(c), -math.sin(c)], [math.sin(c), math.cos(c)]]
    return x @ y @ z


@given(angles, angles, angles, steps, steps, steps, st.integers(2, 12), st.randoms())
def test_any_oblique_stack_comes_back(a, b, c, row, column, depth, count, random):
    axes = turn(a, b, c)
    normal = np.cross(axes[0], axes[1])
    positions = np.array([5.0, -7.0, 11.0]) + np.arange(count)[:, None] * depth * normal
    order = list(range(count))
    random.shuffle(order)
    affine, report = affine_of_slices(positions[order], np.concatenate(axes[:2]), [row, column])
    assert report.count == count
    assert not report.missing
    assert not report.uneven
    assert report.tilt == 0
    assert report.spacing == pytest.approx(depth)
    assert [order[index] for index in report.order] == list(range(count))
    np.testing.assert_allclose(positions_of(affine, count), positions, atol=1e-8)
    np.testing.assert_allclose(orientation_of(affine), np.concatenate(axes[:2]), atol=1e-9)
    assert pixel_spacing_of(affine) == pytest.approx((row, column))


@given(st.floats(1, 40), st.integers(3, 20))
def test_a_tilted_gantry_keeps_its_shear(tilt, count):
    step = np.array([0.0, math.sin(math.radians(tilt)), math.cos(math.radians(tilt))]) * 3
    affine, report = affine_of_slices(np.arange(count)[:, None] * step, AXIAL, [1, 1])
    assert report.tilt == pytest.approx(tilt, abs=1e-6)
    np.testing.assert_allclose(affine[:3, 2], step * [-1, -1, 1], atol=1e-9)


@pytest.mark.parametrize("gone", [[3], [1, 2], [4, 7, 8]])
def test_missing_slices_are_named(gone):
    there = [k for k in range(10) if k not in gone]
    affine, report = affine_of_slices([[0, 0, 2.0 * k] for k in there], AXIAL, [1, 1])
    assert list(report.missing) == gone
    assert report.count == 10
    assert report.spacing == pytest.approx(2)
    assert affine[2, 2] == pytest.approx(2)


def test_duplicates_share_a_slot():
    _, report = affine_of_slices([[0, 0, 0], [0, 0, 2], [0, 0, 2], [0, 0, 4]], AXIAL, [1, 1])
    assert report.duplicates == ((1, 2),)
    assert report.slots == (0, 1, 1, 2)


def test_uneven_slices_are_flagged_and_rounded_ones_are_not():
    uneven = affine_of_slices([[0, 0, z] for z in (0, 2, 3.1, 6, 8)], AXIAL, [1, 1])[1]
    assert uneven.uneven
    rounded = affine_of_slices([[0, 0, round(0.625 * k, 1)] for k in range(60)], AXIAL, [1, 1])[1]
    assert not rounded.missing
    assert rounded.count == 60


@pytest.mark.parametrize(
    ("positions", "orientation", "spacing", "says"),
    [
        ([[0, 0, 0]], [1, 0, 0, 0.5, 1, 0], [1, 1], "orthonormal"),
        ([[0, 0, 0]], [2, 0, 0, 0, 1, 0], [1, 1], "orthonormal"),
        ([[0, 0, 0]], [0, 0, 0, 0, 0, 0], [1, 1], "orthonormal"),
        ([[0, 0, 0]], [1, 0, 0], [1, 1], "orientation"),
        ([[0, 0, 0]], AXIAL, [0, 1], "spacing"),
        ([[0, 0, 0]], AXIAL, [1, -1], "spacing"),
        ([[0, 0, math.nan]], AXIAL, [1, 1], "finite"),
        ([], AXIAL, [1, 1], "positions"),
        ([[0, 0, 0], [30, 0, 2], [0, 0, 4]], AXIAL, [1, 1], "one line"),
        ([[0, 0, 0], [30, 0, 0]], AXIAL, [1, 1], "one plane"),
    ],
)
def test_what_places_nothing_is_refused(positions, orientation, spacing, says):
    with pytest.raises(DataError, match=says):
        affine_of_slices(positions, orientation, spacing)


def test_far_apart_positions_do_not_make_millions_of_slots():
    _, report = affine_of_slices([[0, 0, 0], [0, 0, 0.01], [0, 0, 1e9]], AXIAL, [1, 1])
    assert report.count <= 3
    assert report.uneven
