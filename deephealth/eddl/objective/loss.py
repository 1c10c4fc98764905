"""The bases of losses: :class:`Loss` for users' own, :class:`TorchLoss` for those written on torch tensors."""

from __future__ import annotations

from typing import ClassVar

import torch

from deephealth.eddl.errors import EddlShapeError
from deephealth.eddl.objective.shapes import full_precision, require_same_shape
from deephealth.eddl.strictness import is_strict
from deephealth.eddl.tensor import Tensor

__all__ = ["Loss", "TorchLoss"]


class Loss:
    """A loss: its value, and the gradient that starts the backward pass.

    Subclass it and override ``value`` and ``delta``. As it stands it is the loss ``"none"``: value 0, gradient 0.

    Args:
        name: what reports call it.

    Example:
        >>> class Half(Loss):
        ...     def __init__(self):
        ...         Loss.__init__(self, "half_of_squares")
        ...     def value(self, t, y):
        ...         return float(((y.torch - t.torch) ** 2).sum() / 2)
        ...     def delta(self, t, y, d):
        ...         d.torch.copy_((y.torch - t.torch) / t.shape[0])
        >>> Half().value(Tensor.zeros([2, 2]), Tensor.ones([2, 2]))
        2.0
    """

    bypass: ClassVar[bool] = False
    """Whether the gradient is for the input of the last activation, whose own backward is then skipped."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.strict = is_strict()

    def __init_subclass__(cls) -> None:
        """Let the net call a subclass's own ``value`` and ``delta``, also where its base computes on torch tensors."""
        super().__init_subclass__()
        own = vars(cls)
        if "value" in own and "torch_value" not in own:
            cls.torch_value = Loss.torch_value  # type: ignore[method-assign]
        if "delta" in own and "torch_delta" not in own:
            cls.torch_delta = Loss.torch_delta  # type: ignore[method-assign]

    def value(self, t: Tensor, y: Tensor) -> float:
        """Return the loss, summed over the batch.

        Args:
            t: targets, ``[batch, ...]``.
            y: the net's output, ``[batch, ...]``.
        """
        return 0.0

    def delta(self, t: Tensor, y: Tensor, d: Tensor) -> None:
        """Write the gradient at the output into ``d``.

        Args:
            t: targets, ``[batch, ...]``.
            y: the net's output, ``[batch, ...]``.
            d: where the gradient goes, ``[batch, ...]``.
        """
        return

    def torch_value(self, t: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return the loss, summed over the batch, as a tensor without dimensions on the output's device."""
        with torch.no_grad():
            value = self.value(Tensor.from_torch(t.detach()), Tensor.from_torch(y.detach()))
            return torch.full((), float(value), device=y.device)

    def torch_delta(self, t: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return the gradient at the output, ``[batch, ...]``."""
        with torch.no_grad():
            wanted = Tensor.from_torch(torch.zeros_like(y))
            self.delta(Tensor.from_torch(t.detach()), Tensor.from_torch(y.detach()), wanted)
            return wanted.torch

    def clone(self) -> Loss:
        """Return a loss for another replica of the net: this one, since losses hold no state."""
        return self

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"


class TorchLoss(Loss):
    """A loss that computes on torch tensors, on any device and without waiting for it.

    Override ``compute_value`` and ``compute_delta``; both get float32 tensors of equal shapes and record no gradient.
    """

    def compute_value(self, t: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return the loss, summed over the batch."""
        raise NotImplementedError

    def compute_delta(self, t: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return the gradient at the output."""
        raise NotImplementedError

    def torch_value(self, t: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return the loss, summed over the batch, as a tensor without dimensions on the output's device."""
        require_same_shape("loss", self.name, t, y)
        with torch.no_grad():
            return self.compute_value(full_precision(t), full_precision(y))

    def torch_delta(self, t: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return the gradient at the output, ``[batch, ...]``, in the output's precision."""
        require_same_shape("loss", self.name, t, y)
        with torch.no_grad():
            return self.compute_delta(full_precision(t), full_precision(y)).to(y.dtype)

    def value(self, t: Tensor, y: Tensor) -> float:
        """Return the loss, summed over the batch."""
        return float(TorchLoss.torch_value(self, t.torch, y.torch))

    def delta(self, t: Tensor, y: Tensor, d: Tensor) -> None:
        """Write the gradient at the output into ``d``.

        Raises:
            EddlShapeError: if ``d`` has another shape than the output.
        """
        if d.torch.shape != y.torch.shape:
            what = f"the gradient goes into shape {d.shape} and the output has shape {y.shape}"
            raise EddlShapeError(f"loss {self.name}", what, allowed="the output's shape")
        d.torch.copy_(TorchLoss.torch_delta(self, t.torch, y.torch))
