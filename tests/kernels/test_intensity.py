"""The intensity chain: all versions equal to the reference; bad input; strides, threads and dtypes."""

from __future__ import annotations

import os

os.environ.setdefault("TRITON_INTERPRET", "1")

from typing import Any

import numpy as np
import pytest
import torch

from deephealth.core.errors import DataError
from deephealth.kernels.compilers import using
from deephealth.kernels.intensity import channel_moments, intensity_chain
from deephealth.kernels.intensity_steps import Bias, Clamp, Contrast, Gamma, Linear, Noise, Standardize

DTYPES = (torch.float32, torch.float32, torch.float16, torch.bfloat16)
KINDS = 9


def some_step(numbers: np.random.Generator) -> Any:
    """Return a step of a random kind."""
    factor = float(numbers.uniform(0.6, 1.6))
    return (
        lambda: Linear(factor, float(numbers.normal())),
        lambda: Linear(-factor, 0.0),
        lambda: Clamp(-1.0, factor),
        lambda: Contrast(factor, bool(numbers.integers(2))),
        lambda: Gamma(factor, bool(numbers.integers(2)), bool(numbers.integers(2))),
        lambda: Noise(factor / 10, int(numbers.integers(0, 2**63))),
        lambda: Bias(numbers.uniform(-0.2, 0.2, numbers.integers(1, 5, 3))),
        lambda: Standardize(False),
        lambda: Standardize(True),
    )[numbers.integers(KINDS)]()


def some_steps(numbers: np.random.Generator) -> list[Any]:
    """Return up to four steps; what leaves zeros alone comes first, since rounding decides what is 0 later."""
    found = [some_step(numbers) for _ in range(numbers.integers(0, 5))]
    return [one for at, one in enumerate(found) if at == 0 or not getattr(one, "nonzero", False)]


