"""Taking the classifier off an imported network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deephealth.eddl.errors import EddlError

if TYPE_CHECKING:
    from deephealth.eddl.graph.layer import Layer
    from deephealth.eddl.net.net import Net

__all__ = ["strip_classifier"]

HEAD = ("LDense", "LActivation", "LDropout", "LReshape")


def strip_classifier(net: Net) -> None:
    """Remove the layers from the first fully connected one on, and name the layer before it ``top``.

    A last convolution over a single pixel counts as a classifier too.

    Args:
        net: a net that is not built, with one output.

    Raises:
        EddlError: it does not end in a classifier.
    """
    from deephealth.eddl.net.model import removeLayer

    chain = _head(net.lout[0])
    if not chain:
        raise EddlError(
            "eddl.download_model",
            f"the net ends in {net.lout[0]!r}, which is no classifier",
            allowed="a net that ends in fully connected layers",
            hint="take it with top=False",
        )
    top = chain[-1].parent[0]
    for layer in chain:
        removeLayer(net, layer.name)
    top.name = "top"


def _head(last: Layer) -> list[Layer]:
    """Return the layers from ``last`` back to the first fully connected one."""
    if type(last).__name__ == "LConv" and last.shape[1:] == [1, 1]:
        return [last]
    walked: list[Layer] = []
    dense = 0
    while type(last).__name__ in HEAD and last.parent:
        walked.append(last)
        if type(last).__name__ == "LDense":
            dense = len(walked)
        last = last.parent[0]
    return walked[:dense]
