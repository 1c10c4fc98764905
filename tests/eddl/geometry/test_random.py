"""Random transformations: each sample draws its own, in the original's ranges."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from deephealth.eddl.errors import EddlError
from deephealth.eddl.geometry import drawn as random_geometry
from deephealth.eddl.geometry import fixed as geometry
from deephealth.eddl.geometry.modes import WRAPPINGS

X = torch.randn(6, 2, 9, 12, generator=torch.Generator().manual_seed(3))
DRAWS: dict[str, Callable[..., torch.Tensor]] = {
    "shift": lambda x, **how: random_geometry.shift_random(x, [-0.4, 0.4], [-0.4, 0.4], wrap="wrap", **how),
    "rotate": lambda x, **how: random_geometry.rotate_random(x, [-90.0, 90.0], wrap="nearest", **how),
    "scale": lambda x, **how: random_geometry.scale_random(x, [0.4, 1.8], **how),
    "flip": lambda x, **how: random_geometry.flip_random(x, 1, **how),
    "crop": lambda x, **how: random_geometry.crop_random(x, 4, 5, **how),
    "crop_keep": lambda x, **how: random_geometry.crop_random(x, 4, 5, keep_size=True, **how),
    "crop_scale": lambda x, **how: random_geometry.crop_scale_random(x, [0.3, 0.8], **how),
    "cutout": lambda x, **how: random_geometry.cutout_random(x, [0.1, 0.5], [0.1, 0.5], **how),
}


@pytest.mark.parametrize("name", DRAWS)
def test_the_global_seed_and_a_generator_repeat_a_draw(name: str) -> None:
    draw = DRAWS[name]
    torch.manual_seed(5)
    first = draw(X)
    torch.manual_seed(5)
    assert torch.equal(draw(X), first)
    generators = [torch.Generator().manual_seed(7) for _ in range(2)]
    assert torch.equal(draw(X, generator=generators[0]), draw(X, generator=generators[1]))


@pytest.mark.parametrize("name", DRAWS)
def test_every_sample_draws_its_own(name: str) -> None:
    torch.manual_seed(0)
    made = DRAWS[name](X[:1].expand(32, -1, -1, -1))
    assert len({sample.numpy().tobytes() for sample in made}) > 1


@pytest.mark.parametrize("wrap", WRAPPINGS)
def test_a_range_of_one_value_is_the_fixed_transformation(wrap: str) -> None:
    how = {"wrap": wrap, "cval": 0.25}
    shifted = random_geometry.shift_random(X, [0.25, 0.25], [-0.34, -0.34], **how)
    assert torch.equal(shifted, geometry.shift(X, [-3, 3], **how))  # int(9 * -0.34), int(12 * 0.25)
    turned = random_geometry.rotate_random(X, [33.0, 33.0], center=(1, -1), **how)
    assert torch.equal(turned, geometry.rotate(X, 33.0, center=(1, -1), **how))
    for coordinate in ("asymmetric", "half_pixel", "align_corners"):
        zoomed = random_geometry.scale_random(X, [0.7, 0.7], coordinate=coordinate, **how)
        assert torch.equal(zoomed, geometry.scale(X, [6, 8], coordinate=coordinate, keep_size=True, **how))


def test_flips_about_half() -> None:
    torch.manual_seed(1)
    x = torch.tensor([[0.0], [1.0]]).expand(2000, 1, 2, 1)
    flipped = random_geometry.flip_random(x, 0)[:, 0, 0, 0].mean()
    assert 0.45 < flipped < 0.55


def test_crops_are_windows_of_their_own_image() -> None:
    torch.manual_seed(2)
    x = torch.arange(4 * 7 * 9.0).view(4, 1, 7, 9)
    places = set()
    for sample, patch in enumerate(random_geometry.crop_random(x, 3, 4)):
        row, column = divmod(int(patch[0, 0, 0]) - sample * 63, 9)
        assert torch.equal(patch, x[sample, :, row : row + 3, column : column + 4])
        places.add((row, column))
    assert len(places) > 1


def test_cutouts_are_rectangles_no_larger_than_asked() -> None:
    torch.manual_seed(4)
    for sample in random_geometry.cutout_random(torch.ones(64, 1, 10, 20), [0.2, 0.4], [0.1, 0.5])[:, 0]:
        rows, columns = (sample == 0).any(1).nonzero().flatten(), (sample == 0).any(0).nonzero().flatten()
        assert (sample == 0).sum() == len(rows) * len(columns)
        assert 2 <= len(rows) <= 6  # int(10 * factor), and the last row belongs to it
        assert 5 <= len(columns) <= 9


def test_crop_scale_of_the_whole_changes_nothing() -> None:
    assert torch.equal(random_geometry.crop_scale_random(X, [1.0, 1.0]), X)


def test_zoom_of_nothing_leaves_one_pixel() -> None:
    shown = random_geometry.scale_random(torch.ones(1, 1, 5, 5), [0.0, 0.0])
    assert shown.sum() == 1


@pytest.mark.parametrize(
    "draw",
    [
        lambda: random_geometry.shift_random(X, [1.0, 1.0], [2.0, 2.0]),
        lambda: random_geometry.scale_random(X, [-0.1, 1.0]),
        lambda: random_geometry.crop_scale_random(X, [0.5, 1.5]),
        lambda: random_geometry.cutout_random(X, [0.5, 1.5], [0.0, 0.1]),
    ],
)
def test_factors_out_of_range_say_so(draw: Callable[[], torch.Tensor]) -> None:
    with pytest.raises(EddlError, match="out of range"):
        draw()


def test_other_impossible_arguments_say_so() -> None:
    with pytest.raises(EddlError, match="axis -1"):
        random_geometry.flip_random(X, -1)
    with pytest.raises(EddlError, match=r"cannot cut \[10, 3\]"):
        random_geometry.crop_random(X, 10, 3)
