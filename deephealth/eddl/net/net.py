"""The net: layers, a torch module that runs them, and what training needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TextIO

import torch
from torch import fx, nn

from deephealth.eddl.errors import EddlError, EddlUnsupportedError
from deephealth.eddl.graph.checkpointing import checkpoint_segments
from deephealth.eddl.graph.fxgraph import build_capturing, build_lean
from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.graph.order import collect
from deephealth.eddl.net import building, comparing, parameters, passes, replicas, report, services
from deephealth.eddl.net.sequence import sequence_module
from deephealth.eddl.net.totals import Totals
from deephealth.eddl.strictness import is_strict
from deephealth.eddl.tensor import DEV_CPU, Tensor

if TYPE_CHECKING:
    from deephealth.eddl.net.services import CompServ
    from deephealth.eddl.objective import Loss, Metric
    from deephealth.eddl.optim import Optimizer

__all__ = ["TRAIN", "TEST", "Net"]

TEST, TRAIN = 0, 1


class Net:
    """A net over a graph of layers.

    Args:
        in_: input layers.
        out: output layers; may be empty for a net that is only run forward or trained through ``newloss``.

    Attributes:
        layers: all layers, parents before children.
        lin: input layers.
        lout: output layers.
        trmode: 1 while training, 0 while testing.
        optimizer: set by ``build``.
        losses: one per output, set by ``build``.
        metrics: one per output, set by ``build``.

    Example:
        >>> from deephealth import eddl
        >>> x = eddl.Input([4])
        >>> net = Net([x], [eddl.ReLu(eddl.Dense(x, 3))])
        >>> net.module(torch.zeros(2, 4)).shape
        torch.Size([2, 3])
    """

    def __init__(self, in_: Sequence[Layer], out: Sequence[Layer]) -> None:
        self.lin = list(in_)
        self.lout = list(out)
        self.layers = collect(self.lin, self.lout)
        for layer in self.layers:
            layer.net = self
        self.name = "model"
        self.strict = is_strict()
        self._start_training_state()
        self._start_original_attributes()

    def _start_training_state(self) -> None:
        self.optimizer: Optimizer | None = None
        self.losses: list[Loss] = []
        self.metrics: list[Metric] = []
        self.cs: CompServ | None = None
        self.isbuild = False
        self.trmode = TRAIN
        self.batch_size = 1
        self.isresized = False
        self.tr_batches = 0
        self.mem_level = 0
        self.decsize = 1
        self.totals = Totals(len(self.lout))
        self.device = torch.device("cpu")
        self.snets: list[Net] = []
        self.kept_inputs: list[torch.Tensor] = []
        """Inputs of the last pass; layers that a lean pass let go are computed again from them when somebody asks."""
        self.watched = False
        """Whether every pass keeps what each layer computed; set once somebody has asked for an inner layer."""
        self.captured = False
        self.last_kind = ""
        """How the last pass of a recurrent net was arranged."""
        self.bypassed: list[Any] = []
        """Ops of output activations whose backward a soft cross-entropy skips."""
        self.generators = [layer for layer in self.layers if layer.is_random_generator]
        self.redraws = 1
        """Counts single layers drawn again, so that each draw differs."""
        self._parameters: list[nn.Parameter] | None = None
        self._checkpointed: nn.Module | None = None
        self._module: nn.Module | None = None
        self._capture: fx.GraphModule | None = None
        self._recurrent_modules: dict[tuple[str, bool], fx.GraphModule] = {}

    def _start_original_attributes(self) -> None:
        self.dev = DEV_CPU
        self.verbosity_level = 0
        self.onnx_pretrained = False
        self.isrecurrent = any(layer.isrecurrent for layer in self.layers)
        self.isdecoder = any(layer.isdecoder for layer in self.layers)
        self.isencoder = False
        self.decoder_teacher_training = True
        self.devsel: list[int] = []
        self.do_compserv_delete = self.do_optimizer_delete = False
        self.din: list[Layer] = []
        self.netinput: list[Layer] = []
        self.rnet: Net | None = None
        self.flog_tr: TextIO | None = None
        self.flog_ts: TextIO | None = None

    # ------------------------------------------------------------------ the torch module

    @property
    def module(self) -> nn.Module:
        """The net as a torch module: inputs in order of ``lin`` to the output, or to a tuple of outputs.

        It shares its parameters with the layers. Setting it to a module that wraps it (``torch.compile(net.module)``,
        DDP) makes the net train and predict through the wrapper.
        """
        if self._module is None:
            self._module = self._make_module()
            self._module.train(self.trmode == TRAIN)
            self._module.to(self.device)
        return self._module

    @module.setter
    def module(self, wrapped: nn.Module) -> None:
        self._module = wrapped

    def _make_module(self) -> fx.GraphModule:
        if self.isrecurrent:
            return self.recurrent_module("seq2seq" if self.isdecoder else "last")
        return build_lean(self.lin, self.outputs, self.layers)

    def recurrent_module(self, kind: str, *, capture: bool = False) -> fx.GraphModule:
        """Return the module that runs this recurrent net as ``kind`` (see :mod:`deephealth.eddl.net.sequence`)."""
        key = (kind, capture)
        if key not in self._recurrent_modules:
            self._recurrent_modules[key] = sequence_module(self, kind, capture=capture)
        return self._recurrent_modules[key]

    @property
    def capture(self) -> fx.GraphModule:
        """A module over the same ops that returns what every layer of ``layers`` computed."""
        if self._capture is None:
            self._capture = build_capturing(self.lin, self.layers)
        return self._capture

    def forget_modules(self) -> None:
        """Make the modules again when they are next needed, because the graph has changed."""
        self._module = self._capture = self._parameters = self._checkpointed = None
        self._recurrent_modules = {}

    def parameters(self) -> list[nn.Parameter]:
        """Return every torch parameter once, in order of the layers."""
        if self._parameters is None:
            found = {id(p): p for layer in self.layers if layer.op is not None for p in layer.op.parameters()}
            self._parameters = list(found.values())
        return self._parameters

    @property
    def checkpoints(self) -> bool:
        """Whether training steps compute activations twice: on a GPU, with ``mid_mem`` or ``low_mem``."""
        return bool(self.mem_level) and self.device.type == "cuda" and not self.isrecurrent

    @property
    def checkpointed(self) -> nn.Module:
        """The module in segments whose activations are computed again during backward."""
        if self._checkpointed is None:
            self._checkpointed = checkpoint_segments(build_lean(self.lin, self.outputs, self.layers), self.mem_level)
        return self._checkpointed

    @property
    def outputs(self) -> list[Layer]:
        """The output layers; for a net without any, the layers that nothing reads.

        Raises:
            EddlError: there are none.
        """
        if self.lout:
            return self.lout
        ends = [layer for layer in self.layers if not layer.child]
        if not ends:
            raise EddlError("forward", f"net {self.name} has no outputs", hint="name them: Model([in], [out])")
        return ends

    def setmode(self, mode: int) -> None:
        """Set training (1) or test (0) mode."""
        self.trmode = mode
        if self.module.training != (mode == TRAIN):
            self.module.train(mode == TRAIN)
        for layer in self.layers:
            layer.mode = mode

    def set_training(self, training: bool) -> None:
        """As :meth:`setmode`, cheaply when nothing changes."""
        if self.trmode != int(training) or self.module.training != training:
            self.setmode(TRAIN if training else TEST)

    # ------------------------------------------------------------------ attributes of the original

    @property
    def layersf(self) -> list[Layer]:
        """The layers, forward from the inputs."""
        return self.layers

    @property
    def layersb(self) -> list[Layer]:
        """The layers, backward from the outputs."""
        return self.layers[::-1]

    vfts = layersf
    vbts = layersb

    @property
    def inferenced_samples(self) -> int:
        """Samples seen since the losses were last reset."""
        return self.totals.samples

    @property
    def total_loss(self) -> list[float]:
        """Loss sums since the last reset, one per output."""
        return self.totals.losses

    @property
    def total_metric(self) -> list[float]:
        """Metric sums since the last reset, one per output."""
        return self.totals.metrics

    @property
    def fiterr(self) -> list[float]:
        """Loss and metric of the pass being computed; they are added to the totals at once, so these are zeros."""
        return [0.0] * (2 * len(self.lout))

    @property
    def Xs(self) -> list[list[Tensor]]:
        """The last inputs, per device."""
        return [[Tensor.from_torch(kept) for kept in self.kept_inputs]]

    @property
    def Ys(self) -> list[list[Tensor]]:
        """The last targets, per device."""
        return [[layer.target for layer in self.lout if layer.target is not None]]

    # ------------------------------------------------------------------ methods of the original

    def build(
        self,
        opt: Optimizer,
        lo: Sequence[Loss],
        me: Sequence[Metric],
        cs: CompServ,
        initialize: bool = True,
    ) -> None:
        """Build with loss and metric objects (see ``eddl.build`` for names)."""
        building.build_with(self, opt, lo, me, cs, initialize)

    def forward(self, in_: Sequence[Layer] | Sequence[Tensor] | None = None) -> None:
        """Run forward (see ``eddl.forward``)."""
        passes.forward(self, in_)

    def backward(self, target: Sequence[Tensor] = ()) -> None:
        """Run backward (see ``eddl.backward``)."""
        passes.run_backward(self, list(target))

    def delta(self) -> None:
        """Compute the gradients of the losses at the outputs, from the targets set last."""
        passes.compute_deltas(self)

    def compute_loss(self) -> None:
        """Add losses and metrics of the last pass to the totals."""
        passes.add_losses(self)

    def reset(self) -> None:
        """Let go of what the last backward pass left at the layers, and clear ``detach`` marks."""
        passes.reset(self)

    def reset_grads(self) -> None:
        """Set all gradients to zero."""
        passes.zeroGrads(self)

    def reset_loss(self) -> None:
        """Begin new means of losses and metrics."""
        self.totals.reset()

    def update(self) -> None:
        """Change the weights by the gradients."""
        passes.update(self)

    def resize(self, batch: int) -> None:
        """Set the batch size of the next pass."""
        self.batch_size, self.isresized = int(batch), True

    def print_loss(self, b: int, nb: int = -1) -> None:
        """Print the mean losses, with a bar when ``nb`` batches are known."""
        report.print_losses(self, b, nb)

    def clamp(self, min: float, max: float) -> None:
        """Clamp all parameters."""
        parameters.clamp(self, min, max)

    def toCPU(self, t: int = -1) -> None:
        """Move to the CPU with ``t`` threads."""
        services.toCPU(self, t)

    def sync_weights(self) -> None:
        """Average the weights over the devices."""
        replicas.average_weights(self)

    # The original's passes over one device's copy, by their names there.
    def do_initialize(self) -> None:
        """Draw all parameters."""
        building.initialize(self)

    do_reset = reset
    do_reset_grads = reset_grads
    do_forward = forward
    do_delta = delta
    do_compute_loss = compute_loss
    do_applygrads = update

    def do_backward(self) -> None:
        """Run backward from the deltas that are set."""
        self.backward()

    @staticmethod
    def compare_outputs(
        net1: Net, net2: Net, verbose: bool = False, atol: float = 1e-05, rtol: float = 0.0, equal_nan: bool = False
    ) -> bool:
        """Return whether every layer of two nets put out the same at their last pass."""
        return comparing.compare_outputs(net1, net2, verbose, atol, rtol, equal_nan)

    @staticmethod
    def compare_params(
        net1: Net, net2: Net, verbose: bool = False, atol: float = 1e-05, rtol: float = 0.0, equal_nan: bool = False
    ) -> bool:
        """Return whether two nets have the same parameters."""
        return comparing.compare_params(net1, net2, verbose, atol, rtol, equal_nan)

    def enable_distributed(self) -> None:
        """Not what this package does: distribution is torch's.

        Raises:
            EddlUnsupportedError: always; it says what to do instead.
        """
        raise EddlUnsupportedError(
            "Net.enable_distributed",
            "EDDL's own transport is replaced by torch.distributed",
            hint="wrap the module, net.module = DistributedDataParallel(net.module), and start with torchrun",
        )

    def __repr__(self) -> str:
        return f"<Net {self.name}: {len(self.layers)} layers, {len(self.lin)} in, {len(self.lout)} out>"
