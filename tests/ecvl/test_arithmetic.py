"""Arithmetic: exact by default, the original's own in strict mode."""

from __future__ import annotations

import operator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deephealth.ecvl import Add, DataType, Div, Image, Mul, Neg, Sub, View, strict_mode
from deephealth.ecvl.casting import dtype_of

FUNCTIONS = {"add": Add, "sub": Sub, "mul": Mul, "div": Div}
EXACT = {"add": operator.add, "sub": operator.sub, "mul": operator.mul}
WHOLE = [dt for dt in DataType if dt is not DataType.none and not dt.name.startswith("float")]


def row(values, dt) -> Image:
    return Image.fromarray(np.array(values, dtype_of(dt)), "x", 0)


def exact(name: str, a: int, b: int) -> int:
    if name == "div":
        quotient = abs(a) // abs(b)
        return quotient if (a < 0) == (b < 0) else -quotient
    return EXACT[name](a, b)


def numbers(dt):
    info = np.iinfo(dtype_of(dt))
    return st.integers(int(info.min), int(info.max))


@pytest.mark.parametrize("name", FUNCTIONS)
@given(data=st.data())
def test_whole_numbers_are_exact_then_saturated_or_wrapped(name, data):
    left, right, result = (data.draw(st.sampled_from(WHOLE)) for _ in range(3))
    a = data.draw(st.lists(numbers(left), min_size=3, max_size=3))
    b = data.draw(st.lists(numbers(right).filter(bool), min_size=3, max_size=3))
    info = np.iinfo(dtype_of(result))
    wanted = [exact(name, x, y) for x, y in zip(a, b, strict=True)]
    dst = Image.empty()
    FUNCTIONS[name](row(a, left), row(b, right), dst, result)
    inside = [max(int(info.min), min(int(info.max), value)) for value in wanted]
    if DataType.int64 in (left, right) and result is DataType.int64:
        np.testing.assert_allclose(np.array(dst, np.float64), np.array(inside, np.float64), rtol=1e-15, atol=0)
    else:
        assert np.array(dst).tolist() == inside
    FUNCTIONS[name](row(a, left), row(b, right), dst, result, False)
    bits = 8 * info.dtype.itemsize
    wrapped = [(value - int(info.min)) % 2**bits + int(info.min) for value in wanted]
    if name == "div" and any(abs(value) > 2**63 - 1 for value in wanted):
        return
    assert np.array(dst).tolist() == wrapped


def test_the_two_assertions_that_the_original_had_commented_out():
    left, right, dst = row([1280], DataType.int16), row([10], DataType.int16), Image.empty()
    Div(left, right, dst, DataType.int8)
    assert np.array(dst).tolist() == [127]
    Div(left, right, dst, DataType.int8, False)
    assert np.array(dst).tolist() == [-128]
    with strict_mode():
        Div(left, right, dst, DataType.int8)
        assert np.array(dst).tolist() == [0]


def test_products_of_bytes():
    left, dst = row([200, 255], DataType.uint8), Image.empty()
    Mul(left, left, dst)
    assert np.array(dst).tolist() == [255, 255]
    with strict_mode():
        Mul(left, left, dst)
    assert np.array(dst).tolist() == [0, 0]


def test_fractions_and_numbers():
    image, dst = row([10, 255], DataType.uint8), Image.empty()
    Add(image, 0.6, dst)
    assert np.array(dst).tolist() == [10, 255]
    Div(1.0, image, dst, DataType.float32)
    np.testing.assert_allclose(np.array(dst), [0.1, 1 / 255], rtol=1e-6)
    Sub(20, image, dst, DataType.uint8)
    assert np.array(dst).tolist() == [10, 0]
    with pytest.raises(TypeError, match="one operand must be an Image"):
        Add(1, 2, dst)
    with pytest.raises(TypeError, match="Image or a number"):
        image.Add("1")


def test_division_by_zero():
    image = row([1, 2], DataType.uint8)
    for divisor in (0, row([1, 0], DataType.uint8)):
        with pytest.raises(RuntimeError, match="by zero"):
            Div(image, divisor, Image.empty())
    with strict_mode(), pytest.raises(RuntimeError, match="by zero"):
        image.Div(0)
    dst = Image.empty()
    Div(image, 0.0, dst, DataType.float32)
    assert (np.array(dst) == np.finfo(np.float32).max).all()
    Div(image, 0.0, dst, DataType.float32, False)
    assert np.isinf(np.array(dst)).all()


def test_operands_of_other_sizes_are_refused():
    with pytest.raises(RuntimeError, match="the same dims_ and channels_"):
        Add(row([1, 2], 6), row([1, 2, 3], 6), Image.empty())


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("at", [0, 1])
def test_an_operand_may_be_the_destination(name, at):
    operands = [row([7, 9], DataType.int16), row([2, 4], DataType.int16)]
    wanted = Image.empty()
    FUNCTIONS[name](*operands, wanted)
    FUNCTIONS[name](*operands, operands[at])
    assert np.array(operands[at]).tolist() == np.array(wanted).tolist()


def test_strict_mode_reads_the_destination_back():
    left, right = row([7, 9], DataType.int16), row([2, 4], DataType.int16)
    with strict_mode():
        Add(left, right, right)
    assert np.array(right).tolist() == [14, 18]


def test_a_destination_keeps_its_memory_where_it_fits():
    image, dst = row([1, 2], DataType.uint8), row([0, 0], DataType.uint8)
    view = np.array(dst, copy=False)
    Add(image, image, dst)
    assert view.tolist() == [2, 4]
    Add(image, image, View(dst))
    with pytest.raises(RuntimeError, match="does not own"):
        Add(image, image, View(dst), DataType.float32)


@pytest.mark.parametrize("layout", ["F", "interleaved", "strided"])
def test_every_memory_order_gives_the_same_sums(layout):
    rng = np.random.default_rng(0)
    a, b = (rng.integers(0, 256, (6, 5, 3), dtype=np.uint8) for _ in range(2))
    images = []
    for array in (a, b):
        image = Image()
        memory = {
            "F": np.asfortranarray(array),
            "interleaved": np.ascontiguousarray(array.transpose(1, 0, 2)).transpose(1, 0, 2),
            "strided": np.repeat(array, 2, axis=0)[::2],
        }[layout]
        image.rebind(memory, channels="xyc", colortype=2)
        images.append(image)
    dst = Image.empty()
    Add(*images, dst)
    np.testing.assert_array_equal(np.array(dst), np.minimum(a.astype(int) + b, 255))
    Sub(*images, dst)
    np.testing.assert_array_equal(np.array(dst), np.maximum(a.astype(int) - b, 0))


def test_negatives():
    dst = Image.empty()
    Neg(row([-128, 5], DataType.int8), dst)
    assert np.array(dst).tolist() == [127, -5]
    Neg(row([-128, 5], DataType.int8), dst, saturate=False)
    assert np.array(dst).tolist() == [-128, -5]
    Neg(row([-(2**63)], DataType.int64), dst, DataType.int64)
    assert np.array(dst).tolist() == [2**63 - 1]
    with pytest.raises(RuntimeError, match="signed types"):
        Neg(row([1], DataType.uint8), dst)
