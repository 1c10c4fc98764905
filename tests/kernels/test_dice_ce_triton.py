"""Dice plus cross-entropy by Triton, in its interpreter: equal to the reference for 500 random shapes and strides."""

from __future__ import annotations

import os

os.environ.setdefault("TRITON_INTERPRET", "1")

import numpy as np
import pytest
import torch

from deephealth.core.errors import DataError
from deephealth.kernels.compilers import interpreting, using
from deephealth.kernels.dice_ce import DiceCESettings, dice_ce

pytest.importorskip("triton")
DEVICE = "cpu" if interpreting() else "cuda"
FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
IDS = (torch.uint8, torch.int16, torch.int32, torch.int64)


def strided(tensor: torch.Tensor, kind: int) -> torch.Tensor:
    if kind == 1:  # channels last
        return tensor.movedim(1, -1).contiguous().movedim(-1, 1)
    if kind == 2:  # a crop
        return torch.cat([tensor, tensor], -1)[..., : tensor.shape[-1]]
    if kind == 3:  # every other sample
        return torch.repeat_interleave(tensor, 2, 0)[::2]
    return tensor


def case(seed: int) -> tuple[torch.Tensor, torch.Tensor, DiceCESettings]:
    draw = np.random.default_rng(seed)
    axes = int(draw.integers(1, 4))
    shape = (int(draw.integers(0 if seed % 50 == 0 else 1, 4)), int(draw.integers(1, 7)))
    shape += tuple(int(n) for n in draw.integers(1, 6 if axes > 1 else 200, axes))
    if seed % 25 == 1:
        shape = (*shape[:2], *(1,) * axes)
    activation = "sigmoid" if shape[1] == 1 or draw.random() < 0.4 else "softmax"
    shares = draw.random() < 0.25
    logits = torch.from_numpy(draw.normal(0, 3, shape)).to(FLOATS[seed % 4])
    if shares:
        labels = torch.from_numpy(draw.random(shape)).float()
    else:
        labels = torch.from_numpy(draw.integers(0, max(2, shape[1]), (shape[0], 1, *shape[2:])))
        labels = labels.to(IDS[int(draw.integers(4))])
    settings = DiceCESettings(
        activation=activation,  # type: ignore[arg-type]
        squared=bool(draw.random() < 0.3),
        jaccard=bool(draw.random() < 0.3),
        batch=bool(draw.random() < 0.3),
        label_smoothing=0.1 if activation == "softmax" and draw.random() < 0.3 else 0.0,
        ignore_index=None if shares or draw.random() < 0.6 else int(draw.integers(0, 3)),
    )
    return (
        strided(logits, int(draw.integers(4))).to(DEVICE),
        strided(labels, int(draw.integers(4))).to(DEVICE),
        settings,
    )


def answer(version: str, logits, labels, settings) -> tuple[torch.Tensor, torch.Tensor] | str:
    leaf = logits.detach().requires_grad_()
    with using(version):
        try:
            loss = dice_ce(leaf, labels, settings=settings)
        except DataError as error:
            return str(error)
    return loss.detach(), torch.autograd.grad(loss, leaf)[0]


@pytest.mark.parametrize("block", range(20))
def test_equal_to_the_reference(block):
    for seed in range(25 * block, 25 * block + 25):
        logits, labels, settings = case(seed)
        ours, right = (answer(version, logits, labels, settings) for version in ("triton", "reference"))
        if isinstance(right, str):
            assert ours == right
            continue
        # the interpreter rounds bfloat16 towards zero: one step of that type
        slack = {torch.bfloat16: 2**-7, torch.float16: 2**-10}.get(logits.dtype, 1e-5)
        assert ours[0].item() == pytest.approx(right[0].item(), rel=1e-5, abs=1e-6), seed
        assert ours[1].dtype == logits.dtype
        assert (ours[1] - right[1]).abs().max() <= slack * right[1].abs().max() + 1e-7, seed


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_gradient(activation):
    draw = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 3, 4, generator=draw, dtype=torch.float64).to(DEVICE).requires_grad_()
    labels = torch.randint(0, 3, (2, 4), generator=draw).to(DEVICE)
    settings = DiceCESettings(activation=activation, squared=True, ignore_index=2)
    with using("triton"):
        assert torch.autograd.gradcheck(lambda x: dice_ce(x, labels, settings=settings), logits, fast_mode=True)


def test_strange_ids_are_named():
    with using("triton"), pytest.raises(DataError, match=r"5 \(2 voxels\)"):
        dice_ce(torch.zeros(1, 2, 3, device=DEVICE), torch.tensor([[5, 0, 5]], device=DEVICE))
