"""Stains equal torchstain's; every version and memory layout gives the same; bad input is named."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

os.environ.setdefault("TRITON_INTERPRET", "1")

from deephealth.core.errors import ConfigError, DataError
from deephealth.kernels.compilers import using
from deephealth.kernels.stain import (
    Stains,
    estimate_stains,
    recolour,
    reference_recolour,
    reference_stains,
    tissue_mask,
    unmixing,
)

HE = np.array([[0.65, 0.07], [0.70, 0.99], [0.29, 0.11]])


def slide(count: int, height: int, width: int, *, seed: int = 0, background: float = 0.2) -> torch.Tensor:
    """B×3×H×W tiles like haematoxylin and eosin: random amounts of two stains, some noise, some background."""
    numbers = np.random.default_rng(seed)
    amounts = numbers.gamma([[1.5], [2.0]], [[0.3], [0.2]], (count, 2, height * width))
    amounts *= numbers.random((count, 1, height * width)) >= background
    density = HE / np.linalg.norm(HE, axis=0) @ amounts + numbers.normal(0, 0.02, (count, 3, height * width))
    levels = np.clip(240 * np.exp(-density) - 1, 0, 255).astype(np.uint8)
    return torch.from_numpy(levels.reshape(count, 3, height, width))


def as_torchstain(tile: torch.Tensor) -> np.ndarray:
    return tile.permute(1, 2, 0).contiguous().numpy()


def normalised(tiles: torch.Tensor, stains: Stains) -> torch.Tensor:
    """To torchstain's own reference."""
    matrix = torch.tensor([[0.5626, 0.2159], [0.7201, 0.8012], [0.4062, 0.5581]], dtype=torch.float64)
    maxima = torch.tensor([1.9705, 1.0308], dtype=torch.float64)
    return recolour(tiles, matrix * (maxima / stains.maxima)[:, None] @ unmixing(stains.matrix))


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize(("io", "alpha", "beta"), [(240, 1, 0.15), (255, 5, 0.3), (230.5, 0, 0.0), (240, 49, 0.15)])
def test_equals_torchstain(last: bool, io: float, alpha: float, beta: float) -> None:
    torchstain = pytest.importorskip("torchstain")
    tiles = slide(3, 96, 128)
    laid = tiles.contiguous(memory_format=torch.channels_last) if last else tiles
    found = estimate_stains(laid, io=io, alpha=alpha, beta=beta)
    for at, tile in enumerate(tiles):
        peer = torchstain.normalizers.MacenkoNormalizer(backend="numpy")
        peer.fit(as_torchstain(tile), Io=io, alpha=alpha, beta=beta)
        np.testing.assert_allclose(found.matrix[at].numpy(), peer.HERef, atol=1e-5)
        np.testing.assert_allclose(found.maxima[at].numpy(), peer.maxCRef, rtol=1e-5)
    if alpha == 1 and io == 240:
        out = normalised(laid, found)
        assert out.stride() == laid.stride()
        peer = torchstain.normalizers.MacenkoNormalizer(backend="numpy")
        wanted = np.stack([peer.normalize(as_torchstain(tile), stains=False)[0] for tile in tiles])
        apart = np.abs(out.permute(0, 2, 3, 1).numpy().astype(int) - wanted)
        assert apart.max() <= 1
        assert (apart == 0).mean() > 0.999


@pytest.mark.real
def test_equals_torchstain_on_a_slide(shared_data: Path) -> None:
    torchstain, openslide = pytest.importorskip("torchstain"), pytest.importorskip("openslide")
    whole = openslide.OpenSlide(str(shared_data / "wsi-samples" / "CMU-1-Small-Region.svs"))
    pixels = np.stack(
        [
            np.asarray(whole.read_region((x, y), 0, (512, 512)).convert("RGB"))
            for x in (0, 512, 1024)
            for y in (512, 1024)
        ]
    )
    tiles = torch.from_numpy(pixels).permute(0, 3, 1, 2)
    out = normalised(tiles, estimate_stains(tiles)).permute(0, 2, 3, 1).numpy()
    peer = torchstain.normalizers.MacenkoNormalizer(backend="numpy")
    apart = np.abs(out.astype(int) - np.stack([peer.normalize(tile, stains=False)[0] for tile in pixels]))
    assert apart.max() <= 1
    assert (apart == 0).mean() > 0.999


