"""Blending of windows: weights against MONAI's, all versions against the reference, and input that is refused."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
import torch
from monai.data.utils import compute_importance_map

from deephealth.core.errors import ConfigError, DataError
from deephealth.infer.sliding_window_grid import starts_along
from deephealth.kernels.compilers import using
from deephealth.kernels.window import accumulate, blend, divide, gather, take_average, take_labels


class Case:
    """A small volume, some of its windows, and a table in which its lines lie in any order."""

    def __init__(self, number: int) -> None:
        draw = random.Random(number)
        self.size = [draw.choice((1, 1, 2, 3)), draw.randint(1, 5), draw.randint(1, 9)]
        window = [draw.randint(1, size) for size in self.size]
        starts = [starts_along(size, w, draw.choice((0, 0.5))) for size, w in zip(self.size, window, strict=True)]
        mode = draw.choice(("constant", "gaussian"))
        self.how = blend(window, starts, mode=mode, sigma_scale=[draw.choice((0.125, 0.4)) for _ in range(3)])
        self.classes = draw.choice((0, 1, 1, 2, 3))
        self.number = draw.choice((0, 1, 2, 3))
        self.starts = [tuple(draw.choice(axis) for axis in starts) for _ in range(self.number)]
        numbers = torch.Generator().manual_seed(number)
        self.dtype = draw.choice((torch.float32, torch.float16, torch.bfloat16, torch.float64))
        windows = torch.randn((self.number, self.classes, *window), generator=numbers).to(self.dtype)
        self.windows = [
            lambda: windows,
            lambda: windows.transpose(2, 4).contiguous().transpose(2, 4),
            lambda: windows.permute(0, 2, 3, 4, 1).contiguous().permute(0, 4, 1, 2, 3),
            lambda: windows[:, :1].expand_as(windows) if self.classes else windows,
        ][draw.randint(0, 3)]()
        places = self.size[0] * self.size[1] + draw.choice((0, 3))
        order = torch.randperm(places, generator=numbers)[: self.size[0] * self.size[1]]
        self.table = order.reshape(self.size[0], self.size[1]).contiguous()
        self.rows = torch.randn((self.classes, places, self.size[2]), generator=numbers)
        z, y = sorted(draw.choices(range(self.size[0] + 1), k=2)), sorted(draw.choices(range(self.size[1] + 1), k=2))
        self.box = (*z, *y)
        self.cut = draw.choice((None, 0.0, 0.3))
        self.action = draw.choice(("divide", "take_average", "take_labels"))

    def run(self, version: str) -> list[torch.Tensor]:
        with using(version):
            rows = self.rows.clone()
            accumulate(rows, self.table, self.windows, self.starts, self.how)
            added = rows.clone()
            found = torch.zeros(0)
            if self.action == "divide":
                divide(rows, self.table, self.box, self.how)
            elif self.action == "take_average":
                found = take_average(rows, self.table, self.box, self.how)
            elif self.classes:
                z0, z1, y0, y1 = self.box
                found = torch.zeros(z1 - z0, y1 - y0, self.size[2], dtype=torch.int16)
                assert take_labels(rows, self.table, self.box, self.how, found, self.cut) == 0
            return [added, rows, found]


def _compare(version: str, number: int) -> None:
    case = Case(number)
    for ours, wanted in zip(case.run(version), case.run("reference"), strict=True):
        torch.testing.assert_close(ours, wanted, rtol=1e-5, atol=1e-5, msg=lambda text: f"case {number}: {text}")


def test_triton_equals_the_reference_on_500_random_cases() -> None:
    for number in range(500):
        _compare("triton", number)


def test_compiled_equals_the_reference_on_500_random_cases() -> None:
    for number in range(500):
        _compare("compiled", number)


@pytest.mark.parametrize("size", [(1, 1, 1), (5, 8, 3), (16, 32, 24), (1, 64, 64), (96, 96, 96)])
@pytest.mark.parametrize("scale", [0.125, 0.3, 2.0])
def test_weights_are_monais_bit_for_bit(size: tuple[int, int, int], scale: float) -> None:
    ours = blend(size, ([0], [0], [0]), mode="gaussian", sigma_scale=(scale,) * 3).full()
    assert torch.equal(ours, compute_importance_map(size, mode="gaussian", sigma_scale=scale))


def test_two_windows_by_hand() -> None:
    rows, table = torch.zeros(1, 1, 3), torch.zeros(1, 1, dtype=torch.int64)
    how = blend((1, 1, 2), ([0], [0], [0, 1]), mode="gaussian", sigma_scale=(1, 1, 0.5))
    windows = torch.tensor([2.0, 4.0]).reshape(2, 1, 1, 1, 1).expand(2, 1, 1, 1, 2)
    accumulate(rows, table, windows, [(0, 0, 0), (0, 0, 1)], how)
    side = math.exp(-(0.5**2) / 2)
    assert rows[0, 0].tolist() == pytest.approx([2 * side, 6 * side, 4 * side])
    divide(rows, table, (0, 1, 0, 1), how)
    assert rows[0, 0].tolist() == pytest.approx([2, 3, 4])


@pytest.mark.parametrize("version", ["reference", "compiled", "triton"])
def test_nan_is_counted_and_equals_take_the_first_class(version: str) -> None:
    table, how = torch.zeros(1, 1, dtype=torch.int64), blend((1, 1, 4), ([0], [0], [0]))
    rows = torch.tensor([[[1.0, math.nan, 0, -math.inf]], [[1.0, 0, math.nan, 5]]])
    labels = torch.zeros(1, 1, 4, dtype=torch.uint8)
    with using(version):
        assert take_labels(rows, table, (0, 1, 0, 1), how, labels) == 2
    assert labels[0, 0, [0, 3]].tolist() == [0, 1]
    assert not rows.any()


@pytest.mark.parametrize("version", ["reference", "compiled", "triton"])
def test_the_last_region_above_the_cut_wins(version: str) -> None:
    table, how = torch.zeros(1, 1, dtype=torch.int64), blend((1, 1, 3), ([0], [0], [0]))
    rows = torch.tensor([[[1.0, 1, -1]], [[2.0, -2, 0]]])
    labels = torch.zeros(1, 1, 3, dtype=torch.uint8)
    with using(version):
        take_labels(rows, table, (0, 1, 0, 1), how, labels, cut=0.0)
    assert labels[0, 0].tolist() == [2, 1, 0]


@pytest.mark.parametrize("version", ["reference", "compiled", "triton"])
def test_labels_are_written_through_strides(version: str) -> None:
    table, how = torch.arange(6).reshape(2, 3), blend((2, 3, 4), ([0], [0], [0]))
    rows = torch.randn(3, 6, 4, generator=torch.Generator().manual_seed(0))
    labels = torch.zeros(4, 3, 2, dtype=torch.uint8).permute(2, 1, 0)
    wanted = rows.argmax(0).reshape(2, 3, 4)
    with using(version):
        take_labels(rows, table, (0, 2, 0, 3), how, labels)
    assert torch.equal(labels.long(), wanted)


def test_results_do_not_depend_on_the_number_of_threads() -> None:
    how = blend((32, 32, 32), ([0, 16], [0, 16], [0, 16]), mode="gaussian")
    windows = torch.randn(8, 3, 32, 32, 32, generator=torch.Generator().manual_seed(0))
    starts = [(z, y, x) for z in (0, 16) for y in (0, 16) for x in (0, 16)]
    found = []
    before = torch.get_num_threads()
    for threads in (1, 3):
        torch.set_num_threads(threads)
        rows, table = torch.zeros(3, 48 * 48, 48), torch.arange(48 * 48).reshape(48, 48)
        accumulate(rows, table, windows, starts, how)
        divide(rows, table, (0, 48, 0, 48), how)
        found.append(rows)
    torch.set_num_threads(before)
    assert torch.equal(*found)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.int16])
def test_gather_copies_any_dtype_and_strides(dtype: torch.dtype) -> None:
    volume = torch.arange(2 * 2 * 4 * 5 * 6).reshape(2, 2, 4, 5, 6).to(dtype)
    for given in (volume, volume.transpose(2, 4).contiguous().transpose(2, 4)):
        windows = torch.zeros(2, 2, 2, 3, 4)
        gather(given, [(0, 0, 0, 0), (1, 2, 2, 2)], windows)
        assert torch.equal(windows[0], volume[0, :, :2, :3, :4].float())
        assert torch.equal(windows[1], volume[1, :, 2:, 2:, 2:].float())


def test_offsets_above_2_to_the_31() -> None:
    far = torch.zeros(1).expand(1, 1, 2000, 2000, 2000)  # 8e9 voxels that take four bytes
    windows = torch.ones(1, 1, 1, 1, 3)
    gather(far, [(0, 1999, 1999, 1997)], windows)
    assert not windows.any()
    how = blend((1, 1, 3), ([0], [0], [0]))
    many = torch.ones(1).expand(1 << 31, 1, 1, 1, 3)[-1:]
    rows = torch.zeros(1, 1, 3)
    accumulate(rows, torch.zeros(1, 1, dtype=torch.int64), many, [(0, 0, 0)], how)
    assert rows.tolist() == [[[1, 1, 1]]]


def test_bad_input_is_named() -> None:
    rows, table = torch.zeros(2, 6, 4), torch.arange(6).reshape(2, 3)
    how = blend((1, 2, 2), ([0, 1], [0, 1], [0, 2]))
    windows = torch.zeros(1, 2, 1, 2, 2)
    labels = torch.zeros(2, 3, 4, dtype=torch.uint8)
    box = (0, 2, 0, 3)
    with pytest.raises(DataError, match="leaves the volume"):
        accumulate(rows, table, windows, [(0, 2, 0)], how)
    with pytest.raises(DataError, match="windows are"):
        accumulate(rows, table, windows[:, :1], [(0, 0, 0)], how)
    with pytest.raises(DataError, match="rows are"):
        accumulate(rows.double(), table, windows, [(0, 0, 0)], how)
    with pytest.raises(DataError, match="the table is"):
        divide(rows, table.int(), box, how)
    with pytest.raises(DataError, match="the box z 0:3"):
        take_average(rows, table, (0, 3, 0, 3), how)
    with pytest.raises(DataError, match="weights is zero at W = 2"):
        divide(rows, table, box, blend((1, 2, 2), ([0, 1], [0, 1], [0])))
    with pytest.raises(DataError, match="labels are"):
        take_labels(rows, table, box, how, labels[:1])
    with pytest.raises(DataError, match="300 classes do not fit"):
        take_labels(torch.zeros(300, 6, 4), table, box, how, labels)
    with pytest.raises(DataError, match="out of volumes"):
        gather(torch.zeros(1, 1, 2, 2, 2), [(0, 0, 0, 0)], windows)
    with pytest.raises(ConfigError, match="mode: 'hann'"):
        blend((1, 1, 1), ([0], [0], [0]), mode="hann")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="sigma_scale"):
        blend((1, 1, 1), ([0], [0], [0]), mode="gaussian", sigma_scale=(0, 1, 1))


def test_the_reference_is_differentiable() -> None:
    how = blend((1, 2, 3), ([0], [0, 1], [0, 1]), mode="gaussian")
    table = torch.arange(3).reshape(1, 3)

    def total(windows: torch.Tensor) -> torch.Tensor:
        rows = torch.zeros(2, 3, 4)
        with using("reference"):
            accumulate(rows, table, windows, [(0, 0, 0), (0, 1, 1)], how)
            divide(rows, table, (0, 1, 0, 3), how)
        return rows

    windows = torch.randn(2, 2, 1, 2, 3, requires_grad=True, generator=torch.Generator().manual_seed(0))
    assert torch.autograd.gradcheck(total, windows, eps=1e-2, atol=1e-3, rtol=1e-3)
    assert np.isfinite(torch.autograd.grad(total(windows).sum(), windows)[0].numpy()).all()
