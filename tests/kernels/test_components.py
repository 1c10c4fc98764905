"""Components: equal to scipy's up to numbering; statistics and selections against plain NumPy."""

from __future__ import annotations

import sys
import types

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from deephealth.core.errors import DataError
from deephealth.kernels import components as module
from deephealth.kernels.components import (
    component_statistics,
    connected_components,
    largest_components,
    remove_small_components,
)

SHAPES = hnp.array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=6)
LABELS = hnp.arrays(np.int64, SHAPES, elements=st.integers(0, 3))
REACH = {4: 1, 8: 2, 6: 1, 18: 2, 26: 3}


def by_scipy(labels: np.ndarray, connectivity: int) -> tuple[np.ndarray, int]:
    structure = ndimage.generate_binary_structure(labels.ndim, REACH[connectivity])
    found, count = np.zeros(labels.shape, dtype=np.int64), 0
    for value in np.unique(labels[labels != 0]):
        numbered, more = ndimage.label(labels == value, structure)
        found[numbered > 0] = numbered[numbered > 0] + count
        count += more
    return found, count


def assert_same_partition(ours: np.ndarray, theirs: np.ndarray) -> None:
    pairs = np.unique(np.stack([ours.ravel(), theirs.ravel()]), axis=1)
    assert len(np.unique(pairs[0])) == len(np.unique(pairs[1])) == pairs.shape[1]


@given(labels=LABELS, which=st.integers(0, 2))
def test_equal_to_scipy_label_by_label(labels: np.ndarray, which: int) -> None:
    connectivity = {2: (4, 8, 8), 3: (6, 18, 26)}[labels.ndim][which]
    ours, count = connected_components(labels, connectivity=connectivity)
    theirs, wanted = by_scipy(labels, connectivity)
    assert count == wanted == ours.max()
    assert ((ours == 0) == (labels == 0)).all()
    assert_same_partition(ours, theirs)


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.int16, torch.int32, torch.int64])
def test_tensors_stay_tensors_and_views_are_read_right(dtype: torch.dtype) -> None:
    labels = (torch.rand((9, 8, 14), generator=torch.Generator().manual_seed(0)) > 0.6).to(dtype)
    view = labels.permute(2, 0, 1)[::2]
    ours, count = connected_components(view, connectivity=6)
    theirs, wanted = by_scipy(view.numpy().astype(np.int64), 6)
    assert (ours.dtype, count) == (torch.int16, wanted)
    assert_same_partition(ours.numpy(), theirs)


@given(mask=hnp.arrays(bool, SHAPES), which=st.integers(0, 2))
def test_masks_of_every_small_shape_are_right(mask: np.ndarray, which: int) -> None:
    connectivity = {2: (4, 8, 8), 3: (6, 18, 26)}[mask.ndim][which]
    for one in (mask, np.asfortranarray(mask), mask.T):
        ours, count = connected_components(one, connectivity=connectivity)
        theirs, wanted = by_scipy(one, connectivity)
        assert count == wanted
        assert_same_partition(ours, theirs)


def test_more_components_than_sixteen_bits_count_with_a_sign() -> None:
    labels = np.zeros((40, 80, 80), dtype=np.uint8)
    labels[::2, ::2, ::2] = 1
    labels[::2, ::2, 1::2] = np.arange(2, 42) % 200
    components, count = connected_components(labels)
    assert count == components.max() == 20 * 40 * 80 > 2 * 2**15 - 2**11
    few, many = connected_components(labels[:, :, :70])
    assert many == few.max() == 20 * 40 * 70
    assert (few >= 0).all()


def test_foreground_joins_labels_and_leaves_out_negative_ones() -> None:
    labels = np.array([[1, 2, 0, -1, -1, 3]])
    assert connected_components(labels)[1] == 4
    ours, count = connected_components(labels, foreground=True)
    assert (count, ours.tolist()) == (2, [[1, 1, 0, 0, 0, 2]])


