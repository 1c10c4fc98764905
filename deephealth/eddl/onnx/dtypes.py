"""Which torch type stands for an ONNX element type: half floats compute in float32, as everything does in EDDL."""

from __future__ import annotations

import torch

from deephealth.eddl.errors import EddlOnnxError

__all__ = ["torch_dtype"]

_TORCH: dict[int, torch.dtype] = {
    1: torch.float32, 2: torch.uint8, 3: torch.int8, 4: torch.int32, 5: torch.int16, 6: torch.int32, 7: torch.int64,
    9: torch.bool, 10: torch.float32, 11: torch.float64, 12: torch.int64, 13: torch.int64, 16: torch.float32,
}  # fmt: skip


def torch_dtype(code: int) -> torch.dtype:
    """Return the torch type for an ONNX element type.

    Args:
        code: as in ``TensorProto.DataType``: 1 float, 7 int64, 9 bool, 10 float16, ...

    Raises:
        EddlOnnxError: a type that nothing here computes with (strings, 4-bit and 8-bit floats, complex numbers).

    Example:
        >>> torch_dtype(1), torch_dtype(10), torch_dtype(7)
        (torch.float32, torch.float32, torch.int64)
    """
    found = _TORCH.get(int(code))
    if found is None:
        raise EddlOnnxError(
            "ONNX::ImportNet",
            f"the element type {int(code)} is not supported",
            allowed="float, float16, bfloat16, double, bool and whole numbers",
        )
    return found
