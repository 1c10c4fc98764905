"""Layers with parameters and made-up gradients, for the tests of optimizers."""

from __future__ import annotations

import torch
from torch import nn

from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.graph.op import Op


class Affine(Op):
    """A matrix and a bias."""

    def __init__(self, into: int, out: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(into, out) / 3)
        self.bias = nn.Parameter(torch.randn(out) / 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x @ self.weight + self.bias


def layers(seed: int = 0) -> list[Layer]:
    torch.manual_seed(seed)
    first = Layer([], None, [5])
    second = Layer([first], Affine(5, 7), [7])
    return [first, second, Layer([second], Affine(7, 3), [3])]


def parameters(net: list[Layer]) -> list[nn.Parameter]:
    return [p for layer in net if layer.op is not None for p in layer.op.parameters()]


def give_gradients(params, step: int, scale: float = 1.0) -> None:
    generator = torch.Generator().manual_seed(step)
    for param in params:
        grad = torch.randn(param.shape, generator=generator) * scale * (1 + step % 3)
        param.grad = grad.to(param.device)


def train(net, optimizer, steps: int = 6) -> list[torch.Tensor]:
    """Make some steps; return the parameters after each."""
    history = []
    for step in range(steps):
        give_gradients(parameters(net), step)
        optimizer.applygrads(4)
        history.append(torch.cat([p.detach().flatten() for p in parameters(net)]))
    return history
