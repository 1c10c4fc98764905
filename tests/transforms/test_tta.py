"""Test-time augmentation: every view has a way back."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from deephealth.core.errors import UnknownNameError
from deephealth.transforms import TTA, views

NAMES = TTA.names()


@pytest.mark.parametrize("name", NAMES)
@given(st.integers(1, 6), st.integers(1, 6))
def test_inverse_undoes_forward(name, height, width):
    x = torch.randn(2, 3, height, width)
    for view in views(name):
        assert torch.equal(view.inverse(view.forward(x)), x)


@pytest.mark.parametrize("name", NAMES)
def test_views_are_all_different_and_begin_with_the_image_itself(name):
    x = torch.randn(1, 1, 5, 5)
    found = [view.forward(x).contiguous().numpy().tobytes() for view in views(name)]
    assert len(set(found)) == len(found) == TTA.entry(name).facts["views"]
    assert len({view.name for view in views(name)}) == len(found)
    assert found[0] == x.numpy().tobytes()


def test_quarter_turns_of_an_oblong_image_swap_its_sides():
    shapes = [tuple(view.forward(torch.zeros(1, 1, 2, 3)).shape[-2:]) for view in views("dihedral")]
    assert shapes == [(2, 3)] * 4 + [(3, 2)] * 4


def test_unknown_name_is_guessed():
    with pytest.raises(UnknownNameError, match="hflip"):
        views("hflp")
