"""The affine map: its centre, its identity, its limits."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from deephealth.transforms.geometry import Geometry, reduce_first

STILL = Geometry(0.0, 1.0, 1.0, 0.0, 0.0, 0.0)
DRAWS = st.lists(st.floats(0, 0.999), min_size=8, max_size=8).map(np.array)


@given(DRAWS)
def test_without_ranges_pixels_stay(draws):
    assert STILL.matrix(draws, (30, 40), (30, 40)) == pytest.approx(np.eye(2, 3))


@given(DRAWS, st.integers(2, 50), st.integers(2, 50))
def test_centre_stays_the_centre(draws, height, width):
    geometry = Geometry(180.0, 1.5, 1.2, 0.3, 0.0, 0.5)
    matrix = geometry.matrix(draws, (30, 40), (height, width))
    assert matrix @ [19.5, 14.5, 1] == pytest.approx([(width - 1) / 2, (height - 1) / 2])


@given(DRAWS)
def test_turns_and_mirrors_keep_areas(draws):
    matrix = Geometry(180.0, 1.0, 1.0, 0.2, 0.1, 0.5).matrix(draws, (30, 40), (30, 40))
    assert abs(np.linalg.det(matrix[:, :2])) == pytest.approx(1)


def test_warp_by_a_mirror_is_the_mirror_image():
    raster = np.arange(12, dtype=np.uint8).reshape(3, 4)
    mirror = Geometry(0.0, 1.0, 1.0, 0.0, 0.0, 1.0).matrix(np.full(8, 0.5), (3, 4), (3, 4))
    assert np.array_equal(Geometry.warp(raster, mirror, (3, 4), nearest=True), raster[:, ::-1])


def test_only_much_larger_sources_are_reduced():
    image, mask = torch.zeros(3, 30, 40, dtype=torch.uint8), torch.zeros(1, 30, 40, dtype=torch.uint8)
    assert reduce_first(image, mask, (15, 20))[0] is image
    reduced = reduce_first(image, mask, (14, 20))
    assert [tuple(part.shape) for part in reduced] == [(3, 14, 20), (1, 14, 20)]
