"""Whether two nets compute the same."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from deephealth.eddl.net.net import Net

__all__ = ["compare_outputs", "compare_params"]


def compare_outputs(net1: Net, net2: Net, verbose: bool, atol: float, rtol: float, equal_nan: bool) -> bool:
    """Return whether every layer of two nets put out the same in their last passes."""
    return _compare(
        net1,
        net2,
        [[layer.output.torch] for layer in net1.layers],
        [[layer.output.torch] for layer in net2.layers],
        verbose,
        (atol, rtol, equal_nan),
    )


def compare_params(net1: Net, net2: Net, verbose: bool, atol: float, rtol: float, equal_nan: bool) -> bool:
    """Return whether two nets have the same parameters."""
    first = [[param.torch for param in layer.params] for layer in net1.layers]
    second = [[param.torch for param in layer.params] for layer in net2.layers]
    return _compare(net1, net2, first, second, verbose, (atol, rtol, equal_nan))


def _compare(
    net1: Net,
    net2: Net,
    first: list[list[torch.Tensor]],
    second: list[list[torch.Tensor]],
    verbose: bool,
    tolerance: tuple[float, float, bool],
) -> bool:
    if len(first) != len(second):
        _say(verbose, f"{net1.name} has {len(first)} layers, {net2.name} has {len(second)}")
        return False
    equal = True
    for layer, mine, theirs in zip(net1.layers, first, second, strict=True):
        if not _same(mine, theirs, tolerance):
            _say(verbose, f"layer {layer.name} differs")
            equal = False
    return equal


def _same(mine: list[torch.Tensor], theirs: list[torch.Tensor], tolerance: tuple[float, float, bool]) -> bool:
    atol, rtol, equal_nan = tolerance
    return len(mine) == len(theirs) and all(
        a.shape == b.shape and torch.allclose(a.cpu(), b.cpu(), rtol=rtol, atol=atol, equal_nan=equal_nan)
        for a, b in zip(mine, theirs, strict=True)
    )


def _say(verbose: bool, text: str) -> None:
    if verbose:
        sys.stdout.write(text + "\n")
