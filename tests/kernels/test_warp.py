"""The warp against scipy, grid_sample and SimpleITK; its versions against each other; its gradients; bad input."""

from __future__ import annotations

import os

os.environ.setdefault("TRITON_INTERPRET", "1")

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from deephealth.core.errors import ConfigError, DataError
from deephealth.kernels.compilers import using
from deephealth.kernels.warp import reference, unwarp_points, warp, warp_points
from deephealth.kernels.warp_map import coordinates

SIZE, GOAL = (13, 17, 11), (12, 9, 15)


def a_map(seed: int = 0, batch: int = 2, amplitude: float = 1.5, goal: tuple = GOAL, size: tuple = SIZE):
    """A map near the one that takes the middle of the output to the middle of the source."""
    numbers = np.random.default_rng(seed)
    linear = np.eye(3) + 0.25 * numbers.standard_normal((batch, 3, 3))
    middle = (np.array(goal) - 1) / 2
    shift = (np.array(size) - 1) / 2 - linear @ middle + 0.013  # no position is the tie of two voxels
    matrix = torch.from_numpy(np.concatenate([linear, shift[..., None]], 2))
    return matrix, torch.from_numpy(amplitude * numbers.uniform(-1, 1, (batch, 3, 5, 4, 6)))


def volumes(seed: int = 0, batch: int = 2, size: tuple = SIZE, dtype=torch.float32, label=torch.uint8):
    numbers = torch.Generator().manual_seed(seed)
    image = torch.rand((batch, 2, *size), generator=numbers).to(dtype)
    return image, torch.randint(0, 2 if label == torch.bool else 9, (batch, 1, *size), generator=numbers).to(label)


@pytest.mark.parametrize(
    ("padding", "theirs"), [("constant", "grid-constant"), ("border", "nearest"), ("reflection", "mirror")]
)
def test_linear_and_nearest_are_those_of_scipy(padding: str, theirs: str) -> None:
    image, label = volumes()
    matrix, control = a_map()
    found, labels = warp(image, matrix, control, label=label, shape=GOAL, padding=padding, value=0.25, label_value=7)
    where = coordinates(matrix, control, GOAL).numpy()
    for b in range(2):
        for c in range(2):
            wanted = ndimage.map_coordinates(image[b, c].double().numpy(), where[b], order=1, mode=theirs, cval=0.25)
            np.testing.assert_allclose(found[b, c].numpy(), wanted, atol=1e-6)
        wanted = ndimage.map_coordinates(label[b, 0].numpy(), where[b], order=0, mode=theirs, cval=7)
        np.testing.assert_array_equal(labels[b, 0].numpy(), wanted)


@pytest.mark.parametrize(
    ("padding", "theirs"), [("constant", "constant"), ("border", "constant"), ("reflection", "mirror")]
)
def test_cubic_is_scipys_spline_of_order_three(padding: str, theirs: str) -> None:
    image, _ = volumes()
    matrix, control = a_map()
    found, _ = warp(image, matrix, control, shape=GOAL, mode="cubic", padding=padding)
    where = coordinates(matrix, control, GOAL).numpy()
    end = np.array(SIZE).reshape(3, 1, 1, 1) - 1
    for b in range(2):
        inside = ((where[b] >= 0) & (where[b] <= end)).all(0)
        assert inside.mean() > 0.3
        wanted = ndimage.map_coordinates(image[b, 1].double().numpy(), where[b], order=3, mode=theirs)
        kept = slice(None) if padding == "reflection" else inside
        np.testing.assert_allclose(found[b, 1].numpy()[kept], wanted[kept], atol=5e-6)


