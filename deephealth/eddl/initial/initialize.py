"""The first values of a layer's parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from deephealth.eddl.initial.scaled import IGlorotUniform

if TYPE_CHECKING:
    from deephealth.eddl.graph.layer import Layer

__all__ = ["DEFAULT_SEED", "initialize_layer"]

DEFAULT_SEED = 1234
"""EDDL's seed of every initializer that is given none."""


def initialize_layer(layer: Layer, key: Sequence[int | str] = ()) -> None:
    """Draw the parameters of a layer again.

    Parameters with a fixed first value get it, whatever the layer's initializer (the bias of a convolution, the scale
    of a normalisation); the others are drawn by the initializer, or by Glorot's uniform one if none is set.

    Args:
        layer: the layer.
        key: what tells this layer's draws from another's under one seed, such as its number in the net.
    """
    initializer = layer.init or IGlorotUniform(DEFAULT_SEED)
    for index, slot in enumerate(layer.slots()):
        tensor = slot.value(layer.module)
        if slot.fixed is None:
            initializer.apply(tensor, key=(*key, index))
        else:
            with torch.no_grad():
                tensor.fill_(slot.fixed)
