"""What embeddings compute: a row of the table for every index."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from deephealth.eddl.graph.op import Op

__all__ = ["EmbeddingOp"]


class EmbeddingOp(Op):
    """Rows of ``weight`` [vocabulary, dim], side by side: indices [B] or [B, ...] become [B, length * dim].

    Indices are floats, as everything in EDDL, and are cut down to integers; one outside the vocabulary counts as 0.

    Args:
        vocabulary: number of rows.
        dim: length of a row.
        mask_zeros: index 0 gives zeros, and its row does not learn.
    """

    def __init__(self, vocabulary: int, dim: int, *, mask_zeros: bool = False) -> None:
        super().__init__()
        self.vocabulary, self.mask_zeros = vocabulary, mask_zeros
        self.weight = nn.Parameter(torch.empty(vocabulary, dim))
        self._quiet = self.strict

    def forward(self, x: Tensor) -> Tensor:
        """Return the rows of ``x``."""
        index = x.detach().to(torch.int64)
        inside = (index >= 0) & (index < self.vocabulary)
        if not self._quiet and not torch.compiler.is_compiling() and x.device.type == "cpu":
            self._warn(inside)
        index = torch.where(inside, index, 0)
        rows = F.embedding(index, self.weight)
        if self.mask_zeros:
            rows = rows * (index != 0).unsqueeze(-1)
        return rows.flatten(1)

    def _warn(self, inside: Tensor) -> None:
        """Say once that there are indices outside; on the CPU only, where looking costs no synchronisation."""
        if bool(inside.all()):
            return
        self._quiet = True
        what = f"Embedding: an index is outside the vocabulary of {self.vocabulary} and counts as 0"
        warnings.warn(what, UserWarning, stacklevel=3)

    def extra_repr(self) -> str:
        """Return the sizes."""
        return f"{list(self.weight.shape)}, mask_zeros={self.mask_zeros}"
