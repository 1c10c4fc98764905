from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deephealth.core.errors import DataError
from deephealth.data.gather import gather_image, gather_label

DTYPES = [np.uint8, np.int8, np.int16, np.uint16, np.int32, np.float16, np.float32]


def cut(source: np.ndarray, start: tuple[int, ...], size: tuple[int, ...], **pad: object) -> np.ndarray:
    """Return the patch by padding the whole volume, as numpy does it."""
    width = [(0, 0)] + [(20, 20)] * 3
    whole = np.pad(source, width, **pad)  # type: ignore[call-overload]
    place = tuple(slice(20 + at, 20 + at + length) for at, length in zip(start, size, strict=True))
    return whole[(slice(None), *place)]


@given(
    st.sampled_from(DTYPES),
    st.tuples(*[st.integers(1, 6)] * 4),
    st.tuples(*[st.integers(1, 7)] * 3),
    st.tuples(*[st.integers(-8, 8)] * 3),
    st.booleans(),
)
def test_as_numpy_pads(
    dtype: type, shape: tuple[int, ...], size: tuple[int, ...], start: tuple[int, ...], edge: bool
) -> None:
    source = np.random.default_rng(0).integers(0, 120, shape).astype(dtype)
    out = np.full((shape[0], *size), np.nan, np.float32)
    label = np.zeros((shape[0], *size), np.int64)
    at: tuple[int, int, int] = (start[0], start[1], start[2])
    if edge and not -size[2] < at[2] < shape[3]:
        with pytest.raises(DataError, match="column"):
            gather_image(source, at, out, edge=True)
        return
    gather_image(source, at, out, pad=-3.5, edge=edge)
    numbers = source.astype(np.float32)
    np.testing.assert_array_equal(out, cut(numbers, at, size, **_padding(edge, -3.5)))
    if source.dtype.kind != "f":
        gather_label(source, at, label, pad=-1, edge=edge)
        np.testing.assert_array_equal(label, cut(source.astype(np.int64), at, size, **_padding(edge, -1)))


def _padding(edge: bool, value: float) -> dict[str, object]:
    return {"mode": "edge"} if edge else {"constant_values": value}


@pytest.mark.parametrize("dtype", DTYPES)
def test_scaling_is_done_per_channel(dtype: type) -> None:
    source = np.arange(48).reshape(2, 2, 3, 4).astype(dtype)
    scale = np.array([[3, 20, 5, 0.5], [-np.inf, np.inf, 30, 2]], np.float32)
    out = np.empty((2, 2, 3, 4), np.float32)
    gather_image(source, (0, 0, 0), out, scale=scale)
    numbers = source.astype(np.float32)
    np.testing.assert_allclose(out[0], (numbers[0].clip(3, 20) - 5) * 0.5)
    np.testing.assert_allclose(out[1], (numbers[1] - 30) * 2)


def test_every_half_is_converted() -> None:
    halves = np.arange(65536, dtype=np.uint32).astype(np.uint16).view(np.float16)
    halves = halves[np.isfinite(halves)].reshape(1, 1, 1, -1)
    out = np.empty(halves.shape, np.float32)
    gather_image(halves, (0, 0, 0), out)
    np.testing.assert_array_equal(out, halves.astype(np.float32))
    np.testing.assert_array_equal(np.signbit(out), np.signbit(halves))


def test_more_than_two_to_the_31_voxels() -> None:
    plane = np.arange(8, dtype=np.uint8).reshape(1, 1, 2, 4)
    source = np.broadcast_to(plane, (1, 2**29, 2, 4))  # 2^32 voxels, eight bytes of memory
    out = np.empty((1, 1, 2, 4), np.float32)
    gather_image(source, (2**29 - 1, 0, 0), out)
    np.testing.assert_array_equal(out[0, 0], plane[0, 0])
