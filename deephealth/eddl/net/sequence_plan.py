"""What the layers of a recurrent net are for: encoder, decoder, inputs of either, and who starts from whose states."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.graph.order import ancestors
from deephealth.eddl.layers.recurrent_nodes import LCopyStates, LStates, state_count

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
        readers: the decoder's recurrent layers.
        linked: the one that starts from the encoder's last recurrent layer although its parents don't say so, if any.
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
        self.strict = net.strict
        self.readers = [layer for layer in self.layers if id(layer) in self.decoder and layer.isrecurrent]
        self.linked, self.source = self._link(encoder, strict=self.strict)

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

    def _link(self, encoder: Sequence[Layer], *, strict: bool) -> tuple[Layer | None, Layer | None]:
        """Find what the original connects by itself: a decoder's first recurrent layer to the encoder's last states."""
        ends = [layer for layer in encoder if layer.isrecurrent or (strict and isinstance(layer, LCopyStates))]
        named = any(len(layer.parent) > 1 for layer in self.readers)
        if not self.before or not self.readers or (named and not strict):
            return None, None
        source, first = ends[-1], self.readers[0]
        if isinstance(source, LCopyStates):
            source = source.parent[0]
        fits = source.shape == first.shape and state_count(source) >= state_count(first)
        return (first, source) if fits else (None, None)

    def origins(self, layer: Layer) -> list[Layer]:
        """Return the layers whose states a recurrent layer starts from.

        Names count, but for strict mode, where only the first recurrent layer of a decoder starts from the encoder.
        """
        if self.source is not None and layer is self.linked:
            return [self.source]
        if self.strict and self.source is not None and layer in self.readers:
            return []
        return layer.parent[1:]

    def needed(self) -> list[Layer]:
        """Return the layers that the outputs depend on."""
        return ancestors([*self.outputs, *([self.source] if self.source else [])], self.layers)

    @property
    def has_decoder(self) -> bool:
        """Whether the net has a decoder."""
        return bool(self.decoder)

    @property
    def has_encoder(self) -> bool:
        """Whether recurrent layers read the inputs."""
        return bool(self.before)