def test_the_stains_that_were_mixed_are_found() -> None:
    found = estimate_stains(slide(1, 256, 256))
    truth = HE / np.linalg.norm(HE, axis=0)
    assert np.abs(found.matrix[0].numpy() - truth).max() < 0.1  # percentiles of noisy mixtures


@given(st.integers(1, 70), st.integers(1, 40), st.integers(0, 3), st.floats(0, 49), st.floats(0, 1))
def test_compiled_equals_reference(height: int, width: int, layout: int, alpha: float, background: float) -> None:
    tiles = laid_out(slide(2, height, width, seed=height * width, background=background), layout)
    found, wanted = estimate_stains(tiles, alpha=alpha), reference_stains(tiles, alpha=alpha)
    assert torch.equal(found.tissue, wanted.tissue)
    if (wanted.tissue >= 20).all() and wanted.found.all():
        torch.testing.assert_close(found.matrix, wanted.matrix, atol=1e-4, rtol=0)
        torch.testing.assert_close(found.maxima, wanted.maxima, atol=1e-4, rtol=1e-4)


def laid_out(tiles: torch.Tensor, layout: int) -> torch.Tensor:
    """The tiles in one of four memory layouts; the last has other tiles."""
    if layout == 1:
        return tiles.contiguous(memory_format=torch.channels_last)
    if layout == 2:
        return tiles.mT.contiguous().mT
    if layout == 3:
        return tiles[:1].expand(len(tiles), -1, -1, -1)
    return tiles


