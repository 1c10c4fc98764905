"""Making a net, and finding, removing, freezing and drawing again its layers."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence

from deephealth.core.errors import did_you_mean
from deephealth.eddl.errors import EddlError
from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.net.net import Net

__all__ = ["EddlNameWarning", "Model", "getLayer", "initializeLayer", "removeLayer", "setName", "setTrainable"]


class EddlNameWarning(UserWarning):
    """A name that no layer has, where the original did nothing without a word."""


def Model(in_: Sequence[Layer], out: Sequence[Layer]) -> Net:
    """Make a net from its input and output layers.

    Args:
        in_: input layers.
        out: output layers; may be empty.

    Raises:
        EddlError: the inputs do not lead to the outputs.

    Example:
        >>> from deephealth import eddl
        >>> x = eddl.Input([4])
        >>> [layer.name for layer in eddl.Model([x], [eddl.Dense(x, 2, name="d")]).layers][1:]
        ['d']
    """
    return Net(in_, out)


def setName(m: Net, name: str) -> None:
    """Name a net."""
    m.name = name


def getLayer(net: Net, in_: str) -> Layer:
    """Return the layer with the name ``in_``.

    Raises:
        EddlError: there is none; the nearest names are suggested.
    """
    for layer in net.layers:
        if layer.name == in_:
            return layer
    raise EddlError(
        "getLayer", f"net {net.name} has no layer '{in_}'", hint=did_you_mean(in_, [layer.name for layer in net.layers])
    )


def removeLayer(net: Net, l: str) -> None:
    """Remove the layer with the name ``l`` before build; its parents stay, and can be outputs of a new net.

    An unknown name does nothing, as in the original.

    Raises:
        EddlError: the net is built already.
    """
    if net.isbuild:
        raise EddlError("Net::removeLayer", "layers can be removed only before build", hint="make a new Model instead")
    for layer in net.layers:
        if layer.name == l:
            _unlink(net, layer)
            return


def _unlink(net: Net, layer: Layer) -> None:
    sys.stdout.write(f"removing {layer.name}\n")
    for parent in layer.parent:
        parent.child = [child for child in parent.child if child is not layer]
    if layer in net.lout:
        net.lout.remove(layer)
        sys.stdout.write("Warning: output layer has been removed\n")
    net.layers.remove(layer)
    net.totals = type(net.totals)(len(net.lout))
    net.forget_modules()


def initializeLayer(net: Net, l: str) -> None:
    """Draw the parameters of the layers with the name ``l`` again, with their initializers.

    Warns:
        EddlNameWarning: there is no such layer; nothing is done, as in the original.
    """
    for layer in _named(net, l, "initializeLayer"):
        layer.initialize((net.layers.index(layer), net.redraws))
        net.redraws += 1


def setTrainable(net: Net, lanme: str, val: bool) -> None:
    """Freeze (``False``) or thaw (``True``) the layers with the name ``lanme``.

    Warns:
        EddlNameWarning: there is no such layer; nothing is done, as in the original.
    """
    for each in {id(each): each for each in [net, *net.snets]}.values():
        for layer in _named(each, lanme, "setTrainable"):
            layer.setTrainable(val)


def _named(net: Net, name: str, where: str) -> list[Layer]:
    found = [layer for layer in net.layers if layer.name == name]
    if not found:
        hint = did_you_mean(name, [layer.name for layer in net.layers])
        warnings.warn(f"{where}: net {net.name} has no layer '{name}'; {hint}", EddlNameWarning, stacklevel=3)
    return found
