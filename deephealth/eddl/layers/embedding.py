"""Embedding of indices."""

from __future__ import annotations

import math

from deephealth.eddl.errors import EddlShapeError
from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.ops.embedding import EmbeddingOp

__all__ = ["Embedding", "LEmbedding"]


class LEmbedding(Layer):
    """A table of rows, one per index.

    Args:
        parent: what it reads: ``length`` indices, in any shape; a single one needs no axis.
        vocsize: number of rows.
        length: indices per sample.
        dim: length of a row.
        mask_zeros: index 0 gives zeros, and its row does not learn.
        name: its name.
    """

    prefix = "embedding"

    def __init__(
        self, parent: Layer, vocsize: int, length: int, dim: int, mask_zeros: bool = False, name: str = ""
    ) -> None:
        if math.prod(parent.shape) != length:
            what = f"wants {length} indices per sample, got the shape {parent.shape}"
            raise EddlShapeError("LEmbedding", what, hint="pass the number of indices per sample as length")
        self.vocsize, self.length, self.dim, self.mask_zeros = vocsize, length, dim, mask_zeros
        super().__init__([parent], EmbeddingOp(vocsize, dim, mask_zeros=mask_zeros), [length * dim], name)


def Embedding(
    parent: Layer, vocsize: int, length: int, output_dim: int, mask_zeros: bool = False, name: str = ""
) -> Layer:
    """Turn indices into rows of a table that learns.

    Args:
        parent: layer of ``length`` indices; one that is outside the table counts as 0.
        vocsize: number of rows.
        length: indices per sample.
        output_dim: length of a row.
        mask_zeros: index 0 gives zeros, and its row does not learn.
        name: its name.

    Raises:
        EddlShapeError: the parent does not hold ``length`` indices.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> Embedding(Input([5]), 1000, 5, 16).shape
        [80]
    """
    return LEmbedding(parent, vocsize, length, output_dim, mask_zeros, name)
