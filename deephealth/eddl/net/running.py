"""Running the net: inputs, the lean pass of whole training steps, the capturing pass of hand-written loops."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from deephealth.eddl.errors import EddlError, EddlShapeError
from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.tensor import Tensor

if TYPE_CHECKING:
    from deephealth.eddl.net.net import Net

__all__ = ["Arranged", "arrange", "as_torch", "keep_outputs", "own_steps", "recompute", "run_capturing", "run_lean"]


class Arranged:
    """What one pass is run on.

    Args:
        inputs: one tensor per argument of the module.
        targets: one per output; ``None`` without targets.
        kind: how a recurrent net is run; empty for a net without time.
    """

    __slots__ = ("inputs", "kind", "targets")

    def __init__(self, inputs: list[torch.Tensor], targets: list[torch.Tensor] | None, kind: str = "") -> None:
        self.inputs, self.targets, self.kind = inputs, targets, kind


def as_torch(values: Sequence[Any]) -> list[torch.Tensor]:
    """Return Tensors, torch tensors or arrays as float32 torch tensors, without a copy where that is possible."""
    return [value.torch if isinstance(value, Tensor) else Tensor.fromarray(value).torch for value in values]


def arrange(net: Net, xs: Sequence[torch.Tensor], ys: Sequence[torch.Tensor] | None = None) -> Arranged:
    """Return inputs and targets as the net's module takes them.

    Args:
        net: the net.
        xs: one tensor per input layer, [B, …].
        ys: one tensor per output layer; ``None`` for a prediction.

    Raises:
        EddlShapeError: a number of tensors, samples or elements does not fit; the message names the layer.
    """
    if net.isrecurrent:
        from deephealth.eddl.net import sequence

        arranged = sequence.arrange(net, list(xs), None if ys is None else list(ys))
        return Arranged(_to(net, arranged.inputs), arranged.targets, arranged.kind)
    if len(xs) != len(net.lin):
        raise EddlShapeError(
            "Net.forward", f"{len(xs)} input tensors were given", allowed=f"{len(net.lin)}, one per input layer"
        )
    inputs = [_fit_input(layer, x) for layer, x in zip(net.lin, xs, strict=True)]
    return Arranged(_to(net, inputs), None if ys is None else list(ys))


def _to(net: Net, tensors: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    return [tensor.to(net.device, non_blocking=True) for tensor in tensors]


def _fit_input(layer: Layer, x: torch.Tensor) -> torch.Tensor:
    wanted = layer.shape
    if list(x.shape[1:]) == wanted:
        return x
    count = 1
    for size in wanted:
        count *= size
    if x.dim() and x.shape[0] and x.numel() == count * x.shape[0]:
        return x.reshape([x.shape[0], *wanted])
    raise EddlShapeError(
        "Net.forward",
        f"the tensor for input layer {layer.name} has shape {list(x.shape)}",
        allowed=f"[batch, {', '.join(map(str, wanted))}]",
    )


# ---------------------------------------------------------------------- the lean pass


def run_lean(net: Net, arranged: Arranged) -> list[torch.Tensor]:
    """Run the net's module and return one tensor per output; what inner layers computed is let go."""
    _set_batch(net, arranged.inputs)
    module = _module_for(net, arranged.kind)
    outs = _on_layers(net, module, arranged.inputs)
    net.kept_inputs, net.captured, net.last_kind = arranged.inputs, False, arranged.kind
    return list(outs) if isinstance(outs, tuple | list) else [outs]


def _module_for(net: Net, kind: str) -> nn.Module:
    wrapped = not isinstance(net.module, torch.fx.GraphModule)
    if wrapped:
        return net.module  # torch.compile, DDP, …: used as it is
    if kind:
        return net.recurrent_module(kind)
    if net.checkpoints and net.trmode and torch.is_grad_enabled():
        return net.checkpointed
    return net.module


