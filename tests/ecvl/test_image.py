"""Image: memory that is shared, attributes that reinterpret it, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from deephealth.ecvl import ColorType, DataType, Device, EcvlError, EcvlKeyError, EcvlValueError, Image, MetaData
from deephealth.ecvl.casting import dtype_of

TYPES = [dt for dt in DataType if dt is not DataType.none]


def interleaved(height: int = 3, width: int = 4, count: int = 3) -> tuple[Image, np.ndarray]:
    """An image as a codec leaves it, and its H x W x C pixels."""
    hwc = np.arange(height * width * count, dtype=np.uint8).reshape(height, width, count)
    image = Image()
    image.rebind(hwc.transpose(1, 0, 2), channels="xyc", colortype=ColorType.BGR, spacings=[1, 2, 3])
    return image, hwc


@pytest.mark.parametrize("dt", TYPES)
@pytest.mark.parametrize("order", ["C", "F"])
def test_an_array_of_every_type_and_order_arrives_as_it_is(dt, order):
    array = np.asarray(np.arange(24).reshape(2, 3, 4), dtype=dtype_of(dt), order=order)
    image = Image.fromarray(array, "xyc", ColorType.none, [1, 2, 3])
    assert (image.elemtype_, image.dims_, image.spacings_) == (dt, [2, 3, 4], [1, 2, 3])
    np.testing.assert_array_equal(np.array(image), array)
    array[...] = 0
    assert np.array(image).any()


@pytest.mark.parametrize(("given_type", "wanted"), [(bool, "uint8"), (np.uint32, "int64"), (np.float16, "float32")])
def test_an_array_of_another_type_is_widened(given_type, wanted):
    assert Image.fromarray(np.ones((2, 2), given_type), "xy", 0).elemtype_.name == wanted


@pytest.mark.parametrize("given_type", [np.uint64, np.complex64, "U3"])
def test_an_array_no_type_can_hold_is_refused(given_type):
    with pytest.raises(EcvlValueError, match="can't become an image"):
        Image.fromarray(np.zeros((2, 2), given_type), "xy", 0)


def test_numpy_shares_the_memory_first_axis_fastest():
    image = Image([2, 3, 4], DataType.int16, "xyc", ColorType.none)
    view = np.array(image, copy=False)
    view.flat = 42
    assert list(view.strides) == image.strides_ == [2, 4, 12]
    assert (image.pixels == 42).all()
    assert np.array_equal(view + image, 2 * np.array(image, copy=True))


def test_torch_shares_the_memory_with_the_axes_reversed():
    image = Image([5, 4, 3], DataType.float32, "xyc", ColorType.RGB)
    tensor = image.tensor()
    tensor[2, 3, 4] = 7
    assert tensor.shape == (3, 4, 5)
    assert tensor.is_contiguous()
    assert np.array(image)[4, 3, 2] == 7


def test_an_interleaved_image_turns_planar_when_its_buffer_is_asked_for():
    image, hwc = interleaved()
    assert np.shares_memory(image.pixels, hwc)
    assert image.strides_ == [1, 4, 12]
    view = np.array(image, copy=False)
    assert view.strides == (1, 4, 12)
    np.testing.assert_array_equal(view.transpose(1, 0, 2), hwc)
    view[0, 0, 0] = 99
    assert image.pixels[0, 0, 0] == 99


def test_a_view_outlives_the_image():
    view = np.array(Image([2, 2], DataType.uint8, "xy", 0), copy=False)
    view[...] = 3
    assert view.sum() == 12


def test_old_views_keep_the_old_pixels_and_in_place_sums_reach_them():
    image = Image([2, 2], DataType.uint8, "xy", 0)
    view = np.array(image, copy=False)
    image.Add(5)
    assert (view == 5).all()
    image.ConvertTo(DataType.float32)
    image.Add(1)
    assert (view == 5).all()


def test_setting_attributes_reinterprets_and_moves_nothing():
    image = Image.fromarray(np.arange(24, dtype=np.uint8).reshape(2, 3, 4), "xyc", ColorType.RGB)
    view = np.array(image, copy=False)
    image.dims_, image.channels_, image.colortype_ = [6, 4], "xo", ColorType.none
    view[1, 2, 3] = 200
    assert image.pixels[5, 3] == 200
    assert image.strides_ == [1, 6]
    image.dims_ = [3, 2]  # the first six elements
    np.testing.assert_array_equal(np.array(image), view.ravel(order="F")[:6].reshape(3, 2, order="F"))
    image.strides_ = [2, 1]
    np.testing.assert_array_equal(np.array(image)[0], view.ravel(order="F")[:2])
    image.dims_.append(9)
    assert image.dims_ == [3, 2]


def test_dims_the_memory_can_t_hold_are_an_error_when_pixels_are_asked_for():
    image = Image([2, 2], DataType.uint8, "xy", 0)
    image.dims_ = [3, 3]
    with pytest.raises(EcvlError, match=r"dims_ says \[3, 3\]"):
        np.array(image)
    image.dims_ = [4, 1]
    assert np.array(image).shape == (4, 1)
    with pytest.raises(EcvlError, match="reach byte"):
        image.strides_ = [100, 1]


def test_setting_the_type_reinterprets_the_bytes():
    image = Image.fromarray(np.array([1, 256], np.uint16), "x", 0)
    image.elemtype_ = DataType.int16
    assert np.array(image).tolist() == [1, 256]
    image.dims_, image.elemtype_ = [4], DataType.uint8
    image.dims_ = [4]
    assert np.array(image).tolist() == [1, 0, 0, 1]


@pytest.mark.parametrize(
    ("dims", "channels"), [([2, 3], "xyc"), ([2, 3], "xq"), ([-1, 2], "xy")], ids=["rank", "letter", "negative"]
)
def test_a_layout_that_makes_no_sense_is_refused(dims, channels):
    with pytest.raises(RuntimeError, match=r"axes|sizes"):
        Image(dims, DataType.uint8, channels, ColorType.none)


def test_an_empty_image_has_no_pixels():
    with pytest.raises(RuntimeError, match="the image is empty"):
        np.array(Image.empty())
    assert Image.empty().IsEmpty()
    assert Image.empty().dims_ == []


def test_metadata():
    image = Image([1], DataType.uint8, "x", 0, meta={"a": 4294967300})
    assert image.SetMeta("b", 5e40)
    assert not image.SetMeta("b", MetaData("text"))
    assert image.GetMeta("a").Get() == 4294967300
    assert image.GetMeta("b").GetStr() == "text"
    assert MetaData(5e40).GetStr().endswith(".000000")
    for kind in (IndexError, KeyError, RuntimeError, EcvlKeyError):
        with pytest.raises(kind, match="no metadata 'c'"):
            image.GetMeta("c")
    image.meta_["z"] = 1
    assert "z" not in image.meta_


def test_sizes_by_letter():
    image = Image([3, 10, 8], DataType.int8, "cxy", ColorType.BGR)
    assert (image.Channels(), image.Width(), image.Height()) == (3, 10, 8)
    assert Image([2, 2], DataType.int8, "xy", 0).Channels() == 0


def test_copies_are_deep_and_keep_everything():
    image, hwc = interleaved()
    image.SetMeta("k", 1)
    twin = image.copy()
    twin.pixels[...] = 0
    assert hwc.any()
    assert (twin.spacings_, twin.GetMeta("k").Get(), twin.colortype_) == ([1, 2, 3], 1, ColorType.BGR)
    assert Image().assign(image).dims_ == image.dims_


def test_pictures_for_people_are_rgb():
    image, hwc = interleaved()
    np.testing.assert_array_equal(image.to_hwc(), hwc[:, :, ::-1])
    assert image.to_pil().size == (4, 3)
    grey, plane = interleaved(count=1)
    np.testing.assert_array_equal(grey.to_hwc(), plane[:, :, 0])
    with pytest.raises(EcvlError, match="not a picture"):
        Image([2, 2, 2, 2], DataType.uint8, "xyzc", 0).to_hwc()


def test_devices():
    image = Image([2, 2], DataType.float32, "xy", 0)
    image.To(Device.CPU)
    for device in (Device.FPGA, Device.NONE):
        with pytest.raises(RuntimeError, match="here"):
            image.To(device)
    if torch.cuda.is_available():
        image.To(Device.GPU)
        assert image.tensor().is_cuda
        image.To(Device.CPU)
    else:
        with pytest.raises(RuntimeError, match="no GPU"):
            image.To(Device.GPU)
    assert np.array(image).shape == (2, 2)


def test_signs():
    image = Image.fromarray(np.array([-128, 3], np.int8), "x", 0)
    assert np.array(-image).tolist() == [-128, -3]
    image /= 2
    assert np.array(image).tolist() == [-64, 1]
    with pytest.raises(RuntimeError, match="no negative numbers"):
        Image([2], DataType.uint8, "x", 0).Neg()


@given(
    dims=st.lists(st.integers(1, 4), min_size=1, max_size=4),
    order=st.randoms(use_true_random=False),
)
def test_every_memory_order_settles_to_the_same_buffer(dims, order):
    axes = list(range(len(dims)))
    order.shuffle(axes)
    array = np.arange(np.prod(dims), dtype=np.int32).reshape(dims).transpose(axes)
    image = Image()
    image.rebind(array, channels="xyzt"[: len(dims)], colortype=0)
    view = np.array(image, copy=False)
    assert list(view.strides) == image.strides_
    assert view.flags.f_contiguous
    np.testing.assert_array_equal(view, array)
