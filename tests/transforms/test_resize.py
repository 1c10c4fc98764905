"""The one resize: identity, range, order of axes, Pillow as a second opinion."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from deephealth.core.errors import DataError
from deephealth.transforms.resize import resize_levels, resize_mask, resize_rgb

SIDES = st.integers(1, 24)
IMAGES = hnp.arrays(np.uint8, st.tuples(SIDES, SIDES, st.just(3)))
MASKS = hnp.arrays(np.uint8, st.tuples(SIDES, SIDES), elements=st.integers(0, 1))
SIZES = st.tuples(SIDES, SIDES)


@given(IMAGES)
def test_size_it_has_already_is_the_identity(image):
    assert np.array_equal(resize_rgb(image, image.shape[:2]), image)
    levels = torch.from_numpy(image).permute(2, 0, 1)[None].float()
    assert torch.equal(resize_levels(levels, image.shape[:2]), levels)


@given(IMAGES, SIZES)
@settings(deadline=None)
def test_array_and_tensor_give_the_same_levels(image, size):
    from_array = resize_rgb(image, size)
    from_tensor = resize_rgb(torch.from_numpy(image).permute(2, 0, 1), size)
    assert from_array.dtype == np.uint8
    assert from_array.shape == (*size, 3)
    assert np.array_equal(from_array, from_tensor.permute(1, 2, 0).numpy())


@given(IMAGES, SIZES)
def test_no_level_leaves_the_range_of_the_source(image, size):
    resized = resize_rgb(image, size)
    assert image.min() <= resized.min()
    assert resized.max() <= image.max()


@given(IMAGES, SIZES)
def test_pillow_agrees_within_one_level(image, size):
    pillow = np.asarray(Image.fromarray(image).resize((size[1], size[0]), Image.Resampling.BILINEAR))
    assert np.abs(pillow.astype(int) - resize_rgb(image, size)).max() <= 1


def test_exact_halves_go_up():
    pair = np.array([[[0, 1, 254]], [[1, 2, 255]]], np.uint8)
    assert resize_rgb(pair, (1, 1)).ravel().tolist() == [1, 2, 255]


@given(MASKS, SIZES)
def test_mask_stays_binary_and_keeps_what_is_constant(mask, size):
    resized = resize_mask(mask, size)
    assert resized.shape == size
    assert set(np.unique(resized)) <= set(np.unique(mask))
    assert np.array_equal(resize_mask(mask, mask.shape), mask)
    assert np.array_equal(resized, resize_mask(torch.from_numpy(mask)[None], size)[0].numpy())


def test_mask_counts_255_as_foreground():
    assert resize_mask(np.full((3, 3), 255, np.uint8), (3, 3)).max() == 1


@pytest.mark.parametrize(
    ("image", "size"),
    [
        (np.zeros((4, 4, 3), np.float32), (2, 2)),
        (np.zeros((4, 4), np.uint8), (2, 2)),
        (np.zeros((0, 4, 3), np.uint8), (2, 2)),
        (np.zeros((4, 4, 3), np.uint8), (0, 2)),
        (torch.zeros(1, 3, 4, 4, dtype=torch.uint8), (2, 2)),
    ],
)
def test_what_is_no_image_is_a_typed_error(image, size):
    with pytest.raises(DataError, match="resize"):
        resize_rgb(image, size)