def some_images(numbers: np.random.Generator, shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
    """Return images with some zeros, of random strides."""
    found = torch.as_tensor(numbers.normal(size=shape)).to(dtype)
    found[found < -1] = 0
    kind = numbers.integers(4)
    if kind == 1:
        return found.contiguous(memory_format=torch.channels_last_3d)
    if kind == 2:
        return torch.stack([found, found], dim=-1)[..., 0]
    if kind == 3:
        return found.transpose(2, 4).contiguous().transpose(2, 4)
    return found


def test_all_versions_agree_on_500_cases() -> None:
    numbers = np.random.default_rng(0)
    for case in range(500):
        largest = 18 if case % 10 == 0 else 6
        shape = (*numbers.integers(0, 3, 2), *numbers.integers(0 if case % 20 == 0 else 1, largest, 3))
        shape = (1, 1, 1, 1, 1) if case % 50 == 1 else tuple(int(size) for size in shape)
        dtype = DTYPES[numbers.integers(4)]
        images = some_images(numbers, shape, dtype)
        kept = images.clone()
        programs = [[some_steps(numbers) for _ in range(shape[1])] for _ in images]
        expected = images.double()
        for b, c in np.ndindex(*shape[:2]) if images.numel() else ():
            expected[b, c] = _plain(images[b, c], programs[b][c])
        for version in ("compiled", "triton"):
            with using(version):
                found = intensity_chain(images, programs)
            assert found.dtype == dtype
            assert found.is_contiguous()
            # a chain of stretches may widen the error of its first step
            atol, rtol = {torch.float32: (1e-4, 1e-4), torch.float16: (4e-3, 2e-3), torch.bfloat16: (3e-2, 1e-2)}[dtype]
            torch.testing.assert_close(found.double(), expected.double(), atol=atol, rtol=rtol, equal_nan=True)
        assert torch.equal(images, kept)


def _plain(channel: torch.Tensor, steps: list[Any]) -> torch.Tensor:
    """Return one channel after its steps in float64."""
    found = channel.double()
    for step in steps:
        found = step.on(found)
    return found


@pytest.mark.parametrize("kind", range(KINDS))
def test_one_step_is_right_to_the_contracts_error(kind: int) -> None:
    numbers = np.random.default_rng(kind)
    image = torch.as_tensor(numbers.normal(size=(1, 1, 20, 33, 41)) + 3).float()
    step = None
    while step is None or type(step).__name__ not in _NAMES[kind]:
        step = some_step(numbers)
    expected = _plain(image[0, 0], [step])
    extent = float(expected.max() - expected.min())
    for version in ("compiled", "triton", "reference"):
        with using(version):
            found = intensity_chain(image, [[[step]]])[0, 0]
        assert float((found - expected).abs().max()) < 2e-5 * extent


_NAMES = ("Linear", "Linear", "Clamp", "Contrast", "Gamma", "Noise", "Bias", "Standardize", "Standardize")


def test_gamma_and_contrast_are_those_of_batchgenerators() -> None:
    module = pytest.importorskip("batchgeneratorsv2.transforms.intensity.gamma")
    other = pytest.importorskip("batchgeneratorsv2.transforms.intensity.contrast")
    image = torch.randn(1, 12, 13, 14, generator=torch.Generator().manual_seed(0)) * 40 + 100
    for invert in (False, True):
        for retain in (False, True):
            peer = module.GammaTransform(0.7, invert, False, 1, retain)(image=image.clone())["image"]
            ours = intensity_chain(image[None], [[[Gamma(0.7, invert, retain)]]])[0]
            torch.testing.assert_close(ours, peer, rtol=0, atol=1e-3)
    for preserve in (False, True):
        peer = other.ContrastTransform(1.25, preserve, False)(image=image.clone())["image"]
        ours = intensity_chain(image[None], [[[Contrast(1.25, preserve)]]])[0]
        torch.testing.assert_close(ours, peer, rtol=0, atol=1e-3)


def test_the_bias_field_is_monais() -> None:
    monai = pytest.importorskip("monai.transforms")
    image = torch.rand(1, 9, 10, 11, generator=torch.Generator().manual_seed(0)) + 1
    peer = monai.RandBiasField(degree=3, coeff_range=(0.1, 0.3), prob=1.0).set_random_state(3)
    expected = peer(image)
    filled = np.zeros((4, 4, 4))
    places = [(i, j, k) for i in range(4) for j in range(4 - i) for k in range(4 - i - j)]
    for place, value in zip(places, peer._coeff, strict=True):
        filled[place] = value
    torch.testing.assert_close(
        intensity_chain(image[None], [[[Bias(filled)]]])[0], torch.as_tensor(expected), rtol=1e-4, atol=1e-4
    )


def test_standardize_is_monais() -> None:
    monai = pytest.importorskip("monai.transforms")
    image = torch.randn(2, 6, 7, 8, generator=torch.Generator().manual_seed(0)).clamp(min=0) * 50
    for nonzero in (False, True):
        expected = monai.NormalizeIntensity(nonzero=nonzero, channel_wise=True)(image.clone())
        found = intensity_chain(image[None], [[[Standardize(nonzero)]] * 2])[0]
        torch.testing.assert_close(found, torch.as_tensor(expected), rtol=1e-4, atol=1e-5)


def test_statistics_hold_at_a_large_mean() -> None:
    image = torch.randn(1, 1, 40, 40, 40, generator=torch.Generator().manual_seed(0)) + 1e4
    found = channel_moments(image)[0][0]
    exact = image.double()
    assert abs(found.mean - float(exact.mean())) < 1e-4
    assert abs(found.deviation - float(exact.std())) < 1e-4
    assert (found.low, found.high) == (float(image.min()), float(image.max()))


def test_threads_and_batches_change_nothing() -> None:
    images = torch.randn(2, 1, 70, 70, 70, generator=torch.Generator().manual_seed(0))
    steps = [Noise(0.1, 5), Contrast(1.3), Gamma(0.8)]
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        both = intensity_chain(images, [[steps], [steps]])
        torch.set_num_threads(1)
        assert torch.equal(intensity_chain(images[1:], [[steps]]), both[1:])
    finally:
        torch.set_num_threads(before)


def test_in_place_leaves_untouched_channels() -> None:
    images = torch.rand(1, 2, 3, 4, 5)
    kept = images.clone()
    assert intensity_chain(images, [[[], [Linear(2.0)]]], out=images) is images
    assert torch.equal(images[0, 0], kept[0, 0])
    assert torch.equal(images[0, 1], kept[0, 1] * 2)


@pytest.mark.parametrize("version", ["compiled", "triton", "reference"])
def test_nan_stays_visible(version: str) -> None:
    image = torch.rand(1, 1, 5, 6, 7)
    image[0, 0, 2, 3, 4] = torch.nan
    with using(version):
        assert intensity_chain(image, [[[Linear(2.0), Clamp(0, 1), Noise(0.1, 1)]]]).isnan().sum() == 1
        assert intensity_chain(image, [[[Contrast(1.2)]]]).isnan().all()
        assert intensity_chain(image, [[[Gamma(1.2)]]]).isnan().all()


@pytest.mark.parametrize("version", ["compiled", "triton"])
def test_a_constant_image_stays_finite(version: str) -> None:
    image = torch.full((1, 1, 4, 5, 6), 3.0)
    with using(version):
        found = intensity_chain(image, [[[Contrast(1.2), Gamma(0.7), Gamma(1.3, True), Standardize()]]])
    assert torch.equal(found, torch.zeros_like(image))


def test_the_reference_has_gradients() -> None:
    image = torch.rand(1, 1, 2, 3, 2, dtype=torch.float64, requires_grad=True)
    steps = [Linear(1.2, 0.1), Contrast(0.8), Gamma(1.3), Noise(0.1, 3), Bias(np.full((2, 2, 2), 0.1)), Standardize()]
    assert torch.autograd.gradcheck(lambda x: intensity_chain(x, [[steps]]).sum((3, 4)), image)


def test_more_than_two_to_the_31_voxels_are_addressed() -> None:
    """A stretch of the kernel far beyond 2^31: the numbers of its noise, on a view without memory behind it."""
    from deephealth.kernels import intensity, philox

    start = 2**32 + 4096
    source = torch.zeros(1).expand(start + 4096).numpy()
    found = np.zeros(5)
    target = torch.empty(0).numpy()
    args = np.array([4]), np.array([[1, 0, 0, 0, 0]], np.float32), np.array([7])
    nothing = np.zeros((1, 1, 1), np.float32), np.zeros((1, 1), np.float32)
    intensity._stretch(source, target, (start, start + 4096), args, nothing, 1, found)
    noise = philox.normal_field(7, (4096,), start=start).double()
    np.testing.assert_allclose(found[3:], [noise.min(), noise.max()], rtol=1e-6)
    np.testing.assert_allclose(found[1], noise.mean(), atol=1e-6)


@pytest.mark.parametrize(
    ("images", "programs"),
    [
        (torch.zeros(2, 1, 4, 4), [[[]], [[]]]),
        (torch.zeros(1, 1, 4, 4, 4, dtype=torch.int16), [[[]]]),
        (torch.zeros(2, 1, 4, 4, 4), [[[]]]),
        (torch.zeros(1, 2, 4, 4, 4), [[[]]]),
    ],
)
def test_bad_input_is_named(images: torch.Tensor, programs: list[Any]) -> None:
    with pytest.raises(DataError):
        intensity_chain(images, programs)
    if images.ndim == 5:
        with pytest.raises(DataError, match="out is"):
            intensity_chain(torch.zeros(1, 1, 2, 2, 2), [[[]]], out=torch.zeros(1, 1, 2, 2, 3))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no accelerator")
@pytest.mark.parametrize("version", ["triton", "reference"])
def test_an_accelerator_gives_the_same(version: str) -> None:
    images = torch.randn(2, 1, 33, 40, 41, generator=torch.Generator().manual_seed(0))
    steps = [Noise(0.1, 5), Linear(1.2, 0.1), Contrast(1.3), Bias(np.full((2, 3, 4), 0.05)), Gamma(0.8), Standardize()]
    with using(version):
        found = intensity_chain(images.cuda(), [[steps], [steps[:3]]])
    torch.testing.assert_close(found.cpu(), intensity_chain(images, [[steps], [steps[:3]]]), rtol=0, atol=1e-4)
