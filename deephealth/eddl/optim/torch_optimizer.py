"""Any optimizer of torch in the place of EDDL's."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import torch

from deephealth.eddl.errors import EddlShapeError, EddlValueError
from deephealth.eddl.optim.optimizer import Optimizer
from deephealth.eddl.optim.settings import finite
from deephealth.eddl.optim.sgd import SGD

if TYPE_CHECKING:
    from deephealth.eddl.graph.layer import Layer

__all__ = ["TorchOptimizer", "as_optimizer"]

Factory = Callable[[list[torch.Tensor]], torch.optim.Optimizer]


class TorchOptimizer(Optimizer):
    """Makes an optimizer of torch train a net.

    Args:
        optimizer: one over parameters of the net, or a function that makes one from a list of parameters.

    Raises:
        EddlValueError: if it is neither.

    Example:
        >>> TorchOptimizer(lambda params: torch.optim.AdamW(params, lr=1e-3)).name
        'torch'
    """

    title: ClassVar[str] = "torch"

    def __init__(self, optimizer: torch.optim.Optimizer | Factory) -> None:
        super().__init__()
        if not isinstance(optimizer, torch.optim.Optimizer) and not callable(optimizer):
            raise EddlValueError(
                f"the optimizer is {optimizer!r}",
                allowed="a torch.optim.Optimizer, or a function from a list of parameters to one",
                hint="pass, for example, lambda params: torch.optim.AdamW(params, lr=1e-3)",
            )
        self._given = optimizer
        self.torch: torch.optim.Optimizer | None = optimizer if isinstance(optimizer, torch.optim.Optimizer) else None

    @property
    def lr(self) -> float:
        """The learning rate of the first group of parameters; 0 before the net is built."""
        return float(self.torch.param_groups[0]["lr"]) if self.torch else 0.0

    def setlayers(self, layers: Sequence[Layer]) -> None:
        """Take the layers to train.

        Raises:
            EddlValueError: if the optimizer was made over parameters that these layers do not have.
        """
        super().setlayers(layers)
        if self.isshared:
            return
        if not isinstance(self._given, torch.optim.Optimizer):
            self.torch = self._given(self._trainable.params)
            return
        known = {id(param) for param in self._trainable.params}
        strangers = [p for group in self._given.param_groups for p in group["params"] if id(p) not in known]
        if strangers:
            shapes = [list(param.shape) for param in strangers[:3]]
            raise EddlValueError(
                f"the torch optimizer holds {len(strangers)} parameters that are not the net's, of shapes {shapes}",
                allowed="an optimizer over parameters of the net that is built",
                hint="pass a function instead: lambda params: torch.optim.AdamW(params, lr=1e-3)",
            )

    def change(self, params: Sequence[float]) -> None:
        """Set the learning rate, and the momentum where there is one.

        Args:
            params: ``[lr]`` or ``[lr, momentum]``.
        """
        for group in self._made().param_groups:
            for name, value in zip(("lr", "momentum"), params, strict=False):
                if name in group:
                    group[name] = finite(name, value)

    def applygrads(self, batch: int = 0) -> None:
        """Make one step with the gradients that the parameters hold."""
        if self.isshared and self.orig is not None:
            self.orig.applygrads(batch)
            return
        self.clip()
        self.t += 1
        self._without_frozen(self._made())

    def _without_frozen(self, optimizer: torch.optim.Optimizer) -> None:
        """Make a step in which frozen layers take no part, though an earlier pass may have left them gradients."""
        chosen = self._trainable.ready()[0]
        idle = [] if chosen is None else [p for i, p in enumerate(self._trainable.params) if i not in set(chosen)]
        grads = [param.grad for param in idle]
        for param in idle:
            param.grad = None
        optimizer.step()
        for param, grad in zip(idle, grads, strict=True):
            param.grad = grad

    def _made(self) -> torch.optim.Optimizer:
        if self.torch is None:
            raise EddlValueError(
                "the torch optimizer is not made yet", hint="build the net first: eddl.build(net, optimizer, ...)"
            )
        return self.torch

    def clone(self) -> TorchOptimizer:
        """Return a new optimizer with the same settings, and nothing learned."""
        made = TorchOptimizer(_again(self._given) if isinstance(self._given, torch.optim.Optimizer) else self._given)
        made.clip_val, made.strict = self.clip_val, self.strict
        return made

    def state_dict(self) -> dict[str, torch.Tensor]:
        """Return settings and what was learned, as tensors by name; settings that are no numbers are left out."""
        stored = self._made().state_dict()
        state = {"setting/t": torch.tensor(self.t), "setting/clip_val": torch.tensor(self.clip_val)}
        for index, group in enumerate(stored["param_groups"]):
            numbers = {name: value for name, value in group.items() if _is_number(value)}
            state.update({f"group/{index}/{name}": _as_tensor(value) for name, value in numbers.items()})
        for index, kept in stored["state"].items():
            numbers = {name: value for name, value in kept.items() if _is_number(value)}
            state.update({f"state/{index}/{name}": _as_tensor(value) for name, value in numbers.items()})
        return state

    def load_state_dict(self, state: dict[str, torch.Tensor]) -> None:
        """Put back what :meth:`state_dict` returned.

        Raises:
            EddlValueError: if the state is not one of the same torch optimizer.
            EddlShapeError: if a tensor does not fit its parameter.
        """
        stored = self._made().state_dict()
        params = [param for group in self._made().param_groups for param in group["params"]]
        for key, tensor in state.items():
            self._put(key, tensor, stored, params)
        self._made().load_state_dict(stored)

    def _put(self, key: str, tensor: torch.Tensor, stored: dict[str, Any], params: list[torch.Tensor]) -> None:
        kind, _, rest = key.partition("/")
        index, _, name = rest.partition("/")
        if kind == "setting" and rest in {"t", "clip_val"}:
            setattr(self, rest, type(getattr(self, rest))(tensor.item()))
        elif (
            kind == "group" and index.isdigit() and name in dict(enumerate(stored["param_groups"])).get(int(index), {})
        ):
            group = stored["param_groups"][int(index)]
            group[name] = _like(tensor, group[name])
        elif kind == "state" and index.isdigit() and int(index) < len(params):
            if tensor.dim() and tensor.shape != params[int(index)].shape:
                what = f"{key} has shape {list(tensor.shape)}, its parameter {list(params[int(index)].shape)}"
                raise EddlShapeError("Optimizer.load_state_dict", what, hint="build the same net first")
            stored["state"].setdefault(int(index), {})[name] = tensor.clone()
        else:
            raise EddlValueError(
                f"'{key}' is not part of the state of {type(self.torch).__name__} over {len(params)} parameters",
                hint="build the same net with the same torch optimizer before loading",
            )

    def __repr__(self) -> str:
        return f"TorchOptimizer({self._given!r})"


def _is_number(value: Any) -> bool:
    if isinstance(value, tuple):
        return bool(value) and all(isinstance(part, int | float) for part in value)
    return isinstance(value, int | float | torch.Tensor)


def _as_tensor(value: Any) -> torch.Tensor:
    return value.detach().clone() if isinstance(value, torch.Tensor) else torch.tensor(value, dtype=torch.float64)


def _like(tensor: torch.Tensor, now: Any) -> Any:
    if isinstance(now, tuple):
        return tuple(tensor.tolist())
    return tensor.clone() if isinstance(now, torch.Tensor) else type(now)(tensor.item())


def _again(optimizer: torch.optim.Optimizer) -> Factory:
    accepted = inspect.signature(type(optimizer)).parameters
    settings = {name: value for name, value in optimizer.defaults.items() if name in accepted}
    return lambda params: type(optimizer)(params, **settings)


def as_optimizer(optimizer: Any = None) -> Optimizer:
    """Return an EDDL optimizer for whatever ``build`` was given.

    Args:
        optimizer: an :class:`Optimizer`; an optimizer of torch or a function that makes one; or ``None`` for EDDL's
            default, ``SGD(0.001, momentum=0.9)``.

    Raises:
        EddlValueError: if it is none of these.

    Example:
        >>> as_optimizer()
        SGD(lr=0.001, mu=0.9, weight_decay=0.0, nesterov=False)
    """
    if optimizer is None:
        return SGD(0.001, momentum=0.9)
    return optimizer if isinstance(optimizer, Optimizer) else TorchOptimizer(optimizer)
