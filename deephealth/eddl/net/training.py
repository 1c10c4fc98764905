"""Whole training steps: train_batch, eval_batch, fit, evaluate and predict."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import torch

from deephealth.eddl.errors import EddlError, EddlShapeError
from deephealth.eddl.net.passes import need_built
from deephealth.eddl.net.replicas import train_replicas
from deephealth.eddl.net.report import print_losses
from deephealth.eddl.net.running import arrange, as_torch, keep_outputs
from deephealth.eddl.net.steps import eval_step, run, train_step
from deephealth.eddl.strictness import is_strict
from deephealth.eddl.tensor import Tensor

if TYPE_CHECKING:
    from deephealth.eddl.net.net import Net

__all__ = ["eval_batch", "evaluate", "fit", "next_batch", "predict", "random_indices", "train_batch"]


def random_indices(batch_size: int, num_samples: int) -> list[int]:
    """Return ``batch_size`` indices below ``num_samples``, drawn with replacement (from torch's generator).

    Example:
        >>> indices = random_indices(4, 10)
        >>> len(indices), all(0 <= index < 10 for index in indices)
        (4, True)
    """
    return torch.randint(num_samples, (batch_size,)).tolist()


def next_batch(in_: Sequence[Tensor], out: Sequence[Tensor]) -> None:
    """Fill the Tensors of ``out`` with rows drawn with replacement from those of ``in_``, the same rows for all pairs.

    Example:
        >>> from deephealth.eddl.tensor import Tensor
        >>> data, batch = Tensor.ones([10, 3]), Tensor([4, 3])
        >>> next_batch([data], [batch])
        >>> batch.getdata().sum()
        np.float32(12.0)
    """
    rows = torch.randint(in_[0].torch.shape[0], (out[0].torch.shape[0],))
    for source, target in zip(in_, out, strict=False):
        target.torch.copy_(source.torch.index_select(0, rows).reshape(target.torch.shape))


def train_batch(net: Net, in_: Sequence[Tensor], out: Sequence[Tensor], indices: Sequence[int] | None = None) -> None:
    """Train on one batch: forward, losses, backward, update.

    Args:
        net: a built net.
        in_: one Tensor per input, samples first.
        out: one Tensor of targets per output.
        indices: rows of the Tensors that make the batch; all of them when ``None``.

    Raises:
        EddlError: the net is not built, or there are no rows; EddlShapeError: a Tensor does not fit its layer;
            NonFiniteTargetError: targets with NaN (the weights stay as they were).
    """
    need_built(net, "Net.train_batch")
    net.tr_batches += 1
    xs, ys = _rows(as_torch(in_), indices), _rows(as_torch(out), indices)
    if len(net.snets) > 1:
        train_replicas(net, xs, ys)
    else:
        train_step(net, xs, ys)


def eval_batch(net: Net, in_: Sequence[Tensor], out: Sequence[Tensor], indices: Sequence[int] | None = None) -> None:
    """As :func:`train_batch` in test mode, without changing a weight."""
    eval_step(net, _rows(as_torch(in_), indices), _rows(as_torch(out), indices))


def _rows(tensors: Sequence[torch.Tensor], indices: Sequence[int] | None) -> list[torch.Tensor]:
    if indices is None:
        return list(tensors)
    if len(indices) == 0:
        raise EddlError("Net.train_batch", "the list of indices is empty", allowed="at least one row")
    first, count = int(indices[0]), len(indices)
    _check_rows(tensors, indices)
    if list(indices) == list(range(first, first + count)):
        return [tensor.narrow(0, first, count) for tensor in tensors]
    rows = torch.as_tensor(indices)
    return [tensor.index_select(0, rows) for tensor in tensors]


def _check_rows(tensors: Sequence[torch.Tensor], indices: Sequence[int]) -> None:
    low, high = min(indices), max(indices)
    for tensor in tensors:
        if low < 0 or high >= tensor.shape[0]:
            raise EddlShapeError(
                "Net.train_batch",
                f"indices reach from {low} to {high} in a tensor of shape {list(tensor.shape)}",
                allowed=f"indices from 0 to {tensor.shape[0] - 1}",
            )


# ---------------------------------------------------------------------- coarse


def fit(m: Net, in_: Sequence[Tensor], out: Sequence[Tensor], batch: int, epochs: int) -> None:
    """Train for some epochs, and print the losses as it goes.

    Each epoch sees every sample once in a new order, but for the remainder that does not fill a batch. In strict mode
    batches are drawn with replacement, as the original did. ``torch.manual_seed`` makes the order repeatable.

    Args:
        m: a built net.
        in_: one Tensor per input, samples first.
        out: one Tensor of targets per output.
        batch: samples per batch.
        epochs: how often.

    Raises:
        EddlError: the net is not built; EddlShapeError: tensors do not fit each other or the net, or a batch is larger
            than the data.
    """
    need_built(m, "Net.fit")
    xs, ys = as_torch(in_), as_torch(out)
    samples = _check_data(m, xs, ys, batch, "Net.fit")
    batches = samples // batch
    say = sys.stdout.write
    say(f"{epochs} epochs of {batches} batches of size {batch}\n")
    for epoch in range(epochs):
        say(f"Epoch {epoch + 1}\n")
        m.reset_loss()
        began = time.perf_counter()
        for index, rows in enumerate(_epoch_rows(samples, batch, batches), 1):
            _fit_step(m, [x.index_select(0, rows) for x in xs], [y.index_select(0, rows) for y in ys])
            print_losses(m, index, batches)
            say(f"{(time.perf_counter() - began) / index:1.4f} secs/batch\r")
            sys.stdout.flush()
        say(f"\n{time.perf_counter() - began:1.4f} secs/epoch\n")
    sys.stdout.flush()


def _fit_step(net: Net, xs: list[torch.Tensor], ys: list[torch.Tensor]) -> None:
    train_batch(net, [Tensor.from_torch(x) for x in xs], [Tensor.from_torch(y) for y in ys])


def _epoch_rows(samples: int, batch: int, batches: int) -> Iterator[torch.Tensor]:
    if is_strict():
        yield from torch.randint(samples, (batches, batch))
        return
    order = torch.randperm(samples)
    yield from order[: batches * batch].view(batches, batch)


def _check_data(net: Net, xs: Sequence[torch.Tensor], ys: Sequence[torch.Tensor], batch: int, where: str) -> int:
    for given, layers, what in ((xs, net.lin, "input"), (ys, net.lout, "output")):
        if len(given) != len(layers):
            raise EddlShapeError(
                where, f"{len(given)} {what} tensors were given", allowed=f"{len(layers)}, one per {what} layer"
            )
    samples = xs[0].shape[0]
    for tensor in (*xs, *ys):
        if tensor.shape[0] != samples:
            raise EddlShapeError(
                where, f"tensors hold {samples} and {tensor.shape[0]} samples", allowed="the same number in all of them"
            )
    if not 0 < batch <= samples:
        raise EddlShapeError(where, f"the batch size is {batch}", allowed=f"1 to {samples}, the number of samples")
    return samples


def evaluate(m: Net, in_: Sequence[Tensor], out: Sequence[Tensor], bs: int = -1) -> None:
    """Run over the data in order in test mode, and print the mean losses and metrics (``get_losses``, ``get_metrics``).

    Args:
        m: a built net.
        in_: one Tensor per input, samples first.
        out: one Tensor of targets per output.
        bs: batch size; -1 takes the last one, or 10 before any. The remainder that does not fill a batch is left out.

    Raises:
        EddlError: the net is not built; EddlShapeError: tensors do not fit, or the batch is larger than the data.
    """
    need_built(m, "Net.evaluate")
    xs, ys = as_torch(in_), as_torch(out)
    batch = bs if bs != -1 else (m.batch_size if m.isresized else min(10, xs[0].shape[0]))
    samples = _check_data(m, xs, ys, batch, "Net.evaluate")
    batches = samples // batch
    sys.stdout.write(f"Evaluate with batch size {batch}\n")
    m.reset_loss()
    for index in range(batches):
        start = index * batch
        eval_step(m, [x.narrow(0, start, batch) for x in xs], [y.narrow(0, start, batch) for y in ys])
        print_losses(m, index + 1, batches)
        sys.stdout.write("\r")
        sys.stdout.flush()
    sys.stdout.write("\n")
    sys.stdout.flush()


def predict(m: Net, in_: Sequence[Tensor]) -> list[Tensor]:
    """Return copies of the outputs for ``in_``, in test mode (the net stays in it).

    Args:
        m: the net; it need not be built.
        in_: one Tensor per input, samples first.

    Returns:
        One Tensor per output, [B, …], on the CPU.

    Example:
        >>> from deephealth import eddl
        >>> x = eddl.Input([2])
        >>> net = eddl.Model([x], [eddl.Mult(x, 3.0)])
        >>> eddl.predict(net, [eddl.Tensor.fromarray([[1, 2]])])[0].getdata().tolist()
        [[3.0, 6.0]]
    """
    m.set_training(False)
    arranged = arrange(m, as_torch(in_))
    with torch.no_grad():
        outs = run(m, arranged, tape=False)
    if not m.captured:
        keep_outputs(m, outs)
    return [Tensor.from_torch(_result(m, out)) for out in outs]


def _result(net: Net, out: torch.Tensor) -> torch.Tensor:
    """A copy on the CPU; a single time step without its axis, as the original returns it."""
    if net.isrecurrent and out.shape[1] == 1:
        out = out[:, 0]
    return out.detach().to("cpu", copy=True).contiguous()
