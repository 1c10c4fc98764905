"""What choosing, constant and refused layers compute."""

from __future__ import annotations

import torch
from torch import Tensor

from deephealth.eddl.errors import EddlUnsupportedError
from deephealth.eddl.graph.op import Op, Slot

__all__ = ["ConstantTensorOp", "TransformOp", "WhereOp"]


class WhereOp(Op):
    """One of two tensors, element by element."""

    def forward(self, a: Tensor, b: Tensor, condition: Tensor) -> Tensor:
        """Return ``a`` where the condition is not zero, ``b`` elsewhere."""
        return torch.where(condition != 0, a, b)


class ConstantTensorOp(Op):
    """The same tensor for every sample.

    Args:
        constant: the tensor, without the batch.

    Attributes:
        batch_size: how many samples to give; the net sets it before every pass.
    """

    constant: Tensor

    def __init__(self, constant: Tensor) -> None:
        super().__init__()
        self.batch_size = 1
        self.register_buffer("constant", constant)

    def slots(self) -> list[Slot]:
        """Return no parameters: a constant is none."""
        return []

    def forward(self) -> Tensor:
        """Return the constant, [batch_size, ...]."""
        return self.constant.expand(self.batch_size, *self.constant.shape)


class TransformOp(Op):
    """A data movement that cannot be made here."""

    def forward(self, x: Tensor) -> Tensor:
        """Refuse.

        Raises:
            EddlUnsupportedError: always.
        """
        what = "moving data to an FPGA is not supported"
        raise EddlUnsupportedError("LTransform", what, hint="leave the layer out and run on the CPU or a GPU")
