from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deephealth.core.errors import ConfigError, DataError
from deephealth.data.patch_sampling import ForegroundShare, PosNegRatio, UniformSampling, patch_start
from deephealth.data.volume_store import StoredCase, VolumeStore
from deephealth.transforms.volume.base import Draws
from tests.data.volumes import write_case


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> StoredCase:
    folder = tmp_path_factory.mktemp("set")
    return VolumeStore([write_case(folder, "a")], folder / "cache")[0]


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> StoredCase:
    folder = tmp_path_factory.mktemp("set")
    return VolumeStore([write_case(folder, "a", foreground=False)], folder / "cache")[0]


def classes(sampling: ForegroundShare | PosNegRatio, case: StoredCase) -> list[int]:
    """Return the class of the centre of many patches; -1 where any place will do."""
    found = []
    for number in range(300):
        centre = sampling.centre(Draws(number, "x"), case, number % 2, 2)
        assert case.label is not None
        found.append(-1 if centre is None else int(case.label[(0, *centre)]))
    return found


@given(
    st.tuples(*[st.integers(1, 12)] * 3),
    st.tuples(*[st.integers(1, 12)] * 3),
    st.integers(0, 1000),
    st.booleans(),
)
def test_patches_lie_inside_and_hold_their_centre(
    shape: tuple[int, int, int], patch: tuple[int, int, int], seed: int, centred: bool
) -> None:
    draws = Draws(seed, "x")
    centre = (draws.integer(0, shape[0]), draws.integer(0, shape[1]), draws.integer(0, shape[2]))
    start = patch_start(draws, shape, patch, centre if centred else None)
    for at, size, length, middle in zip(start, shape, patch, centre, strict=True):
        if length <= size:
            assert 0 <= at <= size - length
        else:  # as much border on both sides, or one voxel more behind
            assert length - size + at - (-at) in (0, 1)
        if centred:
            assert at <= middle < at + length


def test_uniform_places_are_uniform() -> None:
    starts = [patch_start(Draws(seed, "x"), (12, 5, 4), (8, 5, 4), None) for seed in range(3000)]
    counts = np.bincount([start[0] for start in starts], minlength=5)
    assert (np.abs(counts - 600) < 100).all()
    assert {start[1:] for start in starts} == {(0, 0)}


def test_a_share_of_the_batch_shows_foreground(case: StoredCase) -> None:
    third = ForegroundShare()
    assert [third.centre(Draws(1, "x"), case, slot, 6) is not None for slot in range(6)] == [False] * 4 + [True] * 2
    assert [third.centre(Draws(1, "x"), case, slot, 2) is not None for slot in range(2)] == [False, True]
    assert third.centre(Draws(1, "x"), case, 0, 1) is not None
    assert ForegroundShare(0).centre(Draws(1, "x"), case, 5, 6) is None
    assert UniformSampling().centre(Draws(1, "x"), case, 5, 6) is None
    found = classes(ForegroundShare(1), case)
    assert set(found) == {1, 3}
    assert 0.4 < found.count(3) / len(found) < 0.6  # one voxel of 3 comes as often as all of 1
    assert set(classes(ForegroundShare(1, classes=(0, 3)), case)) == {0, 3}


def test_foreground_and_background_in_a_ratio(case: StoredCase) -> None:
    found = classes(PosNegRatio(3, 1), case)
    assert 0.2 < found.count(0) / len(found) < 0.3
    assert 0 not in classes(PosNegRatio(1, 0), case)


def test_no_foreground(empty: StoredCase) -> None:
    assert ForegroundShare(1).centre(Draws(0, "x"), empty, 0, 1) is None
    assert PosNegRatio(1, 0).centre(Draws(0, "x"), empty, 0, 1) is None
    for sampling in (ForegroundShare(1, empty="error"), PosNegRatio(1, 0, empty="error")):
        with pytest.raises(DataError, match=r"'a' has no foreground: it holds \{0: 1512\}"):
            sampling.centre(Draws(0, "x"), empty, 0, 1)


def test_settings() -> None:
    with pytest.raises(ConfigError, match="share"):
        ForegroundShare(1.5)
    for weights in ((-1, 2), (0, 0)):
        with pytest.raises(ConfigError, match="pos, neg"):
            PosNegRatio(*weights)