def _on_layers(net: Net, module: nn.Module, inputs: Sequence[torch.Tensor]) -> Any:
    """Run ``module``; a wrong shape inside is said with the layer it happened in."""
    try:
        return module(*inputs)
    except EddlError:
        raise
    except (RuntimeError, IndexError, ValueError) as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise
        raise _named(net, inputs, error) from error


def _named(net: Net, inputs: Sequence[torch.Tensor], error: Exception) -> EddlError:
    from deephealth.eddl.net.diagnosis import blame

    return blame(net, inputs, error)


def _set_batch(net: Net, inputs: Sequence[torch.Tensor]) -> None:
    if inputs:
        net.batch_size, net.isresized = inputs[0].shape[0], True
    for layer in net.generators:
        layer.module.batch_size = net.batch_size  # type: ignore[assignment]


def keep_outputs(net: Net, outs: Sequence[torch.Tensor]) -> None:
    """Leave the outputs at the output layers, off the tape, for ``getOutput``."""
    for layer, out in zip(net.outputs, outs, strict=True):
        layer.value = out.detach()


# ---------------------------------------------------------------------- the capturing pass


def run_capturing(net: Net, arranged: Arranged, *, tape: bool = True) -> list[torch.Tensor]:
    """Run the net, leave at every layer what it computed, and return the outputs.

    Args:
        net: the net.
        arranged: inputs.
        tape: keep the autograd tape and the gradients (deltas) of every layer for a backward pass.
    """
    _set_batch(net, arranged.inputs)
    inputs = [_leaf(x, kept=not net.mem_level) if tape else x.detach() for x in arranged.inputs]
    with torch.set_grad_enabled(tape):
        if arranged.kind:
            outs = _capture_sequence(net, arranged.kind, inputs)
        else:
            values = _on_layers(net, net.capture, inputs)
            for layer, value in zip(net.layers, values, strict=True):
                layer.value = value
            outs = [layer.value for layer in net.outputs if layer.value is not None]
    if not net.mem_level:  # mid_mem and low_mem let deltas go, as in the original
        for layer in net.layers:
            if layer.value is not None and layer.value.requires_grad:
                layer.value.retain_grad()
    net.kept_inputs, net.captured, net.last_kind = [x.detach() for x in inputs], True, arranged.kind
    return outs


def _leaf(x: torch.Tensor, *, kept: bool) -> torch.Tensor:
    """An input that other nets computed stays on their tape; any other becomes a leaf whose gradient is kept."""
    return x if x.grad_fn is not None else x.detach().requires_grad_(kept)


def _capture_sequence(net: Net, kind: str, inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    outs, values = _on_layers(net, net.recurrent_module(kind, capture=True), inputs)
    for layer, value in zip(net.layers, values, strict=True):
        layer.value = value
    return list(outs)


def recompute(net: Net) -> None:
    """Compute again what inner layers computed in the last lean pass, and keep it from now on.

    The last inputs are run once more in the same mode, without a tape; running statistics and the random generator are
    put back. After a training step this shows the layers with the weights after the update; the passes that follow are
    captured as they happen.

    Raises:
        EddlError: the net has not been run yet.
    """
    if not net.kept_inputs and not net.generators:
        raise EddlError(
            "getOutput", f"net {net.name} has not been run", hint="call forward, train_batch or predict first"
        )
    buffers = {name: buffer.clone() for name, buffer in net.module.named_buffers()}
    with torch.random.fork_rng():
        run_capturing(net, Arranged(net.kept_inputs, None, net.last_kind), tape=False)
    for name, buffer in net.module.named_buffers():
        buffer.copy_(buffers[name])
    net.watched = True


# ---------------------------------------------------------------------- losses that bypass the last activation


@contextmanager
def own_steps(net: Net) -> Iterator[None]:
    """While the net runs its own step, the activations below a soft cross-entropy let its gradient through unchanged.

    Outside, ``net.module`` has ordinary derivatives.
    """
    for op in net.bypassed:
        op.bypass = True
    try:
        yield
    finally:
        for op in net.bypassed:
            op.bypass = False
