"""The finest-grained loop: forward, backward, update and what belongs to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch.autograd.grad_mode import _unsafe_preserve_version_counter

from deephealth.eddl.errors import EddlError
from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.layers.recurrent_nodes import LRNN, RecurrentLayer
from deephealth.eddl.net.running import Arranged, arrange, as_torch, own_steps, run_capturing
from deephealth.eddl.net.scoring import deltas, fit_targets, score
from deephealth.eddl.net.sequence_scores import copies
from deephealth.eddl.tensor import Tensor

if TYPE_CHECKING:
    from deephealth.eddl.net.net import Net
    from deephealth.eddl.net.netloss import NetLoss
    from deephealth.eddl.optim import Optimizer

__all__ = [
    "add_losses",
    "apply_regularizers",
    "backward",
    "compute_deltas",
    "detach",
    "forward",
    "getOut",
    "get_losses",
    "get_metrics",
    "need_built",
    "optimize",
    "reset",
    "reset_loss",
    "run_backward",
    "set_mode",
    "update",
    "zeroGrads",
]


def set_mode(net: Net, mode: int) -> None:
    """Set training (1) or test (0) mode.

    Example:
        >>> from deephealth import eddl
        >>> x = eddl.Input([4])
        >>> net = eddl.Model([x], [eddl.Dropout(x, 0.5)])
        >>> eddl.set_mode(net, 0)
        >>> net.trmode, net.module.training
        (0, False)
    """
    net.setmode(mode)


def reset_loss(m: Net) -> None:
    """Begin new means of losses and metrics."""
    m.reset_loss()


def reset(net: Net) -> None:
    """Let go of the gradients that the last backward pass left at the layers, and clear ``detach`` marks."""
    for layer in net.layers:
        layer.detached = False
        if layer.value is not None:
            layer.value.grad = None


def forward(m: Net, in_: Sequence[Tensor] | Sequence[Layer] | None = None, b: int | None = None) -> list[Layer]:
    """Run the net forward and leave at every layer what it computed.

    Args:
        m: the net.
        in_: one Tensor per input layer, or layers (of other nets) whose outputs are taken as inputs, with the gradient
            flowing back into them; nothing runs the net on its last inputs.
        b: batch size of a net that generates its own inputs.

    Returns:
        The output layers.

    Example:
        >>> from deephealth import eddl
        >>> x = eddl.Input([2])
        >>> net = eddl.Model([x], [eddl.ReLu(x)])
        >>> out, = eddl.forward(net, [eddl.Tensor.fromarray([[1, -1]])])
        >>> eddl.getOutput(out).getdata().tolist()
        [[1.0, 0.0]]
    """
    if m.isdecoder:
        raise EddlError(
            "forward",
            "recurrent nets with decoders can't run step by step",
            hint="use fit, train_batch, evaluate or predict",
        )
    if b is not None:
        m.resize(b)
    arranged = _inputs(m, in_)
    _clear_marks(m)
    with own_steps(m):
        run_capturing(m, arranged, tape=True)
    return m.outputs


def _clear_marks(net: Net) -> None:
    for layer in net.layers:
        layer.detached = False


def _inputs(net: Net, in_: Sequence[Tensor] | Sequence[Layer] | None) -> Arranged:
    net.netinput = []
    if in_ is None or len(in_) == 0:
        return _last_inputs(net)
    if not isinstance(in_[0], Layer):
        return arrange(net, as_torch(in_))
    layers: list[Layer] = list(in_)  # type: ignore[arg-type]
    net.netinput = [layer for layer in layers if not layer.detached]
    return arrange(net, [_joined(layer) for layer in layers])


def _joined(layer: Layer) -> torch.Tensor:
    if layer.value is None:
        raise EddlError("forward", f"layer {layer.name} has no output yet", hint="run its own net forward first")
    return layer.value.detach() if layer.detached else layer.value


def _last_inputs(net: Net) -> Arranged:
    """The last inputs again; zeros of the current batch size before any pass, as the original's buffers were."""
    given = [layer.value for layer in net.lin]
    if all(value is not None and value.shape[0] == net.batch_size for value in given):
        return arrange(net, [value.detach() for value in given if value is not None])
    return arrange(net, [torch.zeros([net.batch_size, *layer.shape]) for layer in net.lin])


def getOut(net: Net) -> list[Layer]:
    """Return the output layers; for a net without any, the layers that nothing reads.

    Raises:
        EddlError: there are none.

    Example:
        >>> from deephealth import eddl
        >>> x = eddl.Input([2])
        >>> y = eddl.ReLu(x)
        >>> eddl.getOut(eddl.Model([x], [])) == [y]
        True
    """
    return net.outputs


def detach(l: Layer | list[Layer]) -> Layer | list[Layer]:
    """Stop the gradient at one or several layers when other nets read them, until their net runs forward again."""
    for layer in l if isinstance(l, list) else [l]:
        layer.set_detach()
    return l


# ---------------------------------------------------------------------- backward


def backward(m: Net | NetLoss, target: Sequence[Tensor] | None = None) -> None:
    """Run backward: gradients of the losses into all parameters, and into the nets that fed this one.

    Args:
        m: the net, or a loss made by ``newloss``.
        target: one Tensor per output. Without it, the targets set before are used; a net without losses takes the
            gradients that its output layers hold (``copyDelta``).

    Raises:
        EddlError: there is nothing to begin from; EddlShapeError: a target does not fit its output.
    """
    m.backward(list(target or []))


