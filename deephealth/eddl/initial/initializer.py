"""The base of initializers: where the numbers are drawn from."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from deephealth.core.seeds import counter_seed
from deephealth.eddl.strictness import is_strict
from deephealth.eddl.tensor import Tensor

__all__ = ["Initializer"]


class Initializer:
    """Fills the parameters of a layer with their first values; subclasses override ``fill``.

    The draws depend on the seed and on the key alone: not on the device, nor on what was drawn before. In strict mode
    seeds are ignored, as EDDL ignores them, and torch's global generator is drawn from.

    Args:
        name: EDDL's name of the method.
        seed: a whole number; a negative one draws from torch's global generator.
    """

    def __init__(self, name: str, seed: int = -1) -> None:
        self.name = name
        self.seed = int(seed)
        self.strict = is_strict()

    def apply(self, params: Tensor | torch.Tensor, key: Sequence[int | str] = ()) -> None:
        """Fill one parameter in place.

        Args:
            params: the parameter, in EDDL's layout.
            key: what tells this draw from others of the same seed, such as the numbers of the layer and the parameter.

        Example:
            >>> from deephealth.eddl.initial import IConstant
            >>> weight = Tensor.zeros([2])
            >>> IConstant(0.5).apply(weight)
            >>> weight.getdata().tolist()
            [0.5, 0.5]
        """
        tensor = params.torch if isinstance(params, Tensor) else params
        with torch.no_grad():
            self.fill(tensor.detach(), self._generator(key))

    def fill(self, tensor: torch.Tensor, generator: torch.Generator | None) -> None:
        """Fill ``tensor`` in place with numbers from ``generator`` (``None``: torch's global one)."""
        raise NotImplementedError

    def _generator(self, key: Sequence[int | str]) -> torch.Generator | None:
        if self.strict or self.seed < 0:
            return None
        return torch.Generator().manual_seed(counter_seed(self.seed, *key))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"
