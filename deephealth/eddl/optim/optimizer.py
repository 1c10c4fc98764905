"""The base of optimizers: which parameters are changed, clipping, cloning, and saving what was learned on the way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import torch

from deephealth.eddl.optim.packing import pack, unpack
from deephealth.eddl.optim.settings import Tensors, finite
from deephealth.eddl.optim.trainable import Trainable
from deephealth.eddl.strictness import is_strict
from deephealth.eddl.tensor import Tensor

if TYPE_CHECKING:
    from deephealth.eddl.graph.layer import Layer

__all__ = ["Optimizer"]


class Optimizer:
    """What changes a net's parameters after a backward pass.

    Subclasses list their constructor's arguments in ``arguments`` (attribute names, in order) and what they keep of
    each parameter in ``kept``, and override ``update``.

    Attributes:
        name: what reports call it.
        layers: the layers it trains.
        isshared: whether it only passes calls on to ``orig``.
        orig: the optimizer that it shares, or ``None``.
        clip_val: gradients are limited to plus and minus this, each value for itself; off below 0.
        t: how many steps it has made.
        strict: whether strict mode was on when it was made.
    """

    title: ClassVar[str] = "optimizer"
    arguments: ClassVar[tuple[str, ...]] = ()
    counters: ClassVar[tuple[str, ...]] = ("t", "clip_val")
    kept: ClassVar[tuple[str, ...]] = ()
    changeable: ClassVar[tuple[str, ...]] = ("lr",)
    written: ClassVar[bool] = True
    """Whether EDDL itself has this algorithm; in strict mode one that it has not does nothing."""

    def __init__(self) -> None:
        self.name = self.title
        self.layers: list[Layer] = []
        self.isshared = False
        self.orig: Optimizer | None = None
        self.clip_val = -1.0
        self.t = 0
        self.strict = is_strict()
        self._trainable = Trainable([])
        self._kept: dict[str, Tensors] = {}

    # ------------------------------------------------------------------ set-up

    def setlayers(self, layers: Sequence[Layer]) -> None:
        """Take the layers to train, and forget what was learned of others.

        Args:
            layers: the layers of a net; a parameter that several layers share is counted once.
        """
        self.layers = list(layers)
        if not self.isshared:
            self._trainable = Trainable(self.layers)
            self._kept = {}
            self.t = 0

    def set_clip_val(self, v: float) -> None:
        """Limit every value of every gradient to ``-v .. v``; a negative ``v`` switches that off."""
        self.clip_val = float(v)

    def change(self, params: Sequence[float]) -> None:
        """Set the learning rate, and what else the optimizer lets change.

        Args:
            params: ``[lr]``, or more in the order of ``changeable``.
        """
        if self.strict and not self.written:
            return
        for name, value in zip(self.changeable, params, strict=False):
            setattr(self, name, finite(name, value))

    # ------------------------------------------------------------------ a step

    @torch.no_grad()
    def clip(self) -> None:
        """Limit the gradients now, in place, if ``clip_val`` is not negative."""
        if self.clip_val >= 0:
            self._clip(self._trainable.gradients())

    def _clip(self, grads: Tensors) -> None:
        if grads and self.clip_val >= 0:
            torch._foreach_clamp_min_(grads, -self.clip_val)
            torch._foreach_clamp_max_(grads, self.clip_val)

    @torch.no_grad()
    def applygrads(self, batch: int = 0) -> None:
        """Make one step with the gradients that the parameters hold; parameters without one stay as they are.

        Args:
            batch: the batch size; gradients are divided by it already, so that it is not used.
        """
        if self.isshared and self.orig is not None:
            self.orig.applygrads(batch)
            return
        chosen, params, grads = self._trainable.ready()
        if not params or (self.strict and not self.written):
            return
        self._clip(grads)
        self.t += 1
        self.update(params, grads, self._state(chosen, params))

    def update(self, params: Tensors, grads: Tensors, kept: dict[str, Tensors]) -> None:
        """Change ``params`` in place.

        Args:
            params: the parameters that have a gradient.
            grads: their gradients; not to be changed.
            kept: for each name in ``self.kept``, what is kept of these parameters, to be changed in place.
        """
        raise NotImplementedError

    def _state(self, chosen: list[int] | None, params: Tensors) -> dict[str, Tensors]:
        kept = self._kept or self._start()
        if not kept:
            return kept
        first = kept[self.kept[0]]
        if first[chosen[0] if chosen else 0].device != params[0].device:  # the net has moved since the last step
            kept = self._kept = {key: self._trainable.beside(tensors) for key, tensors in kept.items()}
        if chosen is None:
            return kept
        return {key: [tensors[index] for index in chosen] for key, tensors in kept.items()}

    def _start(self) -> dict[str, Tensors]:
        if not self._kept:
            self._kept = {key: [torch.zeros_like(p) for p in self._trainable.params] for key in self.kept}
        return self._kept

    def _decayed(self, grads: Tensors, params: Tensors, weight_decay: float) -> Tensors:
        """Return the gradients of the loss plus ``weight_decay / 2`` times the squared parameters."""
        if self.strict or not weight_decay:  # EDDL takes weight_decay and ignores it
            return grads
        return list(torch._foreach_add(grads, params, alpha=weight_decay))

    def kept_tensors(self, name: str) -> list[Tensor]:
        """Return what is kept of each parameter under ``name``, as Tensors: zeros before the first step."""
        return [Tensor.from_torch(tensor) for tensor in self._start()[name]]

    # ------------------------------------------------------------------ copies

    def clone(self) -> Optimizer:
        """Return a new optimizer with the same settings, and nothing learned."""
        made = type(self)(*(getattr(self, name) for name in self.arguments))
        made.clip_val, made.strict = self.clip_val, self.strict
        return made

    def share(self) -> Optimizer:
        """Return an optimizer that passes its steps on to this one."""
        made = self.clone()
        made.orig, made.isshared = self, True
        return made

    # ------------------------------------------------------------------ saving

    def state_dict(self) -> dict[str, torch.Tensor]:
        """Return settings and what was learned, as tensors by name."""
        settings = {name: getattr(self, name) for name in (*self.arguments, *self.counters)}
        return pack(settings, self._kept)

    def load_state_dict(self, state: dict[str, torch.Tensor]) -> None:
        """Put back what :meth:`state_dict` returned.

        Args:
            state: tensors by name.

        Raises:
            EddlValueError: if names are missing or not known.
            EddlShapeError: if a tensor does not fit its parameter.
        """
        settings = {name: getattr(self, name) for name in (*self.arguments, *self.counters)}
        settings, self._kept = unpack(state, settings, self.kept, self._trainable.params, self.title)
        for name, value in settings.items():
            setattr(self, name, value)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)}' for name in self.arguments)})"
