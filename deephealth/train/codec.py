"""Nested Python state to JSON and tensors, and back, without loss and without pickle.

What JSON can't say is written as ``{"$": kind, ...}``. Tensors are taken out into one flat table for safetensors; a
dense tensor that is not contiguous (channels last) keeps its strides, since the same numbers in another memory order
may be summed in another order. A type that is not listed here is an error: nothing is approximated silently.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from deephealth.core.errors import CheckpointError

__all__ = ["decode", "encode"]

_MARK = "$"


def encode(value: Any) -> tuple[Any, dict[str, torch.Tensor]]:
    """Return what :func:`json.dumps` can write, and the tensors by name.

    Args:
        value: dicts (any encodable keys), lists, tuples, tensors, NumPy scalars and arrays, numbers, text, bytes, None.

    Raises:
        CheckpointError: a type that can't be kept exactly; the message says where it stands.

    Example:
        >>> encode({1: (2.0, float("inf"))})[0]
        {'$': 'dict', 'v': [[1, {'$': 'tuple', 'v': [2.0, {'$': 'float', 'v': 'inf'}]}]]}
    """
    tensors: dict[str, torch.Tensor] = {}
    return _encode(value, "", tensors), tensors


def decode(value: Any, tensors: Mapping[str, torch.Tensor]) -> Any:
    """Return what :func:`encode` was given.

    Raises:
        CheckpointError: a mark that this version does not know, or a tensor that is missing.

    Example:
        >>> decode(*encode({1: (2.0, b"ab", None)}))
        {1: (2.0, b'ab', None)}
    """
    if type(value) is list:
        return [decode(item, tensors) for item in value]
    if type(value) is not dict:
        return value
    if _MARK not in value:
        return {key: decode(item, tensors) for key, item in value.items()}
    reader = _READERS.get(value[_MARK])
    if reader is None:
        raise CheckpointError(f"the state holds an unknown mark {value[_MARK]!r}", hint="install a newer deephealth")
    try:
        return reader(value, tensors)
    except KeyError as error:
        raise CheckpointError(f"the state lacks {error}") from error


def _encode(value: Any, path: str, tensors: dict[str, torch.Tensor]) -> Any:
    kind = type(value)
    if value is None or kind in (bool, int, str):
        return value
    writer = _WRITERS.get(kind)
    if writer is not None:
        return writer(value, path, tensors)
    if isinstance(value, torch.Tensor):
        return _write_tensor(value, path, tensors)
    if isinstance(value, np.generic | np.ndarray):
        return _write_numpy(value, path)
    raise CheckpointError(
        f"the state holds a {kind.__module__}.{kind.__qualname__} at '{path or '/'}', which can't be kept exactly",
        allowed="numbers, text, bytes, None, lists, tuples, dicts, tensors, NumPy scalars and arrays",
    )


def _write_float(value: float, path: str, tensors: dict[str, torch.Tensor]) -> Any:
    return value if math.isfinite(value) else {_MARK: "float", "v": repr(value)}


def _write_list(value: list[Any], path: str, tensors: dict[str, torch.Tensor]) -> Any:
    return [_encode(item, f"{path}/{number}", tensors) for number, item in enumerate(value)]


def _write_tuple(value: tuple[Any, ...], path: str, tensors: dict[str, torch.Tensor]) -> Any:
    return {_MARK: "tuple", "v": _write_list(list(value), path, tensors)}


def _write_dict(value: dict[Any, Any], path: str, tensors: dict[str, torch.Tensor]) -> Any:
    ordered = type(value) is OrderedDict
    if not ordered and _MARK not in value and all(type(key) is str for key in value):
        return {key: _encode(item, f"{path}/{key}", tensors) for key, item in value.items()}
    pairs = [
        [_encode(key, f"{path}/key {number}", tensors), _encode(item, f"{path}/{key}", tensors)]
        for number, (key, item) in enumerate(value.items())
    ]
    return {_MARK: "odict" if ordered else "dict", "v": pairs}


def _write_bytes(value: bytes, path: str, tensors: dict[str, torch.Tensor]) -> Any:
    return {_MARK: "bytes", "v": value.hex()}


def _write_tensor(value: torch.Tensor, path: str, tensors: dict[str, torch.Tensor]) -> Any:
    if value.layout is not torch.strided or value.is_quantized or value.is_complex():
        raise CheckpointError(
            f"the state holds a {value.layout} {value.dtype} tensor at '{path}'", allowed="dense tensors"
        )
    tensor = value.detach().cpu().resolve_neg()
    name = f"{len(tensors):05d}{path}"
    mark: dict[str, Any] = {_MARK: "tensor", "v": name}
    dense = torch.empty_like(tensor)  # keeps the strides of tensors that are dense and do not overlap
    if not tensor.is_contiguous() and dense.stride() == tensor.stride():
        mark["stride"] = list(tensor.stride())
    tensors[name] = tensor.clone(memory_format=torch.contiguous_format)
    return mark


def _write_numpy(value: np.generic | np.ndarray[Any, Any], path: str) -> Any:
    if value.dtype.kind not in "biufc":
        raise CheckpointError(
            f"the state holds NumPy data of type {value.dtype} at '{path}'", allowed="numbers, truth values"
        )
    mark: dict[str, Any] = {_MARK: "numpy", "dtype": value.dtype.str, "v": value.tobytes().hex()}
    if isinstance(value, np.ndarray):
        mark["shape"] = list(value.shape)
    return mark


def _read_dict(value: dict[str, Any], tensors: Mapping[str, torch.Tensor]) -> dict[Any, Any]:
    return {decode(key, tensors): decode(item, tensors) for key, item in value["v"]}


def _read_tensor(value: dict[str, Any], tensors: Mapping[str, torch.Tensor]) -> torch.Tensor:
    tensor = tensors[value["v"]]
    if "stride" not in value:
        return tensor
    return torch.empty_strided(tensor.shape, value["stride"], dtype=tensor.dtype).copy_(tensor)


def _read_numpy(value: dict[str, Any], tensors: Mapping[str, torch.Tensor]) -> Any:
    flat = np.frombuffer(bytes.fromhex(value["v"]), dtype=np.dtype(value["dtype"])).copy()
    return flat.reshape(value["shape"]) if "shape" in value else flat[0]


_WRITERS: dict[type, Callable[[Any, str, dict[str, torch.Tensor]], Any]] = {
    float: _write_float,
    list: _write_list,
    tuple: _write_tuple,
    dict: _write_dict,
    OrderedDict: _write_dict,
    bytes: _write_bytes,
}
_READERS: dict[str, Callable[[dict[str, Any], Mapping[str, torch.Tensor]], Any]] = {
    "float": lambda value, tensors: float(value["v"]),
    "tuple": lambda value, tensors: tuple(decode(value["v"], tensors)),
    "dict": _read_dict,
    "odict": lambda value, tensors: OrderedDict(_read_dict(value, tensors)),
    "bytes": lambda value, tensors: bytes.fromhex(value["v"]),
    "tensor": _read_tensor,
    "numpy": _read_numpy,
}
