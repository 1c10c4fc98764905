"""The bases of metrics: :class:`Metric` for users' own, :class:`TorchMetric` for those written on torch tensors."""

from __future__ import annotations

import torch

from deephealth.eddl.objective.shapes import full_precision, require_same_shape
from deephealth.eddl.strictness import is_strict
from deephealth.eddl.tensor import Tensor

__all__ = ["Metric", "TorchMetric"]


class Metric:
    """A metric: one number per batch, summed over its samples.

    Subclass it and override ``value``. As it stands it is the metric ``"none"``: always 0.

    Args:
        name: what reports call it.

    Example:
        >>> class Largest(Metric):
        ...     def __init__(self):
        ...         Metric.__init__(self, "largest_error")
        ...     def value(self, t, y):
        ...         return float((y.torch - t.torch).abs().max())
        >>> Largest().value(Tensor.zeros([2, 2]), Tensor.ones([2, 2]))
        1.0
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.strict = is_strict()

    def __init_subclass__(cls) -> None:
        """Let the net call a subclass's own ``value``, also where its base computes on torch tensors."""
        super().__init_subclass__()
        if "value" in vars(cls) and "torch_value" not in vars(cls):
            cls.torch_value = Metric.torch_value  # type: ignore[method-assign]

    def value(self, t: Tensor, y: Tensor) -> float:
        """Return the metric, summed over the batch.

        Args:
            t: targets, ``[batch, ...]``.
            y: the net's output, ``[batch, ...]``.
        """
        return 0.0

    def torch_value(self, t: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return the metric, summed over the batch, as a tensor without dimensions on the output's device."""
        with torch.no_grad():
            value = self.value(Tensor.from_torch(t.detach()), Tensor.from_torch(y.detach()))
            return torch.full((), float(value), device=y.device)

    def clone(self) -> Metric:
        """Return a metric for another replica of the net: this one, since metrics hold no state."""
        return self

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"


class TorchMetric(Metric):
    """A metric that computes on torch tensors, on any device and without waiting for it.

    Override ``compute_value``; it gets float32 tensors of equal shapes and records no gradient.
    """

    def compute_value(self, t: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return the metric, summed over the batch."""
        raise NotImplementedError

    def torch_value(self, t: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return the metric, summed over the batch, as a tensor without dimensions on the output's device."""
        require_same_shape("metric", self.name, t, y)
        with torch.no_grad():
            return self.compute_value(full_precision(t), full_precision(y))

    def value(self, t: Tensor, y: Tensor) -> float:
        """Return the metric, summed over the batch."""
        return float(TorchMetric.torch_value(self, t.torch, y.torch))
