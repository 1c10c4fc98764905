"""Copies, aliases, re-ordered axes, conversions, views."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from deephealth.ecvl import (
    ColorType,
    ConstView,
    ContiguousView,
    ConvertTo,
    CopyImage,
    DataType,
    EcvlError,
    Image,
    RearrangeChannels,
    ShallowCopyImage,
    View,
    View_int8,
    View_uint8,
    strict_mode,
)
from deephealth.ecvl.casting import dtype_of, saturate_cast, wrap_cast

TYPES = [dt for dt in DataType if dt is not DataType.none]


def counted(dims=(2, 3, 4), dtype=np.uint8, channels="xyc") -> Image:
    array = np.arange(np.prod(dims)).reshape(dims).astype(dtype)
    return Image.fromarray(array, channels, ColorType.none, [1.0] * len(dims))


def test_an_empty_dst_becomes_a_full_clone():
    src, dst = counted(), Image.empty()
    src.SetMeta("k", "v")
    CopyImage(src, dst)
    assert (dst.dims_, dst.elemtype_, dst.GetMeta("k").Get()) == (src.dims_, src.elemtype_, "v")
    dst.pixels[...] = 0
    assert src.pixels.any()


def test_a_dst_with_content_keeps_its_type_and_values_wrap():
    src, dst = Image.fromarray(np.array([300, -1], np.int16), "x", 0), Image([5], DataType.uint8, "x", 0)
    CopyImage(src, dst)
    assert (dst.elemtype_, np.array(dst).tolist()) == (DataType.uint8, [44, 255])
    CopyImage(src, dst, DataType.float32)
    assert np.array(dst).tolist() == [300.0, -1.0]


def test_what_a_copy_refuses():
    src = counted()
    with pytest.raises(RuntimeError, match="without element type"):
        CopyImage(Image.empty(), Image.empty())
    with pytest.raises(RuntimeError, match="one image, and the type changes"):
        CopyImage(src, src, DataType.float32)
    CopyImage(src, src)
    with pytest.raises(RuntimeError, match="does not own"):
        CopyImage(src, View(Image([9], DataType.uint8, "x", 0)))


def test_a_copy_into_a_view_of_the_same_size_goes_through():
    owner = Image([2, 3, 4], DataType.uint8, "xyc", ColorType.none)
    CopyImage(counted(), View(owner))
    np.testing.assert_array_equal(np.array(owner), np.array(counted()))


def test_a_shallow_copy_aliases():
    src, dst = counted(), Image.empty()
    ShallowCopyImage(src, dst)
    np.array(dst, copy=False)[...] = 9
    assert (np.array(src) == 9).all()
    assert src.IsOwner()
    assert not dst.IsOwner()
    with pytest.raises(RuntimeError, match="alias itself"):
        ShallowCopyImage(src, src)


@pytest.mark.parametrize(("have", "want"), [("cxyz", "xyzc"), ("xyoo", "ooyx"), ("oxy", "xyo")])
def test_axes_are_reordered(have, want):
    dims = [3, 4, 3, 2][: len(have)]
    src, dst = counted(dims, np.int16, have), Image.empty()
    src.spacings_ = range(1, len(have) + 1)
    RearrangeChannels(src, dst, want)
    back = Image.empty()
    RearrangeChannels(dst, back, have)
    assert dst.channels_ == want
    np.testing.assert_array_equal(np.array(back), np.array(src))
    assert back.spacings_ == src.spacings_


def test_the_values_of_the_original_s_own_test():
    # 3 x 4 x 3 x 2, filled in storage order
    src, dst = Image([3, 4, 3, 2], DataType.int16, "cxyz", ColorType.RGB), Image.empty()
    src.buffer().ravel(order="F")[...] = 0
    src.buffer()[...] = np.arange(72).reshape(2, 3, 4, 3).T
    RearrangeChannels(src, dst, "xyzc")
    got = np.array(dst)
    assert [got[2, 0, 1, 0], got[3, 1, 1, 2], got[0, 2, 0, 1], got[1, 2, 0, 1]] == [42, 59, 25, 28]


def test_other_letters_are_refused():
    with pytest.raises(RuntimeError, match="can't become 'xyz'"):
        RearrangeChannels(counted(), Image.empty(), "xyz")


def test_conversion_keeps_metadata_and_strict_mode_drops_it():
    src, dst = counted(), Image.empty()
    src.SetMeta("k", 1)
    ConvertTo(src, dst, DataType.float32)
    assert dst.meta_.keys() == {"k"}
    with strict_mode():
        ConvertTo(src, dst, DataType.float32)
    assert not dst.meta_


def reference(value: float, dtype: np.dtype) -> float:
    """Clamp, then cut, one number at a time, in Python's exact arithmetic."""
    if dtype.kind == "f":
        return float(np.array(value).astype(dtype))
    info = np.iinfo(dtype)
    return int(info.min if dtype.itemsize > 2 else 0) if np.isnan(value) else int(max(info.min, min(info.max, value)))


@pytest.mark.parametrize("dt", TYPES)
@given(values=hnp.arrays(np.float64, 8, elements=st.floats(-1e20, 1e20)))
def test_saturation_against_python(dt, values):
    dtype = dtype_of(dt)
    assert saturate_cast(values, dtype).tolist() == [reference(v, dtype) for v in values.tolist()]


@pytest.mark.parametrize("dt", TYPES)
@given(values=hnp.arrays(np.int64, 8, elements=st.integers(-(2**63), 2**63 - 1)))
def test_saturation_of_whole_numbers_against_python(dt, values):
    dtype = dtype_of(dt)
    assert saturate_cast(values, dtype).tolist() == [reference(v, dtype) for v in values.tolist()]


def test_not_a_number_and_wrapping_are_those_of_the_original():
    assert saturate_cast(np.array([np.nan]), np.dtype(np.int32)).tolist() == [-(2**31)]
    assert saturate_cast(np.array([np.nan], np.float32), np.dtype(np.int64)).tolist() == [-(2**63)]
    assert saturate_cast(np.array([np.nan, np.inf, -np.inf]), np.dtype(np.int16)).tolist() == [0, 32767, -32768]
    assert wrap_cast(np.array([256.9, -1.2]), np.dtype(np.uint8)).tolist() == [0, 255]


def test_views():
    image = Image([5, 4, 3], DataType.int8, "xyc", ColorType.RGB)
    view = View_int8(image)
    view[1, 2, 0] = -7
    assert (image.pixels[1, 2, 0], view[1, 2, 0], len(view), sum(view)) == (-7, -7, 60, -7)
    window = View(image, [1, 2, 0], [2, -1, 1])
    assert (window.dims_, window[0, 0, 0], window.IsOwner()) == ([2, 2, 1], -7, False)
    assert not window.contiguous_
    with pytest.raises(IndexError):
        view[5, 0, 0]
    with pytest.raises(RuntimeError, match="coordinates"):
        view[1, 2]
    with pytest.raises(RuntimeError, match="inside the image"):
        View(image, [4, 0, 0], [2, 1, 1])
    with pytest.raises(EcvlError, match="View_int8"):
        View_uint8(image)
    with pytest.raises(RuntimeError, match="gaps"):
        ContiguousView(window)
    with pytest.raises(ValueError, match="read-only"):
        ConstView(image)[0, 0, 0] = 1


def test_iteration_follows_the_axes_whatever_the_strides():
    window = View(counted(), [0, 1, 1], [2, 2, 1])
    assert list(window) == np.array(counted())[0:2, 1:3, 1:2].ravel(order="F").tolist()
