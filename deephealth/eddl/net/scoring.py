"""Losses and metrics of one pass: their sums into the totals, and the gradients that go into the outputs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from deephealth.core.errors import NonFiniteLossError
from deephealth.eddl.errors import EddlError, EddlShapeError
from deephealth.eddl.net.sequence_scores import metric_steps

if TYPE_CHECKING:
    from deephealth.eddl.net.net import Net
    from deephealth.eddl.objective import Loss

__all__ = ["NonFiniteTargetError", "deltas", "fit_targets", "score"]


class NonFiniteTargetError(EddlError, NonFiniteLossError):
    """Targets with NaN or infinity in them: training on them would ruin every weight."""

    def __init__(self, output: str, rows: Sequence[int]) -> None:
        EddlError.__init__(
            self,
            "Net.train_batch",
            f"targets of output {output} hold NaN or infinity in sample(s) {', '.join(map(str, rows))} of the batch",
            allowed="finite numbers",
            hint="leave those samples out, or fill in the missing values; the weights were not changed",
        )


def fit_targets(net: Net, targets: Sequence[torch.Tensor], outs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """Return the targets in the shapes of the outputs, on their device.

    As in the original, a target may have another shape than its output if it has as many elements per sample.

    Raises:
        EddlShapeError: the number of targets, of samples or of elements does not fit.
    """
    if len(targets) != len(outs):
        raise EddlShapeError(
            "Net.train_batch", f"{len(targets)} target tensors were given", allowed=f"{len(outs)}, one per output layer"
        )
    return [_fit(net, index, target, out) for index, (target, out) in enumerate(zip(targets, outs, strict=True))]


def _fit(net: Net, index: int, target: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
    if target.shape != out.shape:
        if target.shape[0] != out.shape[0] or target.numel() != out.numel():
            raise EddlShapeError(
                "Net.train_batch",
                f"the target of output {net.outputs[index].name} has shape {list(target.shape)}",
                allowed=f"{list(out.shape)} (batch first)",
            )
        target = target.reshape(out.shape)
    return target.to(out.device, non_blocking=True)


def score(net: Net, outs: Sequence[torch.Tensor], targets: Sequence[torch.Tensor]) -> None:
    """Add losses and metrics of one pass to the net's totals.

    Args:
        net: the net.
        outs: its outputs, [B, …], or [B, steps, …] for a recurrent net.
        targets: tensors of the same shapes.

    Raises:
        NonFiniteTargetError: a loss is not finite because targets are not (checked where that costs no waiting).
    """
    with torch.no_grad():
        steps = outs[0].shape[1] if net.isrecurrent else 1
        measured = metric_steps(net, steps) if net.strict and net.isrecurrent else steps
        for index, (out, target) in enumerate(zip(outs, targets, strict=True)):
            for step, (t, y) in enumerate(_steps(net, target, out.detach())):
                total = (step * len(outs) + index) // steps if net.strict else index  # strict mixes outputs up
                _score_one(net, index, t, y, total=total, measured=step < measured)
    net.totals.count(outs[0].shape[0], steps=steps)


def _score_one(net: Net, index: int, target: torch.Tensor, out: torch.Tensor, *, total: int, measured: bool) -> None:
    """Add one time step of one output; the original measured only the first step of a net without a decoder."""
    loss = _number(net.losses[index].torch_value(target, out)) if index < len(net.losses) else 0.0
    if isinstance(loss, float) and not math.isfinite(loss):
        _refuse_bad_targets(net, index, target)
    has_metric = measured and index < len(net.metrics)
    metric = _number(net.metrics[index].torch_value(target, out)) if has_metric else 0.0
    net.totals.add(total, loss=loss, metric=metric)


def _number(value: torch.Tensor) -> torch.Tensor | float:
    """A float where that costs no waiting for a device."""
    return value.item() if value.device.type == "cpu" else value


def _refuse_bad_targets(net: Net, index: int, target: torch.Tensor) -> None:
    bad = ~target.flatten(1).isfinite().all(1)
    if bad.any():
        raise NonFiniteTargetError(net.outputs[index].name, bad.nonzero().flatten().tolist()[:10])


def deltas(net: Net, outs: Sequence[torch.Tensor], targets: Sequence[torch.Tensor]) -> list[torch.Tensor | None]:
    """Return the gradients that backward begins with, one per output; ``None`` where there is no loss."""
    with torch.no_grad():
        found: list[torch.Tensor | None] = []
        for index, (out, target) in enumerate(zip(outs, targets, strict=True)):
            loss = net.losses[index] if index < len(net.losses) else None
            found.append(None if loss is None else _delta(net, loss, target, out.detach()))
        return found


def _delta(net: Net, loss: Loss, target: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
    if not net.isrecurrent:
        return loss.torch_delta(target, out)
    return torch.stack([loss.torch_delta(t, y) for t, y in _steps(net, target, out)], dim=1)


def _steps(net: Net, target: torch.Tensor, out: torch.Tensor) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Pairs of target and output per time step; a net without time has one."""
    if not net.isrecurrent:
        return [(target, out)]
    return list(zip(target.unbind(1), out.unbind(1), strict=True))
