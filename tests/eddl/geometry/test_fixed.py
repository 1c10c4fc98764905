"""Fixed transformations against the original's loops, SciPy and NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from deephealth.eddl.errors import EddlError, EddlShapeError, EddlValueError
from deephealth.eddl.geometry import fixed as geometry
from deephealth.eddl.geometry.modes import COORDINATES, WRAPPINGS, coordinate_mode, wrapping_mode
from deephealth.eddl.geometry.sampling import wrap_index
from deephealth.eddl.strictness import strict_mode
from tests.eddl.geometry import reference

sizes = st.integers(1, 9)
wraps = st.sampled_from(WRAPPINGS)
coordinates = st.sampled_from(["asymmetric", "half_pixel", "align_corners"])


def image(height: int, width: int, seed: int = 0, batch: int = 2) -> torch.Tensor:
    return torch.randn(batch, 2, height, width, generator=torch.Generator().manual_seed(seed))


def same(got: torch.Tensor, wanted: np.ndarray) -> None:
    np.testing.assert_array_equal(got.numpy(), wanted)


@given(sizes, sizes, st.data(), wraps)
def test_shift_takes_the_pixels_the_original_takes(height: int, width: int, data: st.DataObject, wrap: str) -> None:
    step = [data.draw(st.integers(1 - size, size - 1)) for size in (height, width)]
    x = image(height, width)
    same(geometry.shift(x, step, wrap=wrap, cval=0.5), reference.shift(x.numpy(), step, wrap, 0.5))


@given(sizes, sizes, st.floats(-400, 400), st.tuples(st.integers(-2, 2), st.integers(-2, 2)), wraps)
def test_rotate_takes_the_pixels_the_original_takes(
    height: int, width: int, angle: float, offset: tuple[int, int], wrap: str
) -> None:
    x = image(height, width)
    got = geometry.rotate(x, angle, center=offset, wrap=wrap, cval=0.5)
    same(got, reference.rotate(x.numpy(), angle, offset, wrap, 0.5))


@pytest.mark.parametrize("angle", [0.0, 30.0, 45.0, 90.0, -90.0, 180.0, 270.0, 360.0])
def test_rotate_by_round_angles(angle: float) -> None:
    x = image(7, 10)
    same(geometry.rotate(x, angle, cval=0.5), reference.rotate(x.numpy(), angle, (0, 0), "constant", 0.5))


def test_rotate_by_a_quarter_is_clockwise() -> None:
    x = image(7, 7)
    assert (geometry.rotate(x, 90.0, wrap="nearest") == x.rot90(-1, (2, 3))).float().mean() > 0.7


@given(st.lists(sizes, min_size=2, max_size=3), st.data(), wraps, coordinates, st.booleans())
def test_scale_takes_the_pixels_the_original_takes(
    old: list[int], data: st.DataObject, wrap: str, coordinate: str, keep_size: bool
) -> None:
    new = [data.draw(st.integers(2, 12)) for _ in old]
    x = torch.randn(2, 1, *old, generator=torch.Generator().manual_seed(1))
    got = geometry.scale(x, new, wrap=wrap, cval=0.5, coordinate=coordinate, keep_size=keep_size)
    same(got, reference.scale(x.numpy(), new, wrap, 0.5, coordinate, keep_size))


@pytest.mark.parametrize(
    ("old", "new"), [((3, 4), (6, 12)), ((35, 14), (5, 2)), ((5, 5), (5, 5)), ((2, 3, 4), (4, 3, 8))]
)
def test_scale_by_whole_factors_takes_the_same_pixels(old: tuple[int, ...], new: tuple[int, ...]) -> None:
    x = torch.randn(2, 3, *old)
    same(geometry.scale(x, new), reference.scale(x.numpy(), new, "constant", 0.0, "asymmetric"))


def test_the_quick_way_is_exact_for_every_factor_it_takes() -> None:
    for factor in range(1, 33):
        line = torch.arange(257.0).view(1, 1, 1, -1)
        got = geometry.scale(line, [1, 257 * factor])
        assert torch.equal(got.flatten(), line.flatten().repeat_interleave(factor))


def test_modes_that_the_original_lacks_follow_onnx() -> None:
    x = torch.arange(5.0).view(1, 1, 1, 5)
    assert geometry.scale(x, [1, 8], coordinate="pytorch_half_pixel").flatten().tolist() == (
        geometry.scale(x, [1, 8], coordinate="half_pixel").flatten().tolist()
    )
    assert geometry.scale(x, [1, 8], coordinate="tf_crop_and_resize").flatten().tolist() == (
        geometry.scale(x, [1, 8], coordinate="align_corners").flatten().tolist()
    )
    one = {mode: geometry.scale(x, [1, 1], coordinate=mode).item() for mode in COORDINATES}
    wanted = {"half_pixel": 2.0, "pytorch_half_pixel": 0.0, "align_corners": 0.0, "asymmetric": 0.0}
    assert one == {**wanted, "tf_crop_and_resize": 2.0}


@pytest.mark.parametrize("coordinate", ["align_corners", "pytorch_half_pixel", "tf_crop_and_resize"])
def test_one_pixel_in_the_middle_when_the_size_is_kept(coordinate: str) -> None:
    shown = geometry.scale(torch.ones(1, 1, 5, 7), [1, 1], cval=0.0, coordinate=coordinate, keep_size=True)
    assert shown.sum() == 1
    assert shown[0, 0, 2, 3] == 1


@pytest.mark.parametrize(
    ("ours", "scipys"), [("nearest", "nearest"), ("reflect", "reflect"), ("mirror", "mirror"), ("wrap", "grid-wrap")]
)
@pytest.mark.parametrize("step", [[1, -2], [-4, 3], [0, 5]])
def test_wrapping_modes_are_scipys(ours: str, scipys: str, step: list[int]) -> None:
    x = image(5, 6, batch=1)
    wanted = ndimage.shift(x[0, 0].numpy(), step, order=0, mode=scipys)
    np.testing.assert_array_equal(geometry.shift(x, step, wrap=ours)[0, 0].numpy(), wanted)


@given(st.integers(1, 6), st.sampled_from(["nearest", "reflect", "mirror", "wrap"]))
def test_wrap_index_is_numpys_padding(size: int, wrap: str) -> None:
    wanted = np.pad(np.arange(size), 20, reference.PADDINGS[wrap])
    index, inside = wrap_index(torch.arange(-20, size + 20), size, wrap)
    assert inside is None
    assert index.tolist() == wanted.tolist()


@given(sizes, sizes, st.data(), st.booleans())
def test_crop_and_cutout_divide_the_image(height: int, width: int, data: st.DataObject, keep: bool) -> None:
    first = [data.draw(st.integers(0, size - 1)) for size in (height, width)]
    last = [data.draw(st.integers(start, size - 1)) for start, size in zip(first, (height, width), strict=True)]
    x = image(height, width)
    inside = x[:, :, first[0] : last[0] + 1, first[1] : last[1] + 1]
    assert torch.equal(geometry.crop(x, first, last), inside)
    kept, cut = geometry.crop(x, first, last, keep_size=True), geometry.cutout(x, first, last)
    assert torch.equal(kept + cut, x)
    assert torch.equal(kept[:, :, first[0] : last[0] + 1, first[1] : last[1] + 1], inside)
    rows, columns = (
        [place * cut // size for place in range(size)] for size, cut in zip(x.shape[2:], inside.shape[2:], strict=True)
    )
    assert torch.equal(geometry.crop_scale(x, first, last), inside[:, :, rows][..., columns])


def test_pad_puts_sides_where_they_are_named() -> None:
    x = torch.ones(1, 1, 2, 2)
    padded = geometry.pad(x, [1, 2, 3, 4], cval=7.0)
    assert padded.shape == (1, 1, 6, 8)
    assert torch.equal(padded[:, :, 1:3, 4:6], x)
    assert (padded == 7.0).sum() == 6 * 8 - 4
    assert geometry.four_sides([1, 2]) == [1, 2, 1, 2]


def test_results_share_no_memory_with_their_source() -> None:
    x = torch.ones(1, 1, 4, 4)
    whole = ([0, 0], [3, 3])
    made = [geometry.crop(x, *whole), geometry.crop(x, *whole, keep_size=True), geometry.pad(x, [0, 0])]
    made += [geometry.scale(x, [4, 4]), geometry.shift(x, [0, 0]), geometry.rotate(x, 0.0), geometry.flip(x, 0)]
    for result in made:
        result.zero_()
    assert x.sum() == 16


@pytest.mark.parametrize("wrap", WRAPPINGS)
@pytest.mark.parametrize("size", [[3, 3], [9, 8], [10, 10], [5, 5]])
def test_gradients_are_those_of_the_function(wrap: str, size: list[int]) -> None:
    x = torch.randn(1, 2, 5, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda t: geometry.scale(t, size, wrap=wrap, keep_size=True), x)
    assert torch.autograd.gradcheck(lambda t: geometry.scale(t, size), x)
    assert torch.autograd.gradcheck(lambda t: geometry.rotate(t, 30.0, wrap=wrap), x)


def test_what_cannot_be_says_so() -> None:
    x = torch.ones(1, 1, 4, 4)
    with pytest.raises(EddlError, match="greater than the image"):
        geometry.shift(x, [4, 0])
    with pytest.raises(EddlError, match="greater than zero"):
        geometry.scale(x, [0, 3])
    with pytest.raises(EddlError, match="does not lie in"):
        geometry.crop(x, [0, 0], [4, 3])
    with pytest.raises(EddlError, match="does not lie in"):
        geometry.cutout(x, [2, 0], [1, 3])
    with pytest.raises(EddlError, match="axis 2"):
        geometry.flip(x, 2)
    for sides in ([1], [1, 2, 3], [1, -1]):
        with pytest.raises(EddlError, match="each border"):
            geometry.pad(x, sides)
    with pytest.raises(EddlShapeError, match=r"4-D tensor and got shape \[4, 4\]"):
        geometry.rotate(x[0, 0], 3.0)
    with pytest.raises(EddlShapeError, match="5-D"):
        geometry.scale(x, [2, 2, 2])


def test_unknown_modes_are_errors_but_what_they_were_in_strict_mode() -> None:
    with pytest.raises(EddlValueError, match="half_pixle"):
        coordinate_mode("half_pixle")
    with pytest.raises(EddlValueError, match="allowed: constant, reflect"):
        wrapping_mode("zeros")
    with strict_mode():
        assert (wrapping_mode("zeros"), coordinate_mode("half_pixle")) == ("constant", "half_pixel")