def some_mixture(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    numbers = torch.Generator().manual_seed(seed)
    mix = torch.eye(3, dtype=torch.float64) + 0.3 * torch.randn(count, 3, 3, generator=numbers, dtype=torch.float64)
    return mix, 0.2 * torch.randn(count, 3, generator=numbers, dtype=torch.float64)


@pytest.mark.parametrize("version", ["compiled", "triton"])
def test_recolour_equals_reference_on_500_cases(version: str) -> None:
    numbers = np.random.default_rng(0)
    apart = total = 0
    for case in range(500):
        count, height, width = int(numbers.integers(0, 3)), int(numbers.integers(0, 40)), int(numbers.integers(1, 50))
        tiles = laid_out(
            torch.from_numpy(numbers.integers(0, 256, (count, 3, height, width)).astype(np.uint8)), case % 4
        )
        mix, shift = some_mixture(count, case)
        bias = -0.5 * (case % 2)
        with using(version):
            found = recolour(tiles, mix, shift, io=245.0, bias=bias)
        wanted = reference_recolour(tiles, mix, shift, io=245.0, bias=bias)
        assert found.shape == tiles.shape
        assert ((found.int() - wanted.int()).abs() <= 1).all()
        apart, total = apart + int((found != wanted).sum()), total + found.numel()
    assert apart <= 1e-3 * total


def test_triton_moments_equal_reference_on_500_cases() -> None:
    numbers = np.random.default_rng(1)
    for case in range(500):
        height, width = int(numbers.integers(1, 36)), int(numbers.integers(1, 36))
        tiles = laid_out(slide(int(numbers.integers(1, 3)), height, width, seed=case), case % 4)
        with using("triton"):
            found = estimate_stains(tiles)
        wanted = reference_stains(tiles)
        assert torch.equal(found.tissue, wanted.tissue)
        if (wanted.tissue >= 20).all():
            torch.testing.assert_close(found.matrix, wanted.matrix, atol=1e-4, rtol=0)


def test_percentiles_are_exact_when_a_sample_misleads() -> None:
    """Every 61st pixel is white: the sample knows nothing of the tissue."""
    tiles = slide(1, 61, 61, background=0).flatten(2)
    tiles[:, :, ::61] = 255
    tiles = tiles.reshape(1, 3, 61, 61)
    found, wanted = estimate_stains(tiles), reference_stains(tiles)
    torch.testing.assert_close(found.matrix, wanted.matrix, atol=1e-5, rtol=0)
    torch.testing.assert_close(found.maxima, wanted.maxima, atol=1e-5, rtol=1e-5)


def test_tiles_without_two_stains_are_not_found() -> None:
    white, grey = torch.full((1, 3, 32, 32), 255), torch.full((1, 3, 32, 32), 90)
    found = estimate_stains(torch.cat([white, grey, slide(1, 32, 32)]).to(torch.uint8))
    assert found.found.tolist() == [False, False, True]
    assert found.tissue.tolist()[:2] == [0, 1024]
    assert torch.isnan(found.matrix[:2]).all()


def test_threads_and_batches_change_nothing() -> None:
    tiles = slide(3, 200, 200)
    mix, shift = some_mixture(3, 0)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        found, out = estimate_stains(tiles), recolour(tiles, mix, shift)
    finally:
        torch.set_num_threads(before)
    for at in range(3):
        alone = estimate_stains(tiles[at : at + 1])
        assert torch.equal(alone.matrix[0], found.matrix[at])
        assert torch.equal(alone.maxima[0], found.maxima[at])
        assert torch.equal(recolour(tiles[at : at + 1], mix[at : at + 1], shift[at : at + 1])[0], out[at])


def test_the_identity_is_exact_without_bias() -> None:
    tiles = torch.randint(0, 256, (2, 3, 33, 47), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    same = torch.eye(3).expand(2, 3, 3)
    assert torch.equal(recolour(tiles, same, bias=-0.5), tiles)


@pytest.mark.parametrize("version", ["compiled", "reference", "triton"])
def test_no_tile_and_no_pixel(version: str) -> None:
    none, empty = torch.zeros(0, 3, 8, 8, dtype=torch.uint8), torch.zeros(2, 3, 0, 8, dtype=torch.uint8)
    with using(version):
        assert estimate_stains(none).matrix.shape == (0, 3, 2)
        assert recolour(none, torch.zeros(0, 3, 3)).shape == none.shape
        assert estimate_stains(empty).found.tolist() == [False, False]
        assert recolour(empty, torch.zeros(2, 3, 3)).shape == empty.shape


def test_more_than_two_to_the_31_bytes() -> None:
    tile = torch.full((1, 3, 512, 512), 255, dtype=torch.uint8)
    tile[..., -1, -1] = 100
    found = estimate_stains(tile.expand(2740, -1, -1, -1))
    assert (found.tissue == 1).all()


def test_the_mask_is_that_of_the_optical_density() -> None:
    tiles = torch.arange(256, dtype=torch.uint8).expand(1, 3, 1, -1)
    for io, beta in ((240.0, 0.15), (255.0, 0.0), (1.0, 3.0), (1000.0, 0.1)):
        wanted = -np.log((np.arange(256) + 1) / io) >= beta
        assert tissue_mask(tiles, io=io, beta=beta).flatten().tolist() == wanted.tolist()


def test_bad_input_is_named() -> None:
    tiles = slide(2, 8, 8)
    mix = torch.eye(3).repeat(2, 1, 1)
    for wrong in (tiles[0], tiles[:, :2], tiles.float(), tiles.permute(0, 2, 3, 1)):
        with pytest.raises(DataError, match="B×3×H×W uint8"):
            estimate_stains(wrong)
    with pytest.raises(DataError, match="2 tiles with a mixture"):
        recolour(tiles, mix[:1])
    mix[1, 0, 0] = torch.nan
    with pytest.raises(DataError, match=r"tiles \[1\] \(1 in all\)"):
        recolour(tiles, mix)
    with pytest.raises(ConfigError, match="io") as caught:
        estimate_stains(tiles, io=0, beta=-1, alpha=50)
    assert len(caught.value.problems) == 3
