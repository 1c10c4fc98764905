from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from deephealth.core.errors import DataError
from deephealth.data.case_facts import describe_channels, locate_classes


@given(
    hnp.arrays(np.int16, hnp.array_shapes(min_dims=3, max_dims=3, max_side=8), elements=st.integers(-2, 5)),
    st.integers(1, 20),
)
def test_places_are_of_their_class(label: np.ndarray, most: int) -> None:
    places, table = locate_classes(label, most=most)
    names, counts = np.unique(label, return_counts=True)
    assert {name: row[2] for name, row in table.items()} == dict(zip(names.tolist(), counts.tolist(), strict=True))
    for name, (first, listed, count) in table.items():
        found = places[first : first + listed]
        assert listed == min(count, most)
        assert len(set(found.tolist())) == listed
        assert (label.reshape(-1)[found] == name).all()


def test_places_are_spread_evenly() -> None:
    label = np.ones((10, 100, 100), np.uint8)
    places, _ = locate_classes(label, most=1000)
    assert np.bincount(places // 10_000).tolist() == [100] * 10
    again, _ = locate_classes(label, most=1000)
    np.testing.assert_array_equal(places, again)


def test_ids_too_far_apart() -> None:
    with pytest.raises(DataError, match="from 0 to 100000"):
        locate_classes(np.array([[[0, 100_000]]], np.int32))


def test_statistics_are_numpys() -> None:
    generator = np.random.default_rng(0)
    image = generator.normal(1e4, 3, (2, 8, 9, 10)).astype(np.float32)
    image[1, :4] = 0
    label = generator.integers(-1, 3, (8, 9, 10))
    found = describe_channels(image, label)
    regions = {"all": np.ones_like(image, bool), "nonzero": image != 0, "foreground": np.stack([label > 0] * 2)}
    for region, inside in regions.items():
        for channel in range(2):
            values, row = image[channel][inside[channel]].astype(np.float64), found[region][channel]
            assert row["count"] == values.size
            np.testing.assert_allclose([row["mean"], row["std"]], [values.mean(), values.std()], rtol=1e-6)
            np.testing.assert_allclose([row["min"], row["max"]], [values.min(), values.max()])
            quantiles = np.percentile(values, [0.5, 50, 99.5])
            np.testing.assert_allclose([row["p00_5"], row["median"], row["p99_5"]], quantiles, rtol=1e-5)


def test_regions_without_voxels_are_left_out() -> None:
    found = describe_channels(np.zeros((1, 2, 2, 2), np.int16), np.zeros((2, 2, 2), np.uint8))
    assert set(found) == {"all"}
    assert "foreground" not in describe_channels(np.ones((1, 2, 2, 2)), None)
