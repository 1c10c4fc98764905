"""The lower resolution: equal to torch's two interpolations, for any sizes, strides and dtypes."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from deephealth.core.errors import DataError
from deephealth.kernels.low_resolution import low_resolution, reference


@given(st.tuples(*[st.integers(1, 40)] * 3), st.tuples(*[st.floats(0.1, 1)] * 3), st.integers(0, 2**31))
def test_compiled_equals_torchs_interpolations(shape: tuple[int, ...], zooms: tuple[float, ...], seed: int) -> None:
    image = torch.randn(2, *shape, generator=torch.Generator().manual_seed(seed))
    size = [max(1, round(many * zoom)) for many, zoom in zip(shape, zooms, strict=True)]
    torch.testing.assert_close(low_resolution(image, size), reference(image, size), rtol=0, atol=1e-5)
    shuffled = image.transpose(1, 3).contiguous().transpose(1, 3)
    assert torch.equal(low_resolution(shuffled, size), low_resolution(image, size))


def test_the_full_size_changes_nothing() -> None:
    image = torch.rand(1, 5, 6, 7)
    assert torch.equal(low_resolution(image, (5, 6, 7)), image)
    assert low_resolution(torch.zeros(1, 0, 3, 3), (0, 1, 1)).shape == (1, 0, 3, 3)


def test_gradients_and_narrow_dtypes() -> None:
    image = torch.randn(1, 4, 3, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: low_resolution(x, (2, 3, 3)), image)
    for dtype in (torch.float16, torch.bfloat16):
        found = low_resolution(image.detach().to(dtype), (2, 3, 3))
        assert found.dtype == dtype
        torch.testing.assert_close(found.double(), reference(image.detach(), (2, 3, 3)), rtol=0, atol=0.03)


@pytest.mark.parametrize(
    ("image", "size"),
    [
        (torch.zeros(3, 3, 3), (1, 1, 1)),
        (torch.zeros(1, 3, 3, 3, dtype=torch.int16), (1, 1, 1)),
        (torch.zeros(1, 3, 3, 3), (1, 1, 4)),
        (torch.zeros(1, 3, 3, 3), (0, 1, 1)),
    ],
)
def test_bad_input_is_named(image: torch.Tensor, size: tuple[int, ...]) -> None:
    with pytest.raises(DataError):
        low_resolution(image, size)
