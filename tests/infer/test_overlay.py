from __future__ import annotations

import numpy as np
import pytest

from deephealth.core.errors import DataError
from deephealth.infer.overlay import PREDICTED, REFERENCE, caption_tile, draw_overlay


@pytest.fixture
def scene():
    image = np.full((60, 80, 3), 128, np.uint8)
    mask = np.zeros((60, 80), np.uint8)
    mask[20:40, 30:60] = 1
    return image, mask


def has(image, colour):
    return (np.abs(image.astype(int) - colour).max(axis=-1) < 12).any()


def test_the_outline_is_drawn_on_a_copy(scene):
    image, mask = scene
    drawn = draw_overlay(image, mask)
    assert (image == 128).all()
    assert drawn.shape == image.shape
    assert drawn.dtype == np.uint8
    assert has(drawn, PREDICTED)
    assert not has(drawn, REFERENCE)
    assert (drawn[28:32, 40:50] == 128).all()  # the inside stays visible
    assert (drawn[:12] == 128).all()


def test_prediction_and_reference_have_colours_of_their_own(scene):
    image, mask = scene
    drawn = draw_overlay(image, mask, np.roll(mask, 12, axis=0))
    assert has(drawn, PREDICTED)
    assert has(drawn, REFERENCE)


def test_empty_masks_change_nothing(scene):
    image, mask = scene
    assert (draw_overlay(image, mask * 0, mask * 0) == image).all()
    assert (draw_overlay(image, None) == image).all()


@pytest.mark.parametrize("side", [20, 80, 200])
def test_the_longer_side_can_be_chosen(scene, side):
    image, mask = scene
    assert draw_overlay(image, mask, side=side).shape == (side * 3 // 4, side, 3)


def test_sizes_that_disagree_are_a_typed_error(scene):
    image, mask = scene
    with pytest.raises(DataError, match="reference mask"):
        draw_overlay(image, mask, mask[:10])


def test_a_tile_has_a_caption_whatever_the_text(scene):
    image, _ = scene
    tile = caption_tile(image, ["said mel 0.93", "true " + "very long " * 40, "\x00\x1b"], side=160)
    assert tile.shape[1] == 160
    assert tile.shape[0] > 160
    assert tile[162:].max() > 200  # text
    assert (tile[80, 80] == 128).all()
