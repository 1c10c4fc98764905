"""Rows of the losses: Dice plus cross-entropy, forward and backward, on a processor (P12) and an accelerator (G1)."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import torch
from row import Row
from torch.nn import functional

from deephealth.kernels.compilers import using
from deephealth.kernels.dice_ce import dice_ce

__all__ = ["ROWS"]

Answer = tuple[torch.Tensor, torch.Tensor]


def plain(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return the loss as one writes it in torch: the fastest of the forms that were tried, eager and compiled."""
    axes = tuple(range(2, logits.ndim))
    log_p = functional.log_softmax(logits, 1, dtype=torch.float32)
    p = log_p.exp()
    shape = (1, -1, *(1 for _ in axes))
    y = (labels == torch.arange(logits.shape[1], device=logits.device).view(shape)).to(p.dtype)
    both = p.sum(axes) + y.sum(axes)
    dice = 1 - (2 * (p * y).sum(axes) + 1e-5) / (both + 1e-5)
    return dice.mean() - (log_p * y).sum() / labels.numel()


def forward_and_backward(
    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor], logits: torch.Tensor, labels: torch.Tensor
) -> Answer:
    """Return the loss and the gradient of the logits."""
    value = loss(logits, labels)
    (gradient,) = torch.autograd.grad(value, logits)
    return value.detach(), gradient


def on_processor() -> Mapping[str, Callable[[], Any]]:
    from monai.losses import DiceCELoss

    logits, labels = _volume((2, 4, 96, 96, 96))
    monai = DiceCELoss(to_onehot_y=True, softmax=True)
    losses = {"deephealth": dice_ce, "MONAI": monai, "eager": plain, "torch.compile": torch.compile(plain)}
    return {name: functools.partial(forward_and_backward, loss, logits, labels) for name, loss in losses.items()}


def on_accelerator() -> Mapping[str, Callable[[], Any]]:
    logits, labels = _volume((2, 14, 128, 128, 128))
    logits = logits.detach().to("cuda", torch.bfloat16).requires_grad_()
    labels = labels.cuda()

    def ours(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return dice_ce(logits, labels, check=False)  # with the check the program waits for the device

    def by_triton() -> Answer:
        with using("triton"):
            return forward_and_backward(ours, logits, labels)

    peers = {"eager": plain, "torch.compile": torch.compile(plain)}
    return {"deephealth": by_triton} | {
        name: functools.partial(forward_and_backward, loss, logits, labels) for name, loss in peers.items()
    }


def equal(answers: Mapping[str, Answer], *, tolerance: float = 1e-5) -> str:
    """Compare losses, and gradients as a share of the largest entry."""
    value, gradient = answers["deephealth"]
    largest = gradient.float().abs().max()
    worst = 0.0
    for name, (other, slope) in answers.items():
        lost = abs(float(value) - float(other)) / abs(float(other))
        apart = float((gradient.float() - slope.float()).abs().max() / largest)
        worst = max(worst, lost, apart)
        assert max(lost, apart) <= tolerance, f"{name}: loss differs by {lost:.2g}, gradient by {apart:.2g}"
    return f"losses and gradients agree to {worst:.1g}"


def _volume(shape: tuple[int, ...]) -> tuple[torch.Tensor, torch.Tensor]:
    numbers = torch.Generator().manual_seed(0)
    labels = torch.randint(0, shape[1], (shape[0], 1, *shape[2:]), generator=numbers, dtype=torch.uint8)
    return torch.randn(shape, generator=numbers).requires_grad_(), labels


ROWS = [
    Row(
        name="dice-ce",
        title="Dice + cross-entropy, forward and backward, 2×4×96³ float32, uint8 labels",
        peers=on_processor,
        check=equal,
        goals={"MONAI": 2.0, "torch.compile": 0.95},
        memory_goals={"MONAI": 0.5},
        packages=("torch", "monai", "numba"),
        bytes_moved=2 * 96**3 * (3 * 4 * 4 + 2),
    ),
    Row(
        name="dice-ce-gpu",
        title="Dice + cross-entropy, forward and backward, 2×14×128³ bfloat16, uint8 labels",
        peers=on_accelerator,
        check=functools.partial(equal, tolerance=1e-2),  # gradients are bfloat16
        goals={"eager": 5.0, "torch.compile": 1.5},
        packages=("torch", "triton"),
        device="cuda",
        bytes_moved=361_000_000,
    ),
]
