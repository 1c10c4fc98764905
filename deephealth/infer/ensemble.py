"""Several networks and several views as one network: their mean, of logits or of probabilities."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal, TypeAlias

import torch

from deephealth.core.errors import ConfigError, DataError

__all__ = ["Activation", "Average", "Ensemble", "Outputs", "activate", "flatten", "pack"]

Activation = Literal["softmax", "sigmoid"]
Average = Literal["logits", "probabilities"]
Outputs: TypeAlias = "torch.Tensor | tuple[torch.Tensor, ...] | dict[Any, torch.Tensor]"


def activate(values: torch.Tensor, activation: Activation | None, axis: int = 1) -> torch.Tensor:
    """Return probabilities: ``softmax`` over the classes along ``axis``, ``sigmoid`` of each, or the values themselves.

    Example:
        >>> activate(torch.zeros(1, 2, 1), "softmax").flatten().tolist()
        [0.5, 0.5]
    """
    if activation == "softmax":
        return torch.softmax(values, axis)
    return torch.sigmoid(values) if activation == "sigmoid" else values


def flatten(outputs: Any) -> tuple[list[Any] | None, tuple[torch.Tensor, ...]]:
    """Return the tensors of what a network gave, and the keys where it gave a dictionary (sorted, as MONAI does).

    Raises:
        DataError: there is something else than tensors in it.

    Example:
        >>> flatten({"b": torch.zeros(1), "a": torch.ones(1)})
        (['a', 'b'], (tensor([1.]), tensor([0.])))
    """
    keys: list[Any] | None = None
    if isinstance(outputs, torch.Tensor):
        found: tuple[Any, ...] = (outputs,)
    elif isinstance(outputs, Mapping):
        keys = sorted(outputs)
        found = tuple(outputs[key] for key in keys)
    elif isinstance(outputs, (tuple, list)):
        found = tuple(outputs)
    else:
        found = (outputs,)
    strange = [type(item).__name__ for item in found if not isinstance(item, torch.Tensor)]
    if strange or not found:
        raise DataError(
            f"the network returned {', '.join(strange) or 'nothing'}",
            allowed="a tensor, or a tuple, list or dictionary of tensors",
        )
    return keys, found


def pack(keys: Sequence[Any] | None, tensors: Sequence[torch.Tensor]) -> Outputs:
    """Return tensors in the form in which the network gave them; a single one that had no key stands alone."""
    if keys is not None:
        return dict(zip(keys, tensors, strict=True))
    return tensors[0] if len(tensors) == 1 else tuple(tensors)


@dataclass(frozen=True)
class Ensemble:
    """The mean of several networks and of their views of the mirrored input, itself a network.

    Args:
        networks: each takes B×C×spatial and returns a tensor, or a tuple, list or dictionary of tensors; all of them
            the same shapes.
        weights: one number above 0 or equal to it per network, such as its score in validation; ``None`` is equal.
        mirror: spatial axes (0 is D of a volume, H of an image) whose 2^n mirror images are averaged.
        average: ``logits`` averages what the networks return, as nnU-Net does with folds and mirror images;
            ``probabilities`` applies the activation first, as nnU-Net does with several configurations.
        activation: of ``probabilities``.

    Raises:
        ConfigError: no network, weights that do not fit, or probabilities without an activation.

    Example:
        >>> Ensemble([lambda x: x, lambda x: x + 4], weights=[3, 1])(torch.zeros(1, 1, 2, 2)).flatten().tolist()
        [1.0, 1.0, 1.0, 1.0]
    """

    networks: Sequence[Callable[[torch.Tensor], Any]]
    weights: Sequence[float] | None = None
    mirror: Sequence[int] = ()
    average: Average = "logits"
    activation: Activation | None = None

    def __post_init__(self) -> None:
        problems = [] if self.networks else ["networks: there is none"]
        problems += _weight_problems(self.weights, len(self.networks))
        if self.average not in ("logits", "probabilities"):
            problems.append(f"average: '{self.average}' is neither logits nor probabilities")
        if self.activation not in ("softmax", "sigmoid", None):
            problems.append(f"activation: '{self.activation}' is neither softmax nor sigmoid nor None")
        if self.average == "probabilities" and self.activation is None:
            problems.append("average: probabilities need an activation, softmax or sigmoid")
        if len(set(self.mirror)) != len(self.mirror) or any(axis not in (0, 1, 2) for axis in self.mirror):
            problems.append(f"mirror: {tuple(self.mirror)} are not different axes out of 0, 1, 2")
        if problems:
            raise ConfigError(problems, source="the ensemble")

    def __call__(self, input_bc: torch.Tensor) -> Outputs:
        """Return the mean over networks and views.

        Raises:
            DataError: a network returned other shapes than the first, or the input lacks an axis to mirror.
        """
        if len(self.networks) == 1 and not self.mirror and self.average == "logits":
            return pack(*flatten(self.networks[0](input_bc)))
        spatial = input_bc.dim() - 2
        if any(axis >= spatial for axis in self.mirror):
            raise DataError(f"{tuple(self.mirror)} can't be mirrored in {spatial} spatial axes", allowed="axes it has")
        weights = self.weights if self.weights is not None else [1.0] * len(self.networks)
        views = [axes for n in range(len(self.mirror) + 1) for axes in combinations([a + 2 for a in self.mirror], n)]
        total = sum(weights) * len(views)
        sums: list[torch.Tensor] = []
        keys: list[Any] | None = None
        for network, weight in zip(self.networks, weights, strict=True):
            for axes in views:
                keys, found = flatten(network(input_bc.flip(axes) if axes else input_bc))
                self._add(sums, found, axes, weight / total)
        return pack(keys, sums)

    def _add(self, sums: list[torch.Tensor], found: Sequence[torch.Tensor], axes: Sequence[int], share: float) -> None:
        """Add one network's view of the input; a new tensor is made first, since a network may return its input."""
        first = not sums
        if not first and [item.shape for item in found] != [item.shape for item in sums]:
            raise DataError(
                f"a network returned {[tuple(item.shape) for item in found]}",
                allowed=f"{[tuple(item.shape) for item in sums]}, as the first one",
            )
        for at, item in enumerate(found):
            value = item.float()
            if self.average == "probabilities":
                value = activate(value, self.activation)
            value = value.flip(*axes) if axes else value
            if first:
                sums.append(value * share)
            else:
                sums[at].add_(value, alpha=share)


def _weight_problems(weights: Sequence[float] | None, networks: int) -> list[str]:
    if weights is None:
        return []
    problems = []
    if len(weights) != networks:
        problems.append(f"weights: {len(weights)} for {networks} networks")
    if any(not math.isfinite(weight) or weight < 0 for weight in weights):
        problems.append(f"weights: {list(weights)} are not all finite and 0 or above")
    elif not sum(weights) > 0:
        problems.append(f"weights: {list(weights)} add up to zero")
    return problems