@pytest.mark.parametrize(
    ("padding", "theirs"), [("constant", "zeros"), ("border", "border"), ("reflection", "reflection")]
)
def test_linear_is_grid_sample(padding: str, theirs: str) -> None:
    image, _ = volumes(dtype=torch.float64)
    matrix, control = a_map(3)
    where = coordinates(matrix, control, GOAL)
    grid = 2 * where / (torch.tensor(SIZE).view(1, 3, 1, 1, 1) - 1) - 1
    wanted = torch.nn.functional.grid_sample(
        image, grid.permute(0, 2, 3, 4, 1).flip(-1), padding_mode=theirs, align_corners=True
    )
    torch.testing.assert_close(
        warp(image.float(), matrix, control, shape=GOAL, padding=padding)[0].double(), wanted, atol=1e-6, rtol=0
    )


def test_the_spline_is_that_of_simpleitk() -> None:
    sitk = pytest.importorskip("SimpleITK")
    size = (20, 24, 28)
    numbers = np.random.default_rng(1)
    control = numbers.uniform(-2, 2, (1, 3, 5, 6, 7))  # mesh of 2×3×4 cells
    spline = sitk.BSplineTransform(3, 3)
    spline.SetTransformDomainMeshSize([4, 3, 2])
    spline.SetTransformDomainPhysicalDimensions([length - 1.0 for length in reversed(size)])
    spline.SetParameters(control[0, ::-1].ravel().tolist())  # theirs: x, y, z
    field = torch.from_numpy(control)
    identity = torch.eye(3, 4, dtype=torch.float64)[None]
    where = coordinates(identity, field, size)[0]
    for _ in range(50):
        z, y, x = (int(numbers.integers(0, length - 1)) for length in size)
        wanted = spline.TransformPoint((float(x), float(y), float(z)))[::-1]
        np.testing.assert_allclose(where[:, z, y, x].numpy(), wanted, atol=1e-6)


@pytest.mark.parametrize("padding", ["constant", "border", "reflection"])
@pytest.mark.parametrize("mode", ["linear", "cubic", "nearest"])
def test_the_compiled_version_is_the_reference(mode: str, padding: str) -> None:
    image, label = volumes()
    options = {"mode": mode, "padding": padding, "value": -1.0, "label_value": 3}
    for inverse in (None, (4, 5, 6)):
        shape = SIZE if inverse else GOAL
        matrix, control = a_map(2, amplitude=0.4, goal=shape)
        found = warp(image, matrix, control, label=label, shape=shape, inverse=inverse, **options)
        wanted = reference(image.double(), label, matrix, control, shape, inverse=inverse, **options)
        if mode == "nearest":
            assert (found[0] == wanted[0].float()).float().mean() > 0.999
        else:
            torch.testing.assert_close(found[0].double(), wanted[0], atol=5e-6, rtol=0)
        assert (found[1] == wanted[1]).float().mean() > 0.999


def test_a_flip_and_a_shift_are_exact() -> None:
    image, label = volumes()
    matrix = torch.tensor([[[-1.0, 0, 0, 12], [0, 0, 1, 2], [0, -1, 0, 10]]], dtype=torch.float64)
    found, labels = warp(image, matrix, label=label, shape=(13, 11, 15))
    assert torch.equal(found, image[:, :, :, 2:].flip(2, 4).transpose(3, 4))
    assert torch.equal(labels, label[:, :, :, 2:].flip(2, 4).transpose(3, 4))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.bool])
def test_labels_of_every_kind_keep_their_values(dtype: torch.dtype) -> None:
    _, label = volumes(label=dtype)
    if dtype == torch.int64:
        label += 2**40
    matrix, control = a_map()
    _, found = warp(None, matrix, control, label=label, shape=GOAL, padding="border")
    assert found.dtype == dtype
    assert set(found.unique().tolist()) <= set(label.unique().tolist())
    assert torch.equal(found, reference(None, label, matrix, control, GOAL, padding="border")[1])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_floats_come_back_as_they_were(dtype: torch.dtype) -> None:
    image, _ = volumes(dtype=dtype)
    matrix, control = a_map()
    found, _ = warp(image, matrix, control, shape=GOAL)
    wanted, _ = warp(image.float(), matrix, control, shape=GOAL)
    assert found.dtype == dtype
    torch.testing.assert_close(found.float(), wanted, atol=1e-2 if dtype == torch.bfloat16 else 1e-3, rtol=0)


