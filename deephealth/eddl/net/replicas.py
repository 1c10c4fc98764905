"""One net on several devices: each takes a part of the batch; gradients or weights are averaged."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from deephealth.eddl.errors import EddlShapeError
from deephealth.eddl.net.devices import move
from deephealth.eddl.net.passes import need_built
from deephealth.eddl.net.steps import train_step

if TYPE_CHECKING:
    from deephealth.eddl.net.net import Net

__all__ = ["average_weights", "make_replicas", "spread_weights", "train_replicas"]


def make_replicas(net: Net, devices: Sequence[torch.device]) -> list[Net]:
    """Return the net, and one copy of it for every further device, with an optimizer of its own."""
    return [net, *(_replica(net, device) for device in devices[1:])]


def _replica(net: Net, device: torch.device) -> Net:
    optimizer, snets, files = net.optimizer, net.snets, (net.flog_tr, net.flog_ts)
    net.optimizer, net.snets, net.flog_tr, net.flog_ts = None, [], None, None
    try:
        for layer in net.layers:
            layer.value = None  # a tape cannot be copied
        made = copy.deepcopy(net)
    finally:
        net.optimizer, net.snets, (net.flog_tr, net.flog_ts) = optimizer, snets, files
    made.forget_modules()
    move(made, device)
    made.snets = [made]
    if optimizer is not None:
        made.optimizer = optimizer.clone()
        made.optimizer.setlayers(made.layers)
    return made


def train_replicas(net: Net, xs: Sequence[torch.Tensor], ys: Sequence[torch.Tensor]) -> None:
    """Train one batch over all replicas.

    With ``lsb`` 1 the gradients are averaged, so that all replicas stay one net; with more, every replica trains by
    itself and the weights are averaged every ``lsb`` batches (local SGD), as in the original.

    Raises:
        EddlShapeError: the batch has fewer samples than there are replicas.
    """
    count, batch = len(net.snets), xs[0].shape[0]
    if batch < count:
        raise EddlShapeError(
            "Net.train_batch", f"{batch} samples in the batch", allowed=f"at least {count}, one per device"
        )
    lsb = net.cs.lsb if net.cs is not None else 1
    together = lsb <= 1
    for replica, part in zip(net.snets, _parts(batch, count), strict=True):
        train_step(replica, [x[part] for x in xs], [y[part] for y in ys], update=not together)
        if replica is not net:
            _take_totals(net, replica)
    if together:
        _average_gradients(net, [part.stop - part.start for part in _parts(batch, count)])
        need_built(net, "Net.train_batch").applygrads(batch)
        spread_weights(net)
    elif net.tr_batches % lsb == 0:
        average_weights(net)


def _parts(batch: int, count: int) -> list[slice]:
    size = batch // count
    return [slice(index * size, batch if index == count - 1 else (index + 1) * size) for index in range(count)]


def _take_totals(net: Net, replica: Net) -> None:
    for index, (loss, metric) in enumerate(zip(replica.totals.losses, replica.totals.metrics, strict=True)):
        net.totals.add(index, loss=loss, metric=metric)
    net.totals.count(replica.totals.samples, steps=replica.totals.steps)
    replica.reset_loss()


def _average_gradients(net: Net, sizes: Sequence[int]) -> None:
    """Weighted by samples, so that the result is the gradient of the whole batch."""
    total = sum(sizes)
    for parameters in zip(*(replica.parameters() for replica in net.snets), strict=True):
        main = parameters[0]
        grads = [(p.grad, size) for p, size in zip(parameters, sizes, strict=True) if p.grad is not None]
        if grads:
            main.grad = torch.stack([grad.to(main.device) * (size / total) for grad, size in grads]).sum(0)


@torch.no_grad()
def average_weights(net: Net) -> None:
    """Set the parameters of all replicas to their mean."""
    for parameters in zip(*(replica.parameters() for replica in net.snets), strict=True):
        mean = torch.stack([parameter.detach().to(net.device) for parameter in parameters]).mean(0)
        for parameter in parameters:
            parameter.copy_(mean)
    _spread_buffers(net)


@torch.no_grad()
def spread_weights(net: Net) -> None:
    """Copy the net's parameters and statistics to all its replicas."""
    for replica in net.snets:
        for own, main in zip(replica.parameters(), net.parameters(), strict=True):
            if own is not main:
                own.copy_(main)
    _spread_buffers(net)


def _spread_buffers(net: Net) -> None:
    for replica in net.snets[1:]:
        for own, main in zip(replica.module.buffers(), net.module.buffers(), strict=True):
            own.copy_(main)
