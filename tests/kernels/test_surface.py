"""Joint histograms, surfaces and their distances: compiled = reference = MONAI and scipy."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from monai.metrics.utils import get_edge_surface_distance, get_mask_edges

from deephealth.kernels.compilers import using
from deephealth.kernels.label_pairs import label_pairs
from deephealth.kernels.surface import surface, surface_gaps, surface_gaps_reference

module = sys.modules[surface.__module__]  # the package's own `surface` is the function
SHAPES = hnp.array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=9)
TYPES = st.sampled_from([np.uint8, np.int16])
VOID = 3
STEPS = (2.5, 0.7, 1.1)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[torch.Tensor, torch.Tensor]:
    shape, kind = draw(SHAPES), draw(TYPES)
    maps = [draw(hnp.arrays(kind, shape, elements=st.integers(0, VOID), fill=st.integers(0, 1))) for _ in range(2)]
    return torch.from_numpy(maps[0]), torch.from_numpy(maps[1])


@given(maps=pairs())
def test_pairs_are_those_of_the_reference_on_any_view(maps: tuple[torch.Tensor, torch.Tensor]) -> None:
    for said, true in (maps, [one.transpose(0, -1) for one in maps], [one[..., ::2] for one in maps]):
        ours = label_pairs(said, true, VOID + 1)
        with using("reference"):
            wanted = label_pairs(said, true, VOID + 1)
        np.testing.assert_array_equal(ours.counts, wanted.counts)
        np.testing.assert_array_equal(ours.boxes, wanted.boxes)


@pytest.mark.parametrize("shape", [(0, 3, 3), (3, 0), (2, 3, 0)])
def test_pairs_and_surfaces_of_nothing(shape: tuple[int, ...]) -> None:
    empty = torch.zeros(shape, dtype=torch.uint8)
    assert label_pairs(empty, empty, 2).counts.sum() == 0
    assert label_pairs(empty, empty, 2).boxes.shape == (2, len(shape), 2)
    assert surface(empty, 9).shape == shape


@given(maps=pairs())
def test_surfaces_are_monais(maps: tuple[torch.Tensor, torch.Tensor]) -> None:
    found = surface(maps[0], VOID)
    with using("reference"):
        assert torch.equal(found, surface(maps[0], VOID))
    for value in range(VOID):
        mask = maps[0] == value
        edges, _ = get_mask_edges(mask, mask, crop=False)
        assert torch.equal(found == value, torch.as_tensor(edges))


@given(maps=pairs(), looks=st.sampled_from([0, 1, 8]))
def test_distances_are_those_of_all_pairs_however_few_looks(
    maps: tuple[torch.Tensor, torch.Tensor], looks: int
) -> None:
    before, module._LOOKS = module._LOOKS, looks
    try:
        boxes = label_pairs(*maps, VOID + 1).boxes
        edges = [surface(one, VOID) for one in maps]
        for value in range(VOID):
            steps = STEPS[: maps[0].ndim]
            ours = surface_gaps(*edges, value, boxes[value], steps)
            wanted = surface_gaps_reference(*edges, value, steps)
            np.testing.assert_allclose(ours.outward, wanted.outward, rtol=1e-5)
            np.testing.assert_allclose(ours.inward, wanted.inward, rtol=1e-5)
    finally:
        module._LOOKS = before


def test_distances_are_monais_for_far_and_near_surfaces_in_long_rows() -> None:
    said, true = torch.zeros(2, 5, 6, 700, dtype=torch.uint8)
    said[1:3, 2:5, 3:9], said[4, 1, 690] = 1, 1
    true[2:4, 1:4, 5:12], true[0, 5, 300:304] = 1, 1
    boxes = label_pairs(said, true, 2).boxes
    ours = surface_gaps(surface(said, 2), surface(true, 2), 1, boxes[1], STEPS)
    _, wanted, _ = get_edge_surface_distance(said == 1, true == 1, spacing=STEPS, symmetric=True)
    np.testing.assert_allclose(ours.outward, wanted[0], rtol=1e-5)
    np.testing.assert_allclose(ours.inward, wanted[1], rtol=1e-5)


def test_threads_change_nothing() -> None:
    maps = torch.randint(0, 4, (2, 40, 150, 190), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    threads = torch.get_num_threads()
    found = []
    for count in (1, 2):
        torch.set_num_threads(count)
        found.append((label_pairs(*maps, 4), surface(maps[0], 4)))
    torch.set_num_threads(threads)
    assert (found[0][0].counts == found[1][0].counts).all()
    assert (found[0][0].boxes == found[1][0].boxes).all()
    assert torch.equal(found[0][1], found[1][1])
