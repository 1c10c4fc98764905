"""Which layers belong to a net, and the order they run in."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Sequence

from deephealth.eddl.errors import EddlError
from deephealth.eddl.graph.layer import Layer

__all__ = ["ancestors", "collect", "topological"]


def collect(lin: Sequence[Layer], lout: Sequence[Layer]) -> list[Layer]:
    """Return the layers of a net in the order they run in.

    As the original does: forward from the inputs, not beyond outputs, then backward from the outputs.

    Args:
        lin: input layers.
        lout: output layers; may be empty.

    Raises:
        EddlError: an input does not lead to any output, or there is a cycle.
    """
    starts, ends = set(map(id, lin)), set(map(id, lout))
    forward = _walk(lin, lambda layer: [] if id(layer) in ends else layer.child)
    backward = _walk(lout, lambda layer: [] if id(layer) in starts else layer.parent)
    _check_connected(lin, lout, backward)
    seen = set(map(id, forward))
    return topological(forward + [layer for layer in backward if id(layer) not in seen])


def _walk(starts: Iterable[Layer], neighbours: Callable[[Layer], list[Layer]]) -> list[Layer]:
    found: dict[int, Layer] = {}
    stack = list(reversed(list(starts)))
    while stack:
        layer = stack.pop()
        if id(layer) not in found:
            found[id(layer)] = layer
            stack.extend(reversed(neighbours(layer)))
    return list(found.values())


def _check_connected(lin: Sequence[Layer], lout: Sequence[Layer], reached: list[Layer]) -> None:
    if not lout:
        return
    ids = set(map(id, reached))
    if any(layer.isdecoder for layer in reached):
        return  # a decoder starts from the encoder's states, which need not be an edge of the graph
    if lin and not any(id(layer) in ids for layer in lin):
        raise EddlError(
            "Model",
            f"no input ({', '.join(layer.name for layer in lin)}) leads to "
            f"the outputs ({', '.join(layer.name for layer in lout)})",
            hint="pass the Input layers that the outputs were made from",
        )


def topological(layers: Sequence[Layer]) -> list[Layer]:
    """Return ``layers`` with parents before children; of those that are ready, the first listed goes first."""
    place = {id(layer): index for index, layer in enumerate(layers)}
    waiting = [sum(id(parent) in place for parent in layer.parent) for layer in layers]
    ready = [index for index, count in enumerate(waiting) if count == 0]
    heapq.heapify(ready)
    ordered = []
    while ready:
        layer = layers[heapq.heappop(ready)]
        ordered.append(layer)
        for child in layer.child:
            index = place.get(id(child))
            if index is not None:
                waiting[index] -= 1
                if waiting[index] == 0:
                    heapq.heappush(ready, index)
    if len(ordered) != len(layers):
        stuck = [layer.name for layer in layers if layer not in ordered]
        raise EddlError(
            "Net.fts",
            f"the layers {', '.join(stuck)} form a cycle",
            hint="recurrence is what LSTM, GRU and RNN are for",
        )
    return ordered


def ancestors(lout: Sequence[Layer], layers: Sequence[Layer]) -> list[Layer]:
    """Return those of ``layers`` that ``lout`` depends on, in the order of ``layers``."""
    needed = set(map(id, _walk(lout, lambda layer: layer.parent)))
    return [layer for layer in layers if id(layer) in needed]
