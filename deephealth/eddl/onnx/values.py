"""What the importer knows about a value of the graph: a constant, sizes that follow the batch, or data."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from deephealth.eddl.errors import EddlOnnxError
from deephealth.eddl.graph.layer import Layer

__all__ = ["Const", "Data", "Known", "Sizes", "is_mask"]


@dataclass(frozen=True, eq=False)
class Const:
    """A value that does not depend on the net's inputs.

    Args:
        tensor: the value.
        weight: whether it comes from the file's weights, so that training may change it.
        name: of the value in the file.
    """

    tensor: Tensor
    weight: bool = False
    name: str = ""

    @property
    def first(self) -> Tensor:
        """The value at the first batch size."""
        return self.tensor

    @property
    def second(self) -> Tensor:
        """The value at the second batch size: the same."""
        return self.tensor

    @property
    def trainable(self) -> bool:
        """Whether training should change it: floats of the file with more than one entry, other than masks."""
        return self.weight and self.tensor.is_floating_point() and self.tensor.numel() > 1 and not is_mask(self.tensor)


@dataclass(frozen=True, eq=False)
class Sizes:
    """Small numbers that follow the batch size, known at two of them.

    Args:
        first: at the first batch size.
        second: at the second.
        batches: the two batch sizes.
    """

    first: Tensor
    second: Tensor
    batches: tuple[int, int]

    def line(self) -> tuple[list[int], list[int]]:
        """Return intercepts and slopes of the entries as whole-numbered lines over the batch size.

        Raises:
            EddlOnnxError: an entry does not lie on such a line.
        """
        step = self.batches[1] - self.batches[0]
        rise = (self.second - self.first).reshape(-1).tolist()
        if any(each % step for each in rise):
            raise EddlOnnxError("ONNX::ImportNet", "a shape depends on the batch size in a way that is not a multiple")
        slopes = [int(each // step) for each in rise]
        values = self.first.reshape(-1).tolist()
        return [int(v) - s * self.batches[0] for v, s in zip(values, slopes, strict=True)], slopes


@dataclass(frozen=True, eq=False)
class Data:
    """What a layer computes, with its shape at two batch sizes.

    Args:
        layer: that computes it.
        first: a tensor without memory, as at the first batch size.
        second: as at the second.
        outer: how many entries lie outside the batch within the dimension that follows it (rows of 49 tokens times the
            batch: 49).
    """

    layer: Layer
    first: Tensor
    second: Tensor
    outer: int = 1

    @property
    def batch_first(self) -> bool:
        """Whether the first dimension, and only that, follows the batch."""
        return self.batch_axes == [0]

    @property
    def batch_axes(self) -> list[int]:
        """The dimensions whose size follows the batch."""
        pairs = zip(self.first.shape, self.second.shape, strict=True)
        return [axis for axis, (a, b) in enumerate(pairs) if a != b]


Known = Const | Sizes | Data


def is_mask(tensor: Tensor) -> bool:
    """Return whether ``tensor`` is an attention mask: zeros, and one large negative number elsewhere.

    Example:
        >>> import torch
        >>> is_mask(torch.tensor([0.0, -100.0, 0.0])), is_mask(torch.tensor([0.0, 1.0]))
        (True, False)
    """
    low = tensor.min()
    return bool(low <= -100) and bool(((tensor == 0) | (tensor == low)).all())
