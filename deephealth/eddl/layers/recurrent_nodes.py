"""Recurrent layers as nodes of the graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import nn

from deephealth.eddl.errors import EddlShapeError
from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.ops.recurrent import RecurrentOp
from deephealth.eddl.ops.recurrent_gru import GRUOp
from deephealth.eddl.ops.recurrent_lstm import LSTMOp
from deephealth.eddl.ops.recurrent_rnn import RNNOp

__all__ = ["LCopyStates", "LGRU", "LLSTM", "LRNN", "LStates", "RecurrentLayer", "hands_on_states", "state_count"]


def hands_on_states(source: Layer) -> bool:
    """Return whether a layer has states to start from, rather than an output that can serve as the first."""
    return isinstance(source, LStates | LCopyStates | RecurrentLayer)


def state_count(source: Layer) -> int:
    """Return how many states a layer hands on; any layer's output can serve as one."""
    if isinstance(source, LStates):
        return source.shape[0]
    if isinstance(source, LCopyStates):
        return state_count(source.parent[0])
    return source.op.state_count if isinstance(source.op, RecurrentOp) else 1


class RecurrentLayer(Layer):
    """Base of RNN, LSTM and GRU nodes.

    Set ``isrecurrent = False`` before the net is made to have it run one step at a time, from the states that a
    ``States`` parent gives.

    Args:
        parents: the input and, if wanted, where the initial states come from: a ``States``, ``GetStates`` or recurrent
            layer, or any layer that puts out the first state.
        units: units (per direction).
        name: the user's name.

    Attributes:
        units: units per direction.
        bidirectional: what the user asked for.
        mask_zeros: whether steps of zeros are passed over.

    Raises:
        EddlShapeError: the input has more than one dimension beside the batch, or the states do not fit.
    """

    bidirectional: bool = False
    mask_zeros: bool = False

    def __init__(self, parents: Sequence[Layer], op: RecurrentOp, name: str = "") -> None:
        super().__init__(parents, op, [op.width], name)
        self.isrecurrent = True
        self.units = op.units
        self._check_states(op)

    def _check_states(self, op: RecurrentOp) -> None:
        for source in self.parent[1:]:
            size = source.shape[-1] if source.shape else 0
            if size not in {op.width, op.units} or (hands_on_states(source) and state_count(source) < op.state_count):
                raise EddlShapeError(
                    type(self).__name__,
                    f"{self.name} cannot start from {source.name}, whose states are {source.shape}",
                    allowed=f"{op.state_count} states of {op.width} units",
                )

    @property
    def state_values(self) -> list[torch.Tensor]:
        """The states that the last pass left: h, and c for LSTM."""
        return self.op.left if isinstance(self.op, RecurrentOp) else []

    @state_values.setter
    def state_values(self, values: list[torch.Tensor]) -> None:
        if isinstance(self.op, RecurrentOp):
            self.op.left = values


def _features(parents: Sequence[Layer], title: str) -> int:
    shape = parents[0].shape
    if len(shape) != 1:
        raise EddlShapeError(
            title,
            f"it reads vectors, and {parents[0].name} puts out {shape}",
            allowed="one dimension beside the batch (and the time)",
            hint="put a Flatten or Reshape([-1]) before it",
        )
    return shape[0]


class LRNN(RecurrentLayer):
    """Plain recurrent layer."""

    prefix: ClassVar[str] = "RNN"

    def __init__(
        self,
        parents: Sequence[Layer],
        units: int,
        activation: str = "tanh",
        use_bias: bool = True,
        bidirectional: bool = False,
        name: str = "",
    ) -> None:
        op = RNNOp(_features(parents, "LRNN"), units, activation, use_bias, bidirectional)
        super().__init__(parents, op, name)
        self.activation, self.use_bias, self.bidirectional = activation, use_bias, bidirectional


class LLSTM(RecurrentLayer):
    """LSTM."""

    prefix: ClassVar[str] = "LSTM"

    def __init__(
        self,
        parents: Sequence[Layer],
        units: int,
        mask_zeros: bool = False,
        bidirectional: bool = False,
        name: str = "",
    ) -> None:
        super().__init__(parents, LSTMOp(_features(parents, "LLSTM"), units, mask_zeros, bidirectional), name)
        self.mask_zeros, self.bidirectional = mask_zeros, bidirectional


class LGRU(RecurrentLayer):
    """GRU."""

    prefix: ClassVar[str] = "GRU"

    def __init__(
        self,
        parents: Sequence[Layer],
        units: int,
        mask_zeros: bool = False,
        bidirectional: bool = False,
        name: str = "",
    ) -> None:
        super().__init__(parents, GRUOp(_features(parents, "LGRU"), units, mask_zeros, bidirectional), name)
        self.mask_zeros, self.bidirectional = mask_zeros, bidirectional


class LStates(Layer):
    """An input that holds states: ``[B, number, units]``."""

    prefix: ClassVar[str] = "State"

    def __init__(self, shape: Sequence[int], name: str = "") -> None:
        super().__init__([], None, shape, name)

    @property
    def states(self) -> list:  # type: ignore[override]
        """The states one by one, ``[B, units]`` each."""
        from deephealth.eddl.tensor import Tensor

        return [Tensor.from_torch(state) for state in self.output.torch.unbind(1)]


class LCopyStates(Layer):
    """The last states of a recurrent layer; its own output is the first of them."""

    prefix: ClassVar[str] = "CopyState"

    def __init__(self, parents: Sequence[Layer], name: str = "") -> None:
        super().__init__(parents, nn.Identity(), parents[0].shape, name)
