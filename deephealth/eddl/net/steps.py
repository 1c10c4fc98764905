"""One batch through the net: for training, and for testing."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING

import torch

from deephealth.eddl.graph.checkpointing import statistics_once
from deephealth.eddl.net.passes import apply_regularizers, need_built, zeroGrads
from deephealth.eddl.net.running import Arranged, arrange, keep_outputs, own_steps, run_capturing, run_lean
from deephealth.eddl.net.scoring import deltas, fit_targets, score
from deephealth.eddl.tensor import Tensor

if TYPE_CHECKING:
    from deephealth.eddl.net.net import Net

__all__ = ["eval_step", "run", "train_step"]


def train_step(net: Net, xs: Sequence[torch.Tensor], ys: Sequence[torch.Tensor], *, update: bool = True) -> None:
    """One step on torch tensors; ``update=False`` leaves the gradients for somebody else to apply."""
    net.set_training(True)
    arranged = arrange(net, xs, ys)
    with own_steps(net):
        outs = run(net, arranged, tape=True)
        targets = fit_targets(net, arranged.targets or [], outs)
        score(net, outs, targets)
        starts = deltas(net, outs, targets)
        zeroGrads(net)
        _go_back(net, outs, starts)
    _keep(net, outs, targets)
    apply_regularizers(net)
    if update:
        need_built(net, "Net.train_batch").applygrads(net.batch_size)


def _go_back(net: Net, outs: Sequence[torch.Tensor], starts: Sequence[torch.Tensor | None]) -> None:
    pairs = [(out, start) for out, start in zip(outs, starts, strict=True) if start is not None and out.requires_grad]
    if not pairs:
        return
    with statistics_once(net.module) if net.checkpoints else nullcontext():
        torch.autograd.backward([out for out, _ in pairs], [start for _, start in pairs])


def run(net: Net, arranged: Arranged, *, tape: bool) -> list[torch.Tensor]:
    """Run the net; keep what inner layers compute only if somebody has asked for one before."""
    if net.watched:
        return run_capturing(net, arranged, tape=tape)
    return run_lean(net, arranged)


def _keep(net: Net, outs: Sequence[torch.Tensor], targets: Sequence[torch.Tensor]) -> None:
    if not net.captured:
        keep_outputs(net, outs)
    for layer, target in zip(net.outputs, targets, strict=True):
        layer.target = Tensor.from_torch(target)


def eval_step(net: Net, xs: Sequence[torch.Tensor], ys: Sequence[torch.Tensor]) -> None:
    """Run one batch in test mode and add its losses and metrics to the totals."""
    need_built(net, "Net.eval_batch")
    net.set_training(False)
    arranged = arrange(net, xs, ys)
    with torch.no_grad():
        outs = run(net, arranged, tape=False)
        targets = fit_targets(net, arranged.targets or [], outs)
        score(net, outs, targets)
    _keep(net, outs, targets)
