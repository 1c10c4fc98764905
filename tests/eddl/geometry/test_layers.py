"""Transformation and augmentation layers: names, shapes, gradients, when they act, and the original's numbers."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch

from deephealth.eddl.errors import EddlError, EddlShapeError, EddlValueError
from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.graph.names import reset_names
from deephealth.eddl.layers import augmentation as a
from deephealth.eddl.layers import crops as c
from deephealth.eddl.layers import resize as r
from deephealth.eddl.layers import transformations as t
from deephealth.eddl.layers.core import Input
from deephealth.eddl.strictness import strict_mode
from tests.eddl.geometry import direct

Make = Callable[[Layer], Layer]
FIXED: dict[str, Make] = {
    "shift": lambda i: t.Shift(i, [1, -2]),
    "rotate": lambda i: t.Rotate(i, 30.0),
    "scale": lambda i: t.Scale(i, [5, 7], False),
    "flip": lambda i: t.Flip(i, 1),
    "crop": lambda i: c.Crop(i, [1, 2], [4, 6], False),
    "crop_scale": lambda i: c.CropScale(i, [1, 2], [4, 6]),
    "cutout": lambda i: c.Cutout(i, [1, 2], [4, 6]),
}
CHANGING: dict[str, Make] = {
    "scale": lambda i: t.Scale(i, [5, 7]),
    "crop": lambda i: c.CenteredCrop(i, [3, 4]),
    "pad": lambda i: c.Pad(i, [1, 2, 3, 4]),
    "resize": lambda i: r.Resize(i, [16, 12], coordinate_transformation_mode="half_pixel"),
}
RANDOM: dict[str, Make] = {
    "shift_random": lambda i: a.RandomShift(i, [-0.3, 0.3], [-0.3, 0.3]),
    "rotate_random": lambda i: a.RandomRotation(i, [-40.0, 40.0]),
    "scale_random": lambda i: a.RandomScale(i, [0.5, 1.5]),
    "flip_random": lambda i: a.RandomFlip(i, 0),
    "crop_scale": lambda i: a.RandomCropScale(i, [0.4, 0.8]),
    "cutout_random": lambda i: a.RandomCutout(i, [0.2, 0.4], [0.2, 0.4]),
}
SHAPE = [3, 8, 9]


def batch(n: int = 4) -> torch.Tensor:
    return torch.randn(n, *SHAPE, generator=torch.Generator().manual_seed(0), requires_grad=True)


@pytest.mark.parametrize("name", direct.names("da_", "scale_", "resize_", "upsampling"))
@pytest.mark.parametrize("strict", [True, False])
def test_the_originals_numbers(name: str, strict: bool) -> None:
    with strict_mode(strict):
        assert direct.Direct(name).compare() == []


@pytest.mark.parametrize("name", FIXED)
def test_where_the_shape_stays_the_gradient_passes_unchanged(name: str) -> None:
    layer, x = FIXED[name](Input(SHAPE)), batch()
    for training in (True, False):
        y = layer.op.train(training)(x)
        assert list(y.shape[1:]) == layer.shape == SHAPE
        assert not torch.equal(y, x)
        x.grad = None
        delta = torch.randn_like(y)
        y.backward(delta)
        assert torch.equal(x.grad, delta)


@pytest.mark.parametrize("name", CHANGING)
def test_where_the_shape_changes_the_gradient_is_the_true_one(name: str) -> None:
    layer, x = CHANGING[name](Input(SHAPE)), batch()
    y = layer.op(x)
    assert list(y.shape[1:]) == layer.shape != SHAPE
    delta = torch.randn_like(y)
    y.backward(delta)
    wanted = torch.autograd.grad(layer.op.transform(x), x, delta)[0]
    assert torch.equal(x.grad, wanted)
    assert torch.isclose((layer.op.transform(x) * delta).sum(), (x * wanted).sum(), rtol=1e-4)


def test_upsampling_of_volumes() -> None:
    layer = r.UpSampling3D(Input([2, 2, 3, 4]), [4, 3, 8])
    x = torch.randn(1, 2, 2, 3, 4, requires_grad=True)
    y = layer.op(x)
    assert torch.equal(y, x.repeat_interleave(2, 2).repeat_interleave(2, 4))
    y.sum().backward()
    assert torch.equal(x.grad, torch.full_like(x, 4.0))


@pytest.mark.parametrize("name", RANDOM)
def test_random_layers_act_in_training_only(name: str) -> None:
    layer, x = RANDOM[name](Input(SHAPE)), batch(16)
    assert torch.equal(layer.op.eval()(x), x)
    torch.manual_seed(0)
    y = layer.op.train()(x)
    assert not torch.equal(y, x)
    torch.manual_seed(0)
    assert torch.equal(layer.op(x), y)
    delta = torch.randn_like(y)
    y.backward(delta)
    assert torch.equal(x.grad, delta)


def test_random_crop_takes_the_middle_in_test_mode() -> None:
    layer, x = a.RandomCrop(Input(SHAPE), [4, 3]), batch()
    assert layer.shape == [3, 4, 3]
    assert torch.equal(layer.op.eval()(x), x[:, :, 2:6, 3:6])
    layer.op.train()(x).sum().backward()
    assert x.grad.sum() == 4 * 3 * 4 * 3


def test_random_shift_forgets_its_mode_in_strict_mode() -> None:
    x = torch.ones(8, 1, 6, 6)
    shifted = {}
    for strict in (False, True):
        with strict_mode(strict):
            shifted[strict] = a.RandomShift(Input([1, 6, 6]), [0.3, 0.5], [0.3, 0.5], "nearest", 1.0).op.train()(x)
    assert torch.equal(shifted[False], x)
    assert (shifted[True] == 0).any()


@pytest.mark.parametrize("make", [*FIXED.values(), *CHANGING.values(), *RANDOM.values()])
def test_layers_compile_without_breaks(make: Make) -> None:
    torch.compiler.reset()
    op, x = make(Input(SHAPE)).op, batch()
    compiled = torch.compile(copy.deepcopy(op), backend="aot_eager", fullgraph=True)
    torch.manual_seed(1)
    wanted = op(x)
    torch.manual_seed(1)
    assert torch.equal(compiled(x), wanted)


def test_default_names() -> None:
    reset_names()
    image = Input(SHAPE)
    made = [make(image).name for make in (*FIXED.values(), *RANDOM.values())]
    assert made == [
        *("shift1", "rotate1", "scale1", "flip1", "crop1", "crop_scale1", "cutout1"),
        *("shift_random1", "rotate_random1", "scale_random1", "flip_random1", "crop_scale1", "cutout_random1"),
    ]
    assert c.Crop(image, [0, 0], [1, 1]).name == "crop3"  # the fixed crop_scale counted as a crop too
    assert [r.Resize(image, [4, 4]).name, a.RandomCrop(image, [2, 2]).name] == ["resize1", "crop_random1"]
    assert r.UpSampling3D(Input([1, 2, 2, 2]), [4, 4, 4]).name == "upsampling3d1"
    assert t.HorizontalFlip(image, "my/flip").name == "my_flip"


def test_flips_have_the_originals_axes() -> None:
    x = torch.arange(6.0).view(1, 1, 2, 3)
    image = Input([1, 2, 3])
    assert torch.equal(t.HorizontalFlip(image).op(x), x.flip(2))
    assert torch.equal(t.VerticalFlip(image).op(x), x.flip(3))
    assert (a.RandomHorizontalFlip(image).axis, a.RandomVerticalFlip(image).axis) == (0, 1)


ODD: list[tuple[Make, list[int]]] = [
    (lambda i: t.Shift(i, [1, 1]), [16]),
    (lambda i: t.Rotate(i, 1.1), [16]),
    (lambda i: t.Scale(i, [1, 4], True, "nearest", 0.0, "asymmetric"), [16, 1, 4]),
    (lambda i: t.Flip(i), [16]),
    (lambda i: c.Crop(i, [0, 0], [3, 3]), [16, 4, 4]),
    (lambda i: c.CenteredCrop(i, [3, 3]), [16, 3, 3]),
    (lambda i: c.CropScale(i, [0, 0], [3, 3], "nearest"), [16]),
    (lambda i: c.Cutout(i, [0, 0], [3, 3]), [16]),
    (lambda i: r.Resize(i, [1, 4], True, "nearest"), [16, 1, 4]),
    (lambda i: a.RandomShift(i, [1.0, 1.0], [2.0, 2.0]), [16]),
    (lambda i: a.RandomRotation(i, [1.0, 1.0]), [16]),
    (lambda i: a.RandomScale(i, [1.0, 1.0]), [16]),
    (lambda i: a.RandomFlip(i, 0), [16]),
    (lambda i: a.RandomCrop(i, [4, 4]), [16, 4, 4]),
    (lambda i: a.RandomCropScale(i, [1.0, 1.0]), [16]),
    (lambda i: a.RandomCutout(i, [1.0, 1.0], [1.0, 1.0]), [16]),
]


@pytest.mark.parametrize(("make", "shape"), ODD)
def test_layers_over_vectors_are_made_but_cannot_run(make: Make, shape: list[int]) -> None:
    layer = make(Input([16]))
    assert layer.shape == shape
    with pytest.raises(EddlShapeError, match=layer.name):
        layer.op.train()(torch.ones(2, 16))


def test_upsampling_over_images_is_made_but_cannot_run() -> None:
    layer = r.UpSampling3D(Input([1, 16]), [1, 4, 5], True, "nearest")
    assert layer.shape == [1, 1, 4, 5]
    with pytest.raises(EddlShapeError, match="5-D"):
        layer.op(torch.ones(2, 1, 16))


def test_what_can_never_run_is_refused_when_made() -> None:
    image = Input(SHAPE)
    with pytest.raises(EddlError, match="does not lie in"):
        c.Crop(image, [0, 0], [8, 3])
    with pytest.raises(EddlError, match="greater than the image"):
        t.Shift(image, [8, 0])
    with pytest.raises(EddlError, match="each border"):
        c.Pad(image, [1, 2, 3])
    with pytest.raises(EddlShapeError, match="reshape before padding"):
        c.Pad(Input([16]), [1, 1])
    with pytest.raises(EddlValueError, match="allowed"):
        t.Rotate(image, 3.0, da_mode="edge")
    assert image.child == []