@pytest.mark.parametrize("shape", [(0, 3), (4, 0, 4), (1, 1, 1)])
def test_empty_and_one_voxel(shape: tuple[int, ...]) -> None:
    for labels in (torch.zeros(shape, dtype=torch.long), np.zeros(shape, dtype=bool)):
        components, count = connected_components(labels)
        assert (tuple(components.shape), count) == (shape, 0)
        assert len(component_statistics(components).sizes) == 0
    assert connected_components(torch.ones((1, 1, 1), dtype=torch.long))[1] == 1


@given(labels=LABELS)
def test_statistics_are_those_of_plain_numpy(labels: np.ndarray) -> None:
    components, count = connected_components(labels)
    found = component_statistics(components)
    assert len(found.sizes) == count
    for number in range(count):
        places = np.argwhere(components == number + 1)
        assert found.sizes[number] == len(places)
        assert found.boxes[number].tolist() == np.stack([places.min(0), places.max(0) + 1], axis=1).tolist()
        np.testing.assert_allclose(found.centroids[number], places.mean(0), atol=1e-5)


@given(labels=LABELS, keep=st.integers(0, 2), smallest=st.integers(0, 4))
def test_selections_keep_whole_components_by_size(labels: np.ndarray, keep: int, smallest: int) -> None:
    components, count = connected_components(labels)
    numbers = np.arange(1, count + 1)
    large = remove_small_components(labels, smallest)
    sizes = np.bincount(components.ravel(), minlength=count + 1)
    assert (large == np.where((sizes >= smallest)[components], labels, 0)).all()
    largest = largest_components(torch.from_numpy(labels), keep=keep).numpy()
    assert (largest == largest_components(labels, keep=keep)).all()
    for value in np.unique(labels[labels > 0]):
        mine = [number for number in numbers if labels[components == number][0] == value]
        kept = [number for number in mine if (largest[components == number] == value).all()]
        assert sorted(sizes[kept]) == sorted(sizes[mine])[::-1][:keep][::-1]
    assert set(np.unique(largest)) <= set(np.unique(labels)) | {0}


def test_bad_input_is_named() -> None:
    with pytest.raises(DataError, match="float32"):
        connected_components(torch.zeros(2, 2))
    with pytest.raises(DataError, match=r"\(2, 2, 2, 2\)"):
        connected_components(np.zeros((2, 2, 2, 2), dtype=int))
    with pytest.raises(DataError, match="connectivity 26 in 2 dimensions"):
        connected_components(np.zeros((2, 2), dtype=int), connectivity=26)
    with pytest.raises(DataError, match="-1"):
        largest_components(np.zeros((2, 2), dtype=int), keep=-1)
    with pytest.raises(DataError, match="-3"):
        component_statistics(np.array([[-3, 1]]))


@pytest.mark.parametrize("connectivity", [6, 18, 26])
def test_the_accelerators_way_is_the_same_with_a_library_of_cupys_shape(
    monkeypatch: pytest.MonkeyPatch, connectivity: int
) -> None:
    fake = types.ModuleType("cupy")
    fake.from_dlpack = np.from_dlpack  # type: ignore[attr-defined]
    for name, one in {"cupy": fake, "cupyx": types.ModuleType("cupyx"), "cupyx.scipy": types.ModuleType("s")}.items():
        monkeypatch.setitem(sys.modules, name, one)
    monkeypatch.setitem(sys.modules, "cupyx.scipy.ndimage", ndimage)
    labels = torch.randint(0, 3, (5, 6, 7), generator=torch.Generator().manual_seed(1))
    for foreground in (False, True):
        ours, count = module._on_accelerator(labels, connectivity, foreground)
        theirs, wanted = connected_components(labels, connectivity=connectivity, foreground=foreground)
        assert count == wanted
        assert_same_partition(ours.numpy(), theirs.numpy())