def test_memory_layout_does_not_matter() -> None:
    image, label = volumes()
    matrix, control = a_map()
    wanted = warp(image, matrix, control, label=label)
    last = image.contiguous(memory_format=torch.channels_last_3d)
    crossed = image.permute(4, 3, 2, 1, 0).contiguous().permute(4, 3, 2, 1, 0)
    spread = torch.zeros(2, 2, 26, 34, 22)[:, :, ::2, ::2, ::2].copy_(image)
    for other in (last, crossed, spread):
        found = warp(other, matrix, control, label=label)
        assert torch.equal(found[0], wanted[0])
        assert torch.equal(found[1], wanted[1])


def test_more_voxels_than_32_bits_count() -> None:
    image = torch.tensor([2.5]).expand(1, 1, 1400, 1400, 1400)
    label = torch.arange(1400, dtype=torch.int16).view(1, 1, 1400, 1, 1).expand(1, 1, 1400, 1400, 1400)
    matrix = torch.eye(3, 4, dtype=torch.float64)[None].clone()
    matrix[0, :, 3] = torch.tensor([1390.0, 1391.0, 1392.0])
    found, labels = warp(image, matrix, label=label, shape=(3, 4, 5))
    assert torch.equal(found, torch.full((1, 1, 3, 4, 5), 2.5))
    assert labels[0, 0, :, 0, 0].tolist() == [1390, 1391, 1392]


def test_many_threads_give_what_one_gives() -> None:
    image, label = volumes(size=(40, 40, 40))
    matrix, control = a_map(size=(40, 40, 40), goal=(40, 40, 40))
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = warp(image, matrix, control, label=label)
        torch.set_num_threads(2)
        two = warp(image, matrix, control, label=label)
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(one[0], two[0])
    assert torch.equal(one[1], two[1])


def test_nothing_and_one_voxel() -> None:
    matrix = torch.eye(3, 4, dtype=torch.float64)[None]
    assert warp(torch.zeros(0, 1, 4, 4, 4), matrix.expand(0, 3, 4))[0].shape == (0, 1, 4, 4, 4)
    assert warp(torch.zeros(1, 1, 4, 4, 4), matrix, shape=(0, 4, 4))[0].shape == (1, 1, 0, 4, 4)
    control = torch.zeros(1, 3, 4, 4, 4)
    for mode in ("linear", "cubic", "nearest"):
        for version in ("reference", "compiled", "triton"):
            with using(version):
                assert warp(torch.full((1, 1, 1, 1, 1), 3.0), matrix, control, mode=mode)[0].item() == pytest.approx(3)


def test_landmarks_come_back() -> None:
    matrix, control = a_map(4, amplitude=0.5)
    points = torch.from_numpy(np.random.default_rng(0).uniform(0, 8, (2, 200, 3)))
    sources = unwarp_points(points, matrix, control, shape=GOAL)
    assert (warp_points(sources, matrix, control, shape=GOAL) - points).norm(dim=-1).max() < 1e-4


def test_a_bright_spot_goes_where_its_landmark_goes() -> None:
    size = (40, 40, 40)
    matrix, control = a_map(5, batch=1, amplitude=1.0, goal=size, size=size)
    spots = torch.tensor([[[19.0, 20, 21], [12, 25, 16], [25, 14, 22]]])
    grid = torch.stack(torch.meshgrid(*(torch.arange(40.0),) * 3, indexing="ij"))
    for spot, landmark in zip(spots[0], warp_points(spots, matrix, control, shape=size)[0], strict=True):
        image = torch.exp(-((grid - spot.view(3, 1, 1, 1)) ** 2).sum(0) / 8)[None, None]
        found = warp(image, matrix, control, mode="cubic")[0][0, 0].double()
        peak = np.unravel_index(int(found.argmax()), size)
        assert np.abs(np.array(peak) - landmark.numpy()).max() <= 0.75
        back = warp(found[None, None].float(), matrix, control, shape=size, mode="cubic", inverse=size)[0][
            0, 0
        ].double()
        heavy = torch.where(back > 0.05, back, 0.0)
        centre = (heavy * grid).sum((1, 2, 3)) / heavy.sum()
        assert (centre - spot).norm() < 0.05


