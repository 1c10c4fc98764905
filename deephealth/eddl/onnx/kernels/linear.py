"""Kernels of linear maps: convolutions, matrix products, Einsum, attention."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from deephealth.eddl.onnx.kernels.padding import auto_pads, pad_sides
from deephealth.eddl.onnx.kernels.registry import kernel

__all__: list[str] = []

_CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
_CONV_TRANSPOSE = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


@kernel("Conv")
def _conv(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    auto_pad: str = "NOTSET",
    dilations: list[int] | None = None,
    group: int = 1,
    kernel_shape: list[int] | None = None,
    pads: list[int] | None = None,
    strides: list[int] | None = None,
) -> Tensor:
    rank = weight.dim() - 2
    steps, rates = strides or [1] * rank, dilations or [1] * rank
    sides = auto_pads(x, list(weight.shape[2:]), steps, rates, pads, auto_pad)
    x, padding = pad_sides(x, sides, 0.0)
    return _CONV[rank](x, weight, bias, steps, padding, rates, group)


@kernel("ConvTranspose")
def _conv_transpose(  # noqa: PLR0913 - ONNX's attributes
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    auto_pad: str = "NOTSET",
    dilations: list[int] | None = None,
    group: int = 1,
    kernel_shape: list[int] | None = None,
    output_padding: list[int] | None = None,
    output_shape: list[int] | None = None,
    pads: list[int] | None = None,
    strides: list[int] | None = None,
) -> Tensor:
    rank = weight.dim() - 2
    steps, rates, extra = strides or [1] * rank, dilations or [1] * rank, output_padding or [0] * rank
    run = _CONV_TRANSPOSE[rank]
    given = pads or [0] * (2 * rank)
    if auto_pad == "NOTSET" and output_shape is None and given[:rank] == given[rank:]:
        return run(x, weight, bias, steps, given[:rank], extra, group, rates)
    wanted = output_shape
    if wanted is None and auto_pad in {"SAME_UPPER", "SAME_LOWER"}:
        wanted = [size * step for size, step in zip(x.shape[2:], steps, strict=True)]
    if wanted is not None:  # what is asked for beyond the full result is bias alone
        rows = zip(wanted, x.shape[2:], weight.shape[2:], steps, rates, strict=True)
        extra = [max(want - ((size - 1) * step + (k - 1) * rate + 1), 0) for want, size, k, step, rate in rows]
    full = run(x, weight, bias, steps, 0, extra, group, rates)
    if wanted is None:
        wanted = [size - given[i] - given[i + rank] for i, size in enumerate(full.shape[2:])]
        return _crop(full, given[:rank], wanted)
    spare = [size - want for size, want in zip(full.shape[2:], wanted, strict=True)]
    before = [s - s // 2 if auto_pad == "SAME_LOWER" else s // 2 for s in spare]
    return _crop(full, before, wanted)


def _crop(x: Tensor, before: list[int], wanted: list[int]) -> Tensor:
    for i, (start, size) in enumerate(zip(before, wanted, strict=True)):
        x = x.narrow(i + 2, start, size)
    return x


@kernel("Gemm")
def _gemm(
    a: Tensor,
    b: Tensor,
    c: Tensor | None = None,
    *,
    alpha: float = 1.0,
    beta: float = 1.0,
    transA: int = 0,
    transB: int = 0,
) -> Tensor:
    product = (a.T if transA else a) @ (b.T if transB else b)
    product = product if alpha == 1.0 else alpha * product
    if c is None:
        return product
    return product + (c if beta == 1.0 else beta * c)


@kernel("MatMul")
def _matmul(a: Tensor, b: Tensor) -> Tensor:
    return torch.matmul(a, b)


@kernel("Einsum")
def _einsum(*inputs: Tensor, equation: str) -> Tensor:
    return torch.einsum(equation, *inputs)


@kernel("Attention")
def _attention(  # noqa: PLR0913 - ONNX's attributes
    q: Tensor,
    k: Tensor,
    v: Tensor,
    mask: Tensor | None = None,
    *,
    is_causal: int = 0,
    kv_num_heads: int = 0,
    q_num_heads: int = 0,
    qk_matmul_output_mode: int = 0,
    scale: float | None = None,
    softcap: float = 0.0,
    softmax_precision: int | None = None,
) -> Tensor:
    """Scaled dot-product attention of opset 23, without the key and value caches."""
    packed = q.dim() == 3
    if packed:
        q, k, v = _heads(q, q_num_heads), _heads(k, kv_num_heads), _heads(v, kv_num_heads)
    shared = q.shape[1] != k.shape[1]
    y = F.scaled_dot_product_attention(q, k, v, mask, is_causal=bool(is_causal), scale=scale, enable_gqa=shared)
    return y.transpose(1, 2).flatten(2) if packed else y


def _heads(x: Tensor, heads: int) -> Tensor:
    return x.reshape(x.shape[0], x.shape[1], heads, -1).transpose(1, 2)
