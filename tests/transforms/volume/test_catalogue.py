"""Chains from configurations: every registered step builds, runs and is undone; mistakes come at once."""

from __future__ import annotations

import pytest
import torch

from deephealth.core.errors import ConfigError
from deephealth.transforms.volume.catalogue import VOLUME_TRANSFORMS, build_chain

NEEDED = {
    "nnunet": {"patch_size": [8, 8, 8]},
    "rotate_scale_mirror": {"patch_size": [8, 8, 8]},
    "orientation": {"axcodes": "LPS"},
    "spacing": {"spacing": [2.0, 1.0, 1.5]},
    "resize": {"size": [6, 7, 8]},
    "crop": {"start": [1, 2, 3], "size": [4, 5, 6]},
    "center_crop": {"size": 6},
    "random_crop": {"size": 6},
    "crop_by_label": {"size": 6},
    "pad": {"size": 14},
    "pad_divisible": {"k": 8},
    "pad_or_crop": {"size": [6, 14, 9]},
    "scale_range": {"a_min": 0.0, "a_max": 1.0, "b_min": -1.0, "b_max": 1.0},
}


def batch():
    draws = torch.Generator().manual_seed(0)
    return {
        "image": torch.rand(1, 2, 10, 11, 12, generator=draws),
        "label": torch.randint(0, 3, (1, 1, 10, 11, 12), generator=draws, dtype=torch.uint8),
        "affine": torch.diag(torch.tensor([0.8, 0.9, 2.5, 1.0], dtype=torch.float64))[None],
    }


@pytest.mark.parametrize("entry", VOLUME_TRANSFORMS, ids=lambda entry: entry.name)
def test_every_registered_step_is_a_chain_of_its_own(entry):
    chain = build_chain([{"name": entry.name, **NEEDED.get(entry.name, {})}])
    given = batch()
    found, again = chain(given, [5]), chain(given, [5])
    assert torch.equal(found["image"], again["image"])
    assert found["image"].isfinite().all()
    assert found["image"].shape[2:] == found["label"].shape[2:]
    assert set(found["label"].unique().tolist()) <= {0, 1, 2}
    back = chain.invert(found)
    assert back["image"].shape == given["image"].shape
    assert torch.allclose(back["affine"], given["affine"])


def test_all_mistakes_come_at_once():
    steps = [{"name": "gausian_noise"}, {"name": "nnunet"}, {"name": "flip", "axis": 1}, {"probability": 1}]
    with pytest.raises(ConfigError) as caught:
        build_chain(steps)
    assert len(caught.value.problems) == 4
    text = str(caught.value)
    assert "gaussian_noise" in text
    assert "'patch_size' is missing" in text
    assert "no setting 'axis'" in text


def test_a_bad_value_says_which_step():
    with pytest.raises(ConfigError, match="1/affine_elastic"):
        build_chain([{"name": "flip"}, {"name": "affine_elastic", "scale": [2.0, 1.0]}])