def test_unwarping_restores_the_inside() -> None:
    size = (20, 20, 20)
    numbers = np.random.default_rng(0)
    image = torch.from_numpy(ndimage.gaussian_filter(numbers.standard_normal(size), 3, mode="nearest")).float()[
        None, None
    ]
    image /= image.abs().max()
    matrix, control = a_map(6, batch=1, amplitude=1.0, goal=size, size=size)
    there, _ = warp(image, matrix, control, mode="cubic", padding="border")
    back, _ = warp(there, matrix, control, shape=size, mode="cubic", padding="border", inverse=size)
    full = coordinates(torch.eye(3, 4, dtype=torch.float64)[None], None, size)
    places = (
        warp_points(full.flatten(2).transpose(1, 2), matrix, control, shape=size).transpose(1, 2).reshape(full.shape)
    )
    inside = ((places > 3) & (places < 16) & (full > 3) & (full < 16)).all(1)  # away from what the border bends
    assert inside.float().mean() > 0.1
    assert (back[0] - image[0])[inside].abs().max() < 0.003


@pytest.mark.parametrize("mode", ["linear", "cubic"])
@pytest.mark.parametrize("padding", ["constant", "border", "reflection"])
def test_gradients(mode: str, padding: str) -> None:
    goal, size = (2, 3, 2), (3, 2, 4)
    matrix, control = a_map(1, batch=1, amplitude=0.5, goal=goal, size=size)
    image = torch.rand(1, 1, *size, dtype=torch.float64, requires_grad=True)

    def run(volume: torch.Tensor) -> torch.Tensor:
        return warp(volume, matrix, control, shape=goal, mode=mode, padding=padding)[0]

    assert torch.autograd.gradcheck(run, image)


def test_gradients_by_the_map() -> None:
    goal, size = (2, 2, 2), (3, 2, 4)
    matrix, control = a_map(1, batch=1, amplitude=0.5, goal=goal, size=size)
    image = torch.rand(1, 1, *size)

    def run(affine: torch.Tensor, moved: torch.Tensor) -> torch.Tensor:
        return warp(image.double(), affine, moved, shape=goal)[0]

    control = control[..., :4, :4, :4].clone()
    assert torch.autograd.gradcheck(run, (matrix.requires_grad_(), control.requires_grad_()))


@pytest.mark.parametrize("version", ["compiled", "triton"])
def test_the_gradient_of_the_fast_versions_is_the_references(version: str) -> None:
    image, label = volumes()
    matrix, control = a_map()
    weight = torch.rand(2, 2, *GOAL)
    exact = image.double().requires_grad_()
    (reference(exact, None, matrix, control, GOAL)[0] * weight).sum().backward()
    image.requires_grad_()
    with using(version):
        found, labels = warp(image, matrix, control, label=label, shape=GOAL)
    assert not labels.requires_grad
    (found * weight).sum().backward()
    torch.testing.assert_close(image.grad.double(), exact.grad, atol=1e-5, rtol=0)


def test_nan_in_the_image_stays_visible_and_stays_near() -> None:
    image = torch.zeros(1, 1, 8, 8, 8)
    image[0, 0, 4, 4, 4] = torch.nan
    matrix = torch.eye(3, 4, dtype=torch.float64)[None].clone()
    matrix[0, :, 3] = 0.5
    found, _ = warp(image, matrix)
    assert int(found.isnan().sum()) == 8


