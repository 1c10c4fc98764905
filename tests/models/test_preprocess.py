"""Preprocessing: one formula, one resize."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from deephealth.models.preprocess import Preprocess
from deephealth.transforms.resize import resize_rgb

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@pytest.fixture
def preprocess() -> Preprocess:
    return Preprocess((12, 16), MEAN, STD)


def levels(height: int, width: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (2, 3, height, width), dtype=np.uint8))


def test_normalise_is_the_usual_formula(preprocess):
    image = levels(5, 7)
    expected = (image / 255 - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(STD).view(1, 3, 1, 1)
    assert torch.allclose(preprocess.normalise(image), expected, atol=1e-6)
    assert torch.equal(preprocess.normalise(image), preprocess.normalise(image.float()))


def test_forward_sees_the_levels_of_the_cache(preprocess):
    image = levels(30, 21)
    cached = torch.stack([resize_rgb(one, (12, 16)) for one in image])
    assert torch.equal(preprocess(image), preprocess.normalise(cached))


def test_image_of_the_size_keeps_its_levels(preprocess):
    image = levels(12, 16)
    assert torch.equal(preprocess(image), preprocess.normalise(image))


def test_channels_last_stays(preprocess):
    image = levels(12, 16).contiguous(memory_format=torch.channels_last)
    assert preprocess.normalise(image).is_contiguous(memory_format=torch.channels_last)


def test_nothing_of_it_is_in_the_weights(preprocess):
    assert not preprocess.state_dict()
