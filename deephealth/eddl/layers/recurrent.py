"""Recurrent layers, their states, and the mark that makes a net a decoder."""

from __future__ import annotations

from collections.abc import Sequence

from deephealth.eddl.errors import EddlShapeError
from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.layers.recurrent_nodes import LGRU, LLSTM, LRNN, LCopyStates, LStates

__all__ = ["GRU", "GetStates", "LSTM", "RNN", "States", "setDecoder"]


def _parents(parent: Layer | Sequence[Layer]) -> list[Layer]:
    return [parent] if isinstance(parent, Layer) else list(parent)


def RNN(
    parent: Layer | Sequence[Layer],
    units: int,
    activation: str = "tanh",
    use_bias: bool = True,
    bidirectional: bool = False,
    name: str = "",
) -> Layer:
    """Add a plain recurrent layer: ``h' = activation(W x + U h + b)``.

    Args:
        parent: the layer it reads at every time step (``[features]``), or ``[layer, states]`` to say where the first
            state comes from.
        units: size of the state and of the output.
        activation: tanh, relu, sigmoid, hard_sigmoid or none.
        use_bias: whether there is a bias.
        bidirectional: also read from the last step to the first; the output has twice the units.
        name: the layer's name; empty for a default one.

    Raises:
        EddlShapeError: the input is not a vector per time step, or the states do not fit.
        EddlError: an unknown activation.

    Example:
        >>> from deephealth import eddl
        >>> layer = RNN(eddl.Input([8]), 4, "relu", use_bias=False)
        >>> layer.shape, [param.shape for param in layer.params]
        ([4], [[8, 4], [4, 4]])
    """
    return LRNN(_parents(parent), units, activation, use_bias, bidirectional, name)


def LSTM(
    parent: Layer | Sequence[Layer],
    units: int,
    mask_zeros: bool = False,
    bidirectional: bool = False,
    name: str = "",
) -> Layer:
    """Add an LSTM.

    Args:
        parent: the layer it reads at every time step (``[features]``), or ``[layer, states]`` to say where the first
            states (h and c) come from: a ``States``, a ``GetStates``, or another recurrent layer.
        units: size of the states and of the output.
        mask_zeros: a time step whose input is all zeros leaves the states as they are.
        bidirectional: also read from the last step to the first; the output has twice the units.
        name: the layer's name; empty for a default one.

    Raises:
        EddlShapeError: the input is not a vector per time step, or the states do not fit.

    Example:
        >>> from deephealth import eddl
        >>> layer = LSTM(eddl.Input([8]), 4)
        >>> layer.shape, len(layer.params)
        ([4], 12)
    """
    return LLSTM(_parents(parent), units, mask_zeros, bidirectional, name)


def GRU(
    parent: Layer | Sequence[Layer],
    units: int,
    mask_zeros: bool = False,
    bidirectional: bool = False,
    name: str = "",
) -> Layer:
    """Add a GRU (the variant that resets after the product with the recurrent weights, as torch's).

    Args:
        parent: the layer it reads at every time step (``[features]``), or ``[layer, states]`` to say where the first
            state comes from.
        units: size of the state and of the output.
        mask_zeros: a time step whose input is all zeros leaves the state as it is.
        bidirectional: also read from the last step to the first; the output has twice the units.
        name: the layer's name; empty for a default one.

    Raises:
        EddlShapeError: the input is not a vector per time step, or the states do not fit.

    Example:
        >>> from deephealth import eddl
        >>> layer = GRU(eddl.Input([8]), 4, bidirectional=True)
        >>> layer.shape, len(layer.params)
        ([8], 20)
    """
    return LGRU(_parents(parent), units, mask_zeros, bidirectional, name)


def States(shape: Sequence[int], name: str = "") -> Layer:
    """Add an input that holds states of a recurrent layer.

    Args:
        shape: ``[number of states, units]``: 2 states for an LSTM (h, c), 1 for a GRU or RNN.
        name: the layer's name; empty for a default one.

    Raises:
        EddlShapeError: not two numbers.

    Example:
        >>> from deephealth import eddl
        >>> LSTM([eddl.Input([8]), States([2, 4])], 4).parent[1].shape
        [2, 4]
    """
    if len(shape) != 2:
        raise EddlShapeError("eddl.States", f"got {list(shape)}", allowed="[number of states, units]")
    return LStates(shape, name)


def GetStates(parent: Layer) -> Layer:
    """Add a layer that hands on the last states of a recurrent layer, for a decoder to start from.

    Args:
        parent: a recurrent layer.

    Example:
        >>> from deephealth import eddl
        >>> GetStates(LSTM(eddl.Input([8]), 4)).name
        'getstates'
    """
    return LCopyStates([parent], "getstates")


def setDecoder(l: Layer) -> None:
    """Mark an input as a decoder's, and everything that depends on it.

    While a net with a decoder is trained, its decoder input at each step is the target of the step before (zeros at the
    first step).

    Args:
        l: the decoder's input layer.

    Example:
        >>> from deephealth import eddl
        >>> encoder, word = LSTM(eddl.Input([8]), 4), eddl.Input([5])
        >>> out = eddl.Dense(LSTM([word, GetStates(encoder)], 4), 5)
        >>> setDecoder(word)
        >>> out.isdecoder, encoder.isdecoder
        (True, False)
    """
    waiting = [l]
    while waiting:
        layer = waiting.pop()
        if not layer.isdecoder:
            layer.isdecoder = True
            waiting.extend(layer.child)
