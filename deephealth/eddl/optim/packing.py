"""An optimizer's state as tensors by name, so that it can be stored without code in the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from deephealth.eddl.errors import EddlShapeError, EddlValueError

__all__ = ["pack", "unpack"]


def pack(settings: Mapping[str, float], kept: Mapping[str, Sequence[torch.Tensor]]) -> dict[str, torch.Tensor]:
    """Return one flat dictionary of tensors.

    Args:
        settings: numbers by name.
        kept: for each name, one tensor per parameter.

    Example:
        >>> sorted(pack({"lr": 0.1}, {"mT": [torch.zeros(2)]}))
        ['mT/0', 'setting/lr']
    """
    state = {f"setting/{name}": torch.tensor(value, dtype=torch.float64) for name, value in settings.items()}
    for name, tensors in kept.items():
        state.update({f"{name}/{index}": tensor.detach().clone() for index, tensor in enumerate(tensors)})
    return state


def unpack(
    state: Mapping[str, torch.Tensor],
    settings: Mapping[str, Any],
    kept: Sequence[str],
    params: Sequence[torch.Tensor],
    title: str,
) -> tuple[dict[str, Any], dict[str, list[torch.Tensor]]]:
    """Check and return what :func:`pack` packed.

    Args:
        state: the packed tensors.
        settings: the present settings; new ones get the same types.
        kept: names of what is kept of each parameter.
        params: the parameters that the state is for.
        title: the optimizer's name, for messages.

    Raises:
        EddlValueError: if names are missing or not known.
        EddlShapeError: if a tensor does not fit its parameter.
    """
    wanted = {f"setting/{name}" for name in settings}
    tensors = {f"{name}/{index}" for name in kept for index in range(len(params))}
    fresh = not any("setting/" not in key for key in state)  # saved before the first step: nothing was kept yet
    expected = wanted if fresh else wanted | tensors
    if expected != set(state):
        wrong = sorted(expected ^ set(state))
        raise EddlValueError(
            f"the state is not one of {title} over {len(params)} parameters; first differing names: {wrong[:4]}",
            allowed=f"{len(expected)} tensors, as state_dict() of the same optimizer and net returns them",
            hint="build the same net with the same optimizer before loading",
        )
    values = {name: type(now)(state[f"setting/{name}"].item()) for name, now in settings.items()}
    if fresh:
        return values, {}
    return values, {name: [_fitting(state, f"{name}/{i}", p) for i, p in enumerate(params)] for name in kept}


def _fitting(state: Mapping[str, torch.Tensor], key: str, param: torch.Tensor) -> torch.Tensor:
    if state[key].shape != param.shape:
        what = f"{key} has shape {list(state[key].shape)} and its parameter has shape {list(param.shape)}"
        raise EddlShapeError("Optimizer.load_state_dict", what, allowed="equal shapes", hint="build the same net first")
    return torch.zeros_like(param).copy_(state[key])
