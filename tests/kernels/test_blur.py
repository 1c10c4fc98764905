"""The blur: equal to its reference and to batchgeneratorsv2's; mirrored borders, any strides."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from deephealth.core.errors import DataError
from deephealth.kernels.blur import blur, gaussian_taps, reference

SIZES = st.tuples(st.integers(0, 3), st.integers(0, 9), st.integers(1, 9), st.integers(1, 9))


@given(SIZES, st.tuples(*[st.floats(0, 3)] * 3), st.integers(0, 2**31))
def test_compiled_equals_reference(shape: tuple[int, ...], deviations: tuple[float, ...], seed: int) -> None:
    image = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    taps = [gaussian_taps(deviation) for deviation in deviations]
    torch.testing.assert_close(blur(image, taps), reference(image, taps) if image.numel() else image, rtol=0, atol=2e-6)
    shuffled = image.transpose(1, 3).contiguous().transpose(1, 3)
    assert torch.equal(blur(shuffled, taps), blur(image, taps))


def test_it_is_scipys_mirrored_convolution() -> None:
    image = torch.randn(1, 40, 12, 13, generator=torch.Generator().manual_seed(0))
    taps = [gaussian_taps(deviation) for deviation in (0.6, 0.9, 2.0)]
    expected = image[0].double().numpy()
    for axis, one in enumerate(taps):
        expected = ndimage.convolve1d(expected, one.astype(np.float64), axis=axis, mode="mirror")
    np.testing.assert_allclose(blur(image, taps)[0].numpy(), expected, atol=2e-6)


def test_the_taps_are_those_of_batchgenerators() -> None:
    peer = pytest.importorskip("batchgeneratorsv2.transforms.noise.gaussian_blur")
    for deviation in np.linspace(0.3, 3, 40):
        np.testing.assert_allclose(gaussian_taps(deviation), peer._build_kernel(deviation, 6).numpy(), atol=1e-6)


def test_gradients_and_narrow_dtypes() -> None:
    taps = [gaussian_taps(0.8)] * 3
    image = torch.randn(1, 3, 2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: blur(x, taps), image)
    for dtype in (torch.float16, torch.bfloat16):
        found = blur(image.detach().to(dtype), taps)
        assert found.dtype == dtype
        torch.testing.assert_close(found.double(), reference(image.detach(), taps), rtol=0, atol=0.03)


def test_bad_input_is_named() -> None:
    for image, taps in (
        (torch.zeros(3, 3, 3), [gaussian_taps(1)] * 3),
        (torch.zeros(1, 3, 3, 3, dtype=torch.int16), [gaussian_taps(1)] * 3),
        (torch.zeros(1, 3, 3, 3), [np.ones(2)] * 3),
        (torch.zeros(1, 3, 3, 3), [np.ones(1)]),
    ):
        with pytest.raises(DataError):
            blur(image, taps)
    for deviation in (-1, np.nan, np.inf):
        with pytest.raises(DataError):
            gaussian_taps(deviation)
