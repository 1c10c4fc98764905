from __future__ import annotations

import json
import math
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deephealth.core.errors import CheckpointError
from deephealth.train.codec import decode, encode

DTYPES = (
    torch.float32,
    torch.float64,
    torch.float16,
    torch.bfloat16,
    torch.int64,
    torch.int32,
    torch.uint8,
    torch.bool,
)


@st.composite
def tensors(draw: st.DrawFn) -> torch.Tensor:
    shape = draw(st.lists(st.integers(0, 3), max_size=4))
    tensor = torch.randint(0, 2, shape, generator=torch.Generator().manual_seed(draw(st.integers(0, 99)))).to(
        draw(st.sampled_from(DTYPES))
    )
    layout = draw(st.sampled_from(["plain", "channels_last", "transposed", "strided", "expanded"]))
    if layout == "channels_last" and tensor.ndim == 4:
        return tensor.to(memory_format=torch.channels_last)
    if layout == "transposed" and tensor.ndim >= 2:
        return tensor.transpose(0, 1)
    if layout == "strided" and tensor.ndim >= 1:
        return tensor[::2]
    return tensor.expand(2, *tensor.shape) if layout == "expanded" else tensor


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.binary(max_size=5),
    st.integers(-99, 99).map(np.int32),
    st.floats(width=32).map(np.float32),
    st.booleans().map(np.bool_),
    st.lists(st.integers(0, 2**32 - 1), max_size=3).map(lambda numbers: np.array(numbers, dtype=np.uint32)),
    tensors(),
)
keys = st.one_of(st.text(max_size=3), st.just("$"), st.integers(), st.tuples(st.integers(), st.text(max_size=2)))
states = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(keys, inner, max_size=3),
        st.dictionaries(st.text(max_size=3), inner, max_size=3).map(OrderedDict),
    ),
    max_leaves=8,
)


def assert_same(found: Any, expected: Any) -> None:
    assert type(found) is type(expected)
    if isinstance(expected, torch.Tensor):
        assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
        assert torch.equal(found, expected)
    elif isinstance(expected, np.ndarray | np.generic):
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)
    elif isinstance(expected, float):
        assert found == expected or (math.isnan(found) and math.isnan(expected))
        assert math.copysign(1, found) == math.copysign(1, expected) or math.isnan(expected)
    elif isinstance(expected, dict):
        assert list(found) == list(expected)
        for key in expected:
            assert_same(found[key], expected[key])
    elif isinstance(expected, list | tuple):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert_same(one, other)
    else:
        assert found == expected


@settings(max_examples=150, deadline=None)
@given(states)
def test_round_trip_over_files(state: Any) -> None:
    value, flat = encode(state)
    blob = safetensors.torch.save(flat)
    assert_same(decode(json.loads(json.dumps(value)), safetensors.torch.load(blob)), state)


def test_memory_order_survives() -> None:
    tensor = torch.rand(2, 3, 4, 5).to(memory_format=torch.channels_last)
    found = decode(*encode({"exp_avg": tensor}))["exp_avg"]
    assert found.stride() == tensor.stride()
    assert torch.equal(found, tensor)


def test_state_is_a_copy() -> None:
    tensor = torch.zeros(3)
    _, flat = encode([tensor])
    tensor += 1
    assert torch.equal(next(iter(flat.values())), torch.zeros(3))


def test_optimizer_state_round_trip() -> None:
    layer = torch.nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(layer.parameters(), lr=0.1)
    layer(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    assert_same(decode(*encode(optimizer.state_dict())), optimizer.state_dict())


@pytest.mark.parametrize(
    "value",
    [
        object(),
        {1, 2},
        lambda: 0,
        torch.Size([1]),
        torch.float32,
        np.array(["a"]),
        torch.ones(2).to_sparse(),
        torch.ones(1, dtype=torch.complex64),
    ],
)
def test_what_cannot_be_kept_is_a_typed_error(value: Any) -> None:
    with pytest.raises(CheckpointError, match="a/1"):
        encode({"a": [0, value]})


@pytest.mark.parametrize("value", [{"$": "pickle", "v": ""}, {"$": "tensor", "v": "absent"}, {"$": "tuple"}])
def test_damaged_marks_are_typed_errors(value: Any) -> None:
    with pytest.raises(CheckpointError):
        decode(value, {})
