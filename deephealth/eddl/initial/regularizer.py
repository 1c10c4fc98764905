"""Regularizers: they shrink a weight directly, whatever the learning rate."""

from __future__ import annotations

import torch

from deephealth.eddl.tensor import Tensor

__all__ = ["RL1", "RL2", "RL1L2", "Regularizer"]


class Regularizer:
    """The base of regularizers: subclasses override ``shrink``.

    Args:
        name: EDDL's name of the method.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def apply(self, T: Tensor | torch.Tensor) -> None:
        """Shrink one weight in place.

        Args:
            T: the weight.
        """
        with torch.no_grad():
            self.shrink(T.torch if isinstance(T, Tensor) else T.detach())

    def shrink(self, weight: torch.Tensor) -> None:
        """Change ``weight`` in place."""
        raise NotImplementedError


class RL1(Regularizer):
    """``W -= l1 sign(W)``.

    Args:
        l1: by how much every value comes nearer to 0.

    Example:
        >>> weight = torch.tensor([2.0, -1.0])
        >>> RL1(0.5).apply(weight)
        >>> weight.tolist()
        [1.5, -0.5]
    """

    def __init__(self, l1: float) -> None:
        super().__init__("l1")
        self.l1 = float(l1)

    def shrink(self, weight: torch.Tensor) -> None:
        """Change ``weight`` in place."""
        weight.sub_(weight.sign(), alpha=self.l1)


class RL2(Regularizer):
    """``W -= l2 W``.

    Args:
        l2: the share that every value loses.

    Example:
        >>> weight = torch.tensor([2.0, -1.0])
        >>> RL2(0.5).apply(weight)
        >>> weight.tolist()
        [1.0, -0.5]
    """

    def __init__(self, l2: float) -> None:
        super().__init__("l2")
        self.l2 = float(l2)

    def shrink(self, weight: torch.Tensor) -> None:
        """Change ``weight`` in place."""
        weight.sub_(weight, alpha=self.l2)


class RL1L2(Regularizer):
    """``W -= l1 sign(W) + l2 W``, both of the weight as it was.

    Args:
        l1: by how much every value comes nearer to 0.
        l2: the share that every value loses.

    Example:
        >>> weight = torch.tensor([2.0, -1.0])
        >>> RL1L2(0.25, 0.5).apply(weight)
        >>> weight.tolist()
        [0.75, -0.25]
    """

    def __init__(self, l1: float, l2: float) -> None:
        super().__init__("l1_l2")
        self.l1 = float(l1)
        self.l2 = float(l2)

    def shrink(self, weight: torch.Tensor) -> None:
        """Change ``weight`` in place."""
        before = weight.clone()
        weight.sub_(before.sign(), alpha=self.l1).sub_(before, alpha=self.l2)
