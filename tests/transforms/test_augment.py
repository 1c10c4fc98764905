"""Augmentations: a function of the seed alone, one geometry for image and mask."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from deephealth.core.errors import ConfigError
from deephealth.transforms import AUGMENTATIONS, resize_mask, resize_rgb
from deephealth.transforms.augment import dermoscopy, flips, none, upright

SIZE = (24, 32)
GEOMETRY_ONLY = {"brightness": 0.0, "contrast": 0.0, "saturation": 0.0, "colour_cast": 0.0}
NAMES = AUGMENTATIONS.names()


@pytest.fixture(scope="module")
def image() -> torch.Tensor:
    rows, columns = np.mgrid[0:30, 0:40]
    planes = [rows * 6, columns * 5, (rows + columns) * 3]
    return torch.from_numpy(np.stack(planes).astype(np.uint8))


@pytest.fixture(scope="module")
def disc() -> torch.Tensor:
    rows, columns = np.mgrid[0:60, 0:80]
    return torch.from_numpy(((rows - 25) ** 2 + (columns - 45) ** 2 < 300).astype(np.uint8))[None]


@pytest.mark.parametrize("name", NAMES)
def test_result_has_the_size_and_type_of_the_contract(name, image, disc):
    got, mask = AUGMENTATIONS.get(name)()(image, resize_mask(disc, (30, 40)), seed=3, size=SIZE)
    assert got.dtype == mask.dtype == torch.uint8
    assert got.shape == (3, *SIZE)
    assert mask.shape == (1, *SIZE)
    assert set(mask.unique().tolist()) <= {0, 1}
    assert AUGMENTATIONS.get(name)()(image, seed=3, size=SIZE)[1] is None


@pytest.mark.parametrize("name", NAMES)
def test_same_seed_same_bits_and_source_untouched(name, image):
    before, augment = image.clone(), AUGMENTATIONS.get(name)()
    first, second = (augment(image, seed=2**62 + 5, size=SIZE)[0] for _ in range(2))
    assert torch.equal(first, second)
    assert torch.equal(image, before)


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"none"}))
def test_other_seeds_differ(name, image):
    augment = AUGMENTATIONS.get(name)()
    assert len({augment(image, seed=seed, size=SIZE)[0].numpy().tobytes() for seed in range(12)}) > 1


def test_global_generators_are_left_alone(image):
    states = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()
    dermoscopy(erase=1.0)(image, seed=1, size=SIZE)
    assert random.getstate() == states[0]
    assert np.random.get_state()[1].tolist() == states[1]
    assert torch.equal(torch.get_rng_state(), states[2])


def test_none_is_the_resize(image):
    assert torch.equal(none()(image, seed=9, size=SIZE)[0], resize_rgb(image, SIZE))


def test_flips_are_mirror_images(image):
    got, _ = flips(horizontal=1.0, vertical=1.0)(image, seed=9, size=SIZE)
    assert torch.equal(got.flip(-1, -2), resize_rgb(image, SIZE))


@pytest.mark.parametrize("seed", range(8))
def test_mask_goes_where_the_image_goes(seed, disc):
    photo = (disc * 255).expand(3, -1, -1).contiguous()
    got, mask = dermoscopy(**GEOMETRY_ONLY)(photo, disc, seed=seed, size=(48, 64))
    agreement = ((got[0] >= 128) == (mask[0] > 0)).float().mean().item()
    assert agreement > 0.98


def test_nothing_black_comes_in_from_outside():
    plain = torch.full((3, 30, 40), 77, dtype=torch.uint8)
    for seed in range(10):
        assert dermoscopy(**GEOMETRY_ONLY)(plain, seed=seed, size=SIZE)[0].unique().tolist() == [77]


def test_without_ranges_the_chain_is_the_identity(image):
    still = upright(rotation=0.0, zoom=1.0, translate=0.0, brightness=0.0, contrast=0.0)
    assert torch.equal(still(image, seed=4, size=(30, 40))[0], image)


def test_one_parameter_leaves_the_other_draws(disc):
    one, two = (dermoscopy(colour_cast=cast)(disc.expand(3, -1, -1), disc, seed=5, size=SIZE)[1] for cast in (0.0, 0.3))
    assert torch.equal(one, two)


def test_erased_box_has_the_mean_colour_and_stays_off_the_mask(image, disc):
    settings = {
        **GEOMETRY_ONLY,
        "rotation": 0.0,
        "zoom": 1.0,
        "aspect": 1.0,
        "shear": 0.0,
        "translate": 0.0,
        "flip": 0.0,
    }
    mask = resize_mask(disc, (30, 40))
    whole, mask_whole = dermoscopy(**settings)(image, mask, seed=2, size=(30, 40))
    holed, mask_holed = dermoscopy(**settings, erase=1.0, erase_area=(0.1, 0.1))(image, mask, seed=2, size=(30, 40))
    changed = (whole != holed).any(0)
    assert 0.05 < changed.float().mean().item() < 0.15
    assert torch.equal(mask_whole, mask_holed)


def test_much_larger_sources_are_reduced_with_antialias():
    checks = torch.from_numpy((np.indices((200, 200)).sum(0) % 2 * 255).astype(np.uint8)).expand(3, -1, -1)
    got, _ = dermoscopy(**GEOMETRY_ONLY)(checks, seed=1, size=(20, 20))
    assert got.float().std() < 4  # plain bilinear would alias into full contrast


@pytest.mark.parametrize(
    ("factory", "wrong"),
    [(flips, {"horizontal": 2}), (dermoscopy, {"zoom": 0.5, "flip": -1}), (upright, {"translate": 3})],
)
def test_values_out_of_range_are_all_reported(factory, wrong):
    with pytest.raises(ConfigError) as caught:
        factory(**wrong)
    assert len(caught.value.problems) == len(wrong)
    assert all(any(line.startswith(key) for line in caught.value.problems) for key in wrong)
