from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from deephealth import ecvl
from deephealth.ecvl.enums import DataType
from deephealth.ecvl.planar import write_planes
from deephealth.eddl.tensor import Tensor

TYPES = [entry for entry in DataType if entry is not DataType.none]


def picture(dtype: str, layout: str, dims: list[int]) -> ecvl.Image:
    values = np.random.default_rng(1).integers(0, 100, dims).astype(dtype)
    return ecvl.Image.fromarray(values, layout, ecvl.ColorType.none)


@given(
    st.sampled_from([entry.name for entry in TYPES]),
    st.permutations("xyc"),
    st.lists(st.integers(1, 5), min_size=3, max_size=3),
    st.sampled_from("czo"),
    st.booleans(),
)
def test_image_to_tensor_is_channels_height_width(
    dtype: str, order: list[str], dims: list[int], third: str, interleaved: bool
) -> None:
    layout = "".join(order).replace("c", third)
    image = picture(dtype, layout, dims)
    if interleaved:  # as a codec leaves it
        axes = [layout.index(letter) for letter in f"yx{third}"]
        memory = np.ascontiguousarray(image.pixels.transpose(axes))
        image.rebind(memory.transpose(np.argsort(axes)), channels=layout, colortype=ecvl.ColorType.none)
    wanted = np.array(image).transpose([layout.index(letter) for letter in f"{third}yx"])
    tensor = ecvl.ImageToTensor(image)
    assert tensor.shape == list(wanted.shape)
    np.testing.assert_array_equal(np.array(tensor), wanted)


@pytest.mark.parametrize("size", [(3, 700, 500), (1, 40, 30), (5, 333, 77)])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32", "float64"])
def test_planes_are_written_in_strips(size: tuple[int, int, int], dtype: str) -> None:
    values = np.random.default_rng(2).integers(0, 100, (size[1], size[2], size[0])).astype(dtype)
    image = ecvl.Image()
    image.rebind(values.transpose(1, 0, 2), channels="xyc", colortype=ecvl.ColorType.none)
    out = np.empty(size, np.float32)
    write_planes(image, out)
    np.testing.assert_array_equal(out, values.transpose(2, 0, 1))
    write_planes(image, out, 3)
    np.testing.assert_array_equal(out, values.transpose(2, 0, 1).astype(np.float32) / np.float32(3))


def test_several_images_in_one_tensor() -> None:
    first, second = picture("uint8", "xyc", [4, 3, 2]), picture("int32", "cxy", [2, 4, 3])
    tensor = Tensor([2, 2, 3, 4])
    assert ecvl.ImageToTensor(first, tensor, 0) is tensor
    ecvl.ImageToTensor(second, tensor, 1)
    np.testing.assert_array_equal(np.array(tensor)[0], np.array(first).transpose(2, 1, 0))
    np.testing.assert_array_equal(np.array(tensor)[1], np.array(second).transpose(0, 2, 1))
    strange = torch.zeros(2, 2, 3, 4, dtype=torch.float64)
    ecvl.ImageToTensor(second, strange, 1)
    np.testing.assert_array_equal(strange[1].numpy(), np.array(tensor)[1])
    with pytest.raises(RuntimeError, match="image 2 of"):
        ecvl.ImageToTensor(first, tensor, 2)
    with pytest.raises(ValueError, match="offset of -1"):
        ecvl.ImageToTensor(first, tensor, -1)


@pytest.mark.parametrize("arguments", [(Tensor([2, 2, 3, 4]), None), (None, 0)])
def test_tensor_and_offset_belong_together(arguments: tuple[object, object]) -> None:
    with pytest.raises(ValueError, match="only one of t and offset"):
        ecvl.ImageToTensor(picture("uint8", "xyc", [4, 3, 2]), *arguments)


@pytest.mark.parametrize(("layout", "dims"), [("xy", [4, 3]), ("xyzt", [4, 3, 2, 1]), ("xct", [4, 3, 2])])
def test_other_axes_are_refused(layout: str, dims: list[int]) -> None:
    with pytest.raises(RuntimeError, match=f"'{layout}'"):
        ecvl.ImageToTensor(picture("uint8", layout, dims))


@pytest.mark.parametrize("shape", [(3, 4, 5), (2, 3, 4, 5)])
def test_tensor_to_image_copies_and_view_shares(shape: tuple[int, ...]) -> None:
    tensor = Tensor(np.arange(np.prod(shape), dtype=np.float32).reshape(shape))
    planes = np.array(tensor).reshape(-1, 4, 5).transpose(2, 1, 0).copy()
    image, view = ecvl.TensorToImage(tensor), ecvl.TensorToView(tensor)
    for made in (image, view):
        assert (made.channels_, made.elemtype_, made.colortype_) == ("xyo", DataType.float32, ecvl.ColorType.none)
        np.testing.assert_array_equal(np.array(made), planes)
    view.Mul(2)
    np.testing.assert_array_equal(np.array(tensor).reshape(-1, 4, 5), planes.transpose(2, 1, 0) * 2)
    np.testing.assert_array_equal(np.array(image), planes)
    assert not view.IsOwner()


def test_a_view_stays_usable_as_destination() -> None:
    tensor = Tensor(np.arange(12, dtype=np.float32).reshape(1, 3, 4))
    view = ecvl.TensorToView(tensor)
    ecvl.Threshold(view, view, 5, 1)
    assert sorted(set(np.array(view).ravel().tolist())) == [0, 1]


@pytest.mark.parametrize("shape", [[3], [2, 3], [1, 2, 3, 4, 5]])
def test_other_ranks_are_refused(shape: list[int]) -> None:
    for convert in (ecvl.TensorToImage, ecvl.TensorToView):
        with pytest.raises(RuntimeError, match="C x H x W"):
            convert(Tensor(shape))


def test_only_plain_memory_can_be_viewed() -> None:
    with pytest.raises(RuntimeError, match="can't be viewed"):
        ecvl.TensorToView(torch.zeros(3, 4, 5).transpose(1, 2))
    assert ecvl.TensorToImage(torch.zeros(3, 4, 5).transpose(1, 2)).dims_ == [4, 5, 3]
    with pytest.raises(TypeError, match="is no tensor"):
        ecvl.TensorToImage("x")


def test_grid() -> None:
    values = np.zeros((3, 1, 2, 2), np.float32)
    values[0], values[1], values[2] = 0.5, 2, -1
    grid = ecvl.MakeGrid(Tensor(values), 2)
    assert (grid.dims_, grid.channels_, grid.elemtype_) == ([4, 4, 1], "xyc", DataType.uint8)
    np.testing.assert_array_equal(
        grid.to_hwc(), [[127, 127, 255, 255], [127, 127, 255, 255], [0, 0, 0, 0], [0, 0, 0, 0]]
    )
    stretched = ecvl.MakeGrid(Tensor(np.array([[[[2.0, 4.0, 3.0]]]])), normalize=True)
    assert stretched.to_hwc().tolist() == [[0, 255, 127]]
    with pytest.raises(RuntimeError, match="N x C x H x W"):
        ecvl.MakeGrid(Tensor([3, 4, 5]))
    with pytest.raises(RuntimeError, match="0 columns"):
        ecvl.MakeGrid(Tensor([1, 3, 4, 5]), 0)
