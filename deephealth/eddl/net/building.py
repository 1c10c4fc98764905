"""Building: the optimizer, losses and metrics by name, the computing service, and the first weights."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from deephealth.eddl.errors import EddlError, EddlValueError
from deephealth.eddl.net.services import CS_CPU, CompServ, place
from deephealth.eddl.objective import Loss, Metric, getLoss, getMetric
from deephealth.eddl.optim import Optimizer, as_optimizer

if TYPE_CHECKING:
    from collections.abc import Callable

    from deephealth.eddl.net.net import Net

__all__ = ["EddlBuildWarning", "build", "build_with", "initialize"]


class EddlBuildWarning(UserWarning):
    """A build that did nothing, or that threw weights away."""


def build(
    net: Net,
    o: Optimizer | torch.optim.Optimizer | Callable[[Any], torch.optim.Optimizer] | None = None,
    lo: Sequence[str | Loss] | None = None,
    me: Sequence[str | Metric] | None = None,
    cs: CompServ | None = None,
    init_weights: bool = True,
) -> None:
    """Make a net ready to train.

    Args:
        net: the net. Building it a second time does nothing but warn.
        o: the optimizer; SGD(0.001, momentum 0.9) when ``None``. A ``torch.optim`` optimizer, or a function that makes
            one from the parameters, works too.
        lo: one loss per output, by name or as an object.
        me: one metric per output, by name or as an object.
        cs: the computing service; all CPU threads when ``None``.
        init_weights: draw the weights; ``False`` keeps those of an imported net.

    Raises:
        ValueError: only one of ``lo`` and ``me`` is given, or no optimizer with them, or a name is unknown.
        EddlError: their number is not that of the outputs.

    Example:
        >>> from deephealth import eddl
        >>> x = eddl.Input([4])
        >>> net = eddl.Model([x], [eddl.Softmax(eddl.Dense(x, 3))])
        >>> eddl.build(net, eddl.sgd(0.1), ["softmax_cross_entropy"], ["accuracy"], eddl.CS_CPU(1))
        >>> net.isbuild
        True
    """
    if (lo is None) != (me is None):
        raise EddlValueError(
            "lo and me must be both None or both not None", hint="give one loss and one metric per output"
        )
    if lo is not None and o is None:
        raise EddlValueError(
            "if lo and me are provided, o cannot be None", hint="pass an optimizer, such as eddl.adam(0.001)"
        )
    losses = [getLoss(each) if isinstance(each, str) else each for each in lo or []]
    metrics = [getMetric(each) if isinstance(each, str) else each for each in me or []]
    if lo is not None:
        _check_count(net, losses, metrics)
    build_with(net, as_optimizer(o), losses, metrics, cs or CS_CPU(), init_weights)


def _check_count(net: Net, losses: Sequence[Loss], metrics: Sequence[Metric]) -> None:
    for given, what in ((losses, "losses"), (metrics, "metrics")):
        if len(given) != len(net.lout):
            raise EddlError(
                "build",
                f"{len(given)} {what} for {len(net.lout)} outputs",
                allowed="one per output",
                hint='put "none" where an output has none',
            )


def build_with(
    net: Net,
    opt: Optimizer,
    losses: Sequence[Loss],
    metrics: Sequence[Metric],
    cs: CompServ,
    initialize_weights: bool = True,
) -> None:
    """As :func:`build`, with loss and metric objects."""
    if net.isbuild:
        warnings.warn(
            f"net {net.name} is built already: this build is ignored, the first one's optimizer and losses stay; "
            "make a new Model to build again, or eddl.setlr to change the learning rate",
            EddlBuildWarning,
            stacklevel=3,
        )
        return
    if initialize_weights and net.onnx_pretrained:
        warnings.warn(
            f"net {net.name} was imported with weights, and init_weights=True draws them again; "
            "pass init_weights=False to keep them",
            EddlBuildWarning,
            stacklevel=3,
        )
    net.losses, net.metrics = list(losses), list(metrics)
    _mark_bypassed(net)
    if initialize_weights:
        initialize(net)
    net.onnx_pretrained = not initialize_weights
    net.optimizer, net.cs = opt, cs
    place(net, cs)
    opt.setlayers(net.layers)
    net.isbuild = True


def _mark_bypassed(net: Net) -> None:
    for layer, loss in zip(net.lout, net.losses, strict=False):
        if loss.bypass:
            layer.delta_bp = 1
            if hasattr(layer.op, "bypass"):
                net.bypassed.append(layer.op)


def initialize(net: Net) -> None:
    """Draw all parameters with their layers' initializers; the draws depend on seeds and on the layers' places."""
    with torch.no_grad():
        for index, layer in enumerate(net.layers):
            layer.initialize((index,))