def run_backward(net: Net, target: Sequence[Tensor] = ()) -> None:
    """As :func:`backward`, for a net."""
    if net.isdecoder:
        raise EddlError("backward", "a net with a decoder can't run step by step", hint="use train_batch or fit")
    net.tr_batches += 1
    if target:
        set_targets(net, as_torch(target))
        add_losses(net)
    starts = _starts(net)
    values = [layer.value for layer, start in zip(net.outputs, starts, strict=True) if start is not None]
    torch.autograd.backward(
        [value for value in values if value is not None],
        [start for start in starts if start is not None],
        retain_graph=True,  # several losses may go back through one forward pass
    )
    apply_regularizers(net)


def set_targets(net: Net, targets: Sequence[torch.Tensor]) -> None:
    """Set what the losses compare the outputs with."""
    if net.isrecurrent:
        from deephealth.eddl.net import sequence

        arranged = sequence.arrange(net, net.kept_inputs, list(targets))
        targets = arranged.targets or []
    for layer, fitted in zip(net.outputs, fit_targets(net, targets, outputs_of(net)), strict=True):
        layer.target = Tensor.from_torch(fitted)


def outputs_of(net: Net) -> list[torch.Tensor]:
    """Return what the output layers computed in the last pass.

    Raises:
        EddlError: there was none.
    """
    values = [layer.value for layer in net.outputs if layer.value is not None]
    if len(values) != len(net.outputs):
        raise EddlError("backward", f"net {net.name} has not been run", hint="call eddl.forward(net, [x]) first")
    return values


def _starts(net: Net) -> list[torch.Tensor | None]:
    """What backward begins with at every output: the losses' gradients, else the gradient the layer holds."""
    outs = outputs_of(net)
    if net.losses and all(layer.target is not None for layer in net.outputs):
        return deltas(net, outs, [layer.target.torch for layer in net.outputs if layer.target is not None])
    starts = [value.grad for value in outs]
    for value in outs:
        value.grad = None
    if all(start is None for start in starts):
        raise EddlError(
            "backward",
            f"net {net.name} has neither targets nor gradients to begin with",
            hint="eddl.backward(net, [y])",
        )
    return starts


def compute_deltas(net: Net) -> None:
    """Set the gradients of the losses at the outputs, without running backward."""
    for layer, start in zip(net.outputs, _starts(net), strict=True):
        if layer.value is not None:
            layer.value.grad = start


def add_losses(net: Net) -> None:
    """Add losses and metrics of the last pass, against the targets set last, to the totals."""
    targets = [layer.target.torch for layer in net.outputs if layer.target is not None]
    if net.lout and len(targets) == len(net.outputs):
        score(net, outputs_of(net), targets)


def apply_regularizers(net: Net) -> None:
    """Shrink the weights of layers with a regularizer, here and in the nets that fed this one.

    EDDL's regularizers act on the weights themselves during backward, whatever the learning rate.
    """
    for layer in net.layers:
        if layer.reg is not None and layer.trainable:
            for weight in _regularized(layer):
                for _ in range(_times(net, layer)):
                    layer.reg.apply(weight)
    for other in {id(layer.net): layer.net for layer in net.netinput if layer.net is not net}.values():
        apply_regularizers(other)


def _regularized(layer: Layer) -> list[Tensor]:
    """The weight matrix or kernel; all of a recurrent layer's (in strict mode none of LSTM's and GRU's, as in EDDL)."""
    if not isinstance(layer, RecurrentLayer):
        return [param for param in layer.params[:1] if param.ndim >= 2]  # not the gamma of a normalisation
    if layer.net is not None and layer.net.strict and not isinstance(layer, LRNN):
        return []
    return [param for param in layer.params if param.ndim == 2]


def _times(net: Net, layer: Layer) -> int:
    """How often a step shrinks a weight: once; strict mode: once per copy that EDDL's unrolled net had of the layer."""
    if not (net.strict and net.isrecurrent and net.kept_inputs):
        return 1
    given, out = net.kept_inputs[0], net.outputs[0].value
    return copies(net, layer, given.shape[1] if given.dim() > 1 else 1, out.shape[1] if out is not None else 1)


def zeroGrads(m: Net) -> None:
    """Forget all gradients of the net's parameters."""
    for parameter in m.parameters():
        parameter.grad = None


def update(m: Net) -> None:
    """Change the weights by the gradients, with the optimizer the net was built with.

    Raises:
        EddlError: the net is not built.
    """
    optimizer = need_built(m, "update")
    # Another loss may still go back through the last forward pass: EDDL lets it, with the weights as they are then.
    with _unsafe_preserve_version_counter(tuple(m.parameters())):
        optimizer.applygrads(m.batch_size)


def need_built(net: Net, where: str) -> Optimizer:
    """Return the optimizer of a built net.

    Raises:
        EddlError: the net is not built.
    """
    if net.optimizer is None:
        raise EddlError(
            where,
            f"net {net.name} is not built",
            hint="call eddl.build(net, eddl.sgd(0.01), ['mse'], ['mse'], eddl.CS_CPU()) first",
        )
    return net.optimizer


def optimize(l: NetLoss | list[NetLoss]) -> None:
    """Run backward from one or several losses made by ``newloss``, into the nets they were computed from.

    The weights change at the next ``update(net)``.
    """
    for loss in l if isinstance(l, list) else [l]:
        loss.backward()


# ---------------------------------------------------------------------- what was measured


def get_losses(m: Net) -> list[float]:
    """Return the mean loss per sample since the last reset, one per output."""
    return m.totals.mean_losses(len(m.losses))


def get_metrics(m: Net) -> list[float]:
    """Return the mean metric per sample since the last reset, one per output."""
    return m.totals.mean_metrics(len(m.metrics))