def test_triton_is_the_reference_on_500_random_cases() -> None:
    numbers = np.random.default_rng(7)
    labels = (torch.uint8, torch.int16, torch.int32, torch.int64)
    for case in range(500):
        batch = 2 if case % 10 == 0 else 1
        size, goal = (tuple(int(n) for n in numbers.integers(1, 6, 3)) for _ in range(2))
        if case % 25 == 0:
            size = goal = (1, 1, 1)
        if case % 40 == 1:
            goal = (0, *goal[1:])
        dtype = (torch.float32, torch.float16, torch.bfloat16)[case % 3]
        image, label = volumes(case, batch, size, dtype, labels[case % 4])
        image = image[:, : 1 + case % 2]
        if case % 2:
            image = image.contiguous(memory_format=torch.channels_last_3d)
            label = torch.zeros(batch, 1, *(2 * n for n in size), dtype=label.dtype)[:, :, ::2, ::2, ::2].copy_(label)
        matrix, control = a_map(case, batch, goal=goal, size=size)
        control = None if case % 5 == 0 else control
        options = {
            "mode": ("linear", "nearest", "linear", "nearest", "linear", "cubic")[case // 3 % 6],
            "padding": ("constant", "border", "reflection")[case // 9 % 3],
            "value": 0.5,
            "label_value": 2,
        }
        with using("triton"):
            found = warp(
                None if case % 7 == 0 else image,
                matrix,
                control,
                label=None if case % 7 == 1 else label,
                shape=goal,
                **options,
            )
        wanted = reference(image, label, matrix, control, goal, **options)
        near = {torch.float32: 2e-5, torch.float16: 1e-3, torch.bfloat16: 1e-2}[dtype]
        if case % 7:
            torch.testing.assert_close(found[0], wanted[0], atol=near, rtol=0, msg=f"case {case}")
        if case % 7 != 1:
            assert torch.equal(found[1], wanted[1]), case


@settings(max_examples=60, deadline=None)
@given(st.tuples(*(st.integers(1, 9),) * 3), st.tuples(*(st.integers(1, 9),) * 3), st.integers(0, 10**6))
def test_any_shape(size: tuple, goal: tuple, seed: int) -> None:
    image, label = volumes(seed, 1, size)
    matrix, control = a_map(seed, 1, goal=goal, size=size)
    found, labels = warp(image, matrix, control, label=label, shape=goal)
    wanted, expected = reference(image, label, matrix, control, goal)
    torch.testing.assert_close(found, wanted, atol=2e-6, rtol=0)
    assert torch.equal(labels, expected)


def test_bad_input_is_named() -> None:
    image, label = volumes()
    matrix, control = a_map()
    with pytest.raises(ConfigError, match="did you mean 'linear'"):
        warp(image, matrix, mode="liner", padding="zero")
    with pytest.raises(DataError, match="do not fit"):
        warp(image, matrix, label=label[..., 1:])
    with pytest.raises(DataError, match=r"float32.*\n.*whole numbers"):
        warp(image, matrix, label=label.float())
    with pytest.raises(DataError, match=r"the image is torch\.uint8"):
        warp(label, matrix)
    with pytest.raises(DataError, match=r"samples \[1\] hold NaN"):
        warp(image, torch.where(torch.tensor([0, 1]).view(2, 1, 1) > 0, torch.nan, matrix))
    with pytest.raises(DataError, match="360 of the control points"):
        warp(image, matrix, control.index_fill(0, torch.tensor(0), torch.inf))
    with pytest.raises(DataError, match="4 or more per axis"):
        warp(image, matrix, control[:, :, :3])
    with pytest.raises(DataError, match="can't be inverted"):
        warp(image, torch.zeros(2, 3, 4, dtype=torch.float64), shape=SIZE, inverse=SIZE)
    with pytest.raises(DataError, match="neither image nor label"):
        warp(None, matrix)
    with pytest.raises(DataError, match="nothing to resample"):
        warp(image[:, :, :0], matrix, shape=GOAL)
    with pytest.raises(DataError, match="the map folds"):
        warp_points(torch.rand(2, 400, 3) * 9, matrix, 40 * control, shape=GOAL)
