"""From onnx-ir's attributes and tensors to plain Python values and torch tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from deephealth.eddl.onnx.dtypes import torch_dtype

if TYPE_CHECKING:
    import onnx_ir as ir

__all__ = ["attributes_of", "tensor_of"]


def attributes_of(node: ir.Node) -> dict[str, Any]:
    """Return a node's attributes: numbers, strings, lists of them, and torch tensors."""
    return {name: _plain(attribute.value) for name, attribute in node.attributes.items()}


def _plain(value: Any) -> Any:
    if hasattr(value, "numpy") and hasattr(value, "dtype"):
        return tensor_of(value)
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return value.decode() if isinstance(value, bytes) else value


def tensor_of(tensor: ir.TensorProtocol) -> Tensor:
    """Return a copy of an ONNX tensor in the torch type that stands for its element type."""
    kind = torch_dtype(int(tensor.dtype))
    array = np.asarray(tensor.numpy())
    if array.dtype.kind not in "fiub":  # bfloat16 and its kin, which torch cannot take from NumPy
        array = array.astype(np.float32)
    return torch.from_numpy(np.array(array)).to(kind)
