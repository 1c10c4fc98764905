"""The modules can be compiled and exported by torch."""

from __future__ import annotations

import pytest
import torch

from deephealth import eddl
from deephealth.eddl.net.sequence import sequence_module
from tests.eddl.recurrent.nets import encoder, random, translator

CLOSE = {"rtol": 1e-4, "atol": 1e-5}


def masked_gru():
    x = eddl.Input([3])
    return random(eddl.Model([x], [eddl.Dense(eddl.GRU(x, 4, True), 2)]))


def two_way():
    x = eddl.Input([3])
    return random(eddl.Model([x], [eddl.Dense(eddl.LSTM(eddl.LSTM(x, 4, False, True), 3, True), 2)]))


CASES = {
    "lstm": (encoder, "last", [(2, 5, 3)]),
    "masked": (masked_gru, "sync", [(2, 5, 3)]),
    "bidirectional and masked": (two_way, "last", [(2, 5, 3)]),
    "decoder": (translator, "seq2seq", [(2, 5, 3), (2, 6, 4)]),
    "free decoder": (translator, "free:2", [(2, 5, 3)]),
}


@pytest.mark.parametrize("name", CASES)
def test_export_keeps_the_results_for_other_batch_sizes(name: str) -> None:
    if "decoder" in name and tuple(map(int, torch.__version__.split(".")[:2])) < (2, 12):
        pytest.skip("torch 2.11 exports an LSTM that begins from another's states with a fixed batch size")
    make, kind, shapes = CASES[name]
    module, xs = sequence_module(make(), kind), [torch.randn(shape) for shape in shapes]
    batch = torch.export.Dim("batch")
    exported = torch.export.export(module, tuple(xs), dynamic_shapes=tuple({0: batch} for _ in xs)).module()
    more = [torch.randn(3, *shape[1:]) for shape in shapes]
    torch.testing.assert_close(exported(*more), module(*more), **CLOSE)


@pytest.mark.parametrize("name", ["lstm", "masked"])
def test_compiling_keeps_results_and_gradients(name: str) -> None:
    make, kind, shapes = CASES[name]
    module, xs = sequence_module(make(), kind), [torch.randn(shape) for shape in shapes]
    wanted = torch.autograd.grad(module(*xs).square().sum(), list(module.parameters()))
    compiled = torch.compile(module, backend="aot_eager")
    got = torch.autograd.grad(compiled(*xs).square().sum(), list(module.parameters()))
    for a, b in zip(got, wanted, strict=True):
        torch.testing.assert_close(a, b, **CLOSE)
