"""Normalising equals torchstain; augmentation depends on the sample alone and leaves residuals; bad tiles are named."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from deephealth.core.errors import ConfigError, DataError
from deephealth.transforms.stain import MacenkoNormalizer, StainAugmentation


def tiles_of(count: int, size: int, seed: int = 0) -> torch.Tensor:
    numbers = np.random.default_rng(seed)
    density = np.array([[0.65, 0.07], [0.70, 0.99], [0.29, 0.11]]) @ numbers.gamma(2.0, 0.25, (count, 2, size * size))
    return torch.from_numpy(np.clip(240 * np.exp(-density) - 1, 0, 255).astype(np.uint8).reshape(count, 3, size, size))


def blank(size: int) -> torch.Tensor:
    return torch.full((1, 3, size, size), 250, dtype=torch.uint8)


def test_equals_torchstain_fitted_to_a_tile() -> None:
    torchstain = pytest.importorskip("torchstain")
    tiles, target = tiles_of(2, 64), tiles_of(1, 64, seed=5)[0] // 2 + 60
    peer = torchstain.normalizers.MacenkoNormalizer(backend="numpy")
    peer.fit(target.permute(1, 2, 0).numpy())
    normalizer = MacenkoNormalizer().fit(target)
    found = (normalizer(tiles), *normalizer.separate(tiles))
    for at, tile in enumerate(tiles):
        for ours, theirs in zip(found, peer.normalize(tile.permute(1, 2, 0).numpy()), strict=True):
            apart = np.abs(ours[at].permute(1, 2, 0).numpy().astype(int) - theirs)
            assert apart.max() <= 1
            assert (apart == 0).mean() > 0.999


def test_a_normalised_tile_has_the_stains_of_the_reference() -> None:
    normalizer = MacenkoNormalizer(unbiased=True).fit(tiles_of(1, 128, seed=3)[0])
    again = normalizer.stains(normalizer(tiles_of(1, 128)))
    torch.testing.assert_close(again.matrix[0], normalizer.matrix, atol=0.03, rtol=0)
    torch.testing.assert_close(again.maxima[0], normalizer.maxima, atol=0, rtol=0.05)


def test_its_own_reference_changes_nothing_but_the_residual() -> None:
    tile = tiles_of(1, 64)
    out = MacenkoNormalizer(unbiased=True).fit(tile[0])(tile)
    assert (out.int() - tile.int()).abs().max() <= 2


def test_a_blank_tile_is_named_or_kept() -> None:
    batch = torch.cat([tiles_of(1, 32), blank(32)])
    with pytest.raises(DataError, match=r"1 of 2 tiles: 1 \(0 pixels of tissue\)"):
        MacenkoNormalizer()(batch)
    with pytest.raises(DataError, match="can't be found"):
        MacenkoNormalizer().fit(blank(32)[0])
    kept = MacenkoNormalizer(missing="keep")(batch)
    assert torch.equal(kept[1], batch[1])
    assert torch.equal(kept[:1], MacenkoNormalizer()(batch[:1]))
    assert torch.equal(StainAugmentation()(batch, seeds=[1, 2])[1], batch[1])
    with pytest.raises(DataError, match="can't be found"):
        StainAugmentation(missing="error")(batch, seeds=[1, 2])


def test_saved_and_loaded() -> None:
    normalizer = MacenkoNormalizer(beta=0.2, missing="keep").fit(tiles_of(1, 32)[0])
    again = MacenkoNormalizer.from_dict(json.loads(json.dumps(normalizer.to_dict())))
    assert torch.equal(again(tiles_of(2, 32, seed=9)), normalizer(tiles_of(2, 32, seed=9)))


def test_no_variation_returns_the_tile() -> None:
    tiles = tiles_of(2, 32)
    assert torch.equal(StainAugmentation(0, 0)(tiles, seeds=[1, 2]), tiles)
    assert torch.equal(StainAugmentation(probability=0)(tiles, seeds=[1, 2]), tiles)


def test_draws_depend_on_the_sample_alone() -> None:
    tiles = tiles_of(4, 32)
    varied = StainAugmentation()
    together = varied(tiles, seeds=[7, 8, 9, 10])
    assert torch.equal(varied(tiles.flip(0), seeds=[10, 9, 8, 7]).flip(0), together)
    assert not torch.equal(StainAugmentation(place="1/stain")(tiles, seeds=[7, 8, 9, 10]), together)
    assert not torch.equal(varied(tiles, seeds=[1, 2, 3, 4]), together)


def test_more_stain_is_darker() -> None:
    class Most(StainAugmentation):
        def _draw(self, draws: object) -> list[float]:
            return [1.2, 1.2, 0.1, 0.1]

    tiles = tiles_of(1, 32)
    assert Most()(tiles, seeds=[1]).float().mean() < tiles.float().mean() - 5


@pytest.mark.parametrize(
    ("settings", "wrong"),
    [
        ({"matrix": [[1, 2]]}, "matrix"),
        ({"matrix": [[1, 1], [1, 1], [1, 1]]}, "one stain"),
        ({"maxima": [1, -1]}, "maxima"),
        ({"io": 0}, "io"),
        ({"missing": "skip"}, "missing"),
    ],
)
def test_wrong_settings_are_named(settings: dict[str, object], wrong: str) -> None:
    with pytest.raises(ConfigError, match=wrong):
        MacenkoNormalizer(**settings)  # type: ignore[arg-type]


def test_wrong_settings_of_the_augmentation_are_named() -> None:
    with pytest.raises(ConfigError, match="scale") as caught:
        StainAugmentation(scale=2, shift=-1)
    assert len(caught.value.problems) == 2
    with pytest.raises(DataError, match="2 tiles and 1 seeds"):
        StainAugmentation()(tiles_of(2, 8), seeds=[1])
