"""What people read: summary, plot, the lines of losses, log files and profiles."""

from __future__ import annotations

import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from deephealth.core.files import atomic_write
from deephealth.eddl.errors import EddlError

if TYPE_CHECKING:
    from deephealth.eddl.graph.layer import Layer
    from deephealth.eddl.net.net import Net

__all__ = ["EddlPlotWarning", "describe", "dot_source", "plot", "print_loss", "print_losses", "setlogfile", "summary"]

RULE = "-" * 79
BAR = 50
GREEN, RED, PLAIN = "\x1b[32m", "\x1b[31m", "\x1b[0m"


class EddlPlotWarning(UserWarning):
    """A plot that could not be drawn; the graph's source was written instead."""


# ---------------------------------------------------------------------- summary


def summary(m: Net) -> None:
    """Print a table of the layers: name, shapes without the batch, parameters.

    Example:
        >>> from deephealth import eddl
        >>> x = eddl.Input([4], name="x")
        >>> eddl.summary(eddl.Model([x], [eddl.Dense(x, 2, name="d")]))  # doctest: +ELLIPSIS
        ---...
        d|  (4)                 =>   (2)                 10...
    """
    sys.stdout.write(describe(m) + "\n")


def describe(net: Net) -> str:
    """Return what :func:`summary` prints."""
    width = max((len(layer.name) for layer in net.layers), default=0)
    lines = [RULE, net.name, RULE]
    trainable = frozen = 0
    for layer in net.layers:
        changed, kept = _counts(layer)
        trainable, frozen = trainable + changed, frozen + kept
        before = layer.parent[0].shape if layer.parent else layer.shape
        lines.append(
            f"{layer.name:<{width}}|  {_shape(before):<20}{'=>':<5}{_shape(layer.shape):<20}{changed + kept:<10}"
        )
    lines += [RULE, f"Total params: {trainable + frozen}", f"Trainable params: {trainable}"]
    return "\n".join([*lines, f"Non-trainable params: {frozen}", ""])


def _shape(sizes: list[int]) -> str:
    return f"({', '.join(map(str, sizes))})"


def _counts(layer: Layer) -> tuple[int, int]:
    """Trainable and other numbers; as in the original, only batch normalisation's statistics count as not trainable."""
    trainable = frozen = 0
    for slot, param in zip(layer.slots(), layer.params, strict=True):
        if layer.trainable and (slot.trainable or not layer.isnorm or type(layer).__name__ != "LBatchNorm"):
            trainable += param.torch.numel()
        else:
            frozen += param.torch.numel()
    return trainable, frozen


# ---------------------------------------------------------------------- plot


def plot(m: Net, fname: str, string: str = "LR") -> None:
    """Draw the graph with Graphviz.

    Args:
        m: the net.
        fname: the picture: ``.pdf``, ``.png``, ``.svg``, or what else ``dot`` writes.
        string: direction: ``LR`` or ``TB``.

    Raises:
        EddlError: the direction is unknown, or ``dot`` could not write such a file.

    Warns:
        EddlPlotWarning: Graphviz is not installed; the source is written as ``<fname>.dot``.
    """
    if string not in {"LR", "TB", "RL", "BT"}:
        raise EddlError("plot", f"unknown direction '{string}'", allowed="LR, TB, RL or BT")
    target, source = Path(fname), dot_source(m, string)
    program = shutil.which("dot")
    if program is None:
        atomic_write(target.with_name(target.name + ".dot"), source)
        warnings.warn(
            f"Graphviz is not installed, so {fname}.dot was written; install graphviz and run "
            f"'dot -T{target.suffix[1:] or 'pdf'} {fname}.dot -o {fname}'",
            EddlPlotWarning,
            stacklevel=2,
        )
        return
    drawn = subprocess.run(  # noqa: S603 - the program found on the path, with fixed arguments
        [program, f"-T{target.suffix[1:] or 'pdf'}"], input=source.encode(), capture_output=True, check=False
    )
    if drawn.returncode:
        raise EddlError("plot", drawn.stderr.decode(errors="replace").strip(), hint="use .pdf, .png or .svg")
    atomic_write(target, drawn.stdout)


def dot_source(net: Net, direction: str) -> str:
    """Return the graph in Graphviz's language."""
    ends = {id(layer) for layer in [*net.lin, *net.lout]}
    number = {id(layer): index for index, layer in enumerate(net.layers)}
    lines = ["digraph Model {", f"rankdir={direction};", 'node [shape=box, fontname="Helvetica"];']
    for index, layer in enumerate(net.layers):
        fill = "LightBlue" if id(layer) in ends else "gray95"
        kind = type(layer).__name__.removeprefix("L")
        label = f"{layer.name}\\n{kind} {_shape(layer.shape)}".replace('"', "'")
        lines.append(f'n{index} [label="{label}", style=filled, fillcolor={fill}];')
    for index, layer in enumerate(net.layers):
        if layer.isrecurrent:
            lines.append(f"n{index} -> n{index};")
        lines += [f"n{number[id(parent)]} -> n{index};" for parent in layer.parent if id(parent) in number]
    return "\n".join([*lines, "}", ""])


# ---------------------------------------------------------------------- losses


def print_loss(m: Net, batch: int) -> None:
    """Print the mean losses and metrics since the last reset, after the number of the batch."""
    print_losses(m, batch)


def print_losses(net: Net, batch: int, batches: int = -1) -> None:
    """As :func:`print_loss`, with a bar when the number of batches is known; also into the log files."""
    parts = [_bar(batch, batches) if batches != -1 else "", f"{batch} "]
    losses, metrics = net.totals.mean_losses(len(net.losses)), net.totals.mean_metrics(len(net.metrics))
    for index, layer in enumerate(net.lout):
        loss = f"loss={losses[index]:1.3f} " if index < len(losses) else ""
        metric = f"metric={metrics[index]:1.3f}" if index < len(metrics) else ""
        parts.append(f"{layer.name}[{loss}{metric}] ")
    sys.stdout.write("".join(parts))
    sys.stdout.flush()
    _log(net, losses, metrics)


def _bar(batch: int, batches: int) -> str:
    done = BAR if batch >= batches else (batch + 1) * BAR // batches
    return f"[{GREEN}{'█' * done}{RED}{'-' * (BAR - done - 1)}{PLAIN}] "


def _log(net: Net, losses: list[float], metrics: list[float]) -> None:
    file = net.flog_tr if net.trmode else net.flog_ts
    if file is None:
        return
    steps = net.totals.steps  # the original's logs leave the mean over time steps out
    for index, layer in enumerate(net.lout):
        file.write(f"{layer.name} ")
        if index < len(losses):
            file.write(f"loss[{net.losses[index].name}]={losses[index] * steps:1.4f} ")
        if index < len(metrics) and net.metrics[index].name != "none":
            file.write(f"metric[{net.metrics[index].name}]={metrics[index] * steps:1.4f} ")
        file.write(" -- ")
    file.write("\n")
    file.flush()


def setlogfile(net: Net, fname: str) -> None:
    """Also write the losses to ``<fname>_tr.log`` while training and ``<fname>_ts.log`` while testing.

    Raises:
        EddlError: a file cannot be made.
    """
    for old in (net.flog_tr, net.flog_ts):
        if old is not None:
            old.close()
    try:
        net.flog_tr = Path(f"{fname}_tr.log").open("w")  # noqa: SIM115 - open as long as the net trains
        net.flog_ts = Path(f"{fname}_ts.log").open("w")  # noqa: SIM115
    except OSError as error:
        raise EddlError("Net.setlogfile", f"{fname}_tr.log cannot be written: {error.strerror}") from error
