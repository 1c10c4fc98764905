"""What the layers of a recurrent net are for: encoder, decoder, inputs of either, and who starts from whose states."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.graph.order import ancestors
from deephealth.eddl.layers.recurrent_nodes import LStates, state_count

if TYPE_CHECKING:
    from deephealth.eddl.net.net import Net

__all__ = ["Plan"]


class Plan:
    """How a recurrent net is run.

    Args:
        net: the net.

    Attributes:
        layers: all its layers, parents before children.
        outputs: its output layers.
        decoder: ids of the layers that run at the decoder's steps.
        before: ids of the encoder's layers that run at every input step: recurrent ones and what leads to them.
        token_inputs: the decoder's inputs that are not among the net's inputs: teacher forcing fills them.
        inputs: what the module takes: the net's inputs, then ``token_inputs``.
        linked: the decoder's layer that starts from the encoder's last recurrent layer without saying so, or ``None``.
        source: that recurrent layer of the encoder.
    """

    def __init__(self, net: Net) -> None:
        self.layers: list[Layer] = net.layers
        self.outputs: list[Layer] = net.outputs
        self.decoder = self._downstream(layer for layer in self.layers if layer.isdecoder)
        encoder = [layer for layer in self.layers if id(layer) not in self.decoder]
        self.before = {id(layer) for layer in ancestors([each for each in encoder if each.isrecurrent], encoder)}
        given = set(map(id, net.lin))
        self.tokens = [layer for layer in self.layers if self._is_token(layer)]
        self.token_inputs = [layer for layer in self.tokens if id(layer) not in given]
        self.inputs: list[Layer] = [*net.lin, *self.token_inputs]
        self.linked, self.source = self._link(encoder)

    def moves(self, layer: Layer) -> bool:
        """Return whether an input has a time axis: tokens, an encoder's, without a decoder all."""
        if isinstance(layer, LStates):
            return False
        return not self.decoder or id(layer) in self.decoder or id(layer) in self.before

    def _is_token(self, layer: Layer) -> bool:
        return id(layer) in self.decoder and layer.op is None and not isinstance(layer, LStates)

    def _downstream(self, starts: Iterable[Layer]) -> set[int]:
        inside = {id(layer): layer for layer in self.layers}
        found: set[int] = set()
        waiting = list(starts)
        while waiting:
            layer = waiting.pop()
            if id(layer) in inside and id(layer) not in found:
                found.add(id(layer))
                waiting.extend(layer.child)
        return found

    def _link(self, encoder: Sequence[Layer]) -> tuple[Layer | None, Layer | None]:
        """Find what the original connects by itself: a decoder that names no states starts from the encoder's."""
        ends = [layer for layer in encoder if layer.isrecurrent]
        starts = [layer for layer in self.layers if id(layer) in self.decoder and layer.isrecurrent]
        if not ends or not starts or any(len(layer.parent) > 1 for layer in starts):
            return None, None
        source, target = ends[-1], starts[0]
        if source.shape != target.shape or state_count(source) < state_count(target):
            return None, None
        return target, source

    def needed(self) -> list[Layer]:
        """Return the layers that the outputs depend on."""
        ends = [*self.outputs, *([self.source] if self.source else [])]
        return ancestors(ends, self.layers)

    @property
    def has_decoder(self) -> bool:
        """Whether the net has a decoder."""
        return bool(self.decoder)

    @property
    def has_encoder(self) -> bool:
        """Whether recurrent layers read the inputs."""
        return bool(self.before)
